"""Bragg classes while a scan runs, in its file, in messages and by command, against the simulator's truth."""
import subprocess
import unittest

import numpy as np

from bragg_scans import COUNTED, SCAN, BraggScans, rounded
from harness import BUILD, lighter, open_recording, wait_for

SLOW = True

MERLIN_FILE = BUILD / "daemon" / "record" / "merlin-file"


class Classes(BraggScans):
    def test_a_run_that_learns_ends_with_the_classes_of_the_truth_in_file_map_topic_and_statistics(self):
        control = self.begin()
        results = self.results(self.daemon, ("bragg/", "map/bragg/"))
        summary = self.measure(control)
        self.assertEqual(summary["bragg"], {"state": "final", "provisional": False, "reference": "", "error": ""})
        found, truth = self.recorded(summary), self.truth()
        self.assertEqual((found["class"].dtype, found["class"].shape), (np.uint8, SCAN))
        wrong = (found["class"] != truth).sum()
        self.assertLessEqual(wrong, 0.02 * truth.size, f"{wrong} of {truth.size} classes")

        parts, header = control.array("map", "bragg/class")
        self.assertEqual(header["parts"][0]["dtype"], "|u1")
        np.testing.assert_array_equal(parts["data"], found["class"])
        np.testing.assert_array_equal(control.array("map", "bragg/count")[0]["data"], found["count"])
        np.testing.assert_array_equal(control.array("map", "bragg/strongest")[0]["data"], found["strongest"])

        # The list of reflections is by frame and says the same as the maps.
        rows = found["reflections"]
        self.assertTrue((np.diff(rows["frame"].astype(np.int64)) >= 0).all())
        np.testing.assert_array_equal(np.bincount(rows["frame"].astype(int), minlength=truth.size), found["count"].ravel())
        np.testing.assert_allclose(rows["contrast"], (rows["counts"] - rows["background"]) / rows["background"])
        np.testing.assert_allclose(rows["g"], np.hypot(rows["y"] - 128, rows["x"] - 128))
        np.testing.assert_allclose(rows["azimuth"], np.degrees(np.arctan2(rows["g_y"], rows["g_x"])) % 360)
        self.assertLess(rows["log10_p"].max(), -4)

        # Both messages and the command tell what is in the file.
        self.check_final_messages(results, found)
        self.check_statistics(found["statistics"], found["class"])
        asked = control("bragg")
        self.assertFalse(asked["provisional"])
        for name in ("n", "fraction", "wilson", "clopper_pearson", "headline", "tiles", "reflections"):
            self.assertEqual(rounded(asked[name]), rounded(found["statistics"][name]), name)
        self.check_headline(found)
        self.assertEqual(found["reference"]["overdispersion"], {"value": 1, "source": "given"})
        self.assertEqual(found["reference"]["state"], "final")

    def check_final_messages(self, results, found):
        final = lambda header: not header["provisional"]
        header, arrays = results.wait("bragg/rows/", lambda header: final(header) and header["rows"] == [0, SCAN[0]])
        for name in ("frame", "y", "x", "counts", "background", "log10_p", "sigma", "partner", "flags"):
            np.testing.assert_array_equal(arrays[name], found["reflections"][name], name)
        header, _ = results.wait("bragg/summary/", final)
        self.assertEqual(header["n"], found["statistics"]["n"])
        self.assertAlmostEqual(header["fraction"], found["statistics"]["fraction"], 8)
        _, arrays = results.wait("map/bragg/class/", lambda header: header["key"] and header["since"] == 1)
        wait_for(lambda: any((a["data"] == found["class"]).all() for _, h, a in results.of("map/bragg/class/") if h["key"]),
                 10, "a key frame with the final classes")

    def check_statistics(self, statistics, classes):
        for name, value in COUNTED.items():
            self.assertEqual(statistics[name], (classes == value).sum(), name)
        n, x = classes.size, (classes != 0).sum()
        self.assertEqual(statistics["n"], n)
        self.assertAlmostEqual(statistics["fraction"], x / n)
        z, p = 1.959963984540054, x / n
        middle, half = (p + z * z / 2 / n) / (1 + z * z / n), z * np.sqrt(p * (1 - p) / n + z * z / 4 / n / n) / (1 + z * z / n)
        np.testing.assert_allclose(statistics["wilson"], [middle - half, middle + half], rtol=1e-9)

    def check_headline(self, found):
        """It counts reflections of at least contrast 2, and says how many of such that were put into the run's frames are found."""
        headline, strong = found["statistics"]["headline"], found["strongest"] >= 2
        self.assertEqual((headline["min_contrast"], headline["count"]), (2, strong.sum()))
        self.assertAlmostEqual(headline["fraction"], strong.mean())
        rate = headline["true_positive"]
        self.assertGreater(rate["n"], 0.4 * (found["class"] == 0).sum())
        self.assertEqual(rate["contrast"], 2)
        self.assertGreater(rate["tpr"], 0.8)
        self.assertIn("%d of that contrast put into patterns %.1f %% were found" % (rate["n"], 100 * rate["tpr"]), headline["why"])

    def test_live_and_final_classes_depend_neither_on_workers_nor_on_analysis_that_was_put_off(self):
        outcomes = []
        for settings in ({"workers": 1}, {"workers": 4}, {"workers": 2, "debug.analysis_delay_us": lighter(4000, 30000), "ring.size": "4MiB"}):
            control = self.begin(fps="4000", **settings)
            summary = self.measure(control)
            with open_recording(summary["file"]) as file:
                deferred = int((file["/entry/frames/status"][:] & 32 > 0).sum())
            found = self.recorded(summary)
            outcomes.append((found, deferred))
            self.daemon.stop()
            self.simulator.stop()
        (first, _), _, (_, deferred) = outcomes
        self.assertGreater(deferred, 100, "the ring was to fill")
        self.assertEqual(sorted(set(first["live_epoch"].ravel())), [0, 1, 2])
        for found, _ in outcomes[1:]:
            for name in ("class", "count", "strongest", "live_class", "live_epoch", "reflections", "template"):
                self.assertEqual(first[name].tobytes(), found[name].tobytes(), name)
            self.assertEqual(first["reference"], found["reference"])
        # What was live had half of the frames to learn from, or fewer, and is the same all the same where it was sure.
        learned = first["live_epoch"] >= 2
        self.assertTrue((first["live_class"][~learned] == 255).all())
        self.assertGreater((first["live_class"][learned] == first["class"][learned]).mean(), 0.95)

    def test_a_small_scan_is_classified_in_its_end_with_each_frame_left_out_of_its_own_template(self):
        scan = (10, 10)
        control = self.begin(scan=scan)
        summary = self.measure(control, scan)
        found = self.recorded(summary)
        self.assertTrue((found["live_class"] == 255).all())
        self.assertLessEqual((found["class"] != self.truth(scan)).sum(), 4)

    def test_a_frame_that_came_late_is_classified_in_the_end_as_well(self):
        scan, late = (12, 12), 20
        control = self.begin("--fault", f"reorder:{late},by=60@1", scan=scan)
        summary = self.measure(control, scan)
        with open_recording(summary["file"]) as file:
            self.assertEqual(list(np.flatnonzero(file["/entry/frames/status"][:] & 4)), [late - 1])
            self.assertEqual(list(file["/entry/extra/frame"][:]), [late - 1])
        self.assertEqual(summary["bragg"]["state"], "final")
        found = self.recorded(summary)["class"]
        self.assertLessEqual((found != self.truth(scan)).sum(), 5)
        self.assertEqual(found.ravel()[late - 1], self.truth(scan).ravel()[late - 1])

    def test_a_run_that_is_not_recorded_stays_provisional_and_says_so(self):
        control = self.begin()
        summary = self.measure(control, recording=False)
        self.assertEqual(summary["bragg"]["state"], "provisional")
        classes = control.array("map", "bragg/class")[0]["data"]
        self.assertTrue((classes.ravel()[:256] == 255).all())
        learned = np.arange(classes.size).reshape(SCAN) >= 256
        self.assertGreater((classes[learned] == self.truth()[learned]).mean(), 0.95)
        asked = control("bragg")
        self.assertTrue(asked["provisional"])
        self.assertEqual(asked["not_analysed"], 256)
        self.assertTrue(any("provisional" in warning for warning in asked["warnings"]))

    def test_one_bit_frames_are_searched_up_to_a_dose_and_refused_above_with_the_reason(self):
        control = self.begin("--depth", "1", "--counts", "0.12", "--br-contrast", "20", "--bank", "600")
        summary = self.measure(control)
        self.assertEqual((summary["bragg"]["state"], summary["bragg"]["error"]), ("final", ""))
        found, truth = self.recorded(summary)["class"] > 0, self.truth() > 0
        self.assertGreater(found[truth].mean(), 0.5)
        self.assertLess(found[~truth].mean(), 0.05)
        control("bragg_reference", action="measure", name="dim", use=True)
        self.daemon.stop()
        self.simulator.stop()

        # Brighter: neither learned nor searched, and the scan goes on.
        control = self.begin("--depth", "1", "--counts", "0.6", "--bank", "600", **{"recording.directory": str(self.recordings)})
        summary = self.measure(control)
        self.assertIn("1-bit", summary["bragg"]["error"])
        self.assertIn("0.15", summary["bragg"]["error"])
        classes = control.array("map", "bragg/class")[0]["data"] if "bragg/class" in summary["maps"] else np.full(SCAN, 255)
        self.assertTrue((classes == 255).all())

    def test_a_file_that_is_reshaped_keeps_its_bragg_reflections(self):
        scan = (10, 10)
        control = self.begin(scan=scan)
        summary = self.measure(control, scan)
        made = self.directory / "made.h5"
        done = subprocess.run([MERLIN_FILE, "reshape", "--scan", "5x20", "--order", "serpentine", "-o", made, summary["file"]],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        old, new = self.recorded(summary), self.recorded({"file": made})
        for name in ("class", "count", "strongest", "live_class"):
            expected = old[name].reshape(5, 20).copy()
            expected[1::2] = expected[1::2, ::-1]
            self.assertEqual(new[name].dtype, old[name].dtype, name)
            np.testing.assert_array_equal(new[name], expected, name)
        for name in ("reflections", "template"):
            self.assertEqual(new[name].tobytes(), old[name].tobytes(), name)
        self.assertEqual(new["statistics"], old["statistics"])
        self.check_slim(summary["file"], old)

    def check_slim(self, path, old):
        """A slim file of it has all of this, and a viewer opens it on the classes."""
        slim = self.directory / "slim.h5"
        done = subprocess.run([MERLIN_FILE, "slim", "-o", slim, path], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        new = self.recorded({"file": slim})
        for name in ("class", "count", "strongest", "reflections", "template"):
            self.assertEqual(new[name].tobytes(), old[name].tobytes(), name)
        with open_recording(slim) as file:
            results = file["/entry"][file["/entry"].attrs["default"]]
            self.assertEqual((results.attrs["default"], results["bragg"].attrs["signal"]), ("bragg", "class"))


if __name__ == "__main__":
    unittest.main()
