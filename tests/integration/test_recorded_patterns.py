"""Recorded patterns by position, list, or area, while the scan runs and afterwards, against numpy over the file."""
import sys
import unittest

import numpy as np

from harness import TOP, ControlError, SystemTest, arrays, open_recording, wait_for

sys.path.insert(0, str(TOP / "clients" / "python"))
from merlind import Merlind, MerlindError  # noqa: E402

SCAN = (8, 6)


class RecordedPatterns(SystemTest):
    def begin(self, *simulator_options, fps="4000", **settings):
        simulator = self.start_simulator("--synthetic", "glass", "--bank", "40", "--fps", fps, *simulator_options)
        self.daemon = self.start_daemon(simulator, {"recording.flush": 0.1, **settings})
        self.client = Merlind(self.daemon.control)
        self.addCleanup(self.client.close)
        return self.control(self.daemon)

    def recorded(self, summary):
        with open_recording(summary["file"]) as file:
            return file["/entry/data/data"][:], file["/entry/frames/number"][:]

    def refused(self, control, code, field, **arguments):
        with self.assertRaises(ControlError) as caught:
            control("pattern", **arguments)
        self.assertEqual((caught.exception.code, caught.exception.field), (code, field), caught.exception)

    def test_position_list_and_area_are_what_the_file_has(self):
        control = self.begin()
        summary = self.run_scan(control, SCAN)
        frames, numbers = self.recorded(summary)
        for y, x in ((0, 0), (3, 5), (7, 5)):
            result, parts = control.request("pattern", at=[y, x])
            data = arrays(result["parts"], parts)["data"]
            self.assertEqual(data.dtype, frames.dtype)
            np.testing.assert_array_equal(data, frames[y, x])
            self.assertEqual(result["number"], numbers[y * SCAN[1] + x])
            np.testing.assert_array_equal(self.client.pattern(y, x), frames[y, x])
        some = np.random.default_rng(1).permutation(list(np.ndindex(SCAN)))[:20].tolist() + [[3, 5], [3, 5]]
        result, parts = control.request("pattern", positions=some)
        found = arrays(result["parts"], parts)
        np.testing.assert_array_equal(found["data"], [frames[y, x] for y, x in some])
        np.testing.assert_array_equal(found["number"], [y * SCAN[1] + x + 1 for y, x in some])
        self.assertTrue(found["found"].all())
        self.assertFalse(self.client.patterns(some).mask.any())
        total, n = self.client.area_pattern(1, 2, 6, 5)
        self.assertEqual(n, 15)
        np.testing.assert_array_equal(total, frames[1:6, 2:5].sum(axis=(0, 1), dtype=np.uint64))
        result, parts = control.request("pattern", area=[1, 2, 6, 5], mean=True)
        np.testing.assert_array_equal(arrays(result["parts"], parts)["data"], frames[1:6, 2:5].mean(axis=(0, 1)))
        np.testing.assert_array_equal(self.client.area_pattern(1, 2, 6, 5, mean=True)[0], frames[1:6, 2:5].mean(axis=(0, 1)))

    def test_a_large_area_tells_how_far_it_is(self):
        control = self.begin()
        events = self.results(self.daemon, ("event/",))
        summary = self.run_scan(control, (80, 60))
        total, n = self.client.area_pattern(0, 0, 80, 60)
        self.assertEqual(n, 4800)
        np.testing.assert_array_equal(total, self.recorded(summary)[0].sum(axis=(0, 1), dtype=np.uint64))
        header = events.wait("event/", lambda h: h["event"] == "sweep" and h["sweep"]["finished"])[0]
        self.assertEqual((header["sweep"]["what"], header["sweep"]["done"]), ("pattern", header["sweep"]["total"]))

    def test_while_the_scan_runs_what_is_on_the_disk_can_be_had(self):
        control = self.begin()
        control.wait_state("idle")
        run = self.start_in_bursts(control, (20, 20), 200)
        self.burst(control)
        everywhere = [list(place) for place in np.ndindex(20, 20)]
        wait_for(lambda: control.status()["frames"]["recorded"] >= 150, 60, "frames on the disk")
        found = self.client.patterns(everywhere)
        n = int((~found.mask[:, 0, 0]).sum())
        self.assertGreater(n, 40)
        self.assertLess(n, 400)
        with self.assertRaises(MerlindError) as caught:
            self.client.pattern(19, 19)
        self.assertEqual(caught.exception.code, "no_data")
        self.burst(control)
        frames = self.recorded(control.wait_finished(run))[0]
        np.testing.assert_array_equal(found[:n], frames.reshape(-1, *frames.shape[-2:])[:n])
        self.assertEqual(control.status()["frames"]["missing"], 0)

    def test_passes_a_serpentine_and_a_nudge(self):
        control = self.begin()
        summary = self.run_scan(control, SCAN, order="serpentine", repeats=2)
        frames = self.recorded(summary)[0]
        for pass_ in (0, 1):
            np.testing.assert_array_equal(self.client.pattern(3, 1, pass_=pass_), frames[pass_, 3, 1])
        np.testing.assert_array_equal(self.client.pattern(3, 1), frames[1, 3, 1])  # the newest
        control("geometry", nudge=3)  # the first position was measured 3 frames later than was thought
        np.testing.assert_array_equal(self.client.pattern(0, 0, pass_=0), frames[0, 0, 3])

    def test_what_cannot_be_had_is_refused(self):
        control = self.begin()
        self.refused(control, "no_data", None, at=[0, 0])
        self.run_scan(control, SCAN, recording=False)
        self.refused(control, "no_data", None, at=[0, 0])  # not on the disk
        self.run_scan(control, SCAN)
        for field, arguments in (("at", {"at": [8, 0]}), ("at", {"at": [0, -1]}), ("at", {"at": [0]}), ("at", {"at": [0.5, 1]}),
                                 ("positions", {"positions": []}), ("positions", {"positions": [[0, 0], [0, 6]]}),
                                 ("positions", {"positions": 5}), ("area", {"area": [0, 0, 9, 6]}),
                                 ("area", {"area": [3, 0, 3, 6]}), ("area", {"area": [0, 0, 1]}), ("pass", {"at": [0, 0], "pass": 1})):
            self.refused(control, "bad_value", f"args.{field}", **arguments)
        self.refused(control, "no_data", "args.layer", at=[0, 0], layer="counter1")
        self.refused(control, "bad_value", None, at=[0, 0], name="sum")
        self.refused(control, "bad_value", "args.name")
        self.refused(control, "no_data", "args.name", name="smallest")
        self.refused(control, "bad_value", "args.mean", at=[0, 0], mean=True)
        self.refused(control, "bad_value", "args.layer", name="sum", layer="counter1")
        self.refused(control, "bad_value", "args.pass", name="sum", **{"pass": 0})
        self.refused(control, "bad_value", "args.mean", area=[0, 0, 1, 1], mean=1)


if __name__ == "__main__":
    unittest.main()
