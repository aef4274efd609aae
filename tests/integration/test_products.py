"""Every product against numpy over the recorded frames: for each kind of pixel, with bad pixels, gain, frames that never came and a geometry that is
shifted, and the same to the last bit with 1, 2 and 4 workers."""
import pathlib
import unittest

import numpy as np

from harness import SystemTest, centre_of_mass, disk_mask, lighter, open_recording

SLOW = True
PLAIN = True

SCAN, SIDE, SHIFT = (8, 8), 256, 3
N = SCAN[0] * SCAN[1]
LOST = (5, 6, 33)  # frame indices
MIDDLE = ((SIDE - 1) / 2, (SIDE - 1) / 2)
BAD = ((128, 188), (10, 10))  # in the ring alone, and in no detector
ROUNDING = 1e-5  # of a sum with real weights, which are rounded to 30 bits of the largest


def detectors(directory):
    y, x = np.mgrid[:SIDE, :SIDE]
    np.save(directory / "wave.npy", np.sin(y / 20) * np.cos(x / 31) + 0.3)
    return [{"name": "disk", "shape": "disk", "radius": 30}, {"name": "ring", "shape": "annulus", "inner": 50, "outer": 70},
            {"name": "level", "shape": "disk", "radius": 40, "mode": "mean"}, {"name": "wave", "shape": "mask", "mask": str(directory / "wave.npy")},
            {"name": "fan", "shape": "segmented", "inner": 2, "outer": 40, "sectors": 4}]


def bad_mask():
    mask = np.zeros((SIDE, SIDE), bool)
    mask[tuple(zip(*BAD))] = True
    return mask


def without_bad(weights):
    """The weight of a bad pixel goes to its good neighbours in equal parts."""
    moved = weights.astype(float)
    for y, x in BAD:
        moved[y - 1:y + 2, x - 1:x + 2] += weights[y, x] / 8
        moved[y, x] = 0
    return moved


