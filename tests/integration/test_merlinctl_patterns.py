"""merlinctl against a real daemon: recorded patterns of positions, areas, classes and labels; series; the configuration."""
import json
import os
import unittest

import numpy as np

from harness import SystemTest, open_recording, run_ctl

PLAIN = True


class Words(SystemTest):
    def begin(self, **settings):
        simulator = self.start_simulator("--synthetic", "glass", "--bank", "40", "--fps", "4000", "--scan", "10x10", "--counts", "2", "--br-fraction",
                                         "0.4")
        self.daemon = self.start_daemon(simulator, {
            "virtual_detectors": [{"name": "bf", "shape": "disk", "radius": 20}], **settings})
        control = self.control(self.daemon)
        control.wait_state("idle")
        return control

    def ctl(self, *words, expect=0):
        done = run_ctl(self.daemon, *words)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done.stdout

    def saved(self, *words):
        """What pattern saves, and what it says of it as JSON."""
        told = json.loads(self.ctl("pattern", *words, "-o", self.directory / "p.npy", "--json"))
        return np.load(self.directory / "p.npy"), told

    def test_patterns_of_a_position_an_area_a_list_and_labels(self):
        control = self.begin()
        summary = self.run_scan(control, (8, 6))
        with open_recording(summary["file"]) as file:
            frames = file["/entry/data/data"][:].astype(float)
        np.testing.assert_array_equal(self.saved("3", "4")[0], frames[3, 4])
        total, told = self.saved("area=[1,2,6,5]")
        np.testing.assert_array_equal(total, frames[1:6, 2:5].sum(axis=(0, 1)))
        self.assertEqual((told["frames"], told["shape"]), (15, [256, 256]))
        np.testing.assert_array_equal(self.saved("area=[1,2,6,5]", "mean=true")[0], frames[1:6, 2:5].mean(axis=(0, 1)))
        np.testing.assert_array_equal(self.saved("positions=[[0,1],[7,5]]")[0], frames[[0, 7], [1, 5]])
        labels = np.arange(48).reshape(8, 6) % 3
        control.put("grain", labels.astype("|u1"))
        found, told = self.saved("map=grain", "label=2", "mean=true")
        np.testing.assert_allclose(found, frames[labels == 2].mean(axis=0))
        self.assertEqual((told["frames"], told["name"]), (16, "label 2"))
        bf = control.array("map", "bf")[0]["data"]
        middle = (np.percentile(bf, 0.5) + np.percentile(bf, 99.5)) / 2
        found, told = self.saved("phase=bf", "label=in")
        np.testing.assert_array_equal(found, frames[bf > middle].sum(axis=0))
        self.assertEqual(told["name"], "in")
        self.assertIn("frames    15", self.ctl("pattern", "area=[1,2,6,5]"))
        self.ctl("pattern", "3", "4", "-o", self.directory / "p.png")
        self.assertTrue((self.directory / "p.png").read_bytes().startswith(b"\x89PNG"))

    @unittest.skipUnless(os.environ.get("MERLIND_TEST_LONG"), "classes are final some seconds after the scan: --long")
    def test_patterns_of_a_class(self):
        control = self.begin(**{"bragg.enabled": "true", "bragg.centre": [128, 128], "bragg.annulus": [25, 46], "bragg.disk_radius": 3.36,
                                "bragg.overdispersion": 1})
        summary = self.run_scan(control, (12, 12))
        with open_recording(summary["file"]) as file:
            frames = file["/entry/data/data"][:]
        classes = control.array("map", "bragg/class")[0]["data"]
        for number, name in enumerate(("none", "two_beam")):
            found, told = self.saved(f"class={name}")
            np.testing.assert_array_equal(found, frames[classes == number].sum(axis=0, dtype=np.uint64))
            self.assertEqual((told["name"], told["frames"]), (name, (classes == number).sum()))
        done = self.ctl("pattern", "class=four_beam", "--json", expect=64)
        self.assertIn("none, two_beam", json.loads(done)["error"]["message"])

    def test_what_is_no_pattern_is_refused(self):
        control = self.begin()
        self.ctl("pattern", "0", "0", expect=3)  # nothing measured
        self.run_scan(control, (4, 4))
        self.ctl("pattern", "9", "9", expect=2)
        self.ctl("pattern", "sum", "7", expect=64)
        self.ctl("pattern", "map=bf", "label=3", expect=2)
        self.ctl("pattern", "area=[0,0,2,2]", "mean=7", expect=2)

    def test_a_series_is_waited_for_and_told_as_a_table(self):
        self.begin()
        out = self.ctl("start", "--scan", "6x6", "--scans", "3", "--drift", "bf", "--wait")
        rows = [line for line in out.splitlines() if " complete " in line]
        self.assertEqual([row.split()[0] for row in rows], ["1", "2", "3"], out)
        self.assertEqual(len(json.loads(self.ctl("series", "--json"))["rows"]), 3)
        self.ctl("start", "--scan", "6x6", "--drift", "bf", expect=64)

    def test_every_command_answers_with_one_object_of_json(self):
        control = self.begin()
        self.run_scan(control, (6, 6))
        np.save(self.directory / "m.npy", np.ones((6, 6)))
        for words in ("status", "ping", "watch", "run", "series", "nudge 0", "geometry", "samples load 3 N", "samples", "note x", "keep", "discard", "discarded",
                      "get TEMPERATURE", "set GAIN 0", "command CLEARERROR", "map bf", "map --list", "pattern sum", "profile nothing", "detectors",
                      "detector q shape=disk radius=3", "remove-detector q", "recompute", "analyse com", "calibration", "measure bad_pixels", "calibrations",
                      "references", "reference halo x", "bragg", "bragg settings", "log-level", f"keygen {self.directory}/key", "lease", "request ping",
                      f"put m {self.directory}/m.npy", f"save-gain {self.directory}/g.npy", "stop", "view 4x4", "record", "stop", "shutdown"):
            done = run_ctl(self.daemon, *words.split(), "--json")
            self.assertIn(done.returncode, (0, 3), f"{words}: {done.stderr}")
            self.assertEqual(done.stdout.count("\n"), 1, f"{words}: {done.stdout}")
            self.assertEqual("error" in json.loads(done.stdout), done.returncode == 3, words)

    def test_the_configuration_and_the_log_level(self):
        control = self.begin()
        self.assertEqual(self.ctl("log-level"), "info\n")
        self.assertEqual(self.ctl("log-level", "debug"), "debug\n")
        self.ctl("log-level", "loud", expect=2)
        self.ctl("calibration", "kv=200", "centre=[127,128]")
        path = self.directory / "now.yaml"
        out = self.ctl("save-config", path)
        self.assertEqual(out.splitlines(), [str(path), "  changed    log.level", "  changed    calibration.kv"]
                         + [f"  not in it  {sentence}" for sentence in control("config_save")["left_out"]])
        self.assertIn("centre: ", out)
        self.ctl("save-config", path, expect=2)
        self.assertEqual(json.loads(self.ctl("save-config", "--json"))["path"], str(self.recordings / "merlind-saved.yaml"))


if __name__ == "__main__":
    unittest.main()
