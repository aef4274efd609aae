"""More frames than six digits can number: 1,100,000 tiny ones through the socket, some of which never come. Numbers, holes, maps and file."""
import os
import pathlib
import tempfile
import shutil
import unittest

import numpy as np

from harness import SystemTest, CommandClient, disk_mask, lighter, open_recording

ALONE = True
PLAIN = True

NX = 1000
NY = lighter(1100, 30)
SKIPPED = lighter(0, 980_000)  # with a sanitizer only the frames around the millionth
COUNT = NY * NX
BANK = 3 * NX  # patterns: three lines, so that a line in the wrong place is seen
SHAPE = (32, 256)
BORDER = 1_000_000 - SKIPPED  # the frame, from 1, where six digits end
# From 1; single ones, runs of them, both sides of the border and the last of a line. The last frame of all comes, so that the end is known.
DROPPED = [2, 3, 77, 1000, 2001, 9999, BORDER - 1, BORDER, BORDER + 1, BORDER + 500, BORDER + 501, BORDER + 502, COUNT - 1]
FREE_BYTES = 4 << 30
MISSING = 1  # bit of /entry/frames/status
BRIGHT = {"name": "bright", "shape": "disk", "centre": [31, 128], "radius": 20.25}


def roomy_directory():
    """Where a few GB may be written fast: memory if there is enough of it."""
    memory = pathlib.Path("/dev/shm")
    return memory if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > FREE_BYTES else None


class ManyFrames(SystemTest):
    def setUp(self):
        super().setUp()
        recordings = tempfile.mkdtemp(prefix="merlind-test-", dir=roomy_directory())
        self.addCleanup(shutil.rmtree, recordings, ignore_errors=True)
        self.recordings = pathlib.Path(recordings)
        if shutil.disk_usage(recordings).free < FREE_BYTES:
            self.skipTest(f"less than {FREE_BYTES >> 30} GiB are free in {recordings}")
        self.dump = self.directory / "bank.npy"
        self.came = np.ones(COUNT, bool)
        self.came[np.array(DROPPED) - 1] = False

    def take(self, wrap, drop=DROPPED):
        """A passive run, for its detector is somebody else's; the summary. `wrap` are the digits of the frame numbers."""
        faults = ["--fault", "drop:" + ",".join(map(str, drop))]
        if wrap == 6 or SKIPPED:
            faults += ["--fault", f"number-wrap:first={SKIPPED + 1},digits={wrap}"]
        simulator = self.start_simulator(
            "--synthetic", "glass", "--scan", f"{NY}x{NX}", "--bank", BANK, "--dump", self.dump, "--depth", 1, "--format", "raw",
            "--rows", SHAPE[0], "--counts", 5, "--fps", "max", *faults)
        self.daemon = self.start_daemon(simulator, {"virtual_detectors": [BRIGHT], "recording.compression.codec": "lz4"})
        control = self.client = self.control(self.daemon)
        control.wait_state("idle")
        run = control("start", mode="passive", scan=[NY, NX], skip={"start": SKIPPED})
        other = CommandClient(simulator.command_port)
        self.addCleanup(other.close)
        other.start(COUNT)
        return control.wait_finished(run["id"], seconds=110)

    def check_counts(self, summary):
        frames = summary["frames"]
        self.assertEqual((summary["reason"], summary["cause"]), ("short", "last_frame"), summary)
        self.assert_accounts(frames)
        came = int(self.came.sum())
        self.assert_counts(frames, expected=COUNT, received=came, placed=came, missing=len(DROPPED), skipped=0, duplicate=0, surplus=0,
                           rejected=0, recorded=came, analysed=came)

    def expected(self):
        """(images of the bank, value of the virtual detector at every position)"""
        bank = np.load(self.dump)
        self.assertEqual(bank.shape, (BANK,) + SHAPE)
        values = bank[:, disk_mask(SHAPE, BRIGHT["centre"], 0, BRIGHT["radius"])].sum(axis=1, dtype=np.uint64)
        self.assertGreater(len(np.unique(values)), 10)
        return bank, np.where(self.came, values[np.arange(COUNT) % BANK], 0).reshape(NY, NX)

    def check_maps(self, file, bright):
        measured = self.came.reshape(NY, NX)
        served, _ = self.client.array("map", "bright")
        np.testing.assert_array_equal(served["data"], bright)
        np.testing.assert_array_equal(served["measured"], measured)
        np.testing.assert_array_equal(file["/entry/results/bright/data"][...], bright)
        np.testing.assert_array_equal(file["/entry/results/measured/data"][...], measured)

    def check_table(self, file, numbers):
        frames = file["/entry/frames"]
        np.testing.assert_array_equal(frames["number"][SKIPPED:], np.where(self.came, numbers, 0))
        np.testing.assert_array_equal(frames["position"][SKIPPED:], np.where(self.came, np.arange(COUNT), -3))
        np.testing.assert_array_equal(frames["status"][SKIPPED:] & MISSING, ~self.came)
        times = frames["timestamp_ns"][SKIPPED:][self.came]
        self.assertTrue((np.diff(times.astype(np.int64)) >= 0).all())

    def check_images(self, file, bank):
        """Lines of every part of the scan, those around the border among them; the sum of all of them."""
        data = file["/entry/data/data"]
        self.assertEqual(data.shape, (NY, NX) + SHAPE)
        came, border = self.came.reshape(NY, NX), (BORDER - 1) // NX
        for line in sorted({*range(0, NY, 41), 0, 1, 2, 9, border - 1, border, border + 1, NY - 1}):
            images = bank[line % 3 * NX:][:NX] * came[line, :, np.newaxis, np.newaxis]
            np.testing.assert_array_equal(data[line], images, f"line {line}")
        times = np.bincount(np.arange(COUNT)[self.came] % BANK, minlength=BANK).astype(np.uint64)
        total = np.tensordot(times, bank.astype(np.uint64), 1)
        np.testing.assert_array_equal(file["/entry/results/sum/data"][...], total)

    def check(self, summary, numbers):
        self.check_counts(summary)
        bank, bright = self.expected()
        with open_recording(summary["file"]) as file:
            self.check_maps(file, bright)
            self.check_table(file, numbers)
            self.check_images(file, bank)

    def test_numbers_grow_to_seven_digits(self):
        self.check(self.take(wrap=7), np.arange(SKIPPED + 1, SKIPPED + COUNT + 1))

    def test_numbers_go_on_at_zero(self):
        self.check(self.take(wrap=6), np.arange(SKIPPED + 1, SKIPPED + COUNT + 1) % 1_000_000)


if __name__ == "__main__":
    unittest.main()
