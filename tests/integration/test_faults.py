"""Each fault that merlin-sim can cause (merlin-sim --list-faults), against the real merlind: what the operator sees, what the
file holds afterwards, and that the next run on the same daemon is clean without a restart.

Every fault is `@1`, so only the first acquisition has it. The truth is the simulator's own dump.
"""
import re
import subprocess
import unittest

import numpy as np

from harness import MERLIN_SIM, CommandClient, ControlError, SystemTest, open_recording, timeout, wait_for

SHAPE = (4, 6)
COUNT = SHAPE[0] * SHAPE[1]
MISSING, DUPLICATE, LATE, STALLED = 1, 2, 4, 8


class FaultTest(SystemTest):
    def begin(self, *faults, fps=500, shape=SHAPE, settings=None, options=()):
        """A simulator with these faults and a daemon in front of it."""
        dump = self.directory / "truth.npy"
        arguments = [part for fault in faults for part in ("--fault", fault)]
        self.simulator = self.start_simulator("--synthetic", "glass", "--scan", f"{shape[0]}x{shape[1]}", "--fps", fps,
                                              "--counts", 2, "--dump", dump, *arguments, *options)
        self.truth = np.load(dump)
        self.shape = shape
        self.daemon = self.start_daemon(self.simulator, settings)
        self.client = self.control(self.daemon)

    def first_run(self, **arguments):
        summary = self.run_scan(self.client, self.shape, **arguments)
        self.assert_accounts(summary["frames"])
        return summary

    def frames_are(self, summary, missing=()):
        """Every position holds its own frame, but for those (numbers from 1) that are missing: these are 0 and marked so."""
        with open_recording(summary["file"]) as file:
            data = file["/entry/data/data"][...].reshape(self.truth.shape)
            status = file["/entry/frames/status"][:]
            measured = file["/entry/results/measured/data"][...].ravel()
        for number in range(1, len(self.truth) + 1):
            wanted = self.truth[number - 1] * (number not in missing)
            np.testing.assert_array_equal(data[number - 1], wanted, f"frame {number}")
            self.assertEqual(bool(measured[number - 1]), number not in missing, f"frame {number}")
            if number <= len(status):
                self.assertEqual(bool(status[number - 1] & MISSING), number in missing, f"frame {number}")

    def clear_error(self):
        """What an operator does when the detector is in error: stop brings it back."""
        self.client.wait_state("fault")
        self.assertIn("CLEARERROR", self.client("stop")["actions"])
        self.client.wait_state("idle")

    def next_run_is_clean(self):
        again = self.run_scan(self.client, self.shape)
        self.assertEqual(again["reason"], "complete", again)
        count = self.shape[0] * self.shape[1]
        self.assert_counts(again["frames"], expected=count, received=count, placed=count, recorded=count, missing=0,
                           duplicate=0, surplus=0, rejected=0)
        self.frames_are(again)
        self.assertEqual(self.client.status()["why"], "")

    def stray(self):
        return self.client.status()["stray"]


