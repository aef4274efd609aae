"""Patterns, radial profiles and the variance of fluctuation microscopy, against numpy over the recorded frames."""
import unittest

import numpy as np

from harness import ControlError, SystemTest, arrays, lighter, open_recording


SCAN = (16, 16)


def rings(shape, centre=None):
    """The bin of every pixel, 1 px wide, and how many pixels each has."""
    centre = centre or ((shape[0] - 1) / 2, (shape[1] - 1) / 2)
    y, x = np.mgrid[:shape[0], :shape[1]]
    bins = np.floor(np.hypot(y - centre[0], x - centre[1])).astype(int)
    return bins, np.bincount(bins.ravel())


class Profiles(SystemTest):
    def measure(self, *simulator_options, **settings):
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "%dx%d" % SCAN, "--bank", "256", "--fps",
                                         lighter("1000", "200"), *simulator_options)
        daemon = self.start_daemon(simulator, settings)
        self.client, self.heard = self.control(daemon), self.results(daemon, ("profile/", "pattern/"))
        self.summary = self.run_scan(self.client, SCAN)
        self.assertEqual(self.summary["reason"], "complete", self.summary)
        with open_recording(self.summary["file"]) as file:
            self.frames = file["/entry/data/data"][:].reshape(-1, *file["/entry/data/data"].shape[2:]).astype(np.uint64)

    def profile(self, name):
        return self.client.array("profile", name)[0]["data"]

    def test_patterns_and_radial_profiles_equal_numpy(self):
        self.measure()
        bins, area = rings(self.frames.shape[1:])
        total = self.frames.sum(axis=0)
        expected = np.bincount(bins.ravel(), total.ravel())
        n = self.profile("radial_sum").size
        np.testing.assert_array_equal(self.profile("radial_area"), area[:n])
        np.testing.assert_array_equal(self.profile("radial_sum"), expected[:n])
        np.testing.assert_allclose(self.profile("radial_mean"), expected[:n] / area[:n] / len(self.frames), rtol=1e-12)
        for name, truth in (("sum", total), ("mean", self.frames.mean(axis=0)), ("maximum", self.frames.max(axis=0))):
            np.testing.assert_allclose(self.client.array("pattern", name)[0]["data"], truth, rtol=1e-12, err_msg=name)
        self.assertEqual(self.heard.wait("profile/radial_mean/")[0]["axis"], {"name": "radius", "units": "px", "step": 1})
        with open_recording(self.summary["file"]) as file:
            np.testing.assert_array_equal(file["/entry/results/radial_sum/data"][:], expected[:n])
            self.assertEqual(file["/entry/results/maximum/data"].shape, total.shape)
            self.assert_axis(file, "radial_mean", "radius", np.arange(n) + 0.5, "px")
            self.assert_profiles_of_positions(file, bins, area, n)

    def assert_profiles_of_positions(self, file, bins, area, n):
        group = file["/entry/results/radial_profile"]
        self.assertEqual([*group.attrs["axes"]], ["scan_y", "scan_x", "radius"])
        np.testing.assert_array_equal(group["area"][:], area[:n])
        np.testing.assert_allclose(group["radius"][:], np.arange(n) + 0.5)
        expected = np.array([np.bincount(bins.ravel(), frame.ravel())[:n] for frame in self.frames])
        np.testing.assert_array_equal(group["data"][:], expected.reshape(*SCAN, n))

    def assert_axis(self, file, profile, name, values, units):
        """The middles of the rings; their indices stay beside them."""
        group = file["/entry/results"][profile]
        self.assertEqual([list(group.attrs["axes"]), list(group["data"].attrs["dims"])], [[name], [name]])
        np.testing.assert_allclose(group[name][:], values, rtol=1e-12)
        self.assertEqual(group[name].attrs["units"], units)
        np.testing.assert_array_equal(group["index_0"][:], np.arange(len(values)))

    def test_profiles_are_over_k_where_the_size_of_a_pixel_is_known(self):
        self.measure(**{"calibration.pixel_size_k": 0.05, "analysis.bin_width": 2, "analysis.variance": True})
        axis = {"name": "k", "units": "1/nm", "step": 0.1}
        self.assertEqual(self.client("profile", name="v_r")["axis"], axis)
        self.assertEqual(self.client("label_profiles", labels=np.ones(SCAN, int).tolist())["axis"], axis)
        self.assertEqual(self.heard.wait("profile/radial_mean/")[0]["axis"], axis)
        with open_recording(self.summary["file"]) as file:
            for profile in ("radial_sum", "radial_mean", "radial_area", "v_image", "v_r", "omega_error"):
                n = file["/entry/results"][profile]["data"].size
                self.assert_axis(file, profile, "k", (2 * np.arange(n) + 1) * 0.05, "1/nm")
                np.testing.assert_allclose(file["/entry/results"][profile]["radius"][:], 2 * np.arange(n) + 1)

    def test_profiles_of_labels_equal_numpy(self):
        self.measure()
        labels = np.arange(SCAN[0] * SCAN[1]).reshape(SCAN) % 3
        result, parts = self.client.request("label_profiles", labels=labels.tolist())
        tables = arrays(result["parts"], parts)
        bins, area = rings(self.frames.shape[1:])
        n = tables["mean"].shape[1]
        for label in (1, 2):
            chosen = self.frames[labels.ravel() == label]
            self.assertEqual(tables["frames"][label], len(chosen))
            expected = np.bincount(bins.ravel(), chosen.sum(axis=0).ravel())[:n] / area[:n] / len(chosen)
            np.testing.assert_allclose(tables["mean"][label], expected, rtol=1e-12)
        self.assertEqual(tables["frames"][0], 0)
        with self.assertRaises(ControlError) as refused:
            self.client("label_profiles", labels=[[1, 2]])
        self.assertEqual((refused.exception.code, refused.exception.field), ("bad_value", "args.labels"))

    def test_variance_equals_numpy(self):
        self.measure(**{"analysis.variance": True})
        n = self.frames.astype(float)
        total, squares, frames = n.sum(axis=0), (n ** 2).sum(axis=0), len(n)
        with np.errstate(invalid="ignore", divide="ignore"):
            image = (frames - 1) * (squares - total) / (total ** 2 - squares) - 1
        bins, _ = rings(total.shape)
        top = np.bincount(bins.ravel(), ((frames - 1) * (squares - total)).ravel())
        bottom = np.bincount(bins.ravel(), (total ** 2 - squares).ravel())
        measured = self.client.array("pattern", "variance")[0]["data"]
        both = np.isfinite(measured) & np.isfinite(image)
        self.assertGreater(np.count_nonzero(both), 1000)
        np.testing.assert_array_equal(np.isfinite(measured), np.isfinite(image))
        np.testing.assert_allclose(measured[both], image[both], rtol=1e-9, atol=1e-12)
        v_image = self.profile("v_image")
        ring = np.isfinite(v_image)
        with np.errstate(invalid="ignore", divide="ignore"):
            np.testing.assert_allclose(v_image[ring], (top / bottom - 1)[: v_image.size][ring], rtol=1e-9)
        error = self.profile("v_image_error")[ring]  # NaN where all counts are in one block
        self.assertGreater(np.count_nonzero(error > 0), error.size // 2)
        self.assertFalse((error < 0).any())
        for name in ("v_r", "v_re", "omega"):
            self.assertEqual(self.profile(name).shape, v_image.shape)
        result, parts = self.client.request("label_profiles", labels=np.ones(SCAN, int).tolist())
        tables = arrays(result["parts"], parts)
        for name in ("v_r", "v_re", "omega"):
            np.testing.assert_allclose(tables[name][1], self.profile(name), rtol=1e-9, err_msg=name)

    def test_of_one_bit_frames_there_is_no_variance(self):
        self.measure("--format", "raw", "--depth", "1", **{"analysis.variance": True, "recording.profiles": False})
        self.assertNotIn("v_image", self.summary["profiles"])
        self.assertIn("radial_mean", self.summary["profiles"])
        with open_recording(self.summary["file"]) as file:
            self.assertIn("radial_mean", file["/entry/results"])
            self.assertNotIn("radial_profile", file["/entry/results"], "recording.profiles is off")

    def test_what_is_switched_off_is_not_there(self):
        self.measure(**{"analysis.radial_profile": False})
        self.assertEqual(self.summary["profiles"], [])
        with self.assertRaises(ControlError) as refused:
            self.client("profile", name="radial_mean")
        self.assertEqual(refused.exception.code, "no_data")


if __name__ == "__main__":
    unittest.main()
