"""merlin-file figure: what is in the pictures, read back by programs that are not ours (Pillow, poppler)."""
import base64
import io
import re
import subprocess
import unittest
import xml.etree.ElementTree

import h5py
import numpy as np
from PIL import Image

from file_tool import ToolTest
from harness import lighter

PLAIN = True

SCAN = (12, 16)
CALIBRATION = {"calibration.pixel_size_k": 0.05, "calibration.scan_step": 2.5}
BRAGG = {"bragg.enabled": "true", "bragg.centre": [128, 128], "bragg.annulus": [25, 46], "bragg.disk_radius": 3.36,
         "bragg.overdispersion": 1}
IMAGEJ_DESCRIPTION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, SAMPLE_FORMAT = 270, 282, 283, 296, 339


class Figure(ToolTest):
    def record(self, **settings):
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "%dx%d" % SCAN, "--counts", "2", "--br-fraction", "0.3", "--fps",
                                         lighter("1000", "200"))
        daemon = self.start_daemon(simulator, {"virtual_detectors": [{"name": "dark_field", "shape": "annulus", "inner": 20, "outer": 110}],
                                               **settings})
        return self.run_scan(self.control(daemon), SCAN)["file"]

    def figure(self, path, what, suffix, *options):
        new = self.directory / f"picture{suffix}"
        self.run_tool("figure", path, what, "-o", new, "--force", *options)
        return new

    def words(self, pdf):
        return subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True).stdout

    def svg_image(self, path):
        """The picture in an SVG as an array [y, x, colour], one pixel per value."""
        text = path.read_text()
        xml.etree.ElementTree.fromstring(text)
        found = re.search(r'href="data:image/png;base64,([^"]+)"', text)
        return np.array(Image.open(io.BytesIO(base64.b64decode(found[1]))).convert("RGB"))

    def shrunk(self, image, shape):
        zoom = image.shape[0] // shape[0]
        self.assertEqual(image.shape[:2], (shape[0] * zoom, shape[1] * zoom))
        blocks = image.reshape(shape[0], zoom, shape[1], zoom, 3)
        self.assertTrue((blocks == blocks[:, :1, :, :1]).all(), "a pixel is a square of one colour")
        return blocks[:, 0, :, 0]

    def test_a_map_as_numbers_and_as_a_picture(self):
        path = self.record(**CALIBRATION)
        with h5py.File(path) as file:
            values = file["/entry/results/dark_field/data"][()]
        with Image.open(self.figure(path, "dark_field", ".tif")) as tiff:
            np.testing.assert_array_equal(np.array(tiff), values.astype(np.float32))
            tags = tiff.tag_v2
            self.assertEqual((tiff.mode, tags[SAMPLE_FORMAT], tags[RESOLUTION_UNIT]), ("F", (3,), 1))
            np.testing.assert_allclose((float(tags[X_RESOLUTION]), float(tags[Y_RESOLUTION])), 0.4, rtol=1e-6)
            self.assertRegex(tags[IMAGEJ_DESCRIPTION], r"^ImageJ=.*\nunit=nm\n")
        low, high = values.min(), values.max()
        grey = self.shrunk(self.svg_image(self.figure(path, "dark_field", ".svg", "--range", f"{low},{high}")), SCAN)
        expected = np.rint(255 * (values - low) / (high - low))
        for channel in range(3):
            np.testing.assert_allclose(grey[..., channel], expected, atol=1)
        words = self.words(self.figure(path, "dark_field", ".pdf"))
        for expected in ("dark_field", "counts", "10 nm"):
            self.assertIn(expected, words)

    def test_a_pattern_by_its_position(self):
        path = self.record(**CALIBRATION)
        with h5py.File(path) as file:
            pattern = file["/entry/data/data"][7, 5]
        with Image.open(self.figure(path, "7,5", ".tif")) as tiff:
            np.testing.assert_array_equal(np.array(tiff), pattern.astype(np.float32))
            self.assertAlmostEqual(float(tiff.tag_v2[X_RESOLUTION]), 20, 4)
            self.assertIn("unit=1/nm\n", tiff.tag_v2[IMAGEJ_DESCRIPTION])
        with Image.open(self.figure(path, "7,5", ".tif", "--log")) as tiff:
            with np.errstate(divide="ignore"):
                expected = np.where(pattern > 0, np.log10(pattern.astype(float)), np.nan)
            np.testing.assert_allclose(np.array(tiff), expected, rtol=1e-6)
        self.assertRegex(self.words(self.figure(path, "7,5", ".pdf")), r"(?s)pattern 7,5.*2 nm")

    def test_a_profile_is_drawn_over_k_where_that_is_known(self):
        path = self.record(**CALIBRATION)
        self.assertRegex(self.words(self.figure(path, "radial_mean", ".pdf")), r"(?s)radial_mean.*\b8\b.*k \(nm⁻¹\)")

    def test_classes_have_a_legend_with_counts(self):
        path = self.record(**CALIBRATION, **BRAGG)
        with h5py.File(path) as file:
            classes = file["/entry/results/bragg/class"][()]
        self.assertGreater(np.count_nonzero(classes == 1), 0)
        words = self.words(self.figure(path, "bragg/class", ".pdf"))
        for number, name in enumerate(("none", "two-beam", "three-beam", "on-axis", "multiple")):
            n = np.count_nonzero(classes == number)
            self.assertIn(f"{name} {n} ({100 * n / np.count_nonzero(classes < 5):.1f} %)", words)
        colours = self.shrunk(self.svg_image(self.figure(path, "bragg/class", ".svg")), SCAN)
        self.assertTrue((colours[classes == 0] == (0xdd, 0xdd, 0xdd)).all())
        self.assertTrue((colours[classes == 1] == (0x56, 0xb4, 0xe9)).all())

    def test_a_profile_and_a_map_without_calibration(self):
        path = self.record()
        words = self.words(self.figure(path, "radial_mean", ".pdf"))
        for expected in ("radial_mean", "radius (px)", "50", "100", "150"):
            self.assertIn(expected, words)
        self.assertIn("positions", self.words(self.figure(path, "dark_field", ".pdf")))

    def test_what_cannot_be_drawn_is_said(self):
        path = self.record()
        for what, suffix, status, words in (("dark", ".pdf", 66, "there is no result \"dark\""), ("12,0", ".pdf", 65, "there is no position 12,0"),
                                            ("radial_mean", ".tif", 65, "a profile is no picture"),
                                            ("radial_profile", ".pdf", 65, "a profile for each position"), ("sum", ".png", 64, "a picture is called")):
            told = self.run_tool("figure", path, what, "-o", self.directory / f"none{suffix}", status=status)
            self.assertIn(words, told)
        kept = self.directory / "kept.svg"
        kept.write_text("mine")
        self.assertIn("is there already", self.run_tool("figure", path, "sum", "-o", kept, status=73))
        self.assertEqual(kept.read_text(), "mine")
        self.assertEqual([name for name in self.directory.iterdir() if name.name.startswith("none") or name.suffix == ".partial"], [])


if __name__ == "__main__":
    unittest.main()
