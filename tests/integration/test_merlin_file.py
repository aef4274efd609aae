"""merlin-file info: what it tells of a file."""
import json
import subprocess
import unittest

import h5py
import numpy as np

from file_tool import MERLIN_FILE
from harness import open_recording
from reshape_judge import FileTest, Geometry, SATURATED, build


class Info(FileTest):
    def test_screen_and_json_tell_what_is_there(self):
        path = build(self.directory / "old.h5", Geometry((4, 6), start=1, line=2), layers=("counter0", "counter1"),
                     missing=(5,), late=(9,), duplicate=(6,))
        told = self.info(path)
        self.assertEqual((told["run"], told["end_reason"], told["growing"]), ("an-id", "complete", False))
        self.assertEqual((told["layers"], told["data"]["shape"], told["data"]["dtype"]), (["counter0", "counter1"], [4, 6, 6, 8], "<u2"))
        self.assertEqual(told["data"]["compression"], {"filter": "blosc", "codec": "lz4", "shuffle": "bit", "level": 1})
        with open_recording(path) as file:
            status = file["entry/frames/status"][...]
            expected = {"rows": 66, "came": 64, "placed": 46, "skipped": 18, "surplus": 0, "extra": 18 + 2 + 2, "missing": 2, "duplicate": 2,
                        "late": 2, "stalled": 0, "saturated": int((status & SATURATED != 0).sum()), "deferred": 0}
        self.assertEqual(told["frames"], expected)
        self.assertEqual({(r["name"], r["kind"]) for r in told["results"]},
                         {(f"{layer}/{name}", kind) for layer in told["layers"] for name, kind in
                          (("all", "map"), ("com_x", "map"), ("measured", "map"), ("profile", "map"), ("sum", "array"))})
        with open_recording(path) as file:
            stored = sum(file["entry"][group]["data"].id.get_storage_size() for group in ("data", "data_counter1", "extra"))
            chunks = sum(file["entry"][group]["data"].id.get_num_chunks() for group in ("data", "data_counter1")) * 3 + 22
        self.assertEqual((told["data"]["bytes_stored"], told["data"]["bytes_raw"]), (stored, chunks * 6 * 8 * 2))
        self.assertAlmostEqual(told["data"]["ratio"], told["data"]["bytes_raw"] / stored, 6)
        self.assertEqual(told["statistics"]["frames"], {"expected": 5, "received": 7})
        text = self.run_tool("info", path)
        for words in ("an-id", "complete", "4 x 6 raster, 1 left out at the start, 2 after each line", "counter0, counter1",
                      "blosc lz4, level 1, bit shuffle", "64 came, 46 in place, 18 skipped", "2 missing", "5 expected, 7 received",
                      "counter0/com_x", "counter1/sum"):
            self.assertIn(words, text)
        self.assertLessEqual(len(text.splitlines()), 24, "one screen")

    def test_history_is_shown_with_the_stored_one_marked(self):
        path = build(self.directory / "old.h5", Geometry((4, 6)))
        with h5py.File(path, "r+") as file:
            history = json.loads(file["entry/geometry/history"][()].rstrip(b"\0"))
            history += [{**history[0], "version": 2 + i, "shift": i, "source": "nudge", "frame": 10 * i} for i in range(20)]
            del file["entry/geometry/history"]
            file["entry/geometry/history"] = np.bytes_(json.dumps(history))
        text = self.run_tool("info", path)
        self.assertRegex(text, r"\* 1: 4 x 6 raster  \(request, frame 0\)")
        self.assertRegex(text, r"  21: 4 x 6 raster, shift \+19  \(nudge, frame 190\)")
        self.assertLessEqual(len(text.splitlines()), 24, "one screen")
        new, _ = self.reshape(path, "--last")
        self.judge(path, new, Geometry((4, 6)), Geometry((4, 6), shift=19))
        self.assertRegex(self.run_tool("info", new), r"\* 22: 4 x 6 raster, shift \+19  \(reshape")

    def test_full_output_is_an_error(self):
        path = build(self.directory / "old.h5", Geometry((4, 6)))
        with open("/dev/full", "w") as full:
            done = subprocess.run([str(MERLIN_FILE), "info", str(path)], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 73)
        self.assertIn("cannot write to stdout", done.stderr)


if __name__ == "__main__":
    unittest.main()
