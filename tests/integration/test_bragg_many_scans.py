"""Bragg reflections of several scans: in a series with labels, and of earlier runs."""
import json
import unittest

import numpy as np

from bragg_scans import BraggScans, rounded
from harness import ControlError, open_recording

SLOW = True


class ManyScans(BraggScans):
    def test_scans_with_labels_make_a_series(self):
        scan, found, strong = (10, 10), {}, {}
        control = self.begin(scan=scan)
        for strain in (8, 0, 8):
            summary = self.measure(control, scan, labels={"strain": strain, "film": "a"})
            self.assertEqual(summary["labels"], {"strain": strain, "film": "a"})
            recorded = self.recorded(summary)
            found.setdefault(str(strain), []).append((recorded["class"] > 0).sum())
            strong.setdefault(str(strain), []).append((recorded["strongest"] >= 2).sum())
            with open_recording(summary["file"]) as file:
                self.assertEqual(json.loads(file["/entry/settings/1"][()])["labels"], summary["labels"])
        series = control("bragg_series", label="strain")["series"]
        self.assertEqual([(row["value"], row["scans"], row["n"], row["method"]) for row in series["rows"]],
                         [("0", 1, 100, "effective_size"), ("8", 2, 200, "clustered")])
        for row in series["rows"]:
            self.assertAlmostEqual(row["fraction"], sum(found[row["value"]]) / row["n"], 8)
            contrast = row["contrast"]
            self.assertEqual((contrast["min"], contrast["count"], contrast["method"]), (2, sum(strong[row["value"]]), row["method"]))
            self.assertLess(contrast["interval"][0], contrast["fraction"])
        self.assertEqual([one["contrast"]["count"] for one in series["scans"]], [strong["8"][0], strong["0"][0], strong["8"][1]])
        self.check_rates_of_rows(control, series)
        self.check_false_alarms_of_rows(control, series)
        with self.assertRaises(ControlError) as refused:
            control("bragg_series", label="stress")
        self.assertEqual(refused.exception.code, "no_data")
        with self.assertRaises(ControlError) as refused:
            control("start", scan=list(scan), labels={"strain": [8]})
        self.assertEqual(refused.exception.field, "args.labels")

    def check_rates_of_rows(self, control, series):
        """Rows tell what was found of reflections put into their own scans, and are corrected for it when they are asked to be."""
        for row in series["rows"]:
            scans = [scan["contrast"]["true_positive"] for scan in series["scans"] if scan["value"] == row["value"]]
            rate = row["headline"]["true_positive"]
            self.assertEqual((rate["n"], rate["found"]), (sum(one["n"] for one in scans), sum(one["found"] for one in scans)))
            self.assertEqual((row["corrected"], row["headline"]["corrected"]), (None, None))
        rows = control("bragg_series", label="strain", rates={"fpr": 0.01, "tpr": 0.95},
                       contrast_rates={"fpr": 0.001, "tpr": "measure"})["series"]["rows"]
        for row in rows:
            self.assertAlmostEqual(row["corrected"]["fraction"], (row["fraction"] - 0.01) / 0.94, 4)
            headline = row["headline"]
            expected = (headline["fraction"] - 0.001) / (headline["true_positive"]["tpr"] - 0.001)
            self.assertAlmostEqual(headline["corrected"]["fraction"], min(1, expected), 3)
            self.assertEqual(row["contrast"]["corrected"], headline["corrected"])
        for wrong, field in (({"rates": {"fpr": 0.5, "tpr": 0.4}}, "args.rates"), ({"contrast_rates": {"fpr": 0, "tpr": "guess"}}, "args.contrast_rates")):
            with self.assertRaises(ControlError) as refused:
                control("bragg_series", label="strain", **wrong)
            self.assertEqual((refused.exception.code, refused.exception.field), ("bad_value", field))

    def check_false_alarms_of_rows(self, control, series):
        """Glass that was named in one scan tells the false alarms of its row, and of rows whose scans have none."""
        named = series["scans"][1]
        test = control("bragg_null_test", run=named["name"], area=[0, 0, 4, 10])
        rows = control("bragg_series", label="strain", rates={"fpr": "measure", "tpr": 1})["series"]["rows"]
        for row in rows:
            source = "null_test" if row["value"] == named["value"] else "null_test_of_series"
            alarms, corrected = row["headline"]["false_positive"], row["headline"]["corrected"]
            self.assertEqual((alarms["contrast"], alarms["n"], corrected["rates"]["fpr_from"]), (2, 40, source))
            self.assertEqual((row["corrected"]["rates"]["fpr_from"], rounded(row["corrected"]["rates"]["fpr"])), (source, rounded(test["rate"])))
            self.assertEqual(rounded(corrected["rates"]["fpr"]), rounded(alarms["fpr"]))

    def test_a_scan_that_drifted_is_flagged_and_can_be_left_out_of_the_series(self):
        scan = (16, 16)
        control = self.begin(scan=scan)
        before = np.random.default_rng(1).random((24, 24))
        before = sum(np.roll(before, shift, (0, 1)) for shift in ((0, 0), (0, 1), (1, 0), (1, 1)))
        for strain, moved in ((0, 0), (0, 2), (8, 0)):
            self.measure(control, scan, labels={"strain": strain})
            control.put("before", before[4:20, 4:20])
            control.put("after", before[4 - moved:20 - moved, 4:20])
            control.put("thick", np.full(scan, 10.0 + strain))
        asked = {"label": "strain", "drift": {"before": "before", "after": "after"}, "thickness": "thick"}
        series = control("bragg_series", **asked)["series"]
        self.assertEqual([scan["flags"] for scan in series["scans"]], [[], ["drift"], ["thickness"]])
        self.assertAlmostEqual(series["scans"][1]["drift"], 2, delta=0.2)
        self.assertEqual([scan["thickness"] for scan in series["scans"]], [10, 10, 18])
        self.assertEqual([row["scans"] for row in series["rows"]], [2, 1])
        asked["drift"]["leave_out"] = True
        series = control("bragg_series", **asked)["series"]
        self.assertEqual([scan["left_out"] for scan in series["scans"]], [False, True, False])
        self.assertEqual([row["scans"] for row in series["rows"]], [1, 1])
        # A scan that lacks a map is in the table all the same.
        series = control("bragg_series", label="strain", phase={"map": "nothing"})["series"]
        self.assertEqual(len(series["warnings"]), 3)
        self.assertEqual([row["scans"] for row in series["rows"]], [2, 1])
        # What was put is taken at its word; the halo is not.
        with self.assertRaises(ControlError) as refused:
            control("bragg_series", label="strain", phase={"map": "com_y"})
        self.assertEqual((refused.exception.code, refused.exception.field), ("bad_value", "args.phase.map"))
        self.assertEqual(control("bragg_series", label="strain", phase={"map": "before"})["series"]["phase"]["scans"], 3)

    def test_what_was_told_of_a_scan_stays_when_its_maps_do_not(self):
        scan = (8, 8)
        control = self.begin(scan=scan)
        phase = {"map": "left", "threshold": 0.5}
        self.measure(control, scan, labels={"strain": 0})
        control.put("left", np.tile(np.arange(8) < 4, (8, 1)))
        series = control("bragg_series", label="strain", phase=phase)["series"]
        table = series["scans"][0]["table"]
        self.assertEqual((series["warnings"], sum(map(sum, table))), ([], 64))
        control("bragg_settings", enabled=False)  # of those that push it out of memory nothing is asked
        for _ in range(16):
            self.measure(control, scan)
        with self.assertRaises(ControlError):
            control("run", id=control("bragg_series", label="strain")["series"]["scans"][0]["name"])
        series = control("bragg_series", label="strain", phase=phase)["series"]
        self.assertEqual(series["scans"][0]["table"], table)
        self.assertEqual((series["phase"]["scans"], series["phase"]["scans_shifted"]), (1, 0))
        other = control("bragg_series", label="strain", phase={"map": "left"})["series"]
        self.assertIsNone(other["scans"][0]["table"])
        self.assertIn("among the newest 16", other["warnings"][0])

    def test_earlier_runs_are_asked_for_by_their_id(self):
        scan = (12, 16)
        control = self.begin(scan=scan, **{"bragg.contrast_min": 3})
        first = self.measure(control, scan)
        second = self.measure(control, scan, recording=False)
        found = self.recorded(first)
        asked = control("bragg", run=first["id"])
        self.assertEqual((asked["run"], asked["provisional"]), (first["id"], False))
        for name in ("n", "fraction", "headline", "contrast", "reflections"):
            self.assertEqual(rounded(asked[name]), rounded(found["statistics"][name]), name)
        self.assertTrue(control("bragg")["provisional"])
        self.assertEqual(control("bragg")["run"], second["id"])
        parts = control.request("map", name="bragg/class", run=first["id"])[1]
        self.assertEqual(parts[0], found["class"].tobytes())
        labels = (found["class"] > 0).astype(int) + 1
        result, parts = control.request("label_patterns", labels=labels.tolist(), run=first["id"])
        sums = np.frombuffer(parts[0], "<u8").reshape(3, 256, 256)
        with open_recording(first["file"]) as file:
            np.testing.assert_array_equal(sums[2], file["/entry/data/data"][:][labels == 2].astype(np.uint64).sum(axis=0))
        self.assertEqual(control("bragg_null_test", run=first["id"])["n"], scan[0] * scan[1])
        control("bragg_injection_test", run=first["id"], contrasts=[8], frames=50)
        for command, arguments in (("bragg", {}), ("map", {"name": "bragg/class"}), ("bragg_injection_test", {})):
            with self.assertRaises(ControlError) as refused:
                control(command, run="00000000-0000-4000-8000-000000000000", **arguments)
            self.assertEqual((refused.exception.code, refused.exception.field), ("no_data", "args.run"))


if __name__ == "__main__":
    unittest.main()