class Products(SystemTest):
    def measure(self, workers, *options, **settings):
        """A run with three frames lost, seen SHIFT frames later than it is stored; {name: array} of the file's results."""
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "%dx%d" % SCAN, "--bank", str(N), "--fps", lighter("600", "100"),
                                         "--fault", "drop:" + ",".join(str(frame + 1) for frame in LOST), *options)
        np.save(self.directory / "bad.npy", bad_mask())
        daemon = self.start_daemon(simulator, {"workers": workers, "virtual_detectors": detectors(pathlib.Path(self.directory)),
                                               "calibration.bad_pixels": str(self.directory / "bad.npy"), **settings})
        self.client = self.control(daemon)
        summary = self.run_scan(self.client, SCAN)
        self.assert_counts(summary["frames"], expected=N, received=N - len(LOST), missing=len(LOST), analysed=N - len(LOST))
        with open_recording(summary["file"]) as file:
            self.frames = file["/entry/data/data"][:].reshape(N, SIDE, SIDE).astype(np.uint64)
            results = {name: group["data"][:] for name, group in file["/entry/results"].items() if "data" in group}
        self.check_shift(results)
        simulator.stop()
        daemon.stop()
        return results

    def check_shift(self, results):
        """Seen as if the scan had begun later, every map has each frame's value so many positions earlier."""
        self.client("geometry", nudge=SHIFT)
        for name in ("disk", "ring", "level", "wave", "fan_2", "com_y", "com_x"):
            parts, _ = self.client.array("map", name)
            np.testing.assert_array_equal(parts["data"].ravel()[:N - SHIFT], results[name].ravel()[SHIFT:], name)
            np.testing.assert_array_equal(parts["measured"].ravel()[:N - SHIFT], results["measured"].ravel()[SHIFT:], name)
            self.assertFalse(parts["measured"].ravel()[N - SHIFT:].any(), name)

    def expected_maps(self, gain):
        """{name: (value for every frame, relative error that weights may bring)}."""
        frames, y, x = self.frames, *np.mgrid[:SIDE, :SIDE]
        wave = np.load(self.directory / "wave.npy")
        masks = {"disk": disk_mask((SIDE, SIDE), MIDDLE, 0, 30), "ring": disk_mask((SIDE, SIDE), MIDDLE, 50, 70), "wave": wave,
                 "level": disk_mask((SIDE, SIDE), MIDDLE, 0, 40)}
        azimuth = np.degrees(np.arctan2(y - MIDDLE[0], x - MIDDLE[1])) % 360
        for i in range(4):
            masks[f"fan_{i + 1}"] = disk_mask((SIDE, SIDE), MIDDLE, 2, 40) & (azimuth // 90 == i)
        maps = {}
        for name, mask in masks.items():
            weights = without_bad(mask) * gain
            exact = np.isscalar(gain) and name in ("disk", "fan_1", "fan_2", "fan_3", "fan_4")
            values = (frames * weights).sum(axis=(1, 2)) / (without_bad(mask).sum() if name == "level" else 1)
            maps[name] = (values, 0 if exact else ROUNDING)
        maps["com_y"], maps["com_x"] = ((np.array(one), 1e-12) for one in zip(*map(centre_of_mass, frames)))
        return maps

    def check_maps(self, results, gain=1):
        came = ~np.isin(np.arange(N), LOST)
        np.testing.assert_array_equal(results["measured"].ravel(), came)
        for name, (values, relative) in self.expected_maps(gain).items():
            stored = results[name].ravel()
            if relative == 0:
                np.testing.assert_array_equal(stored, np.where(came, values, 0), name)
            else:
                np.testing.assert_allclose(stored[came], values[came], rtol=relative, err_msg=name)
            if stored.dtype.kind == "f":
                self.assertTrue(np.isnan(stored[~came]).all(), name)

    def check_patterns(self, results):
        total, bad = self.frames.sum(axis=0), bad_mask()
        np.testing.assert_array_equal(results["sum"], total)
        np.testing.assert_array_equal(results["maximum"], np.where(bad, 0, self.frames.max(axis=0)))
        np.testing.assert_allclose(results["mean"], total / (N - len(LOST)), rtol=1e-12)
        y, x = np.mgrid[:SIDE, :SIDE]
        rings = np.floor(np.hypot(y - MIDDLE[0], x - MIDDLE[1])).astype(int)[~bad]
        n = results["radial_sum"].size
        np.testing.assert_array_equal(results["radial_sum"], np.bincount(rings, total[~bad])[:n])
        np.testing.assert_array_equal(results["radial_area"], np.bincount(rings)[:n])
        if "variance" not in results:
            return
        counts, squares, frames = total.astype(float), (self.frames ** 2).sum(axis=0).astype(float), N - len(LOST)
        top, bottom = (frames - 1) * (squares - counts), counts ** 2 - squares
        self.assert_ratio(results["variance"], np.where(bad, 0, top), np.where(bad, 0, bottom))
        self.assert_ratio(results["v_image"], np.bincount(rings, top[~bad])[:n], np.bincount(rings, bottom[~bad])[:n])

    def assert_ratio(self, found, top, bottom):
        """top / bottom - 1, NaN where there is nothing to divide by: in fewer than two frames."""
        there = bottom > 0
        np.testing.assert_array_equal(np.isnan(found), ~there)
        np.testing.assert_allclose(found[there], top[there] / bottom[there] - 1, rtol=1e-9, atol=1e-12)

    def check(self, *options, full_scale=None, **settings):
        results = self.measure(1, *options, **settings)
        self.check_maps(results)
        self.check_patterns(results)
        if full_scale:
            full = self.frames == full_scale
            self.assertGreater(full.sum(), 0)
            np.testing.assert_array_equal(results["saturated"].ravel(), full.sum(axis=(1, 2)))
            np.testing.assert_array_equal(results["saturation"], full.sum(axis=0))
        for workers in (2, 4):
            again = self.measure(workers, *options, **settings)
            self.assertEqual(again.keys(), results.keys())
            for name, array in results.items():
                np.testing.assert_array_equal(again[name], array, f"{name}, {workers} workers")

    def test_bits(self):
        self.check("--format", "raw", "--depth", "1", "--counts", "0.05")

    def test_bits_full_of_counts(self):
        self.check("--format", "raw", "--depth", "1", "--counts", "1.5")

    def test_bytes_of_few_counts(self):
        self.check("--counts", "0.05", **{"analysis.variance": True})

    def test_bytes_of_many_counts_some_at_full_scale(self):
        self.check("--counts", "30", full_scale=63, **{"analysis.variance": True})

    def test_raw_bytes(self):
        self.check("--format", "raw", "--counts", "0.5", **{"analysis.variance": True})

    def test_two_bytes(self):
        self.check("--depth", "12", "--counts", "20", **{"analysis.variance": True})

    def test_four_bytes(self):
        self.check("--depth", "24", "--counts", "2", **{"analysis.variance": True})

    def test_gain(self):
        gain = np.random.default_rng(3).uniform(0.8, 1.25, (SIDE, SIDE)).astype(np.float32)
        np.save(self.directory / "gain.npy", gain)
        results = self.measure(2, "--counts", "0.3", **{"calibration.gain": str(self.directory / "gain.npy")})
        self.check_maps(results, gain.astype(float))


if __name__ == "__main__":
    unittest.main()
