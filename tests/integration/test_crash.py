"""What a crash leaves: SIGKILL at random moments of a recording, and every file must give back at least what was flushed, bit for bit.

A tap on the data socket is the truth; a reader that follows the growing file (SWMR) says what had been flushed before the kill.
"""
import json
import os
import random
import subprocess
import time
import unittest
import unittest.mock

import h5py
import numpy as np

from file_tool import MERLIN_FILE, ToolTest
from harness import IN_THE_LIBRARY, SANITIZER_REPORT, CommandClient, lighter, timeout, wait_for
from wire_tap import WireTap

MISSING, NEVER_CAME = 1, -3
NOT_RECORDED = np.uint64(2 ** 64 - 1)
SHAPE = (20, 50)
FLUSH = 0.1  # s, the shortest there is
KILLS = 60 if os.environ.get("MERLIND_TEST_LONG") else lighter(10, 3)


class CrashTest(ToolTest):
    FPS = lighter(1500, 500)

    def setUp(self):
        super().setUp()
        self.simulator = self.start_simulator("--synthetic", "glass", "--scan", "%dx%d" % SHAPE, "--rows", "32", "--counts", "20", "--bank", "64",
                                              "--fps", self.FPS, "--flyback", "1")
        self.tap = WireTap(self.simulator)
        self.addCleanup(self.tap.close)

    def begin(self, **settings):
        """A daemon of its own that records; returns the growing file."""
        self.stop_detector()
        self.tap.forget()
        self.tap.connected.clear()
        self.daemon = self.start_daemon(self.tap, {"recording.flush": FLUSH, "recording.sync": FLUSH, **settings}, expected=(0, -9))
        ask = self.control(self.daemon)
        self.tap.wait_connected()
        ask.wait_state("idle")
        ask("start", scan=list(SHAPE), skip={"start": 0, "line": 1, "end": 0})
        return wait_for(lambda: next(iter(self.recordings.glob("*.partial")), None), 20, "the file")

    def stop_detector(self):
        """It goes on with an acquisition whose reader was killed."""
        client = CommandClient(self.simulator.command_port)
        client.command("CMD", "STOPACQUISITION")
        wait_for(lambda: client.status() == 0, 10, "an idle detector")
        client.close()

    def flushed(self, path):
        """Messages that a reader of the growing file sees."""
        try:
            with h5py.File(path, "r", libver="latest", swmr=True) as file:
                rows = file["/entry/messages/row"][...]
                return int((rows != NOT_RECORDED).sum())
        except (OSError, KeyError):
            return 0  # it is not there yet

    @staticmethod
    def readable(path):
        try:
            with h5py.File(path, "r", libver="latest", swmr=True) as file:
                return "entry" in file
        except OSError:
            return False

    def assert_empty(self, path):
        """It was killed while it made the file: no frame was written, and the tool says that there is nothing."""
        self.assertIn("no HDF5 file, or one", self.run_tool("recover", path, "-o", self.directory / "recovered.h5", status=65))
        self.assertNotIn("record: recording run", self.daemon.stderr_text(), "the file was said to be there")
        path.unlink()

    def kill_after(self, path, seconds):
        """Looks at the file until it is time, kills the daemon; what a reader had seen."""
        end, seen = time.monotonic() + timeout(seconds), 0
        while time.monotonic() < end:
            seen = max(seen, self.flushed(path))
        self.daemon.kill()
        return seen

    def recover(self, path):
        """(new file, what was told); the original must stay as it is."""
        before = path.read_bytes()
        new = self.directory / "recovered.h5"
        told = json.loads(self.run_tool("recover", path, "-o", new, "--json", "--force"))
        self.assertEqual(path.read_bytes(), before, "the original was touched")
        return new, told

    def judge(self, new, told, seen):
        sent = self.tap.frames()
        self.assertGreaterEqual(told["messages"]["proven"], seen, "what was flushed is not there")
        self.assertEqual((told["messages"]["not_proven"], told["chunks"]["left_out"]), (0, 0), told)
        self.assertEqual((told["lost"], told["crashed"], told["unproven"]), ([], [], ""), told)
        self.run_tool("verify", new)
        with h5py.File(new, "r") as file:
            rows = file["/entry/messages/row"][...]
            arrived = [int(i) for i in np.flatnonzero(rows != NOT_RECORDED)]
            self.judge_frames(file, sent, arrived)
        # Workers overtake each other: what the slower one had in hand may be missing in the middle.
        self.run_tool("export", new, "-o", self.directory / "exported", "--force", status=0 if len(arrived) == len(rows) else 65)
        mib = (self.directory / "exported.mib").read_bytes()
        self.assertEqual(mib, b"".join(sent[i] for i in arrived), "not what was sent")
        return len(arrived)

    def judge_frames(self, file, sent, arrived):
        """The table names exactly the frames that are there, and their pixels are where it says."""
        frames, (ny, nx) = {name: column[...] for name, column in file["/entry/frames"].items()}, SHAPE
        came = np.flatnonzero(frames["position"] != NEVER_CAME)
        np.testing.assert_array_equal(came, np.sort([int(sent[i].split(b",")[1]) - 1 for i in arrived]))
        data = file["/entry/data/data"][...].reshape(ny * nx, 32, 256)
        for i in came:
            y, x = divmod(int(i), nx + 1)
            body = sent[int(frames["message"][i])]
            self.assertEqual(frames["number"][i], int(body.split(b",")[1]))
            self.assertEqual(frames["position"][i], y * nx + x if x < nx else -1)
            self.assertFalse(frames["status"][i] & MISSING)
            self.assertGreater(frames["timestamp_ns"][i], 0)
            if x < nx:
                np.testing.assert_array_equal(data[y * nx + x].ravel(), np.frombuffer(body[384:], np.uint8))


