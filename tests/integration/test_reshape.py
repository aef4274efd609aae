"""merlin-file reshape of files that other versions, or other programs, may have written; the judge is reshape_judge.py."""
import dataclasses
import errno
import fcntl
import json
import os
import pty
import resource
import signal
import struct
import subprocess
import termios
import unittest

import h5py
import hdf5plugin
import numpy as np

from file_tool import MERLIN_FILE
from harness import IN_THE_LIBRARY, SANITIZER_REPORT, lighter, open_recording, timeout, wait_for
from reshape_judge import FileTest, Geometry, SURPLUS, build


class Built(FileTest):
    """Files of the documented form, so that every oddity can be had."""

    def check(self, old, arguments, new, **options):
        """Builds a file of geometry `old`, reshapes it and judges the result; returns what merlin-file told."""
        path = build(self.directory / "old.h5", old, **options)
        made, told = self.reshape(path, *arguments)
        self.judge(path, made, old, new, told)
        return told

    def test_nudge_of_a_scan_with_holes_late_frames_and_duplicates(self):
        for shift in (3, -2):
            with self.subTest(shift):
                told = self.check(Geometry((5, 10)), ["--shift", shift, "--force"], Geometry((5, 10), shift=shift),
                                  missing=(7, 8), late=(21, 48), duplicate=(0, 30))
                # Nudged later the first frames fall out; nudged earlier the first positions are empty, and the last frames are surplus.
                self.assertEqual(told["extra"], abs(shift) + 2)
                self.assertEqual(told["empty"], abs(shift) + 2)

    def test_of_a_skipped_frame_that_came_twice_the_first_one_gets_the_place(self):
        """In /entry/extra the copy may stand before it."""
        self.check(Geometry((5, 6), start=8), ["--skip-start", 0, "--scan", "5x7"], Geometry((5, 7)), late=range(20, 30),
                   duplicate=[*range(8), *range(20, 30)])

    def test_every_number_of_frames_in_a_chunk(self):
        for k in (1, 2, 3, 4, 7, 10):
            with self.subTest(k):
                self.check(Geometry((4, 10)), ["--scan", "3x12", "--skip-start", 2, "--force"], Geometry((3, 12), start=2), k=k)

    def test_chunks_that_line_up_are_copied_as_they_are(self):
        """Two lines later: every chunk is where one was before."""
        path = build(self.directory / "old.h5", Geometry((6, 10)), k=5)
        new, told = self.reshape(path, "--shift", 20)
        self.judge(path, new, Geometry((6, 10)), Geometry((6, 10), shift=20), told)
        self.assertEqual(told["chunks"], {"copied": 8, "compressed": 20})  # the frames left out have chunks of one
        with open_recording(path) as old, open_recording(new) as made:
            a, b = old["entry/data/data"].id, made["entry/data/data"].id
            for y in range(4):
                for x in (0, 5):
                    self.assertEqual(a.read_direct_chunk((y + 2, x, 0, 0)), b.read_direct_chunk((y, x, 0, 0)))

    def test_a_line_that_is_no_whole_number_of_chunks_does_not_line_up_by_accident(self):
        """Places 8, 9, 10, 11 are one new chunk, and in the original the end of a line and the beginning of the next one."""
        self.check(Geometry((6, 10)), ["--scan", "5x12"], Geometry((5, 12)), k=4)

    def test_no_frame_hides_behind_the_edge(self):
        """The old chunk of columns 8 to 11 has frames that the new scan of 10 columns does not show: it must be made anew."""
        path = build(self.directory / "old.h5", Geometry((1, 12)), k=4)
        new, _ = self.reshape(path, "--scan", "1x10")
        self.judge(path, new, Geometry((1, 12)), Geometry((1, 10)))
        with open_recording(new) as file:
            raw = file["entry/data/data"].id.read_direct_chunk((0, 8, 0, 0))[1]
        with h5py.File(self.directory / "look.h5", "w") as look:
            data = look.create_dataset("d", (1, 4, 6, 8), "<u2", chunks=(1, 4, 6, 8), **hdf5plugin.Blosc())
            data.id.write_direct_chunk((0, 0, 0, 0), raw)
            self.assertFalse(data[0, 2:].any())

    def test_stack_becomes_a_scan(self):
        told = self.check(Geometry(), ["--scan", "6x8", "--skip-start", 4], Geometry((6, 8), start=4), frames=54, k=4, missing=(20,))
        self.assertEqual((told["placed"], told["empty"], told["chunks"]["copied"] > 8), (47, 1, True))

    def test_stack_of_another_beginning_stays_a_stack(self):
        self.check(Geometry(start=2), ["--skip-start", 5], Geometry(start=5), frames=20)
        self.check(Geometry(start=5), ["--skip-start", 0, "--force"], Geometry(), frames=20)

    def test_wrong_skip_becomes_the_right_one(self):
        """Recorded as 6x12 without flyback; what came behind the scan is in /entry/extra and is found again."""
        old = Geometry((6, 12))
        self.check(old, ["--scan", "6x10", "--skip-line", 2, "--skip-start", 3], Geometry((6, 10), start=3, line=2), frames=75, late=(74, 9))
        self.check(Geometry((6, 10), start=3, line=2), ["--skip-line", 0, "--skip-start", 0, "--scan", "6x12", "--force"], old, frames=75)

    def test_serpentine_misread_as_raster(self):
        self.check(Geometry((5, 9)), ["--order", "serpentine"], Geometry((5, 9), order="serpentine"), missing=(10,))
        self.check(Geometry((5, 9), order="serpentine"), ["--order", "raster", "--force"], Geometry((5, 9)), k=4)

    def test_passes(self):
        one, two = Geometry((8, 5), line=1), Geometry((4, 5), line=1, repeats=2)
        self.check(one, ["--scan", "4x5", "--repeats", 2], two)
        self.check(two, ["--scan", "8x5", "--repeats", 1, "--force"], one)
        gap = Geometry((4, 5), repeats=2, end=3)
        self.check(gap, ["--shift", 1, "--force"], dataclasses.replace(gap, shift=1), duplicate=(3,))
        self.check(dataclasses.replace(gap, order="serpentine"), ["--order", "raster", "--skip-end", "4", "--shift", -1, "--force"],
                   dataclasses.replace(gap, end=4, shift=-1))

    def test_lists_of_positions(self):
        places = np.random.default_rng(5).permutation(48)[:40]
        positions = np.stack(np.divmod(places, 8), axis=1)
        shown = Geometry((6, 8), order="list", positions=positions)
        np.save(self.directory / "positions.npy", positions)
        self.check(Geometry((5, 8)), ["--scan", "6x8", "--positions", self.directory / "positions.npy"], shown)
        self.check(shown, ["--order", "raster", "--scan", "5x8", "--force"], Geometry((5, 8)), missing=(11,))
        self.check(shown, ["--shift", 2, "--force"], dataclasses.replace(shown, shift=2))
        self.check(shown, ["--repeats", 2, "--allow-missing", "--force"], dataclasses.replace(shown, repeats=2))

    def test_forms_of_npy_files(self):
        positions = np.stack(np.divmod(np.arange(12)[::-1], 4), axis=1)
        path, expected = self.directory / "p.npy", Geometry((3, 4), order="list", positions=positions)
        for dtype in ("<i8", ">i4", "<u2", "u1", "<f8", ">f4"):
            np.save(path, positions.astype(dtype))
            self.check(Geometry((3, 4)), ["--positions", path, "--force"], expected)
        np.save(path, np.asfortranarray(positions))
        self.check(Geometry((3, 4)), ["--positions", path, "--force"], expected)

    def test_layers(self):
        for layers in (("counter0", "counter1"), tuple(f"layer{i}" for i in range(4))):
            with self.subTest(layers):
                told = self.check(Geometry((4, 6)), ["--scan", "4x5", "--skip-line", 1, "--shift", 1, "--force"],
                                  Geometry((4, 5), line=1, shift=1), layers=layers, missing=(5, (2, 0), (8, 1)), late=(9,), duplicate=(6,))
                self.assertEqual(told["placed"] + told["empty"], 20 * len(layers))

    def test_files_of_the_first_version(self):
        """No /entry/geometry: what was left out is found from the positions."""
        old = Geometry((5, 8), start=3, line=2)
        path = build(self.directory / "old.h5", old, history=False, missing=(4,))
        told = self.info(path)
        self.assertEqual((told["geometry"]["scan"], told["geometry"]["skip"], told["history"]),
                         ([5, 8], {"start": 3, "line": 2, "end": 0}, None))
        new, told = self.reshape(path, "--shift", 1)
        self.judge(path, new, old, dataclasses.replace(old, shift=1), told)
        self.assertRegex(self.run_tool("reshape", path, "-o", self.directory / "x.h5", "--last", status=65), "no history.*--shift")
        stack = Geometry(start=6)
        path = build(self.directory / "stack.h5", stack, history=False, frames=30)
        new, told = self.reshape(path, "--scan", "4x6", "--force")
        self.judge(path, new, stack, Geometry((4, 6), start=6), told)

    def test_pixels_of_every_size_and_compression(self):
        forms = {"gzip": {"compression": "gzip", "shuffle": True}, "plain": {}, "contiguous": {"chunks": None},
                 "zstd": {**hdf5plugin.Blosc("zstd", 3, hdf5plugin.Blosc.SHUFFLE)}}
        for name, dataset in forms.items():
            for dtype in ("u1", "<u2", "<u4"):
                with self.subTest(name, dtype=dtype):
                    self.check(Geometry((4, 6)), ["--shift", 2, "--force"], Geometry((4, 6), shift=2), dataset=dataset, dtype=dtype)
        with open_recording(self.directory / "new.h5") as file:
            codec = file["entry/data/data"].id.get_create_plist().get_filter_by_id(32001)[1]
            self.assertEqual((codec[2], codec[3], codec[4:7]), (4, 3 * 6 * 8 * 4, (3, 1, 5)), "the codec is that of the original")

    def test_level_of_compression_is_that_of_the_original(self):
        """Level 0 stores the bytes as they are, behind a header of 16."""
        self.check(Geometry((4, 6)), ["--shift", 1], Geometry((4, 6), shift=1), dataset={**hdf5plugin.Blosc("lz4", 0)})
        with open_recording(self.directory / "new.h5") as file:
            self.assertEqual(len(file["entry/data/data"].id.read_direct_chunk((0, 0, 0, 0))[1]), 3 * 6 * 8 * 2 + 16)

    def test_there_and_back_again_is_the_original(self):
        old = Geometry((5, 8), line=1)
        path = build(self.directory / "old.h5", old, missing=(3,), duplicate=(9,))
        there, _ = self.reshape(path, "--scan", "4x7", "--skip-start", 2, "--skip-line", 0, "--order", "serpentine")
        back, told = self.reshape(there, "--scan", "5x8", "--skip-start", 0, "--skip-line", 1, "--order", "raster", name="back.h5")
        # Frames that were not in the maps of the middle file are in none of its copies.
        middle = Geometry((4, 7), start=2, order="serpentine")
        self.judge(there, back, middle, old, told)
        with open_recording(path) as a, open_recording(back) as b:
            np.testing.assert_array_equal(a["entry/data/data"][...], b["entry/data/data"][...])
            np.testing.assert_array_equal(a["entry/frames/position"][...], b["entry/frames/position"][:45])
            history = json.loads(b["entry/geometry/history"][()])
        self.assertEqual([(g["version"], g["source"]) for g in history], [(1, "request"), (2, "reshape"), (3, "reshape")])
        self.assertEqual(history[1]["file"], "old.h5")

    def test_frames_whose_pixels_are_not_in_the_file_are_told(self):
        """A worker that could not compress leaves a chunk unwritten."""
        old = Geometry((2, 6))
        path = build(self.directory / "old.h5", old, missing=(3, 4, 5))
        with h5py.File(path, "r+") as file:
            file["entry/frames/position"][3:6] = (3, 4, 5)
        for arguments in (["--shift", 6], ["--shift", 1]):
            _, told = self.reshape(path, *arguments, "--force")
            self.assertEqual(told["lost"], 3)
        self.assertIn("3 frames came whose pixels are not in", self.run_tool("reshape", path, "-o", self.directory / "x.h5", "--shift", 1))

    def test_links_and_strangers_are_kept(self):
        """What other conventions and programs put into a file: hard and soft links, groups and attributes of all kinds."""
        old = Geometry((3, 4))
        path = build(self.directory / "old.h5", old)
        with h5py.File(path, "r+") as file:
            file["view/data"] = file["entry/data/data"]  # a second name of the pixels, not a second copy
            file["view/soft"] = h5py.SoftLink("/entry/data/data")
            file["entry/data/dim3"] = file["entry/data/x"]
            strange = file.create_group("strange")
            strange.create_group("deep")["loop"] = strange
            file["strange/one"] = np.arange(5)
            file["strange/two"] = file["strange/one"]
            file["strange/text"] = ["a", "bc"]
            file["strange"].attrs.update({"list": [1, 2, 3], "text": "hello", "empty": h5py.Empty("f4")})
            file["strange"].attrs["texts"] = np.array(["x", "yz"], h5py.string_dtype())
            file["entry/notes"] = np.bytes_(b"by hand")
            file["entry/results/imported"] = np.arange(7)
            file["elsewhere"] = h5py.ExternalLink("other.h5", "/there")
        new, _ = self.reshape(path, "--shift", 1)
        self.judge(path, new, old, Geometry((3, 4), shift=1))
        with open_recording(new) as file:
            self.assertEqual(file["view/data"], file["entry/data/data"])
            self.assertEqual(file.get("view/soft", getlink=True).path, "/entry/data/data")
            self.assertEqual(file["entry/data/dim3"], file["entry/data/x"])
            self.assertEqual(file["strange/one"], file["strange/two"])
            self.assertEqual(file["strange/deep/loop"], file["strange"])
            self.assertEqual(list(file["strange/text"].asstr()), ["a", "bc"])
            self.assertEqual(file["entry/results/imported"][3], 3)
            self.assertEqual(list(file["strange"].attrs["texts"]), ["x", "yz"])
            self.assertEqual(file.get("elsewhere", getlink=True).filename, "other.h5")

    def test_axes_keep_their_scale(self):
        path = build(self.directory / "old.h5", Geometry((3, 8)))
        new, _ = self.reshape(path, "--scan", "2x10")
        with open_recording(new) as file:
            np.testing.assert_allclose(file["entry/data/scan_x"][...], 7 + 2.5 * np.arange(10))
            self.assertEqual(file["entry/data/scan_x"].attrs["units"], "nm")

    def test_a_stray_frame_number_costs_nothing(self):
        """Row 40,000,000 of a table whose rows between were never written."""
        old, far = Geometry((3, 4)), 40_000_000
        path = build(self.directory / "old.h5", old, extra=True, frames=13)
        with h5py.File(path, "r+") as file:
            for name in ("position", "status", "number", "timestamp_ns", "exposure_ns"):
                file[f"entry/frames/{name}"].resize((far + 1,))
            file["entry/frames/position"][far], file["entry/frames/status"][far] = -2, SURPLUS
            file["entry/extra/frame"][0] = far
        new, told = self.reshape(path, "--shift", 1)
        self.assertEqual((told["placed"], told["extra"]), (11, 2))
        self.assertLess(new.stat().st_size, 5_000_000, "40,000,000 rows would be a gigabyte")

    # ---- errors

    def refused(self, status, words, *arguments, **options):
        new = self.directory / "refused.h5"
        text = self.run_tool("reshape", *arguments, "-o", new, status=status, **options)
        self.assertRegex(text, words)
        self.assertEqual([p.name for p in self.directory.glob("refused*")], [])
        return text

    def test_shape_that_does_not_fit(self):
        path = build(self.directory / "old.h5", Geometry((8, 10)), missing=(79,))
        text = self.refused(65, r"9 x 10 raster needs 90 frames, and the run has 80 \(79 of them came\)", path, "--scan", "9x10")
        self.assertRegex(text, r"what fits: 8x10, 9x8; with --allow-missing")
        self.refused(65, r"8 x 10 raster, 2 after each line needs 94 frames.*what fits: 6x10, 8x8", path, "--skip-line", 2)
        self.refused(65, r"needs 160 frames", path, "--repeats", 2)
        _, told = self.reshape(path, "--scan", "9x10", "--allow-missing")
        self.assertEqual((told["placed"], told["empty"]), (79, 11))
        np.save(self.directory / "p.npy", np.stack(np.divmod(np.arange(81), 9), 1))
        self.refused(65, "lists of up to 80 positions", path, "--positions", self.directory / "p.npy")

    def test_a_short_run_has_room_for_what_was_expected(self):
        """60 of 80 frames came: the scan may be read as 10x8 all the same."""
        old = Geometry((8, 10))
        self.check(old, ["--scan", "10x8"], Geometry((10, 8)), missing=range(60, 80))

    def test_words_that_make_no_sense(self):
        path = build(self.directory / "old.h5", Geometry((3, 4)))
        for words, arguments in ((r"--scan is NYxNX", ["--scan", "4"]), (r"--scan is NYxNX", ["--scan", "0x4"]),
                                 (r"--scan is NYxNX", ["--scan", "4x-4"]), (r"--order is raster or serpentine", ["--order", "list"]),
                                 (r"--shift takes a number", ["--shift", "x"]), (r"--skip-line takes a whole number", ["--skip-line", "-1"]),
                                 (r"--repeats is at least 1", ["--repeats", "0"]), (r"what is to change", []),
                                 (r"one too many", ["--last", "other.h5"]), (r"--order does not go", ["--order", "raster", "--positions", "p"])):
            self.refused(64, words, path, *arguments)
        self.assertRegex(self.run_tool("reshape", path, "--last", status=64), "-o NEW")
        self.assertRegex(self.run_tool(status=64), "which command")
        self.assertRegex(self.run_tool("shrink", path, status=64), 'no command "shrink"')
        self.assertIn("reshape", self.run_tool("--help"))
        self.assertIn("--skip-line", self.run_tool("reshape", "--help"))
        self.assertRegex(self.run_tool("--version"), r"^merlin-file \d")

    def test_things_that_a_stack_or_a_list_cannot_be_asked_for(self):
        stack = build(self.directory / "stack.h5", Geometry(), frames=12)
        self.refused(65, "without a shape: give --scan", stack, "--order", "serpentine")
        listed = build(self.directory / "list.h5", Geometry((2, 2), order="list", positions=np.array([[0, 0], [1, 1]])))
        self.refused(65, "has a list of positions: --scan needs --order", listed, "--scan", "1x2")

    def test_positions_that_are_none(self):
        path, npy = build(self.directory / "old.h5", Geometry((3, 4))), self.directory / "p.npy"
        for array, words in ((np.zeros((2, 3)), "no .npy file of positions"), (np.array([[0, -1]]), "row 0 is no position"),
                             (np.array([[0, .5]]), "row 0 is no position"), (np.array([[0, np.nan]]), "row 0 is no position"),
                             (np.array([[1, 1], [1, 1]]), "twice"), (np.array([[2**40, 1]]), "row 0 is no position")):
            np.save(npy, array)
            self.refused(65, words, path, "--positions", npy)
        np.save(npy, np.array([[5, 5]]))
        self.refused(65, "outside the map of 3 x 4", path, "--positions", npy, "--scan", "3x4")
        npy.write_bytes(npy.read_bytes()[:-3])
        self.refused(65, "ends before its last position", path, "--positions", npy)
        npy.write_bytes(b"\x93NUMPY\x01\x00\xff\xff")
        self.refused(65, "no .npy file", path, "--positions", npy)
        self.refused(66, "No such file", path, "--positions", self.directory / "none.npy")

    def test_files_that_are_no_recordings(self):
        for command in (["info"], ["reshape", "--last", "-o", self.directory / "x.h5"]):
            self.assertRegex(self.run_tool(*command, self.directory / "none.h5", status=66), "none.h5: No such file")
            text = self.directory / "text.h5"
            text.write_text("hello")
            self.assertRegex(self.run_tool(*command, text, status=65), "is no HDF5 file")
            with h5py.File(self.directory / "other.h5", "w") as file:
                file["data"] = np.arange(4)
            self.assertRegex(self.run_tool(*command, self.directory / "other.h5", status=65), "no recording of merlind")
            with h5py.File(self.directory / "other.h5", "w") as file:
                file["entry/data/data"] = np.zeros((3, 3, 2, 2), "u2")
            self.assertRegex(self.run_tool(*command, self.directory / "other.h5", status=65), "no /entry/frames/position")

    def test_history_that_cannot_be(self):
        path = build(self.directory / "old.h5", Geometry((3, 4)))
        good = {"version": 1, "order": "raster", "scan": [3, 4], "repeats": 1, "skip": {}, "shift": 0, "source": "request"}
        for bad in ({"scan": [0, 4]}, {"scan": [3]}, {"order": "spiral"}, {"shift": "1"}, {"skip": {"line": -1}}, {"repeats": 2**40},
                    {"order": "list"}, {"scan": [2**31, 2**31]}, {"scan": [4, 3]}, {"scan": None}):
            with h5py.File(path, "r+") as file:
                del file["entry/geometry/history"]
                file["entry/geometry/history"] = json.dumps([{**good, **bad}])
            self.assertRegex(self.run_tool("info", path, status=65), "history|list of positions", bad)

    def test_damaged_files_do_not_crash(self):
        path = build(self.directory / "old.h5", Geometry((4, 6)), duplicate=(3,), late=(5,))
        whole, random = path.read_bytes(), np.random.default_rng(7)
        damaged, statuses = self.directory / "damaged.h5", set()
        for trial in range(lighter(60, 15)):
            data = bytearray(whole)
            for at in random.integers(0, len(whole), 20):
                data[at] = random.integers(256)
            damaged.write_bytes(data[:random.integers(1000, len(data))] if trial % 4 == 0 else data)
            for command in (["info", damaged], ["reshape", damaged, "-o", self.directory / "new.h5", "--shift", "1", "--force"]):
                # The library forgets some of its memory when it gives up on a file.
                done = subprocess.run([str(MERLIN_FILE), *map(str, command)], capture_output=True, timeout=timeout(60),
                                      env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1"})
                told = done.stderr.decode(errors="replace")
                if IN_THE_LIBRARY.search(told):  # which merlin-file catches in other builds
                    continue
                self.assertNotRegex(told, SANITIZER_REPORT)
                self.assertIn(done.returncode, (0, 65, 66, 70, 71, 73, 74), done.stderr)
                self.assertFalse((self.directory / "new.h5.partial").exists())
                statuses.add(done.returncode)
        self.assertIn(65, statuses)

    def test_nothing_is_overwritten_without_force(self):
        path = build(self.directory / "old.h5", Geometry((3, 4)))
        before, new = path.read_bytes(), self.directory / "new.h5"
        new.write_text("precious")
        self.assertRegex(self.run_tool("reshape", path, "-o", new, "--shift", 1, status=73), "is there already.*--force")
        self.assertEqual(new.read_text(), "precious")
        self.run_tool("reshape", path, "-o", new, "--shift", 1, "--force")
        self.judge(path, new, Geometry((3, 4)), Geometry((3, 4), shift=1))
        os.link(path, self.directory / "same.h5")
        for same in (path, self.directory / "same.h5"):
            self.assertRegex(self.run_tool("reshape", path, "-o", same, "--shift", 1, "--force", status=73), "is the original")
        self.assertEqual(path.read_bytes(), before)
        partial = self.directory / "next.h5.partial"
        partial.write_text("somebody's")
        self.assertRegex(self.run_tool("reshape", path, "-o", self.directory / "next.h5", "--shift", 1, status=73), "another merlin-file")
        self.assertEqual(partial.read_text(), "somebody's")
        self.assertRegex(self.run_tool("reshape", path, "-o", "/nowhere/new.h5", "--shift", 1, status=73), "No such file or directory")

    def test_full_disk_keeps_the_original_and_says_so(self):
        """A limit on the size of files, for who is no root; the kernel answers as a full disk does."""
        path = build(self.directory / "old.h5", Geometry((20, 20)), size=(32, 32), dtype="<u4")
        before = path.read_bytes()
        self.run_tool("reshape", path, "-o", self.directory / "whole.h5", "--shift", 1)
        whole = (self.directory / "whole.h5").stat().st_size
        for size in [1, *range(1000, 20000, lighter(700, 3000)), *range(20000, whole, whole // lighter(12, 4)), whole - 1]:
            def limit():
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            self.refused(73, r"no room for .*refused.h5.*old.h5 is as it was; free space there", path, "--shift", 1, preexec_fn=limit,
                         env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})  # the library's own, after the failure
        self.assertEqual(path.read_bytes(), before)

    def test_full_file_system(self):
        path = build(self.directory / "old.h5", Geometry((20, 20)), size=(32, 32), dtype="<u4")
        mount = self.directory / "small"
        mount.mkdir()
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mount)], capture_output=True)
        if made.returncode:
            self.skipTest("a small file system cannot be mounted here")
        try:
            text = self.run_tool("reshape", path, "-o", mount / "new.h5", "--shift", 1, status=73)
            self.assertRegex(text, os.strerror(errno.ENOSPC))
            self.assertEqual(list(mount.iterdir()), [])
        finally:
            subprocess.run(["umount", str(mount)], check=True)


