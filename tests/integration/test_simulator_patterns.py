"""merlin-sim as its clients see it: the patterns that it makes, and what it tells of the truth."""
import json
import pathlib
import tempfile
import unittest

import numpy as np

from simulator_client import Frame, SimulatorTest


class Synthetic(SimulatorTest):
    def frames(self, *arguments):
        _, bodies = self.acquire("--synthetic", "glass", "--fps", "max", *arguments)
        return [Frame(body) for body in bodies]

    def images(self, *arguments):
        return np.stack([frame.pixels for frame in self.frames(*arguments)])

    def test_headers_have_the_lengths_of_real_ones(self):
        self.start("--synthetic", "glass", "--bank", 64, "--depth", 1)
        data, commands = self.both()
        commands.cmd("STARTACQUISITION")
        data.message()
        frame = Frame(data.message())
        self.assertEqual((frame.offset, frame.text_size), (384, 342))
        frame = self.frames("--depth", 12, "--chips", 4, "--scan", "1x1")[0]
        self.assertEqual((frame.offset, frame.text_size), (768, 679))

    def test_depths_and_chips(self):
        for depth, pixel_type, size in ((1, "U08", 1), (6, "U08", 1), (12, "U16", 2), (24, "U32", 4)):
            for chips, side in ((1, 256), (4, 512)):
                with self.subTest(depth=depth, chips=chips):
                    arguments = ("--depth", depth, "--chips", chips, "--scan", "2x2", "--counts", 30)
                    frames = self.frames(*arguments)
                    self.assertEqual({frame.type for frame in frames}, {pixel_type})
                    self.assertEqual({frame.depth for frame in frames}, {depth})
                    self.assertEqual({frame.pixels.shape for frame in frames}, {(side, side)})
                    self.assertEqual(len(frames[0].body), frames[0].offset + side * side * size)
                    brightest = max(frame.pixels.max() for frame in frames)
                    if depth <= 6:
                        self.assertEqual(brightest, 2**depth - 1)
                    else:
                        self.assertGreater(brightest, 63)
                        self.assertLess(brightest, 2**depth)

    def test_deterministic_by_seed(self):
        first = self.images("--scan", "8x8", "--seed", 7)
        np.testing.assert_array_equal(first, self.images("--scan", "8x8", "--seed", 7))
        self.assertTrue((first != self.images("--scan", "8x8", "--seed", 8)).any())
        self.assertTrue((first[0] != first[1]).any())

    def test_bank_repeats(self):
        images = self.images("--scan", "4x8", "--bank", 8)
        np.testing.assert_array_equal(images[:8], images[8:16])
        np.testing.assert_array_equal(images[:8], images[24:])

    def test_halo_has_the_counts_that_were_asked_for(self):
        images = self.images("--scan", "16x16", "--counts", 0.5, "--br-fraction", 0, "--depth", 12)
        y, x = np.indices(images.shape[1:])
        radius = np.hypot(y - 128, x - 128)
        mean = images.mean(axis=0)
        ring = mean[np.abs(radius - 35.3) < 1].mean()
        self.assertAlmostEqual(ring, 0.5 * 1.05, delta=0.02)  # the mean of both layers
        half = mean[np.abs(radius - 35.3 - 4.7) < 1].mean()
        self.assertAlmostEqual(half / ring, 0.5, delta=0.06)
        self.assertGreater(mean[radius < 3].mean(), 10 * ring)
        outside = images[:, radius > 60].astype(float)
        self.assertAlmostEqual(outside.var() / outside.mean(), 1, delta=0.1)

    def test_truth_tells_where_reflections_are(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "truth.json"
            images = self.images("--scan", "24x16", "--br-fraction", 0.25, "--br-contrast", 10, "--counts", 1,
                                 "--depth", 12, "--truth", path)
            truth = json.loads(path.read_text())
        self.assertEqual((truth["scan"], truth["bank"]), ([24, 16], 384))
        patterns = truth["patterns"]
        self.assertEqual(sum(pattern["class"] != "none" for pattern in patterns), 96)
        self.assertGreaterEqual(len({pattern["class"] for pattern in patterns}), 3)
        y, x = np.indices(images.shape[1:])
        with_reflection, without = [], []
        for pattern, image in zip(patterns, images):
            self.assertIn(len(pattern["g"]), {"none": [0], "two-beam": [1], "three-beam": [2], "on-axis": [4, 6]}[pattern["class"]])
            cy, cx = pattern["centre"]
            for gy, gx in pattern["g"]:
                with_reflection.append(image[np.hypot(y - cy - gy, x - cx - gx) < 3].mean())
                self.assertAlmostEqual(np.hypot(gy, gx), 35.3, delta=0.09 * 35.3)
            if not pattern["g"]:
                without.append(image[np.abs(np.hypot(y - cy, x - cx) - 35.3) < 3].mean())
        self.assertGreater(min(with_reflection), 2 * max(without))
        self.assertAlmostEqual(np.mean(with_reflection), 11, delta=1)

    def test_truth_tells_what_was_planted_in_each_phase(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "truth.json"
            images = self.images("--scan", "16x24", "--counts", 0.2, "--br-fraction", "0.1,0.5", "--br-contrast", "20,80",
                                 "--br-classes", "1,1,1,1", "--second-ring", 30.6, "--speckle", 0.1, "--charge-sharing", "--descan", 3,
                                 "--dead", 0.001, "--depth", 12, "--truth", path)
            truth = json.loads(path.read_text())
        patterns = truth["patterns"]
        for phase, fraction in (0, 0.1), (1, 0.5):
            with_reflections = [pattern["class"] != "none" for pattern in patterns if pattern["phase"] == phase]
            self.assertEqual(sum(with_reflections), round(fraction * len(with_reflections)))
        self.assertEqual({pattern["class"] for pattern in patterns}, {"none", "two-beam", "three-beam", "on-axis", "multiple"})
        self.assertEqual((truth["ring_radius"], truth["charge_sharing"], truth["speckle"]), ([35.3, 30.6], True, 0.1))
        self.assertAlmostEqual(patterns[-1]["centre"][0] - patterns[0]["centre"][0], 3 * 15 / 16, delta=0.01)
        for y, x in truth["dead"]:
            self.assertEqual(images[:, y, x].max(), 0)
        y, x = np.indices(images.shape[1:])
        made, found = 0, 0
        for pattern, image in zip(patterns, images):
            self.assertEqual(len(pattern["disk_counts"]), len(pattern["g"]))
            cy, cx = pattern["centre"]
            for (gy, gx), counts, contrast in zip(pattern["g"], pattern["disk_counts"], pattern["contrasts"]):
                self.assertTrue(20 <= contrast <= 80)
                made += counts
                found += int(image[np.hypot(y - cy - gy, x - cx - gx) < 5.5].sum())
        self.assertAlmostEqual(found / made, 1, delta=0.06)  # the halo's own counts are few

    def test_counters_wrap_when_they_are_told_to(self):
        few = self.images("--scan", "2x2", "--counts", 20, "--depth", 12)
        clipped = self.images("--scan", "2x2", "--counts", 20, "--depth", 6)
        wrapped = self.images("--scan", "2x2", "--counts", 20, "--depth", 6, "--overflow", "wrap")
        self.assertGreater(few.max(), 63)
        np.testing.assert_array_equal(clipped, np.minimum(few, 63))
        np.testing.assert_array_equal(wrapped, few % 64)

    def test_reflections_come_in_clusters_and_layers_differ(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "truth.json"
            self.start("--synthetic", "glass", "--scan", "32x32", "--truth", path)
            patterns = json.loads(path.read_text())["patterns"]
        is_br = np.array([pattern["class"] != "none" for pattern in patterns]).reshape(32, 32)
        beside = (is_br[:, 1:] & is_br[:, :-1]).sum() / is_br[:, :-1].sum()
        self.assertGreater(beside, 2 * is_br.mean())
        self.assertEqual({pattern["phase"] for pattern in patterns}, {0, 1})


if __name__ == "__main__":
    unittest.main()