class Killed(CrashTest):
    def test_killed_at_random_moments(self):
        seed = random.randrange(1 << 32)
        moments, some = random.Random(seed), 0
        for i in range(KILLS):
            with self.subTest(kill=i, seed=seed):
                path = self.begin()
                seen = self.kill_after(path, moments.uniform(0, 0.7))
                if not path.exists():
                    continue  # the run was over
                if seen == 0 and not self.readable(path):
                    self.assert_empty(path)
                    continue
                try:
                    new, told = self.recover(path)
                    some += self.judge(new, told, seen) > 0
                finally:
                    path.unlink(missing_ok=True)
        self.assertGreaterEqual(some, KILLS // 4, "hardly a file had frames: the test proves little")


class Leftovers(CrashTest):
    FPS = 100

    def test_the_next_daemon_tells_of_what_a_crash_left_and_not_of_what_is_being_written(self):
        path = self.begin()
        wait_for(lambda: self.flushed(path) > 0, 20, "the first flush")
        other = self.start_daemon(None, {"detector.command_port": 1, "detector.data_port": 2})
        self.assertEqual(self.control(other).status()["recording"]["leftovers"], [])
        other.stop()
        self.daemon.kill()
        self.stop_detector()
        after = self.start_daemon(self.simulator)
        self.assertEqual(self.control(after).status()["recording"]["leftovers"], [str(path)])
        after.wait_line(r"%s was left by a crash: .merlin-file recover" % path.name, stream="err")
        text = self.run_tool("recover", path, "-o", self.directory / "new.h5")
        self.assertRegex(text, r"saved: [\d,]+ frames, each as the detector sent it")
        self.assertEqual(self.info(self.directory / "new.h5")["end_reason"], "crash")


class Damaged(CrashTest):
    FPS = 400

    def test_a_file_that_lost_its_end_gives_back_what_is_proven(self):
        """As a loss of power may leave it: written up to somewhere, then zeros."""
        path = self.begin()
        wait_for(lambda: self.flushed(path) > 200, 20, "some frames")
        self.daemon.kill()
        with h5py.File(path, "r", libver="latest", swmr=True) as file:
            chunks = [file["/entry/data/data"].id.get_chunk_info(i) for i in range(3)]
        with open(path, "r+b") as file:
            file.seek(chunks[1].byte_offset + 40)
            file.write(bytes(chunks[1].size - 40))
        self.assertIn("DAMAGED", self.run_tool_for_words("verify", path, status=65))
        new, told = self.recover(path)
        self.assertEqual(told["chunks"]["left_out"], 1)
        self.assertGreater(told["messages"]["not_proven"], 0)
        self.assertGreater(told["messages"]["proven"], 50)
        sent = set(self.tap.frames())
        with h5py.File(new, "r") as file:
            frames = {name: column[...] for name, column in file["/entry/frames"].items()}
            lost = (frames["status"] & MISSING).astype(bool) & (frames["message"] >= 0)
            self.assertGreaterEqual(int(lost.sum()), told["messages"]["not_proven"])
            self.assertTrue((frames["position"][lost] == NEVER_CAME).all())
        self.run_tool("export", new, "-o", self.directory / "exported", status=65)
        mib, size = (self.directory / "exported.mib").read_bytes(), len(next(iter(sent)))
        self.assertEqual([i for i in range(0, len(mib), size) if mib[i:i + size] not in sent], [])

    @staticmethod
    def spoil(data, path, name):
        """A byte of the header of an object, which has a checksum: it cannot be read any more."""
        with h5py.File(path, "r", libver="latest", swmr=True) as file:
            data[h5py.h5o.get_info(file[name].id).addr + 8] ^= 0xFF

    @staticmethod
    def spoil_heap(data):
        """The first text of variable length is said to have half a GiB, which HDF5 1.10 believes."""
        at = data.index(b"GCOL") + 16
        data[at + 8:at + 16] = (512 << 20).to_bytes(8, "little")

    def assert_pixels(self, new, sent):
        """All that is there was sent, at its place."""
        with h5py.File(new, "r") as file:
            data, came = file["/entry/data/data"][...].reshape(-1, 32 * 256), 0
        numbers = {int(body.split(b",")[1]) - 1: body[384:] for body in sent}
        for i, pixels in enumerate(data):
            y, x = divmod(i, SHAPE[1])
            if pixels.any():
                self.assertEqual(pixels.tobytes(), numbers[y * (SHAPE[1] + 1) + x])
                came += 1
        self.assertGreater(came, 50)

    def test_an_object_that_cannot_be_read_costs_itself_and_not_the_file(self):
        self.follows_the_page = False
        path, damaged = self.begin(), self.directory / "damaged.h5"
        wait_for(lambda: self.flushed(path) > 200, 20, "some frames")
        self.daemon.kill()
        # The library forgets some of its memory when it gives up on an object.
        self.enterContext(unittest.mock.patch.dict(os.environ, ASAN_OPTIONS="detect_leaks=0:allocator_may_return_null=1"))
        data, sent = bytearray(path.read_bytes()), self.tap.frames()
        for name in ("/entry/data/scan_y", "/entry/results/sum/data", "/entry/notes"):
            self.spoil(data, path, name)
        damaged.write_bytes(data)
        new, told = self.recover(damaged)
        self.assertEqual(sorted(told["lost"]), ["/entry/data/scan_y", "/entry/notes", "/entry/results/sum/data"])
        self.assertEqual((told["messages"]["not_proven"], told["crashed"], told["unproven"]), (0, [], ""), told)
        self.assertGreater(told["messages"]["proven"], 100)
        self.assert_pixels(new, sent)
        self.spoil(data, path, "/entry/messages/row")
        if not os.environ.get("MERLIND_SANITIZER"):  # in a build with one a crash is a finding
            self.spoil_heap(data)
        damaged.write_bytes(data)
        new, told = self.recover(damaged)
        self.assertIn("/entry/messages/row", told["lost"])
        self.assertEqual(bool(told["crashed"]), not os.environ.get("MERLIND_SANITIZER"), told)
        self.assertRegex(told["unproven"], "/entry/messages cannot be read")
        self.assert_pixels(new, sent)
        text = self.run_tool("recover", damaged, "-o", new, "--force")
        for name in told["lost"]:
            self.assertIn(f"not saved, for it cannot be read: {name}\n", text)
        for name in told["crashed"]:
            self.assertIn(f"not saved, for the HDF5 library crashes on it: {name}\n", text)
        self.assertRegex(text, "saved: what can be read, unproven: ")

    def test_no_damage_crashes_the_tool_or_passes_for_good(self):
        self.follows_the_page = False
        path = self.begin()
        wait_for(lambda: self.flushed(path) > 200, 20, "some frames")
        self.daemon.kill()
        whole, random_bytes, sent = path.read_bytes(), np.random.default_rng(6), set(self.tap.frames())
        damaged, size = self.directory / "damaged.h5", len(next(iter(sent)))
        commands = (["verify", damaged], ["recover", damaged, "-o", self.directory / "new.h5", "--force"],
                    ["export", damaged, "-o", self.directory / "exported", "--force"])
        for trial in range(lighter(10, 4)):
            data = bytearray(whole)
            for at in random_bytes.integers(0, len(whole), 20):
                data[at] = random_bytes.integers(256)
            damaged.write_bytes(data[:random_bytes.integers(1000, len(data))] if trial % 4 == 0 else data)
            for command in commands:
                # The library forgets some of its memory when it gives up on a file.
                done = subprocess.run([str(MERLIN_FILE), *map(str, command)], capture_output=True, timeout=timeout(60),
                                      env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1"})
                told = done.stderr.decode(errors="replace")
                if IN_THE_LIBRARY.search(told):  # which merlin-file catches in other builds
                    continue
                self.assertNotRegex(told, SANITIZER_REPORT)
                self.assertIn(done.returncode, (0, 65, 66, 70, 71, 73, 74), done.stderr)
            exported = self.directory / "exported.mib"
            if exported.exists():
                mib = exported.read_bytes()
                self.assertTrue(all(mib[i:i + size] in sent for i in range(0, len(mib), size)), "what was not sent was given out")
                exported.unlink()


if __name__ == "__main__":
    unittest.main()
