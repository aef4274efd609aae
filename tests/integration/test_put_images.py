"""Images of another detector, from .npy, TIFF and EMD files, on the positions of a scan; a phase made of one."""
import json
import pathlib
import struct
import sys
import unittest

import h5py
import numpy as np

from bragg_scans import BraggScans
from harness import ControlError, run_ctl

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients" / "python"))
import merlind


SCAN = (24, 16)


def structure(shape, cell, seed=3):
    """A picture with detail, the same field at any size."""
    coarse = np.random.default_rng(seed).random((SCAN[0] // cell + 8, SCAN[1] // cell + 8))
    y, x = ((np.arange(n) + 0.5) / n * size / cell for n, size in zip(shape, SCAN))
    return coarse[np.ix_(y.astype(int), x.astype(int))]


def binned(image, shape):
    """Means of whole blocks: numpy's own way."""
    by, bx = image.shape[0] // shape[0], image.shape[1] // shape[1]
    return image.reshape(shape[0], by, shape[1], bx).mean(axis=(1, 3))


def write_tiff(path, *pages):
    """Grey TIFF in single strips, by the book (TIFF 6.0), little-endian."""
    data = bytearray(struct.pack("<2sHI", b"II", 42, 0))
    link = 4
    for page in pages:
        page = np.ascontiguousarray(page.astype(page.dtype.newbyteorder("<")))
        strip = len(data)
        data += page.tobytes() + b"\0" * (page.nbytes % 2)
        entries = [(256, 4, page.shape[1]), (257, 4, page.shape[0]), (258, 3, 8 * page.itemsize), (259, 3, 1), (262, 3, 1),
                   (273, 4, strip), (277, 3, 1), (278, 4, page.shape[0]), (279, 4, page.nbytes),
                   (339, 3, {"u": 1, "i": 2, "f": 3}[page.dtype.kind])]
        struct.pack_into("<I", data, link, len(data))
        data += struct.pack("<H", len(entries))
        for tag, kind, value in entries:
            data += struct.pack("<HHII", tag, kind, 1, value)
        link = len(data)
        data += struct.pack("<I", 0)
    path.write_bytes(data)


class PutImages(BraggScans):
    def setUp(self):
        super().setUp()
        self.control_ = self.begin(scan=SCAN)
        self.summary = self.measure(self.control_, SCAN)

    def ctl(self, *words, expect=0):
        done = run_ctl(self.daemon, *words)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done.stdout if expect == 0 else done.stderr

    def map(self, name):
        parts, header = self.control_.array("map", name)
        return np.where(parts["measured"] > 0, parts["data"], np.nan), header

    def test_an_image_becomes_the_means_of_its_parts_and_is_found_in_a_map(self):
        control = self.control_
        image = structure((96, 48), 2)
        reply = control.put("haadf", image, image={})
        self.assertEqual(reply["image"], {"shape": [96, 48], "shift": [0, 0], "error": None, "register": None})
        np.testing.assert_allclose(self.map("haadf")[0], binned(image, SCAN), rtol=1e-12)
        # Pixels that do not divide into the positions: the sum over the field stays, and a slope a slope.
        slope = np.add.outer(np.arange(50.0), 0.5 * np.arange(37))
        control.put("slope", slope, image={})
        found = self.map("slope")[0]
        self.assertAlmostEqual(found.mean(), slope.mean(), 10)
        np.testing.assert_allclose(np.diff(found, axis=0)[1:-1], 50 / 24, rtol=0.05)
        # Smaller than the scan: each position shows the pixel that it lies in.
        control.put("small", np.array([[1.0, 2], [3, 4]]), image={})
        np.testing.assert_array_equal(self.map("small")[0], np.kron([[1, 2], [3, 4]], np.ones((12, 8))))

        # Three lines lower and two positions to the left: (y, x) shows what lies at (y + 3, x - 2).
        control.put("moved", image, image={"shift": [3, -2]})
        expected = np.full(SCAN, np.nan)
        expected[:-3, 2:] = binned(image, SCAN)[3:, :-2]
        np.testing.assert_allclose(self.map("moved")[0], expected, rtol=1e-12)

        big = structure((28 * 4, 20 * 4), 2)
        grown = np.random.default_rng(5).random((SCAN[0] + 8, SCAN[1] + 8))
        control.put("field", grown[4:-4, 4:-4])
        shifted = np.kron(grown[4 - 2:4 - 2 + SCAN[0], 4 + 1:4 + 1 + SCAN[1]], np.ones((3, 3)))
        place = control.put("found", shifted, image={"register": "field"})["image"]
        np.testing.assert_allclose(place["shift"], [2, -1], atol=0.1)
        self.assertEqual(place["register"], "field")
        inside = np.s_[4:-4, 4:-4]
        np.testing.assert_allclose(self.map("found")[0][inside], grown[4:-4, 4:-4][inside], atol=0.15)
        self.assertEqual(self.map("found")[1]["provenance"]["image"], place)
        with self.assertRaises(ControlError) as refused:
            control.put("lost", np.random.default_rng(8).random(SCAN), image={"register": "field"})
        self.assertEqual((refused.exception.code, refused.exception.field), ("no_data", "args.image.register"))
        for wrong in ({"register": "field", "shift": [0, 0]}, {"shift": [1]}, {"register": "nothing"}, True, [0, 0], "", None, {"pass": 0}):
            with self.assertRaises(ControlError) as refused:
                control.put("lost", big, image=wrong)
            self.assertTrue(refused.exception.field.startswith("args.image"), refused.exception.field)
        with self.assertRaises(ControlError) as refused:
            control.put("lost", np.zeros((2, 3, 4)), image={})
        self.assertEqual(refused.exception.field, "args.shape")

    def test_merlinctl_reads_tiff_and_emd(self):
        picture = (1000 * structure((48, 32), 2)).astype("u2")
        path = self.directory / "haadf.tif"
        for dtype in ("u1", "u2", "u4", "i2", "i4", "f4", "f8"):
            with self.subTest(dtype):
                numbers = (picture // 4 if dtype == "u1" else picture - (500 if dtype[0] in "if" else 0) * np.ones(1, "i8")).astype(dtype)
                write_tiff(path, np.zeros((5, 5), "u1"), numbers)
                self.ctl("put", "haadf", path, "page=1", "units=counts")
                np.testing.assert_allclose(self.map("haadf")[0], binned(numbers.astype(float), SCAN), rtol=1e-6)
        self.assertIn("no page 7", self.ctl("put", "haadf", path, "page=7", expect=64))
        (self.directory / "no.tif").write_bytes(b"II*\0nonsense")
        self.ctl("put", "haadf", self.directory / "no.tif", expect=64)

        emd = self.directory / "haadf.emd"
        with h5py.File(emd, "w") as file:  # Velox: frames last, metadata as columns of bytes
            image = file.create_group("Data/Image/0123abcd")
            image["Data"] = np.stack([picture * 0, picture], axis=-1)
            image["Metadata"] = np.zeros((500, 1), "u1")
        self.ctl("put", "velox", emd, "page=1")
        np.testing.assert_allclose(self.map("velox")[0], binned(picture.astype(float), SCAN), rtol=1e-6)
        with h5py.File(emd, "w") as file:  # of Berkeley
            file["experiment/haadf/data"] = picture.astype(float) + 0.123456789
            file["experiment/haadf/dim1"] = np.arange(48.0)
            file["experiment/other/data"] = picture
        self.assertIn("experiment/other/data", self.ctl("put", "berkeley", emd, expect=64))
        self.ctl("put", "berkeley", emd, "dataset=/experiment/haadf/data")
        np.testing.assert_allclose(self.map("berkeley")[0], binned(picture + 0.123456789, SCAN), rtol=1e-12)
        self.assertIn("no dataset", self.ctl("put", "berkeley", emd, "dataset=/nothing", expect=64))

    def test_a_phase_is_made_of_an_image(self):
        control = self.control_
        found = control.array("map", "bragg/class")[0]["data"] > 0
        wide = np.kron(found * 1.0, np.ones((4, 4))) + 0.1 * np.random.default_rng(1).random((96, 64))
        path = self.directory / "phase.npy"
        np.save(path, wide)
        self.ctl("put", "planted", path, "shift=[0,0]")
        phase = json.loads(self.ctl("bragg", "phase", "planted", "otsu", "--json"))["phase"]
        self.assertEqual(phase["table"], [[found.sum(), 0], [0, (~found).sum()]])
        self.assertLess(phase["p_toroidal"], 0.01)
        with merlind.Merlind(self.daemon.control) as client:
            client.put("planted", wide, image=True)
            self.assertEqual(client.bragg(phase=("planted", 0.5))["phase"]["table"], phase["table"])
            client.put("planted", wide, shift=(0, 1))
            self.assertEqual(np.isnan(client.map("planted").filled(np.nan)).sum(), SCAN[0])


if __name__ == "__main__":
    unittest.main()
