"""Every frame is accounted for, alike in the status, the file and the end-of-scan message."""
import unittest

import numpy as np

from fake_detector import FakeDetector, frame, hdr
from harness import (FINAL_COUNTS, CommandClient, SystemTest, file_statistics, open_recording, wait_for)


def pattern(number):
    """A picture that tells which frame it is."""
    image = np.zeros((256, 256), np.uint8)
    image[number % 256, :8] = [number & 63, (number >> 6) & 63, 1, 2, 3, 4, 5, 6]
    return image


class Accounting(SystemTest):
    def fake(self, stream):
        detector = FakeDetector(stream)
        self.addCleanup(detector.close)
        return detector

    def assert_told_alike(self, control, results, summary):
        """Status, run, published message and file tell the same counts, and the identities hold in them."""
        counts = {name: summary["frames"][name] for name in FINAL_COUNTS}
        self.assert_accounts(counts)

        def of(frames):
            return {name: frames[name] for name in FINAL_COUNTS}
        status = control.status()
        self.assertEqual(of(status["frames"]), counts)
        self.assertEqual(of(status["run"]["frames"]), counts)
        header, _ = results.wait("acquisition/", lambda h: h["event"] == "finished" and
                                 h["run"]["id"] == summary["id"])
        self.assertEqual(of(header["run"]["frames"]), counts)
        with open_recording(summary["file"]) as file:
            told = file_statistics(file)
            self.assertEqual((told["reason"], of(told["frames"])), (summary["reason"], counts))
            position = file["/entry/frames/position"][:]
            self.assertEqual(np.count_nonzero(position >= 0), counts["placed"])
            self.assertEqual(len(file["/entry/extra/data"]) if "extra" in file["/entry"] else 0,
                             counts["extra_recorded"])

    def test_complete_run(self):
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "8x8", "--fps", "1000")
        daemon = self.start_daemon(simulator)
        control, results = self.control(daemon), self.results(daemon)
        summary = self.run_scan(control, (8, 8))
        self.assertEqual(summary["reason"], "complete")
        self.assert_counts(summary["frames"], expected=64, received=64, placed=64, skipped=0, duplicate=0, surplus=0,
                           rejected=0, missing=0, lost=0, recorded=64, analysed=64)
        self.assert_told_alike(control, results, summary)

    def passive(self, shape, frames):
        """A run of `frames` frames, started by somebody else, in a daemon that was told `shape`."""
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "8x8", "--fps", "1000")
        daemon = self.start_daemon(simulator, {"scan.shape": list(shape)})
        control, results = self.control(daemon), self.results(daemon)
        control.wait_state("idle")
        run = control("start", mode="passive", scan=list(shape))
        control.wait_state("armed")
        other = CommandClient(simulator.command_port)
        self.addCleanup(other.close)
        other.start(frames)
        return control, results, control.wait_finished(run["id"])

    def test_short_run(self):
        control, results, summary = self.passive((4, 4), 10)
        self.assertEqual(summary["reason"], "short")
        self.assert_counts(summary["frames"], expected=16, received=10, placed=10, surplus=0, missing=6, lost=6,
                           recorded=10, analysed=10)
        self.assert_told_alike(control, results, summary)
        with open_recording(summary["file"]) as file:
            self.assertFalse(file["/entry/data/data"][...].reshape(-1, 256, 256)[10:].any())
            np.testing.assert_array_equal(file["/entry/results/measured/data"][...].ravel(), [1] * 10 + [0] * 6)
            self.assertEqual(list(file["/entry/frames/status"][:10] & 1), [0] * 10)

    def test_over_long_run(self):
        control, results, summary = self.passive((2, 3), 11)
        self.assert_counts(summary["frames"], expected=6, received=11, placed=6, surplus=5, missing=0, lost=0,
                           recorded=6, extra_recorded=5, analysed=6)
        self.assert_told_alike(control, results, summary)
        with open_recording(summary["file"]) as file:
            self.assertEqual(file["/entry/extra/data"].shape, (5, 256, 256))
            np.testing.assert_array_equal(np.sort(file["/entry/extra/frame"][:]), range(6, 11))
            np.testing.assert_array_equal(file["/entry/extra/reason"][:], [128] * 5)

    def test_lost_duplicate_and_reordered_frames_keep_their_places(self):
        """Frame 3 never comes, 5 comes twice, 7 and 8 change places; every other stays where its number says."""
        order = [1, 2, 4, 5, 5, 6, 8, 7, 9]

        def stream(send):
            send(hdr(9))
            for number in order:
                send(frame(number, pattern(number)))
        detector = self.fake(stream)
        daemon = self.start_daemon(detector)
        control, results = self.control(daemon), self.results(daemon)
        summary = self.run_scan(control, (3, 3))
        self.assert_counts(summary["frames"], expected=9, received=9, placed=8, duplicate=1, missing=1, surplus=0)
        self.assert_told_alike(control, results, summary)
        with open_recording(summary["file"]) as file:
            data = file["/entry/data/data"][...].reshape(9, 256, 256)
            extra = [(int(index), int(reason)) for index, reason in zip(file["/entry/extra/frame"], file["/entry/extra/reason"])]
            late = {index for index, reason in extra if reason & 4}
            for number in range(1, 10):
                wanted = pattern(number) if number != 3 and number - 1 not in late else np.zeros((256, 256))
                np.testing.assert_array_equal(data[number - 1], wanted, f"frame {number}")
            self.assertIn(4, [index for index, reason in extra if reason & 2])
            for (index, _), kept in zip(extra, file["/entry/extra/data"][...]):
                np.testing.assert_array_equal(kept, pattern(index + 1), f"extra frame {index + 1}")
            self.assertTrue(file["/entry/frames/status"][2] & 1)

    def test_skipped_frames_are_kept_but_not_placed(self):
        """One frame before the scan, two after each line, one at the end: none of them is a position."""
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "8x8", "--fps", "1000")
        daemon = self.start_daemon(simulator)
        control, results = self.control(daemon), self.results(daemon)
        summary = self.run_scan(control, (2, 3), skip={"start": 1, "line": 2, "end": 1})
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_counts(summary["frames"], expected=6, received=12, placed=6, skipped=6, missing=0, surplus=0,
                           extra_recorded=6)
        self.assert_told_alike(control, results, summary)
        with open_recording(summary["file"]) as file:
            np.testing.assert_array_equal(file["/entry/frames/position"][:12],
                                          [-1, 0, 1, 2, -1, -1, 3, 4, 5, -1, -1, -1])
            np.testing.assert_array_equal(file["/entry/extra/reason"][:], [64] * 6)

    def test_stopped_run_says_so_and_is_whole_up_to_there(self):
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "64x64", "--fps", "100")
        daemon = self.start_daemon(simulator)
        control, results = self.control(daemon), self.results(daemon)
        control.wait_state("idle")
        run = control("start", scan=[64, 64])
        wait_for(lambda: control("run", id=run["id"])["frames"]["received"] > 20, 30, "frames")
        control("stop")
        summary = control.wait_finished(run["id"])
        self.assertEqual((summary["reason"], summary["cause"]), ("stopped", "stopped"), summary)
        self.assertGreater(summary["frames"]["recorded"], 20)
        self.assertGreater(summary["frames"]["missing"], 0)
        self.assert_told_alike(control, results, summary)

    def test_two_runs_after_each_other_are_two_files(self):
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "4x4", "--fps", "1000")
        daemon = self.start_daemon(simulator)
        control = self.control(daemon)
        first = self.run_scan(control, (4, 4))
        second = self.run_scan(control, (2, 4))
        self.assertNotEqual(first["id"], second["id"])
        self.assertNotEqual(first["file"], second["file"])
        self.assertEqual(len(list(self.recordings.glob("*.h5"))), 2)
        self.assertEqual(control("run", id=first["id"])["frames"], first["frames"])


if __name__ == "__main__":
    unittest.main()
