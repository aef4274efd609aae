"""Full speed without a loss, and what is told when the daemon is too slow."""
import re
import unittest

import numpy as np

import fake_detector

from harness import SystemTest, disk_mask, lighter, open_recording, wait_for

# Whether the machine keeps up with 5,000 frames a second is no question to ask while other tests run (see run.py).
ALONE = True
PLAIN = True

SMALL = (24, 24)
DETECTORS = [{"name": f"ring{n}", "shape": "annulus", "inner": 10 * n, "outer": 10 * n + 10} for n in range(8)]


class Overload(SystemTest):
    def simulator_stalls(self, simulator):
        """(stalls, lengthened exposures) as the simulator tells them at the end of its acquisition."""
        match = simulator.wait_line(r"^done frames=\d+ stalls=(\d+) lengthened=(\d+)$")
        return int(match[1]), int(match[2])

    def test_16384_frames_at_5000_a_second_without_a_stall(self):
        scan, fps = lighter(((128, 128), 5000), ((16, 16), 50))
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "%dx%d" % scan, "--fps", fps,
                                         "--buffer", "1200", "--bank", "512")
        daemon = self.start_daemon(simulator, {"ring.size": "256MiB", "virtual_detectors": DETECTORS})
        summary = self.run_scan(self.control(daemon), scan)
        n = scan[0] * scan[1]
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_accounts(summary["frames"])
        self.assert_counts(summary["frames"], expected=n, received=n, recorded=n, analysed=n, lost=0, rejected=0,
                           stalled=0)
        self.assertEqual(self.simulator_stalls(simulator), (0, 0))

    def test_stalls_are_counted_alike_by_simulator_and_daemon(self):
        """Workers so slow that a small ring fills: the detector is held up, and every frame that shows it is marked."""
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "24x24", "--fps", lighter("2000", "500"),
                                         "--buffer", "20", "--bank", "64")
        daemon = self.start_daemon(simulator, {"ring.size": "4MiB", "debug.worker_delay_us": lighter(4000, 12000),
                                               "recording.flush": 0.2})
        control = self.control(daemon)
        summary = self.run_scan(control, (24, 24), parameters={"CONTINUOUSRW": 1})
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_accounts(summary["frames"])
        self.assert_counts(summary["frames"], expected=576, received=576, recorded=576, lost=0)
        stalls, lengthened = self.simulator_stalls(simulator)
        self.assertGreater(stalls, 0)
        self.assertEqual(summary["frames"]["stalled"], lengthened)
        ring = control.status()["ring"]
        self.assertGreater(ring["full_stalls"], 0)
        self.assertGreater(ring["high_water"], 0.5)
        with open_recording(summary["file"]) as file:
            marked = file["/entry/frames/status"][:] & 8 != 0
            exposure = file["/entry/frames/exposure_ns"][:]
        self.assertEqual(np.count_nonzero(marked), lengthened)
        self.assertGreater(exposure[marked].min(), exposure[~marked].max())

    def test_analysis_that_is_too_slow_waits_and_is_made_up_for_from_the_file(self):
        """Recording keeps up, analysis does not: the ring does not fill, and every map is complete all the same."""
        scan = (32, 32)
        # The simulator's own pauses are held up too where its buffer is small: that of a detector is large.
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "%dx%d" % scan, "--fps",
                                         lighter("1500", "300"), "--buffer", "1200", "--bank", "64")
        daemon = self.start_daemon(simulator, {"ring.size": "32MiB", "recording.flush": 0.2,
                                               "debug.analysis_delay_us": lighter(4000, 20000),
                                               "virtual_detectors": [{"name": "bf", "shape": "disk", "radius": 30}]})
        control = self.control(daemon)
        summary = self.run_scan(control, scan, seconds=120)
        n = scan[0] * scan[1]
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_accounts(summary["frames"])
        self.assert_counts(summary["frames"], expected=n, recorded=n, analysed=n, deferred=0, not_analysed=0, stalled=0)
        self.assertEqual(self.simulator_stalls(simulator), (0, 0))
        self.assertEqual(control.status()["ring"]["full_stalls"], 0)
        with open_recording(summary["file"]) as file:
            frames = file["/entry/data/data"][:].astype(np.uint64)
            deferred = file["/entry/frames/status"][:] & 32 != 0
            stored, sums = file["/entry/results/bf/data"][:], file["/entry/results/sum/data"][:]
        self.assertGreater(np.count_nonzero(deferred), 0)
        truth = frames[..., disk_mask(frames.shape[-2:], (127.5, 127.5), 0, 30)].sum(axis=-1)
        parts, _ = control.array("map", "bf")
        np.testing.assert_array_equal(parts["data"], truth)
        np.testing.assert_array_equal(stored, truth)
        np.testing.assert_array_equal(sums, frames.sum(axis=(0, 1)))

    def test_a_detector_that_comes_while_analysis_is_behind_is_computed_of_what_waits_too(self):
        scan = (32, 32)
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "%dx%d" % scan, "--fps",
                                         lighter("1500", "300"), "--buffer", "20", "--bank", "64")
        daemon = self.start_daemon(simulator, {"ring.size": "32MiB", "recording.flush": 0.2,
                                               "debug.analysis_delay_us": lighter(4000, 20000)})
        control = self.control(daemon)
        control.wait_state("idle")
        run = control("start", scan=list(scan))["id"]
        wait_for(lambda: control.status()["frames"]["deferred"] >= 100, 60, "frames whose analysis is put off")
        control("virtual_detector", name="late", shape="disk", radius=30)
        control("recompute")
        summary = control.wait_finished(run, 120)
        self.assertEqual(summary["reason"], "complete", summary)
        with open_recording(summary["file"]) as file:
            frames = file["/entry/data/data"][:].astype(np.uint64)
            late = file["/entry/results/late/data"]
            self.assertEqual((late.attrs["recomputed"], late.attrs["not_recomputed"]), (late.attrs["first_frame"], 0))
            np.testing.assert_array_equal(late[:], frames[..., disk_mask(frames.shape[-2:], (127.5, 127.5), 0, 30)].sum(axis=-1))

    def slow_analysis(self, **settings):
        """A run that is not recorded, of a detector that is faster than the analysis: (frames, control, summary, status)."""
        n = SMALL[0] * SMALL[1]
        frames = np.random.default_rng(7).poisson(3, (n, 256, 256)).astype(np.uint8)
        path = self.directory / "frames.mib"
        with open(path, "wb") as file:
            for number, counts in enumerate(frames, 1):
                file.write(fake_detector.frame(number, counts)[15:])  # without MPX,LENGTH,
        simulator = self.start_simulator(path, "--fps", lighter("1500", "300"), "--buffer", "1200")
        daemon = self.start_daemon(simulator, {"recording.enabled": False, "ring.size": "16MiB",
                                               "debug.analysis_delay_us": lighter(3000, 15000), "workers": 2,
                                               "virtual_detectors": [{"name": "bf", "shape": "disk", "radius": 30}],
                                               **settings})
        control = self.control(daemon)
        summary = self.run_scan(control, SMALL, seconds=120)
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_accounts(summary["frames"])
        self.assertEqual(self.simulator_stalls(simulator), (0, 0))
        return frames.astype(np.uint64), control, summary, control.status()

    def test_a_run_that_is_not_recorded_keeps_frames_in_memory_until_they_are_analysed(self):
        """Analysis does not keep up and there is no file: every map is complete all the same."""
        frames, control, summary, status = self.slow_analysis(**{"analysis.backlog": "64MiB"})
        n = len(frames)
        self.assert_counts(summary["frames"], expected=n, recorded=0, unrecorded=n, analysed=n, deferred=0,
                           not_analysed=0, no_room=0, stalled=0)
        backlog = status["backlog"]
        self.assertEqual(backlog["size"], 64 << 20)
        self.assertGreater(backlog["high_water"], 0)
        self.assertEqual(backlog["used"], 0)
        np.testing.assert_array_equal(control.array("map", "bf")[0]["data"].ravel(),
                                      frames[:, disk_mask((256, 256), (127.5, 127.5), 0, 30)].sum(axis=1))
        np.testing.assert_array_equal(control.array("pattern", "sum")[0]["data"], frames.sum(axis=0))

    def test_what_fits_neither_ring_nor_backlog_is_not_analysed_and_counted(self):
        """The detector is not held up, and the summary says how much is missing, and why."""
        frames, control, summary, status = self.slow_analysis(**{"analysis.backlog": "1MiB"})
        counts = summary["frames"]
        self.assertGreater(counts["no_room"], 0)
        self.assertEqual(counts["no_room"], counts["not_analysed"])
        self.assertEqual(counts["analysed"] + counts["no_room"], len(frames))
        self.assertIn(f"{counts['no_room']} frames are in no map", summary["detail"])
        self.assertLessEqual(status["backlog"]["high_water"], 1 << 20)
        parts = control.array("map", "bf")[0]
        measured = parts["measured"].ravel() == 1
        self.assertEqual(np.count_nonzero(measured), counts["analysed"])
        np.testing.assert_array_equal(
            parts["data"].ravel()[measured],
            frames[measured][:, disk_mask((256, 256), (127.5, 127.5), 0, 30)].sum(axis=1))

    def test_a_slow_reader_of_results_loses_messages_not_frames(self):
        """A subscriber that never reads must not hold up anything."""
        import zmq
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "32x32", "--fps", lighter("1000", "200"))
        daemon = self.start_daemon(simulator, {"virtual_detectors": DETECTORS})
        context = zmq.Context()
        self.addCleanup(context.destroy, 0)
        sleeper = context.socket(zmq.SUB)
        sleeper.rcvhwm = 1
        sleeper.subscribe("")
        sleeper.connect(daemon.results)
        summary = self.run_scan(self.control(daemon), (32, 32))
        self.assertEqual(summary["reason"], "complete")
        self.assert_counts(summary["frames"], received=1024, recorded=1024, analysed=1024)

    def test_log_is_quiet_in_a_good_run(self):
        """Nothing is logged per frame, and no warning where all is well."""
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "16x16", "--fps", lighter("1000", "200"))
        daemon = self.start_daemon(simulator, {"calibration.kv": 200, "calibration.camera_length": 185, "calibration.scan_step": 1})
        control = self.control(daemon)
        control("calibration", disk_radius_px=3.4)
        control("samples_put", name="beam_current", unit="pA", value=50)
        self.run_scan(control, (16, 16))
        self.assertLess(len(daemon.err), 40, daemon.stderr_text())
        self.assertFalse(re.search(r"\b(warning|error)\b", daemon.stderr_text()), daemon.stderr_text())


if __name__ == "__main__":
    unittest.main()