class FrameFaults(FaultTest):
    def test_dropped_frames_leave_holes_and_shift_nothing(self):
        self.begin("drop:3,4,11@1")
        summary = self.first_run()
        self.assertEqual(summary["reason"], "short", summary)
        self.assert_counts(summary["frames"], expected=COUNT, received=COUNT - 3, placed=COUNT - 3, missing=3, lost=3)
        self.frames_are(summary, missing=(3, 4, 11))
        self.next_run_is_clean()

    def test_frames_dropped_by_chance_are_those_of_the_seed(self):
        def dropped():
            self.begin("drop:p=0.3@1", options=["--seed", 7])
            summary = self.first_run()
            with open_recording(summary["file"]) as file:
                return list(file["/entry/results/measured/data"][...].ravel())
        first = dropped()
        self.assertIn(0, first)
        self.assertIn(1, first)
        self.assertEqual(first, dropped())

    def test_last_frame_dropped_ends_the_run_short(self):
        self.begin(f"drop:{COUNT}@1")
        summary = self.first_run()
        self.assertEqual((summary["reason"], summary["cause"]), ("short", "detector_idle"), summary)
        self.frames_are(summary, missing=(COUNT,))
        self.next_run_is_clean()

    def test_duplicates_are_counted_and_move_nothing(self):
        self.begin("duplicate:5,9@1")
        summary = self.first_run()
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_counts(summary["frames"], received=COUNT + 2, placed=COUNT, duplicate=2, missing=0, extra_recorded=2)
        self.frames_are(summary)
        with open_recording(summary["file"]) as file:
            self.assertEqual(sorted(file["/entry/extra/frame"][:]), [4, 8])
            self.assertTrue(all(file["/entry/extra/reason"][:] & DUPLICATE))
            self.assertTrue(all(file["/entry/frames/status"][[4, 8]] & DUPLICATE))
        self.next_run_is_clean()

    def reordered(self, fault, number):
        """A late frame is in its place, or beside the scan and marked as late."""
        self.begin(fault)
        summary = self.first_run()
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_counts(summary["frames"], received=COUNT, missing=0, duplicate=0, placed=COUNT, analysed=COUNT)
        with open_recording(summary["file"]) as file:
            data = file["/entry/data/data"][...].reshape(self.truth.shape)
            late = {i + 1 for i in np.flatnonzero(file["/entry/frames/status"][:] & LATE)}
            self.assertTrue(file["/entry/results/measured/data"][...].all())
            np.testing.assert_array_equal(file["/entry/results/sum/data"][...], self.truth.sum(axis=0, dtype=np.uint64))
            self.assertLessEqual(late, {number})
            for i in range(COUNT):
                if i + 1 not in late:
                    np.testing.assert_array_equal(data[i], self.truth[i], f"frame {i + 1}")
            if late:
                self.assertEqual(list(file["/entry/extra/frame"][:]), [number - 1])
                self.assertTrue(file["/entry/extra/reason"][0] & LATE)
                np.testing.assert_array_equal(file["/entry/extra/data"][0], self.truth[number - 1])
        self.next_run_is_clean()

    def test_overtaken_frame_finds_its_place(self):
        self.reordered("reorder:7@1", 7)

    def test_frame_overtaken_by_many_finds_its_place(self):
        self.reordered("reorder:7,by=10@1", 7)

    def test_last_frame_of_all_may_be_an_early_one(self):
        self.reordered(f"reorder:{COUNT - 2},by=100@1", COUNT - 2)

    def test_stream_cut_in_a_message_keeps_what_was_whole(self):
        self.begin("cut:10@1", fps=200)
        summary = self.first_run()
        self.assertEqual((summary["reason"], summary["cause"]), ("short", "link"), summary)
        self.assertTrue(summary["detail"])
        self.assert_counts(summary["frames"], received=9, placed=9, missing=COUNT - 9)
        self.frames_are(summary, missing=range(10, COUNT + 1))
        self.daemon.wait_line(r"(?i)data link", stream="err")
        self.next_run_is_clean()

    def test_link_closed_between_messages(self):
        self.begin("close:10@1", fps=200)
        summary = self.first_run()
        self.assertEqual((summary["reason"], summary["cause"]), ("short", "link"), summary)
        self.assert_counts(summary["frames"], received=10, placed=10, missing=COUNT - 10)
        self.frames_are(summary, missing=range(11, COUNT + 1))
        self.next_run_is_clean()

    def test_garbage_is_passed_over_and_counted(self):
        self.begin("garbage:0,1,8,bytes=3000@1")
        summary = self.first_run()
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_counts(summary["frames"], received=COUNT, placed=COUNT, rejected=0)
        self.frames_are(summary)
        self.assertEqual(self.stray()["skipped_bytes"], 9000)
        self.assertGreaterEqual(self.stray()["resyncs"], 2)
        self.daemon.wait_line(r"(?i)\b(byte|offset)\b.*\d", stream="err")
        self.next_run_is_clean()

    def wrong_length(self, by, lost_at_most):
        self.begin(f"wrong-length:6,by={by}@1")
        summary = self.first_run()
        frames = summary["frames"]
        self.assertGreaterEqual(frames["placed"], COUNT - lost_at_most, summary)
        self.assertEqual(summary["reason"], "short" if frames["missing"] else "complete", summary)
        with open_recording(summary["file"]) as file:
            measured = file["/entry/results/measured/data"][...].ravel()
        missing = {i + 1 for i in np.flatnonzero(measured == 0)}
        self.assertLessEqual(missing, {6, 7, 8}, summary)
        self.frames_are(summary, missing=missing)
        self.assertGreater(frames["rejected"] + self.stray()["resyncs"], 0)
        self.next_run_is_clean()

    def test_length_one_short_loses_that_frame_at_most(self):
        self.wrong_length(-1, 1)

    def test_length_far_too_short_loses_that_frame_at_most(self):
        self.wrong_length(-3000, 1)

    def test_length_one_long_loses_a_frame_and_its_neighbour_at_most(self):
        self.wrong_length(1, 2)

    def test_length_too_long_by_more_than_a_frame(self):
        self.wrong_length(70000, 3)


