"""Bragg reflections while a scan runs, in its file, in messages and by command, against the simulator's truth."""
import json
import subprocess
import unittest

import numpy as np

from bragg_scans import SCAN, SETTINGS, BraggScans
from harness import BUILD, ControlError, arrays, lighter, open_recording, wait_for

SLOW = True
PARTS = 3

MERLIN_FILE = BUILD / "daemon" / "record" / "merlin-file"
COUNTED = {"none": 0, "two_beam": 1, "three_beam": 2, "on_axis": 3, "multiple": 4}


def rounded(value):
    """JSON with the digits that replies have; the file has more."""
    if isinstance(value, float):
        return float("%.5g" % value)
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return {name: rounded(one) for name, one in value.items()} if isinstance(value, dict) else value


class Bragg(BraggScans):
    # -------------------------------------------------------------------------------------------------------- learning

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

    def test_a_finished_run_is_searched_again_with_other_settings_and_with_the_old_ones_is_as_before(self):
        control = self.begin()
        results = self.results(self.daemon, ("map/bragg/class/", "event/"))
        summary = self.measure(control, labels={"strain": 4})
        classes = lambda: control.array("map", "bragg/class")[0]["data"]
        series = lambda: control("bragg_series", label="strain")["series"]
        before, row = classes(), series()["rows"]
        again = lambda **settings: self.searched_again(control, results, **settings)

        self.assertEqual(again(alpha=0.2)["run"]["bragg"]["state"], "final")
        lenient = classes()
        self.assertLess((lenient == 0).sum(), (before == 0).sum(), "of false alarms there are more")
        self.assertEqual(len(series()["scans"]), 1, "the run is in the series once")
        self.assertEqual(series()["rows"][0]["none"], int((lenient == 0).sum()))
        wait_for(lambda: any((arrays["data"] == lenient).all() for _, header, arrays in results.of("map/bragg/class/") if header["key"]), 10, "the new map to be sent")

        again(alpha=0.01)
        np.testing.assert_array_equal(classes(), before)
        self.assertEqual(series()["rows"], row)
        np.testing.assert_array_equal(self.recorded(summary)["class"], before, "the file stays as it was")

    def searched_again(self, control, results, **settings):
        n = len(results.of("event/"))
        reply = control("bragg_settings", again=True, **settings)
        self.assertTrue(reply["again"], reply)
        over = lambda: [h for _, h, _ in results.of("event/")[n:] if h["event"] == "recompute" and h["recompute"]["finished"]]
        wait_for(over, 60, "the search to be done")
        self.assertEqual(over()[0]["recompute"]["error"], "")
        return control("status")

    def test_what_cannot_be_searched_again_is_told_and_the_settings_are_in_force_all_the_same(self):
        control = self.begin()
        self.measure(control, recording=False)
        reply = control("bragg_settings", again=True, contrast_min=3)
        self.assertEqual((reply["again"], reply["settings"]["contrast_min"]), (False, 3))
        self.assertIn("not recorded", reply["why_not"])

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

    # ------------------------------------------------------------------------------------------------------ references

    def test_a_kept_reference_makes_live_classes_final_and_is_there_after_a_restart(self):
        control = self.begin()
        first = self.measure(control)
        with self.assertRaises(ControlError) as refused:
            control("bragg_reference", action="use", name="film")
        self.assertEqual(refused.exception.code, "no_data")
        kept = control("bragg_reference", action="measure", name="film", use=True)["reference"]
        self.assertEqual(kept["run"], first["id"])
        summary = self.measure(control)
        self.assertEqual(summary["bragg"], {"state": "frozen", "provisional": False, "reference": "film", "error": ""})
        found = self.recorded(summary)
        self.assertNotIn("live_class", found)
        self.assertEqual(found["reference"]["name"], "film")
        self.assertLessEqual((found["class"] != self.truth()).sum(), 0.02 * found["class"].size)
        self.daemon.stop()

        self.daemon = self.start_daemon(self.simulator, {**SETTINGS, "bragg.reference": "film",
                                                         "recording.directory": str(self.recordings)})
        control = self.control(self.daemon)
        control.wait_state("idle")
        again = self.recorded(self.measure(control))
        for name in ("class", "strongest", "reflections", "template"):
            self.assertEqual(again[name].tobytes(), found[name].tobytes(), name)
        self.assertEqual([one["name"] for one in control("bragg_reference")["references"]], ["film"])
        control("bragg_reference", action="remove", name="film")
        self.assertEqual(control("bragg_reference")["references"], [])

    def test_a_reference_of_an_area_is_measured_on_its_frames_alone(self):
        control = self.begin()
        self.measure(control)
        kept = control("bragg_reference", action="measure", name="corner", area=[0, 0, 12, 16])["reference"]
        self.assertEqual(kept["area"], [0, 0, 12, 16])
        self.assertLessEqual(kept["frames"], 12 * 16)
        with self.assertRaises(ControlError) as refused:
            control("bragg_reference", action="measure", name="corner", area=[0, 0, 12, 33])
        self.assertEqual(refused.exception.field, "args.area")

    def test_settings_that_change_during_a_run_hold_for_all_of_its_frames(self):
        control = self.begin(**{"bragg.enabled": "false"})
        run = self.start_in_bursts(control, SCAN, 256)
        self.burst(control)
        wait_for(lambda: control.status()["frames"]["analysed"] > 150, 60, "150 frames")
        changed = control("bragg_settings", enabled=True, contrast_min=3)
        self.assertEqual(changed["run"], run)
        self.burst(control)
        summary = control.wait_finished(run)
        self.assertEqual(summary["bragg"]["state"], "final")
        found = self.recorded(summary)
        self.assertLessEqual((found["class"] != self.truth()).sum(), 0.02 * found["class"].size)
        self.assertEqual(found["statistics"]["contrast"]["min"], 3)
        self.assertEqual(found["statistics"]["not_analysed"], 0)

    # ------------------------------------------------------------------------------------------------------------ more

    def test_bad_settings_are_refused_by_name_and_the_scan_goes_on_without(self):
        everything = self.directory / "everything.npy"
        np.save(everything, np.ones((256, 256), "u1"))
        for settings, key in (({"bragg.annulus": [25, 146]}, "bragg.annulus"), ({"bragg.disk_radius": 0}, "bragg.disk_radius"),
                              ({"bragg.annulus": "auto"}, "bragg.annulus"), ({"bragg.disk_radius": "auto"}, "bragg.disk_radius"),
                              ({"calibration.bad_pixels": str(everything)}, "calibration.bad_pixels"),
                              ({"bragg.reference": "nobody"}, "bragg.reference")):
            with self.subTest(str(settings)):
                control = self.begin(scan=(4, 8), **settings)
                summary = self.measure(control, (4, 8))
                self.assertEqual(summary["bragg"]["state"], "refused")
                self.assertTrue(summary["bragg"]["error"].startswith(key), summary["bragg"])
                self.assertIn(key, self.daemon.stderr_text())
                self.assertNotIn("bragg/class", summary["maps"])
                with self.assertRaises(ControlError) as refused:
                    control("bragg")
                self.assertEqual(refused.exception.code, "no_data")
                self.assertIn(key, refused.exception.message)
                with open_recording(summary["file"]) as file:
                    self.assertNotIn("bragg", file["/entry/results"])
                self.daemon.stop()
                self.simulator.stop()

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

    def test_classes_are_held_against_a_persons_labels_and_against_glass(self):
        control = self.begin("--br-fraction", "0")
        self.measure(control)
        test = control("bragg_null_test", area=[0, 0, 10, 20])
        self.assertEqual((test["n"], test["alpha"]), (200, 0.01))
        self.assertLessEqual(test["found"], 6)
        self.assertEqual(test["rate"], test["found"] / 200)
        said = "too few patterns" if test["interval"][1] > 0.02 else "false alarms are"
        self.assertTrue(test["verdict"].startswith(said), test)
        self.daemon.stop()
        self.simulator.stop()

        control = self.begin()
        self.measure(control)
        test = control("bragg_null_test")
        self.assertGreater(test["interval"][0], 0.02)
        self.assertTrue(test["verdict"].startswith("more false alarms than twice alpha"), test)
        found, names = control.array("map", "bragg/class")[0]["data"], list(COUNTED)
        labels = [[y, x, names[min(found[y, x], 4)]] for y in range(10) for x in range(10)]
        agreed = control("bragg_labels", labels=labels)
        self.assertEqual((agreed["classes"]["n"], agreed["classes"]["kappa"]), (100, 1))
        for label in labels[:50]:
            label[2] = "none"
        agreed = control("bragg_labels", labels=labels)
        self.assertEqual(sum(sum(row) for row in agreed["bragg"]["confusion"]), 100)
        self.assertLess(agreed["bragg"]["kappa"], 1)
        with self.assertRaises(ControlError) as refused:
            control("bragg_labels", labels=[[99, 0, "none"]])
        self.assertEqual(refused.exception.field, "args.labels")

    def test_a_named_part_of_glass_tells_the_false_alarms_that_fractions_are_corrected_for(self):
        scan, area = (12, 16), [1, 2, 4, 14]
        control = self.begin(scan=scan)
        results = self.results(self.daemon, ("bragg/",))
        run = self.start_in_bursts(control, scan, 96, labels={"strain": 4})
        self.burst(control)
        wait_for(lambda: control.status()["frames"]["analysed"] == 96, 60, "half of the frames")
        with self.assertRaises(ControlError) as refused:
            control("bragg", rates={"fpr": "measure", "tpr": 0.95})
        self.assertEqual((refused.exception.code, refused.exception.field), ("no_data", "args.rates"))
        test = control("bragg_null_test", area=area)
        self.assertEqual((test["n"], test["rate"]), (0, None), "classes begin later")
        header = results.wait("bragg/summary/", lambda header: header["glass"] is not None)[0]
        self.assertEqual((header["glass"]["area"], header["glass"]["pass"]), (area, 0))
        self.burst(control)
        summary = control.wait_finished(run)

        # Counted in the final classes, in the file as by request; any reflection, and those that the headline counts.
        found = self.recorded(summary)
        statistics = found["statistics"]
        n, of_any, strong = 36, (found["class"][1:4, 2:14] > 0).sum(), (found["strongest"][1:4, 2:14] >= 2).sum()
        glass, headline = statistics["glass"], statistics["headline"]
        self.assertEqual([glass["false_positive"][name] for name in ("contrast", "n", "found")], [0, n, of_any])
        self.assertEqual([headline["false_positive"][name] for name in ("contrast", "n", "found")], [2, n, strong])
        self.assertIn("named glass", headline["why"])
        self.assertIn(f"{of_any} of {n} patterns of the part that is named as glass", " ".join(statistics["warnings"]))
        corrected = headline["corrected"]
        rates = corrected["rates"]
        self.assertEqual((rates["fpr_from"], rates["tpr_from"]), ("null_test", "injection_test"))
        self.assertAlmostEqual(rates["fpr"], strong / n, 4)
        self.assertGreater(rates["fpr_error"], 0)
        self.assertAlmostEqual(corrected["fraction"], max(0, (headline["fraction"] - rates["fpr"]) / (rates["tpr"] - rates["fpr"])), 4)
        exact = control("bragg", contrast_rates={"fpr": rates["fpr"], "tpr": rates["tpr"]})["headline"]["corrected"]
        self.assertEqual((exact["rates"]["fpr_from"], exact["rates"]["tpr_from"]), ("given", "given"))
        self.assertLess(exact["interval"][1], corrected["interval"][1])
        asked = control("bragg")
        for name in ("glass", "headline"):
            self.assertEqual(rounded(asked[name]), rounded(statistics[name]), name)
        any_rate = control("bragg", rates={"fpr": "measure", "tpr": 0.95})["corrected"]["rates"]
        self.assertEqual((any_rate["fpr_from"], rounded(any_rate["fpr"])), ("null_test", rounded(of_any / n)))
        row = control("bragg_series", label="strain", rates={"fpr": "measure", "tpr": 0.95})["series"]["rows"][0]
        self.assertEqual(rounded(row["headline"]["corrected"]["rates"]), rounded(rates))
        self.assertEqual(rounded(row["corrected"]["rates"]["fpr"]), rounded(of_any / n))

        # It is a setting: a test alone takes it away. The file stays as it is.
        control("bragg_null_test", area=area, glass=False)
        asked = control("bragg")
        self.assertEqual((asked["glass"], asked["headline"]["false_positive"], asked["headline"]["corrected"]), (None, None, None))
        self.assertIsNone(control("bragg_series", label="strain")["series"]["rows"][0]["headline"]["corrected"])

    def test_injected_reflections_are_found_the_more_the_higher_their_contrast(self):
        control = self.begin()
        with self.assertRaises(ControlError):
            control("bragg_injection_test")
        self.measure(control)
        test = control("bragg_injection_test", contrasts=[0, 8])
        rates = test["rates"]
        self.assert_overdispersion(test, 1)
        self.assertGreater(min(rate["n"] for rate in rates), 50)
        self.assertLess(rates[0]["tpr"], 0.05)
        self.assertGreater(rates[1]["tpr"], 0.95)
        again = control("bragg_injection_test", contrasts=[0, 8])["rates"]
        self.assertEqual(again, rates)

        # At the end of the run that was done with contrast 2, and the headline tells it; a rate that is asked for takes its place.
        headline = control("bragg")["headline"]
        self.assertEqual(headline["true_positive"]["contrast"], 2)
        self.assertIsNone(headline["corrected"])
        headline = control("bragg", contrast_rates={"fpr": 0.001, "fpr_error": 0.001, "tpr": "measure"})["headline"]
        corrected = headline["corrected"]
        self.assertAlmostEqual(corrected["rates"]["tpr"], headline["true_positive"]["tpr"], 4)
        self.assertAlmostEqual(corrected["fraction"], (headline["fraction"] - 0.001) / (corrected["rates"]["tpr"] - 0.001), 4)
        headline = control("bragg", min_contrast=5)["headline"]
        self.assertEqual((headline["min_contrast"], headline["true_positive"]), (5, None))
        self.assertIn("was not measured", headline["why"])

        # The fraction of strong reflections is told with the rate at which they are found in this run.
        strong = control("bragg", min_contrast=8, contrast_rates={"fpr": 0, "tpr": "measure"})["contrast"]
        self.assertAlmostEqual(strong["corrected"]["rates"]["tpr"], rates[1]["tpr"], delta=0.05)
        self.assertGreater(strong["corrected"]["rates"]["tpr_error"], 0)
        self.assertAlmostEqual(strong["corrected"]["fraction"], strong["fraction"] / strong["corrected"]["rates"]["tpr"], 4)
        for wrong, code in (({"min_contrast": 0.001, "contrast_rates": {"fpr": 0.2, "tpr": "measure"}}, "no_data"),
                            ({"contrast_rates": {"fpr": 0, "tpr": "guess"}}, "bad_value")):
            with self.assertRaises(ControlError) as refused:
                control("bragg", **wrong)
            self.assertEqual((refused.exception.code, refused.exception.field), (code, "args.contrast_rates"))

    def test_injected_reflections_share_their_charge_as_the_detector_does(self):
        scan = (12, 16)
        control = self.begin("--charge-sharing", "--br-fraction", "0", scan=scan, **{"bragg.overdispersion": 2})
        self.measure(control, scan)
        test = control("bragg_injection_test", contrasts=[4, 8])
        self.assert_overdispersion(test, 2)

    def assert_overdispersion(self, test, expected):
        """The counts that were put into n disks have a variance that is known to 1 in the root of n / 2."""
        n = sum(rate["n"] for rate in test["rates"] if rate["contrast"] > 0)
        self.assertAlmostEqual(test["overdispersion"] / expected, 1, delta=3 * (2 / n) ** 0.5)

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

    def test_settings_are_proposed_from_the_halo(self):
        control = self.begin(**{"bragg.enabled": "false"})
        self.measure(control)
        proposed = control("bragg_propose")["settings"]
        np.testing.assert_allclose(proposed["centre"], [128, 128], atol=0.2)
        self.assertTrue(22 < proposed["annulus"][0] < 28 and 43 < proposed["annulus"][1] < 50, proposed)


if __name__ == "__main__":
    unittest.main()
