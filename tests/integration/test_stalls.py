"""Where the detector was held up: found from the times and exposures of frame headers, marked in the file, told live and in the summary.

The judge of which frames these are is numpy on the times that the file holds, and the simulator's own account.
"""
import unittest

import numpy as np

from harness import SystemTest, lighter, open_recording, wait_for

PLAIN = True

STALLED = 8
SHIFTED = "scan positions may be shifted from frame {}"


class StallTest(SystemTest):
    shape = (8, 12)

    def begin(self, *options, fps=500, settings=None):
        self.simulator = self.start_simulator("--synthetic", "glass", "--scan", "%dx%d" % self.shape, "--fps", fps, "--bank", 64,
                                              *options)
        self.daemon = self.start_daemon(self.simulator, settings)
        self.client = self.control(self.daemon)

    def run_it(self, **arguments):
        summary = self.run_scan(self.client, self.shape, **arguments)
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_accounts(summary["frames"])
        return summary

    def marked(self, summary):
        """Numbers (from 1) of the frames that the file marks, with exposures and starts of all frames, ns."""
        with open_recording(summary["file"]) as file:
            status = file["/entry/frames/status"][:]
            exposure = file["/entry/frames/exposure_ns"][:].astype(np.int64)
            start = file["/entry/frames/timestamp_ns"][:].astype(np.int64)
        return [int(i) + 1 for i in np.flatnonzero(status & STALLED)], exposure, start

    def assert_told(self, summary, frames, shifted_from):
        """Summary and file tell just these held-up frames, and from where positions may be wrong (None: nowhere)."""
        self.assertEqual(self.marked(summary)[0], list(frames), summary)
        self.assertEqual(summary["frames"]["stalled"], len(frames), summary)
        self.assertEqual(summary["stalls"]["episodes"], len(frames), summary)
        self.assertEqual(summary["stalls"]["shifted_from"], shifted_from, summary)
        if shifted_from is None:
            self.assertNotIn("shifted", summary["detail"])
        else:
            self.assertIn(SHIFTED.format(shifted_from), summary["detail"])


