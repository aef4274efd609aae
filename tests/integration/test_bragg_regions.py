"""What is asked of the Bragg reflections of a scan: of its regions, phases, crystals and classes."""
import unittest

import numpy as np

from bragg_scans import COUNTED, SCAN, BraggScans, rounded
from harness import ControlError, arrays, open_recording, wait_for

SLOW = True


class Regions(BraggScans):
    def test_positions_outside_the_window_of_counts_are_excluded(self):
        control = self.begin("--thickness", "3", **{"bragg.counts": [0, 2.2]})
        found = self.recorded(self.measure(control))
        excluded = found["class"] == 254
        with open_recording(control("run")["file"]) as file:
            frames = file["/entry/data/data"][:].astype(float)
        y, x = np.indices((256, 256))
        r = np.hypot(y - 128, x - 128)
        mean = frames[..., (r >= 25) & (r <= 46)].mean(axis=-1)
        np.testing.assert_array_equal(excluded, mean > 2.2)
        self.assertTrue(20 < excluded.sum() < excluded.size - 20, excluded.sum())
        self.assertEqual(found["statistics"]["excluded"], excluded.sum())
        self.assertEqual(found["statistics"]["n"], (~excluded).sum())

        # And those that were drawn, with their reflections.
        spans, drawn = [[0, 0, SCAN[1]], [5, 3, 9]], excluded.copy()
        drawn[0], drawn[5, 3:9] = True, True
        asked = control("bragg", excluded=spans)
        self.assertEqual((asked["excluded"], asked["n"]), (drawn.sum(), (~drawn).sum()))
        self.assertEqual(asked["none"], (found["class"][~drawn] == 0).sum())
        self.assertEqual(asked["reflections"]["n"], found["count"][~drawn].sum())
        self.assertEqual(asked["contrast"]["count"], (found["strongest"][~drawn] >= 2).sum())
        for wrong in ([], [[0, 0, SCAN[1] + 1]], [[SCAN[0], 0, 1]], [0, 0, 1]):
            with self.assertRaises(ControlError) as refused:
                control("bragg", excluded=wrong)
            self.assertEqual(refused.exception.field, "args.excluded")

    def test_regions_that_are_drawn_as_no_film_count_in_nothing_live_in_the_file_and_in_series(self):
        control = self.begin()
        results = self.results(self.daemon, ("bragg/", "map/bragg/class/"))
        run = self.start_in_bursts(control, SCAN, 256, labels={"strain": 4})
        self.burst(control)
        wait_for(lambda: control.status()["frames"]["analysed"] > 150, 60, "150 frames")
        regions, drawn = [[[0, 0, 8], [1, 0, 8]], [[SCAN[0] - 1, 3, 20]]], np.zeros(SCAN, bool)
        drawn[:2, :8] = drawn[-1, 3:20] = True
        told = control("bragg_excluded", regions=regions)
        self.assertEqual((told["run"], told["regions"], told["positions"]), (run, regions, drawn.sum()))
        results.wait("bragg/summary/", lambda header: header["excluded"] > 0 and header["excluded_regions"] == regions)
        self.burst(control)
        summary = control.wait_finished(run)

        found = self.recorded(summary)
        np.testing.assert_array_equal(found["class"] == 254, drawn)
        self.assertFalse(found["count"][drawn].any() or found["strongest"][drawn].any())
        self.assertFalse(drawn.ravel()[found["reflections"]["frame"].astype(int)].any())
        statistics = found["statistics"]
        self.assertEqual((statistics["excluded"], statistics["n"], statistics["excluded_regions"]), (drawn.sum(), (~drawn).sum(), regions))
        self.assertLessEqual((found["class"] != self.truth())[~drawn].sum(), 0.02 * drawn.size)
        np.testing.assert_array_equal(control.array("map", "bragg/class")[0]["data"], found["class"])
        row = lambda: control("bragg_series", label="strain")["series"]["rows"][0]
        self.assertEqual((row()["n"], row()["headline"]["count"]), ((~drawn).sum(), statistics["headline"]["count"]))

        # It is a setting: what it hid is there again when it is taken away. The file stays as it is.
        self.assertEqual(control("bragg_excluded", regions=[])["positions"], 0)
        whole = control.array("map", "bragg/class")[0]["data"]
        self.assertTrue((whole <= 4).all())
        np.testing.assert_array_equal(whole[~drawn], found["class"][~drawn])
        wait_for(lambda: any((arrays["data"] == whole).all() for _, header, arrays in results.of("map/bragg/class/") if header["key"]), 10, "the new map to be sent")
        self.assertEqual((row()["n"], control("bragg")["excluded"]), (drawn.size, 0))
        np.testing.assert_array_equal(self.recorded(summary)["class"], found["class"])
        for wrong in ([[]], [[[0, 0, SCAN[1] + 1]]], [[[SCAN[0], 0, 1]]], [[0, 0, 1]], "all"):
            with self.assertRaises(ControlError) as refused:
                control("bragg_excluded", regions=wrong)
            self.assertEqual((refused.exception.code, refused.exception.field), ("bad_value", "args.regions"))
        self.assertEqual(control("bragg_excluded")["regions"], [])

    def test_a_phase_is_tested_and_one_that_looks_at_the_annulus_is_refused(self):
        control = self.begin(**{"virtual_detectors": [{"name": "far", "shape": "annulus", "inner": 60, "outer": 100},
                                                      {"name": "halo", "shape": "annulus", "inner": 20, "outer": 24}],
                                "bragg.phase": "far", "bragg.phase_threshold": "median"})
        # The one of the configuration is in the statistics of every scan, without being asked for.
        wanted = {"map": "far", "threshold": "median"}
        self.assertEqual(control("bragg_settings")["settings"]["phase"], wanted)
        results = self.results(self.daemon, ("bragg/summary/",))
        summary = self.measure(control)
        recorded = self.recorded(summary)["statistics"]["phase"]
        self.assertEqual((recorded["name"], recorded["threshold"]["rule"]), ("far", "median"))
        asked = control("bragg", phase=wanted)["phase"]
        for name in ("table", "p", "p_toroidal", "odds_ratio"):
            self.assertEqual(rounded(recorded[name]), rounded(asked[name]), name)
        header, _ = results.wait("bragg/summary/", lambda header: not header["provisional"])
        self.assertEqual(header["phase"]["table"], asked["table"])
        self.assertEqual(sum(sum(row) for row in asked["table"]), SCAN[0] * SCAN[1])
        self.assertGreater(asked["p_toroidal"], 0.001)
        with self.assertRaises(ControlError) as refused:
            control("bragg", phase={"map": "halo"})
        self.assertEqual(refused.exception.field, "args.phase.map")
        with self.assertRaises(ControlError):
            control("bragg", phase={"map": "com_y"})

        # One that is set holds for the next scan.
        self.assertEqual(control("bragg_settings", phase={"map": "halo"})["settings"]["phase"], {"map": "halo", "threshold": "half"})
        statistics = self.recorded(self.measure(control))["statistics"]
        self.assertIsNone(statistics["phase"])
        self.assertTrue(any("the phase of the map halo" in warning for warning in statistics["warnings"]), statistics["warnings"])
        self.assertIsNone(control("bragg_settings", phase=None)["settings"]["phase"])

    def test_reflections_are_named_by_spacings_and_patterns_and_profiles_come_by_class_and_phase(self):
        control = self.begin(**{"virtual_detectors": [{"name": "far", "shape": "annulus", "inner": 60, "outer": 100}],
                                "analysis.radial_profile": "true", "analysis.variance": "true", "analysis.centre": [128, 128]})
        with self.assertRaises(ControlError) as refused:
            control("bragg")
        self.assertEqual(refused.exception.code, "no_data")
        control("calibration", pixel_size_k=0.1185)
        found = self.recorded(self.measure(control))
        g = found["reflections"]["g"] * 0.1185
        near = lambda d: np.abs(g * d - 1) <= 0.05
        crystals = [{"name": "ring", "d": [1 / (35.3 * 0.1185)]}, {"name": "far", "d": [0.1, 0.12]}]
        asked = control("bragg", crystals=crystals, spacing_tolerance=0.05, tolerance=2, texture=0.9)["reflections"]
        self.assertAlmostEqual(asked["pixel_size"], 0.1185, 6)
        self.assertEqual([(one["name"], one["n"]) for one in asked["crystals"]["phases"]],
                         [("ring", near(crystals[0]["d"][0]).sum()), ("far", 0)])
        self.assertGreater(asked["crystals"]["phases"][0]["n"], 20)
        self.assertEqual(sum(one["n"] for one in asked["crystals"]["phases"]) + asked["crystals"]["none"], asked["n"])
        for wrong in ([], [{"name": "", "d": [1]}], [{"name": "a", "d": [0]}], [{"name": "a", "d": []}]):
            with self.assertRaises(ControlError) as refused:
                control("bragg", crystals=wrong)
            self.assertEqual(refused.exception.field, "args.crystals")

        spans = [[[1, 2, 6]], [[2, 0, 3]]]
        rows = np.zeros(control("run")["scan"], int)
        rows[1, 2:6], rows[2, 0:3] = 1, 2
        self.assertEqual(control("bragg", regions=spans)["areas"], control("bragg", areas=rows.tolist())["areas"])
        for wrong in ({"regions": []}, {"regions": spans, "areas": rows.tolist()}):
            with self.assertRaises(ControlError) as refused:
                control("bragg", **wrong)
            self.assertEqual(refused.exception.field, "args.regions")

        phase = {"map": "far", "threshold": "median"}
        values = control.array("map", "far")[0]["data"]
        side = values > np.median(values)
        with open_recording(control("run")["file"]) as file:
            frames = file["/entry/data/data"][:].astype(np.uint64)
        for arguments, labels, names in (
                ({"classes": True}, found["class"] + 1, ["", *COUNTED]), ({"phase": phase}, side + 1, ["", "outside", "in"]),
                ({"classes": True, "phase": phase}, found["class"] + 1 + 5 * side,
                 [""] + [f"{where}/{name}" for where in ("outside", "in") for name in COUNTED])):
            with self.subTest(names[-1]):
                result, parts = control.request("label_patterns", **arguments)
                self.assertEqual(result["names"], names)
                sums = np.frombuffer(parts[0], "<u8").reshape(-1, 256, 256)
                for label in np.unique(labels):
                    np.testing.assert_array_equal(sums[label], frames[labels == label].sum(axis=0), names[label])
                result, parts = control.request("label_profiles", **arguments)
                self.assertEqual(result["names"], names)
                counted = np.frombuffer(parts[[part["name"] for part in result["parts"]].index("frames")], "<u8")
                np.testing.assert_array_equal(counted, np.bincount(labels.ravel(), minlength=len(counted)))
                self.check_profiles(arrays(result["parts"], parts), frames, labels)
        with self.assertRaises(ControlError) as refused:
            control("label_patterns", classes=True, map="far")
        self.assertEqual(refused.exception.field, "args.labels")

    def check_profiles(self, tables, frames, labels):
        """I(k) and V(k) of each label, from the counts of its own frames alone: the sums of docs/variance.md."""
        y, x = np.indices(frames.shape[2:])
        ring = np.floor(np.hypot(y - 128, x - 128)).astype(int).ravel()
        n_rings = tables["mean"].shape[1]
        in_rings = lambda pixels: np.bincount(ring, pixels.ravel())[:n_rings]
        area = in_rings(np.ones(ring.size))
        for label in np.unique(labels):
            chosen = frames[labels == label].astype(float)
            sums = np.array([in_rings(frame) for frame in chosen])
            pairs = in_rings((chosen * (chosen - 1)).sum(axis=0))
            total = sums.sum(axis=0)
            within, between = (sums * (sums - 1)).sum(axis=0), total ** 2 - (sums ** 2).sum(axis=0)
            np.testing.assert_allclose(tables["mean"][label], total / area / len(chosen), rtol=1e-12)
            for name, top, bottom in (("v_r", pairs, within), ("v_re", (len(chosen) - 1) * pairs, between)):
                expected = area * top / np.where(bottom > 0, bottom, np.nan) - 1
                np.testing.assert_allclose(tables[name][label], expected, rtol=1e-9, atol=1e-12, err_msg=f"{name} of label {label}")


if __name__ == "__main__":
    unittest.main()