class HeaderFaults(FaultTest):
    def test_second_hdr_before_the_first_frame_costs_nothing(self):
        self.begin("second-hdr@1")
        summary = self.first_run()
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_counts(summary["frames"], received=COUNT, placed=COUNT)
        self.frames_are(summary)
        self.next_run_is_clean()

    def test_hdr_in_the_middle_is_a_repetition_when_the_numbers_go_on(self):
        self.begin("mid-hdr:10@1")
        summary = self.first_run()
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_counts(summary["frames"], received=COUNT, placed=COUNT)
        self.frames_are(summary)
        self.next_run_is_clean()

    def test_acquisition_that_begins_anew_ends_the_run_and_begins_the_next(self):
        self.begin("restart:10@1")
        summary = self.first_run()
        self.assertEqual((summary["reason"], summary["cause"]), ("short", "next_run"), summary)
        self.assert_counts(summary["frames"], received=9, placed=9, missing=COUNT - 9)
        self.frames_are(summary, missing=range(10, COUNT + 1))
        second = wait_for(lambda: self.newer_than(summary), 30, "the run that the second header began")
        second = self.client.wait_finished(second["id"])
        self.assert_accounts(second["frames"])
        self.assertEqual(second["frames"]["received"], COUNT - 9, second)
        with open_recording(second["file"]) as file:
            data = file["/entry/data/data"][...].reshape(-1, *self.truth.shape[1:])
        np.testing.assert_array_equal(data[:COUNT - 9], self.truth[9:])
        self.next_run_is_clean()

    def newer_than(self, summary):
        newest = self.client("run")
        return newest if newest["id"] != summary["id"] else None

    def test_late_hdr_loses_nothing_silently(self):
        self.begin("late-hdr:4@1")
        summary = self.first_run()
        total = summary["frames"]["received"] + self.stray()["frames"]
        newest = self.newer_than(summary)
        if newest:
            newest = self.client.wait_finished(newest["id"])
            total += newest["frames"]["received"]
        self.assertEqual(total, COUNT, (summary, newest, self.stray()))
        self.next_run_is_clean()

    def test_frames_without_hdr_are_counted(self):
        self.begin("no-hdr@1")
        summary = self.first_run()
        self.assertEqual(summary["frames"]["received"] + self.stray()["frames"], COUNT, (summary, self.stray()))
        if summary["frames"]["received"]:
            self.frames_are(summary)
        self.next_run_is_clean()

    def test_operator_is_told_why_a_run_without_hdr_has_no_frames(self):
        self.begin("no-hdr@1")
        summary = self.first_run()
        if summary["reason"] != "complete":
            self.assertRegex(summary["detail"], r"(?i)header|stray|HDR")


