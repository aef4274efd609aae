"""Settings of the Bragg search: proposed, refused, changed while a scan runs and after it, and references that are kept."""
import unittest

import numpy as np

from bragg_scans import SCAN, SETTINGS, BraggScans
from harness import ControlError, open_recording, wait_for

SLOW = True


class Settings(BraggScans):
    def test_settings_are_proposed_from_the_halo(self):
        control = self.begin(**{"bragg.enabled": "false"})
        self.measure(control)
        proposed = control("bragg_propose")["settings"]
        np.testing.assert_allclose(proposed["centre"], [128, 128], atol=0.2)
        self.assertTrue(22 < proposed["annulus"][0] < 28 and 43 < proposed["annulus"][1] < 50, proposed)

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


if __name__ == "__main__":
    unittest.main()
