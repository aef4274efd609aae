"""Sum patterns and profiles of the labels of a map, against numpy over the recorded file."""
import pathlib
import sys
import unittest

import numpy as np

from harness import ControlError, SystemTest, arrays, open_recording, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients" / "python"))
import merlind


SCAN = (8, 6)


class LabelPatterns(SystemTest):
    def begin(self, *simulator_options, fps="4000", **settings):
        self.simulator = self.start_simulator("--synthetic", "glass", "--bank", "40", "--fps", fps, *simulator_options)
        self.daemon = self.start_daemon(self.simulator, {
            "virtual_detectors": [{"name": "bf", "shape": "disk", "radius": 20}], "recording.flush": 0.1, **settings})
        self.client = self.control(self.daemon)
        return self.client

    def patterns(self, **arguments):
        result, parts = self.client.request("label_patterns", **arguments)
        return arrays(result["parts"], parts), result

    def frames(self, summary, layer="data"):
        with open_recording(summary["file"]) as file:
            return file[f"/entry/{layer}/data"][:].astype(np.uint64)

    def expected(self, frames, labels, n):
        """Frames [..., y, x] and labels of the same positions."""
        flat, labels = frames.reshape(-1, *frames.shape[-2:]), np.ravel(labels)
        sums = np.zeros((n, *flat.shape[1:]), np.uint64)
        for label in range(1, n):
            sums[label] = flat[labels == label].sum(axis=0)
        return sums

    def labels(self):
        return np.random.default_rng(3).integers(0, 5, SCAN)

    def assert_patterns(self, found, frames, labels, n):
        np.testing.assert_array_equal(found["sum"], self.expected(frames, labels, n))
        counts = np.bincount(np.ravel(labels), minlength=n)
        counts[0] = 0
        np.testing.assert_array_equal(found["frames"], counts)
        np.testing.assert_array_equal(found["positions"], counts)

    def test_an_array_thresholds_and_a_put_map_give_the_sums_of_the_file(self):
        control = self.begin()
        events = self.results(self.daemon, ("event/",))
        summary = self.run_scan(control, SCAN)
        frames, labels = self.frames(summary), self.labels()
        found, result = self.patterns(labels=labels.tolist())
        self.assert_patterns(found, frames, labels, 5)
        self.assertEqual(result["left_out"], 0)
        drawn = np.zeros(SCAN, int)
        drawn[1, 0:4], drawn[2, 1:3], drawn[1, 3:6] = 1, 1, 2
        found, _ = self.patterns(regions=[[[1, 0, 4], [2, 1, 3]], [[1, 3, 6]]])
        self.assert_patterns(found, frames, drawn, 3)
        means = self.patterns(labels=labels.tolist(), mean=True)[0]["mean"]
        self.assertTrue(np.isnan(means[0]).all())
        for label in range(1, 5):
            np.testing.assert_array_equal(means[label], frames[labels == label].sum(axis=0) / (labels == label).sum())
        header, _ = events.wait("event/", lambda header: header["event"] == "sweep" and header["sweep"]["finished"])[:2]
        self.assertEqual((header["sweep"]["what"], header["sweep"]["error"]), ("label_patterns", ""))
        self.assertEqual(header["sweep"]["done"], header["sweep"]["total"])

        bf = control.array("map", "bf")[0]["data"].astype(float)
        thresholds = np.quantile(bf, (0.2, 0.5)).tolist()
        by_intensity = 1 + np.digitize(bf, thresholds)
        self.assert_patterns(self.patterns(map="bf", thresholds=thresholds)[0], frames, by_intensity, 4)
        for kind in ("<i8", "|u1", "<f4"):
            control.put("phase", labels.astype(kind), units=kind)
            self.assert_patterns(self.patterns(map="phase")[0], frames, labels, 5)
        # And the profiles of the same labels.
        result, parts = control.request("label_profiles", map="phase")
        profiles = arrays(result["parts"], parts)
        result, parts = control.request("label_profiles", labels=labels.tolist())
        for name, values in arrays(result["parts"], parts).items():
            np.testing.assert_array_equal(profiles[name], values)
        with merlind.Merlind(self.daemon.control) as client:
            np.testing.assert_array_equal(client.label_patterns(map="phase")["sum"], self.expected(frames, labels, 5))
            np.testing.assert_array_equal(client.label_profiles(labels)["frames"], client.label_profiles(map="phase")["frames"])

    def test_while_the_scan_runs_it_is_that_of_the_positions_so_far(self):
        control = self.begin()
        control.wait_state("idle")
        run = self.start_in_bursts(control, (20, 20), 200)
        self.burst(control)
        labels = np.random.default_rng(5).integers(0, 3, (20, 20))
        wait_for(lambda: control.status()["frames"]["recorded"] >= 150, 60, "frames on the disk")
        found, result = self.patterns(labels=labels.tolist())
        self.burst(control)
        summary = control.wait_finished(run)
        n = int(found["frames"].sum() + result["left_out"])
        self.assertGreater(int(found["frames"].sum()), 40)
        self.assertLess(n, (labels > 0).sum())
        frames = self.frames(summary)
        # A raster on the disk in whole chunks: the first ones of each label.
        for label in (1, 2):
            first = np.flatnonzero(labels.ravel() == label)[:int(found["frames"][label])]
            np.testing.assert_array_equal(found["sum"][label], frames.reshape(-1, *frames.shape[-2:])[first].sum(axis=0))
        self.assert_patterns(self.patterns(labels=labels.tolist())[0], frames, labels, 3)

    def test_passes_a_serpentine_and_a_nudge(self):
        control = self.begin()
        summary = self.run_scan(control, SCAN, order="serpentine", repeats=2)
        frames, labels = self.frames(summary), self.labels()
        both = np.stack([labels, labels])
        self.assert_patterns(self.patterns(labels=labels.tolist())[0], frames, both, 5)
        per_pass = np.stack([labels, 4 - labels])
        control.put("phase", per_pass)
        self.assert_patterns(self.patterns(map="phase")[0], frames, per_pass, 5)
        control("geometry", nudge=3)
        exposures = []  # frames in the order of time
        for one in frames:
            for y, line in enumerate(one):
                exposures.extend(line[::-1] if y % 2 else line)
        seen = np.zeros_like(frames)
        there = np.zeros(frames.shape[:3], bool)
        for i, (p, y, x) in enumerate(np.ndindex(2, *SCAN)):
            if i + 3 < len(exposures):
                place = (p, y, SCAN[1] - 1 - x if y % 2 else x)
                seen[place], there[place] = exposures[i + 3], True
        found = self.patterns(labels=labels.tolist())[0]
        np.testing.assert_array_equal(found["sum"], self.expected(seen, np.where(there, both, 0), 5))

    def test_what_cannot_be_done_is_refused(self):
        control = self.begin()

        def refused(code, field, **arguments):
            with self.assertRaises(ControlError) as caught:
                control("label_patterns", **arguments)
            self.assertEqual((caught.exception.code, caught.exception.field), (code, field), caught.exception)
        refused("no_data", None, labels=[[1]])
        self.run_scan(control, SCAN, recording=False)
        labels = self.labels().tolist()
        refused("no_data", None, labels=labels)  # not on disk
        refused("bad_value", "args.labels")
        refused("bad_value", "args.labels", labels=labels, map="bf")
        refused("bad_value", "args.classes", labels=labels, classes="none")
        refused("bad_value", "args.labels", labels=[[1]])
        refused("bad_value", "args.labels", labels=labels, regions=[[[0, 0, 1]]])
        for regions in ([], [[]], [[[0, 0, SCAN[1] + 1]]], [[[SCAN[0], 0, 1]]], [[[0, 2, 2]]], [[[0, 0]]], [[[0, -1, 1]]]):
            refused("bad_value", "args.regions", regions=regions)
        refused("no_data", "args.map", map="nothing")
        refused("bad_value", "args.map", map="com_y")
        refused("bad_value", "args.thresholds", map="bf", thresholds=[2, 1])
        refused("no_data", "args.layer", labels=labels, layer="counter1")


if __name__ == "__main__":
    unittest.main()