class TimeFaults(FaultTest):
    def test_slow_link_loses_nothing(self):
        self.begin("slow:mb=5@1", fps=2000)
        summary = self.first_run()
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_counts(summary["frames"], received=COUNT, placed=COUNT)
        self.frames_are(summary)
        self.next_run_is_clean()

    def test_lengthened_exposure_is_reported_as_a_stall(self):
        self.begin("stall:10,ms=40@1")
        summary = self.first_run()
        self.assertEqual(summary["reason"], "complete", summary)
        self.frames_are(summary)
        with open_recording(summary["file"]) as file:
            exposure = file["/entry/frames/exposure_ns"][:]
            stalled = np.flatnonzero(file["/entry/frames/status"][:] & STALLED)
        self.assertEqual(list(np.flatnonzero(exposure > 40e6)), [9])
        self.assertEqual(list(stalled), [9])
        self.assertEqual(summary["frames"]["stalled"], 1, summary)
        self.assertEqual((summary["stalls"]["episodes"], summary["stalls"]["shifted_from"]), (1, None), summary)
        self.assertAlmostEqual(summary["stalls"]["held_up_s"], 0.04, 6)
        self.next_run_is_clean()

    def test_lengthened_gap_is_reported_as_a_stall_and_lost_triggers_as_a_shift(self):
        self.begin("stall:10,ms=40@1")
        summary = self.first_run(preset="pixel-trigger")
        self.assertEqual(summary["reason"], "complete", summary)
        self.frames_are(summary)
        with open_recording(summary["file"]) as file:
            start = file["/entry/frames/timestamp_ns"][:].astype(np.int64)
            stalled = np.flatnonzero(file["/entry/frames/status"][:] & STALLED)
        self.assertEqual(list(np.flatnonzero(np.diff(start) > 40e6) + 1), [9])
        self.assertEqual(list(stalled), [9])
        self.assertIn("scan positions may be shifted from frame 11", summary["detail"])
        self.next_run_is_clean()

    def test_slow_link_with_a_buffer_stalls_the_detector(self):
        shape = (8, 16)
        self.begin("slow:mb=10@1", fps=2000, shape=shape, options=["--buffer", 20])
        summary = self.first_run()
        self.assertEqual(summary["reason"], "complete", summary)
        self.frames_are(summary)
        with open_recording(summary["file"]) as file:
            exposure = file["/entry/frames/exposure_ns"][:]
            stalled = np.flatnonzero(file["/entry/frames/status"][:] & STALLED)
        self.assertGreater(len(stalled), 0, summary)
        self.assertEqual(list(stalled), list(np.flatnonzero(exposure > 1.2 * np.median(exposure))))
        self.assertEqual(summary["frames"]["stalled"], len(stalled), summary)

    def test_detector_idle_early_ends_the_run_short(self):
        self.begin("early-end:10@1")
        summary = self.first_run()
        self.assertEqual((summary["reason"], summary["cause"]), ("short", "detector_idle"), summary)
        self.assert_counts(summary["frames"], received=10, placed=10, missing=COUNT - 10)
        self.frames_are(summary, missing=range(11, COUNT + 1))
        self.next_run_is_clean()

    def test_run_of_a_detector_in_error_ends_short(self):
        self.begin("status3:10@1")
        summary = self.first_run()
        self.assertEqual(summary["reason"], "short", summary)
        self.assert_counts(summary["frames"], received=10, placed=10, missing=COUNT - 10)
        self.frames_are(summary, missing=range(11, COUNT + 1))
        self.clear_error()
        self.next_run_is_clean()

    def test_state_says_that_the_detector_is_in_error(self):
        self.begin("status3:10@1")
        self.first_run()
        other = CommandClient(self.simulator.command_port)
        self.addCleanup(other.close)
        wait_for(lambda: other.status() == 3, 10, "DETECTORSTATUS 3")
        status = self.client.wait_state("fault", seconds=3)
        self.assertRegex(status["why"], r"DETECTORSTATUS 3|error")

    def test_summary_says_that_the_detector_was_in_error(self):
        self.begin("status3:10@1")
        self.assertRegex(self.first_run()["detail"], r"(?i)error")

    def test_detector_in_error_before_the_first_frame(self):
        self.begin("status3@1")
        self.client.wait_state("idle")
        try:
            started = self.client("start", scan=list(self.shape))
            summary = self.client.wait_finished(started["id"])
            self.assertNotEqual(summary["reason"], "complete", summary)
            self.assertEqual(summary["frames"]["received"], 0)
        except ControlError as refused:
            self.assertRegex(refused.message, r"(?i)error")
        self.clear_error()
        self.next_run_is_clean()


