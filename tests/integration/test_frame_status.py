"""Every bit of /entry/frames/status, each because the thing really happened, all in one file."""
import unittest

import numpy as np

import fake_detector
from harness import SystemTest, lighter, open_recording

LINES, LINE = 9, 40  # frames on the wire; the last of each line is flyback
SCAN = (LINES, LINE - 1)
BITS = {"missing": 1, "duplicate": 2, "late": 4, "stalled": 8, "saturated": 16, "deferred": 32, "skipped": 64, "surplus": 128}
# Numbers of frames, from 1. The late one is the last of its line and comes when the next line has begun.
MISSING, DUPLICATE, LATE, STALLED, SATURATED = {100}, {145}, {4 * LINE + 39}, {230}, {212, 300}


class FrameStatus(SystemTest):
    def write_mib(self):
        some = np.random.default_rng(3).poisson(2, (LINE, 256, 256)).astype(np.uint8)
        self.frames = np.concatenate([np.roll(some, line, axis=2) for line in range(LINES)])
        for number in SATURATED:
            self.frames[number - 1, 17, 42] = 63  # all that a counter of 6 bits can hold
        path = self.directory / "frames.mib"
        with open(path, "wb") as file:
            for number, counts in enumerate(self.frames, 1):
                file.write(fake_detector.frame(number, counts)[15:])  # without MPX,LENGTH,
        return path

    def test_each_bit_is_in_the_file_where_it_happened(self):
        faults = [f"drop:{min(MISSING)}", f"duplicate:{min(DUPLICATE)}", f"reorder:{min(LATE)},by=3", f"stall:{min(STALLED)},ms=60"]
        simulator = self.start_simulator(self.write_mib(), "--fps", lighter("1500", "300"), "--buffer", "400",
                                         *(part for fault in faults for part in ("--fault", fault)))
        # Analysis that is slower than the detector: once half of the ring is full it is put off.
        daemon = self.start_daemon(simulator, {"ring.size": "8MiB", "workers": 2, "debug.analysis_delay_us": lighter(6000, 25000)})
        summary = self.run_scan(self.control(daemon), SCAN, skip={"start": 0, "line": 1, "end": 0}, seconds=120)
        self.assertEqual((summary["reason"], summary["recording"]["state"]), ("short", "closed"), summary)
        self.assert_accounts(summary["frames"])
        with open_recording(summary["file"]) as file:
            status = file["/entry/frames/status"][:]
            described = file["/entry/frames/status"].attrs["description"]
            data, extra = file["/entry/data/data"][:], file["/entry/extra"]
            outside = dict(zip(extra["frame"][:].tolist(), extra["reason"][:].tolist()))
            pixels = dict(zip(extra["frame"][:].tolist(), extra["data"][:]))
        numbers = {name: {int(i) + 1 for i in np.flatnonzero(status & bit)} for name, bit in BITS.items()}
        self.assertEqual({name: numbers[name] for name in ("missing", "duplicate", "late", "stalled", "saturated")},
                         {"missing": MISSING, "duplicate": DUPLICATE, "late": LATE, "stalled": STALLED, "saturated": SATURATED})
        self.assertEqual(numbers["skipped"], set(range(LINE, LINES * LINE + 1, LINE)))
        self.assertGreater(len(numbers["deferred"]), 0)
        self.assertEqual(numbers["surplus"], set())
        self.assertGreater(int((status == 0).sum()), 0, "no frame is simply in order")
        for name, bit in BITS.items():
            self.assertIn(f"{bit} {name}", described)
        # The counts of the summary are those of the bits, and what stands beside the scan says why.
        self.assert_counts(summary["frames"], missing=1, duplicate=1, stalled=1, saturated=len(SATURATED), skipped=LINES)
        self.assertEqual({frame + 1 for frame, reason in outside.items() if reason & BITS["late"]}, LATE)
        self.assertEqual({frame + 1 for frame, reason in outside.items() if reason & BITS["duplicate"]}, DUPLICATE)
        wanted = self.frames.reshape(LINES, LINE, 256, 256)[:, :-1].copy()
        for number in MISSING | LATE:
            wanted[(number - 1) // LINE, (number - 1) % LINE] = 0
        np.testing.assert_array_equal(data, wanted)
        np.testing.assert_array_equal(pixels[min(LATE) - 1], self.frames[min(LATE) - 1])


if __name__ == "__main__":
    unittest.main()
