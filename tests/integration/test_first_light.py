"""Real detector files replayed over TCP: the recorded file and the maps must equal what numpy reads from the .mib itself."""
import unittest

import numpy as np

from harness import SystemTest, centre_of_mass, disk_mask, file_statistics, open_recording, read_mib

DETECTORS = [
    {"name": "bright", "shape": "disk", "centre": [127.5, 130.25], "radius": 20.5},
    {"name": "halo", "shape": "annulus", "centre": [100, 90], "inner": 30, "outer": 65},
    {"name": "central", "shape": "disk", "radius": 40},
    {"name": "corner", "shape": "disk", "centre": [0, 0], "radius": 3},
]


def expected_maps(frames):
    """Map name -> [n] values by numpy alone."""
    height, width = frames.shape[1:]
    maps = {}
    for detector in DETECTORS:
        centre = detector.get("centre", [(height - 1) / 2, (width - 1) / 2])
        outer = detector.get("radius", detector.get("outer"))
        mask = disk_mask((height, width), centre, detector.get("inner", 0), outer)
        maps[detector["name"]] = frames[:, mask].sum(axis=1, dtype=np.uint64)
    return maps


class RealFiles(SystemTest):
    def replay(self, name, shape):
        path = self.real_file(name)
        frames, _ = read_mib(path)
        self.assertEqual(len(frames), shape[0] * shape[1])
        simulator = self.start_simulator(path, "--fps", "500")
        daemon = self.start_daemon(simulator, {"virtual_detectors": DETECTORS})
        control = self.control(daemon)
        summary = self.run_scan(control, shape)
        self.assertEqual((summary["state"], summary["reason"]), ("finished", "complete"), summary)
        self.assert_accounts(summary["frames"])
        self.assert_counts(summary["frames"], expected=len(frames), received=len(frames), recorded=len(frames),
                           analysed=len(frames), lost=0, stalled=0)
        self.check_file(summary["file"], frames, shape)
        self.check_served(control, frames, shape)
        self.assertFalse(list(self.recordings.glob("*.partial")))

    def check_file(self, path, frames, shape):
        with open_recording(path) as file:
            data = file["/entry/data/data"]
            self.assertEqual(data.dtype, frames.dtype.newbyteorder("<"))
            np.testing.assert_array_equal(data[...], frames.reshape(shape + frames.shape[1:]))
            for name, values in expected_maps(frames).items():
                np.testing.assert_array_equal(file[f"/entry/results/{name}/data"][...], values.reshape(shape), name)
            np.testing.assert_array_equal(file["/entry/results/sum/data"][...], frames.sum(axis=0, dtype=np.uint64))
            mass = np.array([centre_of_mass(frame) for frame in frames])
            np.testing.assert_allclose(file["/entry/results/com_y/data"][...].ravel(), mass[:, 0], rtol=1e-12)
            np.testing.assert_allclose(file["/entry/results/com_x/data"][...].ravel(), mass[:, 1], rtol=1e-12)
            n = len(frames)
            np.testing.assert_array_equal(file["/entry/frames/number"][:n], np.arange(1, n + 1))
            np.testing.assert_array_equal(file["/entry/frames/position"][:n], np.arange(n))
            saturated = 16  # the one remark that a frame of a whole scan may carry
            self.assertFalse((file["/entry/frames/status"][:n] & ~np.uint8(saturated)).any())
            self.assertEqual(file_statistics(file)["reason"], "complete")

    def check_served(self, control, frames, shape):
        """The control socket hands out the same maps and patterns."""
        for name, values in expected_maps(frames).items():
            served, result = control.array("map", name)
            self.assertEqual(tuple(result["shape"]), shape)
            np.testing.assert_array_equal(served["data"], values.reshape(shape))
            self.assertTrue(served["measured"].all())
        served, _ = control.array("pattern", "sum")
        np.testing.assert_array_equal(served["data"], frames.sum(axis=0, dtype=np.uint64))
        served, result = control.array("pattern", "latest")
        np.testing.assert_array_equal(served["data"], frames[result["number"] - 1])

    def test_scan_of_4_by_2_positions_6_bit(self):
        self.replay("001_4x2_6bit.mib", (2, 4))

    def test_single_chip_1_bit(self):
        self.replay("Single_9_Frame_CounterDepth_1_Rows_256.mib", (3, 3))

    def test_single_chip_6_bit(self):
        self.replay("Single_9_Frame_CounterDepth_6_Rows_256.mib", (3, 3))

    def test_single_chip_12_bit(self):
        self.replay("Single_9_Frame_CounterDepth_12_Rows_256.mib", (3, 3))

    def test_single_chip_24_bit(self):
        self.replay("Single_1_Frame_CounterDepth_24_Rows_256.mib", (1, 1))

    def test_quad_1_bit(self):
        self.replay("Quad_1_Frame_CounterDepth_1_Rows_256.mib", (1, 1))

    def test_quad_6_bit(self):
        self.replay("Quad_1_Frame_CounterDepth_6_Rows_256.mib", (1, 1))

    def test_quad_12_bit(self):
        self.replay("Quad_1_Frame_CounterDepth_12_Rows_256.mib", (1, 1))

    def test_times_and_exposures_are_those_of_the_headers(self):
        path = self.real_file("Single_9_Frame_CounterDepth_12_Rows_256.mib")
        simulator = self.start_simulator(path)
        daemon = self.start_daemon(simulator)
        summary = self.run_scan(self.control(daemon), (3, 3))
        with open_recording(summary["file"]) as file:
            np.testing.assert_array_equal(file["/entry/frames/exposure_ns"][:9], 1000000)
            times = file["/entry/frames/timestamp_ns"][:9].astype(np.int64)
        np.testing.assert_array_equal(np.diff(times), 1000000)


if __name__ == "__main__":
    unittest.main()