class NumberFaults(FaultTest):
    """999,989 frames are skipped, so that those whose numbers wrap are the scan."""

    def wrapped(self, digits):
        self.begin(f"number-wrap:digits={digits}@1")
        self.client.wait_state("idle")
        run = self.client("start", mode="passive", scan=list(self.shape), skip={"start": 999989})
        self.client.wait_state("armed")
        other = CommandClient(self.simulator.command_port)
        self.addCleanup(other.close)
        other.start(COUNT)
        summary = self.client.wait_finished(run["id"])
        self.assert_accounts(summary["frames"])
        self.assert_counts(summary["frames"], received=COUNT, placed=COUNT, missing=0)
        with open_recording(summary["file"]) as file:
            np.testing.assert_array_equal(file["/entry/data/data"][...].reshape(self.truth.shape), self.truth)
        self.next_run_is_clean()

    def test_seven_digits(self):
        self.wrapped(7)

    def test_wrap_to_zero(self):
        self.wrapped(6)


class CommandFaults(FaultTest):
    def test_refused_setting_is_named_and_the_next_start_works(self):
        for code in (2, 3):
            with self.subTest(code=code):
                self.begin(f"refuse:NUMFRAMESTOACQUIRE,code={code},times=1@1")
                self.client.wait_state("idle")
                with self.assertRaises(ControlError) as refused:
                    self.client("start", scan=list(SHAPE))
                self.assertEqual(refused.exception.code, "detector")
                self.assertIn("NUMFRAMESTOACQUIRE", refused.exception.message)
                self.client.wait_state("idle")
                other = CommandClient(self.simulator.command_port)
                self.addCleanup(other.close)
                self.assertEqual(other.status(), 0, "nothing was armed")
                self.next_run_is_clean()

    def test_refused_start_is_told(self):
        self.begin("refuse:STARTACQUISITION,code=2,times=1@1")
        self.client.wait_state("idle")
        with self.assertRaises(ControlError) as refused:
            self.client("start", scan=list(SHAPE))
        self.assertIn("STARTACQUISITION", refused.exception.message)
        self.next_run_is_clean()

    def test_replies_with_a_length_one_short_are_understood(self):
        self.begin("short-reply@1")
        self.assertEqual(self.first_run()["reason"], "complete")
        self.next_run_is_clean()

    def test_bytes_after_replies_are_passed_over(self):
        self.begin("trailing@1")
        self.assertEqual(self.first_run()["reason"], "complete")
        self.next_run_is_clean()

    def test_both_at_once(self):
        self.begin("short-reply@1", "trailing@1")
        self.assertEqual(self.first_run()["reason"], "complete")
        self.next_run_is_clean()


class ListOfFaults(unittest.TestCase):
    def test_every_fault_is_listed_with_what_a_receiver_does_and_has_a_test(self):
        told = subprocess.run([MERLIN_SIM, "--list-faults"], capture_output=True, text=True, timeout=timeout(30), check=True).stdout
        kinds = re.findall(r"^([a-z][a-z0-9-]*)(?::.*)?$", told, re.MULTILINE)
        self.assertGreaterEqual(len(kinds), 19)
        self.assertEqual(told.count("\n    receiver: "), len(kinds))
        with open(__file__) as source:
            tests = source.read()
        for kind in kinds:
            self.assertRegex(tests, rf'f?"{kind}[:@]', f"no test causes {kind}")

    def test_nonsense_is_refused(self):
        for fault in ("", "drop", "dropp:3", "drop:3@0", "cut:p=1"):
            done = subprocess.run([MERLIN_SIM, "--synthetic", "glass", "--fault", fault], capture_output=True, text=True,
                                  timeout=timeout(30))
            self.assertEqual(done.returncode, 64, done)
            self.assertIn("--list-faults" if "drop:" not in fault and fault != "drop" and fault != "cut:p=1" else "is wanted",
                          done.stderr)


if __name__ == "__main__":
    unittest.main()
