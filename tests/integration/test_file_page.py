"""merlind-file(5) names everything that is in a recorded file, in shape and type too (file_page.py; the harness holds every file of every
test against it), and the check notices what it does not name."""
import unittest

import h5py
import numpy as np

from file_tool import ToolTest
from harness import PAGE


class FilePage(ToolTest):
    def record(self, scan=(4, 6), options=(), settings=None, **start):
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "%dx%d" % scan, "--fps", 500, *options)
        self.client = self.control(self.start_daemon(simulator, settings))
        summary = self.run_scan(self.client, scan, **start)
        self.assertEqual((summary["reason"], summary["recording"]["state"]), ("complete", "closed"), summary)
        return summary["file"]

    def faults(self, path, change=lambda file: None):
        with h5py.File(path, "r+") as file:
            change(file)
            return PAGE.faults(file)

    def test_files_with_all_that_there_can_be_and_those_made_of_them(self):
        bad, gain = self.directory / "bad.npy", self.directory / "gain.npy"
        np.save(bad, np.eye(256, dtype=np.uint8))
        np.save(gain, np.ones((256, 256), np.float32))
        known = {"calibration.kv": 200, "calibration.pixel_size_k": 0.05, "calibration.scan_step": 1, "calibration.bad_pixels": str(bad),
                 "calibration.gain": str(gain), "analysis.variance": True, "recording.flush": 0.1}
        path = self.record(options=["--flyback", 1], settings=known, skip={"start": 0, "line": 1, "end": 0}, repeats=2, labels={"sample": "a"})
        self.client("note", text="for the next run")
        self.client("samples_put", name="load", unit="uN", value=3)
        again = self.run_scan(self.client, (4, 6), positions=[[y, x] for y in range(4) for x in range(6)])["file"]
        for what, names in ((path, ("sample/name", "data/repeat", "instrument/detector/flatfield", "results/v_image/k")),
                            (again, ("series/load/frames", "geometry/positions"))):
            with h5py.File(what) as file:
                for name in names:
                    self.assertIn(name, file["entry"])
            self.assertEqual(self.faults(what), [], what)
        for command, more in (("slim", ()), ("reshape", ("--shift", "1"))):
            self.run_tool(command, path, "-o", self.directory / f"{command}.h5", *more)
            self.assertEqual(self.faults(self.directory / f"{command}.h5"), [], command)

    def test_what_the_page_does_not_name_is_told(self):
        self.follows_the_page = False
        path = self.record()
        self.assertEqual(self.faults(path), [])

        def spoil(file):
            file["/entry/frames/colour"] = np.zeros(3)
            file["/entry/frames/status"].attrs["mood"] = "good"
            del file["/entry/frames/crc32c"]
            file["/entry/frames/crc32c"] = np.zeros((3, 2), np.uint32)
            file["/entry/results/sum/list"] = h5py.SoftLink("/entry/data/x")
        self.assertEqual(sorted(self.faults(path, spoil)), [
            "/entry/frames/colour (f8, 1 axes) is not in merlind-file(5)",
            "/entry/frames/crc32c (u4, 2 axes) is not as merlind-file(5) says",
            "/entry/results/sum/list (link, 0 axes) is not in merlind-file(5)",
            "attribute mood of /entry/frames/status is not in merlind-file(5)"])


if __name__ == "__main__":
    unittest.main()