class StallOnDemand(StallTest):
    """The simulator's detector pauses before frame 30, which is the sixth of the third line."""

    def stalled_run(self, *options, frame=30, **arguments):
        self.begin("--fault", f"stall:{frame},ms=60", *options)
        return self.run_it(**arguments)

    def test_line_triggered_scan_may_be_shifted_from_the_next_line(self):
        summary = self.stalled_run(preset="line-trigger")
        self.assert_told(summary, [30], 37)
        self.assertAlmostEqual(summary["stalls"]["held_up_s"], 0.06, 6)
        exposure = self.marked(summary)[1]
        self.assertEqual(exposure[29], exposure[28] + 60_000_000)

    def test_pixel_triggered_scan_may_be_shifted_from_the_next_frame(self):
        summary = self.stalled_run(preset="pixel-trigger")
        self.assert_told(summary, [30], 31)
        _, exposure, start = self.marked(summary)
        self.assertEqual(len(set(exposure)), 1, "without continuous readout the pause is between two frames")
        self.assertGreater(start[29] - start[28], 60_000_000)

    def test_line_trigger_without_continuous_readout(self):
        summary = self.stalled_run(preset="line-trigger", parameters={"CONTINUOUSRW": 0, "ACQUISITIONTIME": 1, "ACQUISITIONPERIOD": 2})
        self.assert_told(summary, [30], 37)

    def test_24_bits_have_a_gap_between_frames(self):
        summary = self.stalled_run("--depth", 24, parameters={"COUNTERDEPTH": 24, "ACQUISITIONTIME": 1, "ACQUISITIONPERIOD": 2})
        self.assert_told(summary, [30], None)

    def test_nothing_is_shifted_where_the_detector_itself_says_when_to_begin(self):
        self.assert_told(self.stalled_run(preset="internal"), [30], None)

    def test_nothing_is_shifted_where_one_trigger_starts_the_whole_scan(self):
        self.assert_told(self.stalled_run(preset="single-start"), [30], None)

    def test_nothing_is_shifted_in_the_last_line(self):
        self.assert_told(self.stalled_run(frame=90, preset="line-trigger"), [90], None)

    def test_first_frame_of_all_and_of_a_line(self):
        for frame in (1, 25):
            with self.subTest(frame=frame):
                summary = self.stalled_run(frame=frame, preset="line-trigger")
                self.assert_told(summary, [frame], (frame // 12 + 1) * 12 + 1)

    def test_run_that_is_not_recorded_tells_it_too(self):
        self.begin("--fault", "stall:30,ms=60")
        summary = self.run_it(preset="line-trigger", recording=False)
        self.assertEqual(summary["frames"]["stalled"], 1, summary)
        self.assertEqual(summary["stalls"]["shifted_from"], 37, summary)
        self.assertIn(SHIFTED.format(37), summary["detail"])

    def test_both_images_of_an_exposure_are_marked(self):
        self.begin("--fault", "stall:30,ms=60")
        summary = self.run_it(parameters={"ENABLECOUNTER1": 2, "CONTINUOUSRW": 0, "ACQUISITIONTIME": 1, "ACQUISITIONPERIOD": 2})
        self.assertEqual(self.marked(summary)[0], [59, 60], summary)
        self.assertEqual(summary["frames"]["stalled"], 2, summary)
        self.assertEqual(summary["stalls"]["episodes"], 1, summary)


class Live(StallTest):
    shape = (20, 20)

    def test_event_and_status_tell_it_while_the_run_goes_on(self):
        self.begin("--fault", "stall:50,ms=60", fps=100)
        results = self.results(self.daemon, ["event/"])
        self.client.wait_state("idle")
        run = self.client("start", scan=list(self.shape), preset="line-trigger", recording=False)
        header, _ = results.wait("event/", lambda header: header["event"] == "stall", 10)
        status = self.client.status()
        self.assertEqual(status["state"], "acquiring", "the event came when the run was over")
        self.assertEqual(status["run"]["stalls"]["episodes"], 1, status)
        self.assertEqual(status["run"]["frames"]["stalled"], 1, status)
        self.assertEqual((header["run"], header["first"], header["last"]), (run["id"], 50, 50))
        self.assertAlmostEqual(header["held_up_s"], 0.06, 6)
        self.assertIn("frame 50", header["text"])
        self.assertIn(SHIFTED.format(61), header["text"])
        self.daemon.wait_line(r"notice.*held up.*frame 50", stream="err")
        self.client.wait_finished(run["id"])
        self.assertEqual(len([m for m in results.of("event/") if m[1]["event"] == "stall"]), 1)

    def test_many_stalls_make_few_messages_that_tell_of_all(self):
        """A link so slow that the detector is held up many times a second."""
        self.begin("--buffer", 4, "--fault", "slow:mb=10", fps=lighter(2000, 500))
        results = self.results(self.daemon, ["event/", "acquisition/"])
        summary = self.run_it(parameters={"CONTINUOUSRW": 1}, recording=False)
        self.assertGreater(summary["stalls"]["episodes"], 5, summary)  # a busy machine has fewer

        def all_told():
            stalls = [header for _, header, _ in results.of("event/") if header["event"] == "stall"]
            told = sum(1 + int((h["text"] + " and 0 more").split(" and ")[1].split(" more")[0]) for h in stalls)
            return stalls if told == summary["stalls"]["episodes"] else None
        stalls = wait_for(all_told, 5, lambda: f"{summary['stalls']} told in {[m[1]['text'] for m in results.of('event/')]}")
        self.assertAlmostEqual(sum(h["held_up_s"] for h in stalls), summary["stalls"]["held_up_s"], 3)
        self.assertLess(len(stalls), 5 * (summary["elapsed_s"] + 2))
        results.wait("acquisition/", lambda header: header["event"] == "finished")
        self.assertEqual(results.messages[-1][1]["event"], "finished", "a stall is told after the end of its run")


class SlowReader(StallTest):
    shape = (24, 24)
    slow = {"ring.size": "4MiB", "debug.worker_delay_us": lighter(4000, 12000), "recording.flush": 0.2}

    def held_up(self, **arguments):
        self.begin("--buffer", 20, fps=lighter(2000, 500), settings=self.slow)
        summary = self.run_it(**arguments)
        match = self.simulator.wait_line(r"^done frames=\d+ stalls=(\d+) lengthened=(\d+)$")
        self.assertGreater(int(match[1]), 0)
        return summary, int(match[2])

    def test_continuous_readout_with_line_triggers(self):
        summary, lengthened = self.held_up(preset="line-trigger")
        marked, exposure, _ = self.marked(summary)
        self.assertEqual(marked, [int(i) + 1 for i in np.flatnonzero(exposure > 1.2 * np.median(exposure))])
        self.assertEqual(len(marked), lengthened)
        self.assert_told(summary, marked, ((marked[0] - 1) // 24 + 1) * 24 + 1)
        held_up = (exposure[[i - 1 for i in marked]] - np.median(exposure)).sum() / 1e9
        self.assertAlmostEqual(summary["stalls"]["held_up_s"], held_up, 6)

    def gaps(self, start):
        """Numbers of frames that came later after the one before than usual."""
        period = np.diff(start)
        return [int(i) + 2 for i in np.flatnonzero(period > 1.2 * np.median(period))]

    def test_gaps_without_continuous_readout(self):
        time = {"ACQUISITIONTIME": lighter(0.4, 1), "ACQUISITIONPERIOD": lighter(0.5, 2)}
        summary, lengthened = self.held_up(parameters={"CONTINUOUSRW": 0, **time})
        marked, exposure, start = self.marked(summary)
        self.assertEqual(marked, self.gaps(start))
        self.assertEqual(lengthened, 0)
        self.assertEqual(len(set(exposure)), 1)
        self.assert_told(summary, marked, None)

    def test_gaps_at_the_begin_of_lines_are_left_alone_where_these_are_triggered(self):
        time = {"ACQUISITIONTIME": lighter(0.4, 1), "ACQUISITIONPERIOD": lighter(0.5, 2)}
        summary, _ = self.held_up(preset="line-trigger", parameters={"CONTINUOUSRW": 0, **time})
        marked, _, start = self.marked(summary)
        within = [number for number in self.gaps(start) if number % 24 != 1]
        self.assertGreater(len(within), 0)
        self.assert_told(summary, within, ((within[0] - 1) // 24 + 1) * 24 + 1)


class NoStall(StallTest):
    def test_first_frames_of_lines_and_flyback_are_exposed_longer(self):
        self.begin("--line-exposure", 2, "--flyback", 2, "--flyback-exposure", 9)
        for preset in ("line-trigger", "pixel-trigger"):
            with self.subTest(preset=preset):
                summary = self.run_it(preset=preset, skip={"line": 2})
                exposure = self.marked(summary)[1]
                self.assertGreater(exposure.max(), 8 * exposure.min())
                self.assert_told(summary, [], None)

    def test_lines_that_nobody_told(self):
        self.begin("--line-exposure", 2, "--flyback", 1, "--flyback-exposure", 9)
        for trigger in ("internal", "rising-ttl"):
            with self.subTest(trigger=trigger):
                self.client.wait_state("idle")
                run = self.client("start", scan=list(self.shape), flyback="exposure", trigger=trigger,
                                  parameters={"NUMFRAMESTOACQUIRE": 8 * 13, "NUMFRAMESPERTRIGGER": 1})
                summary = self.client.wait_finished(run["id"])
                self.assertEqual(summary["frames"]["received"], 8 * 13, summary)
                self.assert_told(summary, [], None)

    def test_lost_and_reordered_frames(self):
        self.begin("--fault", "drop:p=0.2", "--fault", "reorder:20,by=5", "--fault", "duplicate:40")
        summary = self.run_scan(self.client, self.shape, parameters={"CONTINUOUSRW": 0, "ACQUISITIONTIME": 1, "ACQUISITIONPERIOD": 2})
        self.assertGreater(summary["frames"]["missing"], 0, summary)
        self.assert_told(summary, [], None)

    def test_headers_without_times(self):
        self.begin("--header-style", "no-mq1a", "--fault", "stall:30,ms=60")
        self.assert_told(self.run_it(), [], None)


if __name__ == "__main__":
    unittest.main()
