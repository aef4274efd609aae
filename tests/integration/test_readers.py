"""One recorded file, opened by the programs that people use: Debian's always, the newest ones where $MERLIND_READERS_PYTHON names the Python
of a virtual environment that has them, and $MERLIND_READERS_H5WEB a directory with npm's h5wasm and its plug-ins (./check.sh readers)."""
import json
import os
import pathlib
import shutil
import subprocess
import unittest

import h5py
import numpy as np

import reader_checks
from harness import SystemTest, timeout

PLAIN = True

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = os.environ.get("MERLIND_READERS_PYTHON")
H5WEB = os.environ.get("MERLIND_READERS_H5WEB")


class ReaderTest(SystemTest):
    def setUp(self):
        super().setUp()
        scan = "%dx%d" % reader_checks.SHAPE
        simulator = self.start_simulator("--synthetic", "glass", "--depth", "12", "--scan", scan, "--fps", "500", "--dump",
                                         self.directory / "sent.npy")
        daemon = self.start_daemon(simulator, {"calibration.kv": reader_checks.KV, "calibration.pixel_size_k": reader_checks.PIXEL,
                                               "calibration.scan_step": reader_checks.STEP})
        summary = self.run_scan(self.control(daemon), reader_checks.SHAPE)
        self.assertEqual(summary["reason"], "complete", summary)
        shutil.move(summary["file"], self.directory / "NAME.h5")
        for suffix in ("hspy", "nxs"):
            (self.directory / f"NAME.{suffix}").symlink_to("NAME.h5")

    def check(self, reader, python="/usr/bin/python3"):
        done = subprocess.run([python, str(HERE / "reader_checks.py"), reader, str(self.directory)], capture_output=True, text=True,
                              timeout=timeout(120), env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "MPLBACKEND": "agg"})
        self.assertEqual(done.returncode, 0, done.stderr[-4000:])


class DebianReaders(ReaderTest):
    def test_h5py(self):
        self.check("h5py")

    def test_hyperspy(self):
        self.check("hyperspy")

    def test_silx_and_h5web(self):
        self.check("silx")

    def test_dask(self):
        self.check("dask")

    def test_rules_of_h5web(self):
        """h5web: @default from the root to an NXdata, @signal, @axes of the signal's rank whose lengths fit, numbers, and a filter that its
        plug-ins know (32001)."""
        with h5py.File(self.directory / "NAME.h5") as file:
            group = file
            while "default" in group.attrs:
                group = group[group.attrs["default"]]
            self.assertEqual(group.attrs["NX_class"], b"NXdata")
            signal = group[group.attrs["signal"]]
            self.assertEqual(len(group.attrs["axes"]), signal.ndim)
            for i, name in enumerate(group.attrs["axes"]):
                self.assertEqual(group[name].shape, (signal.shape[i],))
                self.assertEqual(group.attrs[f"{name}_indices"], i)
                self.assertEqual(group[name].dtype.kind, "f")
            self.assertEqual(signal.attrs["interpretation"], "image")
            filters = signal.id.get_create_plist()
            self.assertEqual([filters.get_filter(i)[0] for i in range(filters.get_nfilters())], [32001])


class PypiReaders(ReaderTest):
    def test_hyperspy(self):
        self.check("hyperspy", PYTHON)

    def test_pyxem(self):
        self.check("pyxem", PYTHON)

    def test_rosettasciio(self):
        self.check("rosettasciio", PYTHON)

    def test_emdfile_and_py4dstem(self):
        self.check("py4dstem", PYTHON)

    def test_libertem(self):
        self.check("libertem", PYTHON)

    def test_silx(self):
        self.check("silx", PYTHON)


class NpmReaders(ReaderTest):
    def test_h5web(self):
        """What h5web shows first, by the library that it reads with."""
        y, x = 3, 5
        done = subprocess.run(["node", str(HERE / "reader_h5web.mjs"), H5WEB, str(self.directory / "NAME.h5"), str(y), str(x)],
                              capture_output=True, text=True, timeout=timeout(120))
        self.assertEqual(done.returncode, 0, done.stderr[-4000:])
        shown = json.loads(done.stdout)
        self.assertEqual((shown["class"], shown["path"], shown["interpretation"]), ("NXdata", "/entry/data/data", "image"))
        self.assertEqual(tuple(shown["shape"]), reader_checks.SHAPE + 2 * (reader_checks.SIDE,))
        reader_checks.check_axes([tuple(axis) for axis in shown["axes"]])
        sent = np.load(self.directory / "sent.npy").reshape(shown["shape"])
        np.testing.assert_array_equal(np.reshape(shown["pattern"], sent.shape[2:]), sent[y, x])


if not PYTHON:
    del PypiReaders
if not H5WEB:
    del NpmReaders
del ReaderTest


if __name__ == "__main__":
    unittest.main()
