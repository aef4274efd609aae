"""1-bit frames are analysed as bits, without decoding: what comes of them is what numpy makes of the images that the simulator says it sent."""
import pathlib
import unittest

import numpy as np

from harness import SystemTest, centre_of_mass, disk_mask, lighter, open_recording

SCAN = (8, 8)
DETECTORS = [{"name": "bf", "shape": "disk", "radius": 20}, {"name": "adf", "shape": "annulus", "inner": 30, "outer": 90},
             {"name": "smooth", "shape": "disk", "radius": 25, "edge": "antialiased"},
             {"name": "dpc", "shape": "segmented", "inner": 0, "outer": 60, "sectors": 4}]


class Bits(SystemTest):
    def measure(self, *options, counts, recorded=False, **settings):
        dump = pathlib.Path(self.directory) / f"sent-{counts}.npy"
        simulator = self.start_simulator("--synthetic", "glass", "--depth", "1", "--scan", "%dx%d" % SCAN, "--bank", "64", "--counts",
                                         str(counts), "--dump", str(dump), "--fps", lighter("400", "100"), *options)
        daemon = self.start_daemon(simulator, {"virtual_detectors": DETECTORS, **settings})
        self.client = self.control(daemon)
        self.summary = self.run_scan(self.client, SCAN, recording=recorded)
        self.assertEqual(self.summary["reason"], "complete", self.summary)
        self.frames = np.load(dump).astype(np.uint64)
        self.assertEqual(self.frames.max(), 1)

    def map(self, name):
        return self.client.array("map", name)[0]["data"]

    def check(self, *options, **settings):
        self.measure(*options, **settings)
        frames, shape = self.frames, self.frames.shape[1:]
        centre = ((shape[0] - 1) / 2, (shape[1] - 1) / 2)
        for name, inner, outer in (("bf", 0, 20), ("adf", 30, 90)):
            expected = frames[:, disk_mask(shape, centre, inner, outer)].sum(axis=1)
            np.testing.assert_array_equal(self.map(name).ravel(), expected, err_msg=name)
        sectors = sum(self.map(f"dpc_{i}") for i in (1, 2, 3, 4))
        np.testing.assert_array_equal(sectors.ravel(), frames[:, disk_mask(shape, centre, 0, 60)].sum(axis=1))
        y, x = np.mgrid[:shape[0], :shape[1]]
        # Halfway through the edge a pixel counts half: the sum lies between those of two hard disks.
        inside, around = (frames[:, disk_mask(shape, centre, 0, radius)].sum(axis=1) for radius in (24, 26))
        self.assertTrue(((self.map("smooth").ravel() >= inside) & (self.map("smooth").ravel() <= around)).all())
        centres = np.array([centre_of_mass(frame) for frame in frames])
        np.testing.assert_array_equal(self.map("com_y").ravel(), centres[:, 0])
        np.testing.assert_array_equal(self.map("com_x").ravel(), centres[:, 1])
        np.testing.assert_array_equal(self.client.array("pattern", "sum")[0]["data"], frames.sum(axis=0))
        np.testing.assert_array_equal(self.client.array("pattern", "maximum")[0]["data"], frames.max(axis=0))
        np.testing.assert_array_equal(self.client.array("pattern", "latest")[0]["data"], frames[-1])
        rings = np.floor(np.hypot(y - centre[0], x - centre[1])).astype(int).ravel()
        profile = self.client.array("profile", "radial_sum")[0]["data"]
        np.testing.assert_array_equal(profile, np.bincount(rings, frames.sum(axis=0).ravel())[:profile.size])

    def test_a_chip_with_few_counts(self):
        self.check("--format", "raw", counts=0.03)

    def test_a_chip_full_of_counts(self):
        self.check("--format", "raw", counts=1.5)

    def test_a_quad_with_a_gap(self):
        self.check("--format", "raw", "--layout", "2x2G", "--gap", "3", counts=0.05, **{"detector.gap": 3})

    def test_some_rows_of_a_chip(self):
        self.check("--format", "raw", "--rows", "64", counts=0.05)

    def test_packed_processed_frames(self):
        self.check("--pixel-type", "U01packed", counts=0.3)

    def test_recorded_frames_are_decoded_for_the_file(self):
        self.check("--format", "raw", counts=0.05, recorded=True)
        with open_recording(self.summary["file"]) as file:
            data = file["/entry/data/data"][:]
            np.testing.assert_array_equal(data.reshape(self.frames.shape), self.frames)


if __name__ == "__main__":
    unittest.main()