class Interrupted(FileTest):
    """A file large enough that there is time for a person."""

    def large(self):
        frames = lighter(2000, 600)
        return build(self.directory / "old.h5", Geometry((frames // 50, 50)), k=7, size=(128, 128), dtype="<u4")

    def begin(self, path, **options):
        command = [str(MERLIN_FILE), "reshape", str(path), "-o", str(self.directory / "new.h5"), "--shift", "1"]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)

    def test_ctrl_c_takes_the_partial_file_away(self):
        path = self.large()
        before, partial = path.read_bytes(), self.directory / "new.h5.partial"
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            process = self.begin(path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            wait_for(lambda: partial.exists() and partial.stat().st_size > 100_000, 20, "the partial file to grow")
            process.send_signal(number)
            out, err = process.communicate(timeout=timeout(20))
            self.assertEqual((process.returncode, out), (status, ""), err)
            self.assertRegex(err, r"interrupted: .*new.h5 is not made, .*old.h5 is as it was")
            self.assertEqual([p.name for p in self.directory.glob("new*")], [])
        self.assertEqual(path.read_bytes(), before)

    def test_progress_on_a_terminal(self):
        path = self.large()
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        process = self.begin(path, stdout=subprocess.PIPE, stderr=slave)
        os.close(slave)
        text = b""
        try:
            while chunk := os.read(master, 4096):
                text += chunk
        except OSError:  # the other end is closed
            pass
        os.close(master)
        process.communicate(timeout=timeout(20))
        self.assertEqual(process.returncode, 0)
        self.assertRegex(text.decode(), r"\[#*\.+\] +\d+ %  [\d,]+/[\d,]+ frames  [\d.]+ s left")
        self.assertTrue(text.endswith(b"\r\x1b[K"), "the line is taken away at the end")


if __name__ == "__main__":
    unittest.main()
