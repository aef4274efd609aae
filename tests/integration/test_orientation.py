"""docs/orientation.md from the socket to every place where somebody reads a sign: file, published pattern, maps and exported .mib."""
import unittest

import numpy as np

from file_tool import ToolTest
from harness import open_recording, read_mib, wait_for
from test_calibration import SIDE, write_frames

SCAN = (2, 3)
QUARTER = SIDE // 4
SECTORS = {"name": "s", "shape": "segmented", "sectors": 4, "start_angle": 0, "centre": [(SIDE - 1) / 2, (SIDE - 1) / 2], "inner": 0, "outer": SIDE}


def patterns():
    """The check of docs/orientation.md: a bright block at the top left, a dimmer one at the top right; every frame of the scan has its own brightness."""
    frames = np.zeros((SCAN[0] * SCAN[1], SIDE, SIDE), np.uint8)
    for i, frame in enumerate(frames):
        frame[:QUARTER, :QUARTER] = 20 + 2 * i
        frame[:QUARTER, -QUARTER:] = 5 + i
    return frames


class Orientation(ToolTest):
    def test_pattern_without_symmetry_has_its_signs_everywhere(self):
        frames = patterns()
        mib = write_frames(self.directory / "sent.mib", frames)
        daemon = self.start_daemon(self.start_simulator(mib, "--fps", "200"), {"virtual_detectors": [SECTORS]})
        client, heard = self.control(daemon), self.results(daemon, ("pattern/sum/",))
        summary = self.run_scan(client, SCAN)
        self.assertEqual(summary["reason"], "complete", summary)
        served = {name: client.array("map", name)[0]["data"] for name in ("com_y", "com_x", "s_1", "s_2", "s_3", "s_4")}
        np.testing.assert_array_equal(client.array("pattern", "sum")[0]["data"], frames.sum(axis=0, dtype=np.uint64))
        wait_for(lambda: heard.of("pattern/sum/") and np.array_equal(heard.of("pattern/sum/")[-1][2]["data"], frames.sum(axis=0)), 30,
                 "the sum of all frames to be published")
        with open_recording(summary["file"]) as file:
            np.testing.assert_array_equal(file["/entry/data/data"][...], frames.reshape(*SCAN, SIDE, SIDE))
            np.testing.assert_array_equal(file["/entry/results/sum/data"][...], frames.sum(axis=0))
            for name, values in served.items():
                np.testing.assert_array_equal(file[f"/entry/results/{name}/data"][...], values, name)
        self.assertTrue((served["com_y"] < QUARTER).all(), "up is negative y")
        self.assertTrue((served["com_x"] < (SIDE - 1) / 2).all(), "left is negative x")
        left, right = (QUARTER ** 2 * np.arange(n, n + 6 * step, step).reshape(SCAN) for n, step in ((20, 2), (5, 1)))
        np.testing.assert_array_equal(served["s_1"] + served["s_2"], np.zeros(SCAN), "below")
        np.testing.assert_array_equal(served["s_3"], left, "180 to 270: left and up")
        np.testing.assert_array_equal(served["s_4"], right, "270 to 360: right and up")
        self.run_tool("export", summary["file"], "-o", self.directory / "exported")
        np.testing.assert_array_equal(read_mib(self.directory / "exported.mib")[0], frames)


if __name__ == "__main__":
    unittest.main()
