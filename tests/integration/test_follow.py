"""A reader that follows the growing file while the detector sends as fast as it can: h5py with swmr=True, in a process of its own."""
import json
import pathlib
import subprocess
import sys
import unittest

import numpy as np

from harness import SystemTest, lighter, timeout, wait_for

SCAN = lighter((96, 128), (16, 32))
BANK = 64

# Prints one JSON object: rounds of reading while the file grew, patterns seen in the first and the last of them, and the patterns that were
# neither empty nor what was sent.
READER = """
import json, sys, time
import h5py, hdf5plugin
import numpy as np
path, sent, ny, nx = sys.argv[1], np.load(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
chooser, seen, wrong, lost, known = np.random.default_rng(1), [], [], [], set()
with h5py.File(path, "r", libver="latest", swmr=True) as file:
    data, position = file["/entry/data/data"], file["/entry/frames/position"]
    print("following", flush=True)
    end = time.monotonic() + float(sys.argv[5])
    while time.monotonic() < end:
        data.refresh(), position.refresh()
        there = 0
        for y in {0, *chooser.integers(0, ny, 8).tolist(), ny - 1}:
            line = data[y]
            for x in range(nx):
                n = y * nx + x
                if line[x].any():
                    there += 1
                    known.add(n)
                    if not (line[x] == sent[n % len(sent)]).all():
                        wrong.append(n)
                elif n in known:
                    lost.append(n)
        placed = position[()]
        wrong += [int(i) for i in np.flatnonzero((placed >= 0) & (placed != np.arange(len(placed))))]
        seen.append(there)
        if data[ny - 1, nx - 1].any():
            break
print(json.dumps({"rounds": len(seen), "first": seen[0], "last": seen[-1], "known": len(known), "wrong": wrong[:5], "lost": lost[:5]}))
"""


class Follow(SystemTest):
    def follow(self, path, sent):
        reader = subprocess.Popen([sys.executable, "-c", READER, path, str(sent), *map(str, SCAN), str(timeout(60))],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(reader.kill)
        self.assertEqual(reader.stdout.readline().strip(), "following")
        return reader

    def test_a_reader_sees_only_what_was_sent_while_a_scan_runs_at_full_speed(self):
        sent = pathlib.Path(self.directory) / "sent.npy"
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "%dx%d" % SCAN, "--bank", str(BANK), "--counts", "0.3", "--fps",
                                         lighter("max", "200"), "--dump", sent)
        control = self.control(self.start_daemon(simulator, {"recording.flush": 0.1}))
        control.wait_state("idle")
        # The first half, so that the file is there and growing when the reader opens it; the rest while it reads.
        run = self.start_in_bursts(control, SCAN, SCAN[0] * SCAN[1] // 2)
        self.burst(control)
        partial = wait_for(lambda: next(iter(pathlib.Path(self.recordings).glob("*.h5.partial")), None), 20, "the file")
        wait_for(lambda: partial.stat().st_size > 1 << 16 or not partial.exists(), 20, "its first chunks")
        reader = self.follow(str(partial), sent)
        self.burst(control)
        summary = control.wait_finished(run)
        out, err = reader.communicate(timeout=timeout(90))
        self.assertEqual(reader.returncode, 0, err)
        told = json.loads(out)
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_accounts(summary["frames"])
        self.assertEqual((told["wrong"], told["lost"]), ([], []), told)
        self.assertGreater(told["known"], 0, told)
        self.assertGreaterEqual(told["last"], told["first"], told)
        self.assertLess(told["first"], 10 * SCAN[1], "the file was growing when it was opened")


if __name__ == "__main__":
    unittest.main()
