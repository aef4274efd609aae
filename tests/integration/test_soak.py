"""A day's work at a stretch: scans of small frames, one after another (--long: 10 million frames). Nothing is lost, and nothing grows."""
import os
import pathlib
import unittest

from harness import SystemTest, open_recording, wait_for
from test_many_frames import roomy_directory

PLAIN = True
SLOW = True

LONG = bool(os.environ.get("MERLIND_TEST_LONG"))
SCAN = (250, 400) if LONG else (10, 40)
SCANS = 100 if LONG else 24
# Tables of the newest 16 runs stay in memory by design (docs/decisions.md); after them the pool of buffers and the heap's gaps settle.
SETTLED = 50 if LONG else 20
MAY_GROW = 32 << 20  # bytes; 7 for each of the 5 million frames that follow in the long form
SECONDS = 120


class Soak(SystemTest):
    def memory(self):
        """Bytes that are the process's own, without pages of files."""
        status = pathlib.Path(f"/proc/{self.daemon.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("RssAnon:")).split()[1]) << 10

    def handles(self):
        process = f"/proc/{self.daemon.process.pid}"
        return len(os.listdir(f"{process}/fd")), len(os.listdir(f"{process}/task"))

    def scan_once(self):
        frames = SCAN[0] * SCAN[1]
        summary = self.run_scan(self.client, SCAN, seconds=SECONDS)
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_accounts(summary["frames"])
        self.assert_counts(summary["frames"], received=frames, placed=frames, recorded=frames, analysed=frames, missing=0, lost=0)
        with open_recording(summary["file"]) as file:
            self.assertEqual(int(file["/entry/results/measured/data"][...].sum()), frames)
        os.unlink(summary["file"])

    def test_millions_of_frames_are_taken_and_nothing_grows(self):
        if LONG and roomy_directory():
            self.recordings = roomy_directory() / f"merlind-soak-{os.getpid()}"
            self.recordings.mkdir()
            self.addCleanup(self.recordings.rmdir)
        simulator = self.start_simulator("--synthetic", "glass", "--bank", 64, "--depth", 1, "--format", "raw", "--rows", 32,
                                         "--counts", 5, "--fps", "max")
        self.daemon = self.start_daemon(simulator, {"recording.compression.codec": "lz4"})
        self.client = self.control(self.daemon)
        self.client.wait_state("idle")
        for n in range(SCANS):
            self.scan_once()
            if n + 1 == SETTLED:
                memory, handles = self.memory(), self.handles()
        print(f"{SCANS * SCAN[0] * SCAN[1]} frames; memory {memory} bytes after {SETTLED} of {SCANS} scans, {self.memory()} at the end")
        self.assertLess(self.memory(), memory + MAY_GROW)
        wait_for(lambda: all(now <= then for now, then in zip(self.handles(), handles)), 30,
                 lambda: f"no more files and threads than {handles}; there are {self.handles()}")


if __name__ == "__main__":
    unittest.main()
