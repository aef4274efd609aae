"""The same scan several times: every one a run of its own, the drift between them, one table, and what ends a series."""
import sys
import threading
import time
import unittest

import numpy as np

from fake_detector import FakeDetector, frame, hdr, mpx
from harness import TOP, ControlError, SystemTest, file_statistics, open_recording, run_ctl, timeout, wait_for

sys.path.insert(0, str(TOP / "clients" / "python"))
from merlind import Merlind  # noqa: E402

LABELS = {"specimen": "PdSi-3", "strain": 8, "region": "A"}


class Series(SystemTest):
    def begin(self, *simulator_options, **settings):
        simulator = self.start_simulator("--synthetic", "glass", "--bank", "40", "--fps", "2000", *simulator_options)
        self.daemon = self.start_daemon(simulator, {
            "virtual_detectors": [{"name": "bf", "shape": "disk", "radius": 20}], **settings})
        self.client = Merlind(self.daemon.control)
        self.addCleanup(self.client.close)
        control = self.control(self.daemon)
        control.wait_state("idle")
        return control

    def test_every_scan_is_a_run_with_labels_and_all_make_one_table(self):
        control = self.begin()
        events = self.results(self.daemon, ("event/",))
        self.client.start((10, 10), labels=LABELS, scans=4, drift="bf")
        rows = self.client.series(wait=True)
        self.assertEqual([row["scan"] for row in rows], [1, 2, 3, 4])
        self.assertEqual(len({row["run"] for row in rows}), 4)
        for row in rows:
            self.assertEqual((row["reason"], row["labels"]), ("complete", {**LABELS, "scan": row["scan"]}))
            with open_recording(row["file"]) as file:
                summary = file_statistics(file)
                self.assertEqual(file["/entry/data/data"].shape[:2], (10, 10))
            self.assertEqual((summary["id"], summary["labels"], summary["frames"]["missing"]), (row["run"], row["labels"], 0))
        self.assertIsNone(rows[0]["gap_s"])
        self.assertTrue(all(row["gap_s"] >= 0 for row in rows[1:]))
        wait_for(lambda: control("series")["rows"][3]["drift"], 20, "the last drift")
        self.assertIsNone(control("series")["rows"][0]["drift"])
        for row in control("series")["rows"][1:]:
            self.assertEqual(set(row["drift"]) >= {"drift", "found", "detail"}, True, row)
        armed = [h["series"]["scan"] for _, h, _ in events.of("event/") if h["event"] == "series" and "armed" in h["text"]]
        self.assertEqual(armed, [1, 2, 3, 4])

    def test_stop_ends_it_and_so_does_a_scan_that_is_not_complete(self):
        control = self.begin()
        self.client.start((10, 10), scans=1000)
        wait_for(lambda: control("series")["scan"] >= 3, 60, "some scans")
        self.client.stop()
        wait_for(lambda: not control("series")["going_on"], 20, "the end of the series")
        n = control("series")["scan"]
        control.wait_state("idle")
        self.assertLess(n, 1000)
        self.assertIn(control("series")["rows"][-1]["reason"], ("stopped", "complete"))
        self.run_scan(control, (4, 4))  # another start: no series goes on with it
        self.assertEqual(len(control("series")["rows"]), n)
        self.assertFalse(control("series")["going_on"])

    def test_it_goes_on_after_scans_that_are_over_before_the_detector_has_answered_that_they_begin(self):
        over = threading.Event()

        def stream(send):
            send(hdr(4) + b"".join(frame(1 + i, np.zeros((256, 256), np.uint8)) for i in range(4)))

        def answer(body):
            if body.startswith(b"CMD,STARTACQUISITION"):
                over.wait(timeout(20))
                over.clear()
            return mpx(body)
        detector = FakeDetector(stream, wire=answer)
        self.addCleanup(detector.close)
        daemon = self.start_daemon(detector)
        control, events = self.control(daemon), self.results(daemon, ("acquisition/",))
        finished = lambda: sum(header["event"] == "finished" for _, header, _ in events.of("acquisition/"))
        control.wait_state("idle")
        control.send("start", scan=[2, 2], series={"scans": 3})
        for n in (1, 2, 3):
            wait_for(lambda: finished() == n, 20, f"the end of scan {n}")
            over.set()
        control.receive()
        wait_for(lambda: not control("series")["going_on"], 20, "the end of the series")
        self.assertEqual([row["reason"] for row in control("series")["rows"]], ["complete"] * 3)

    def test_what_makes_no_series_is_refused(self):
        control = self.begin()
        self.assertEqual(control("series"), {"going_on": False, "scan": 0, "scans": 0, "rows": None})
        for series, more in (({"scans": 0}, {}), ({"scans": 2.5}, {}), ({}, {}), (3, {}), ({"scans": 2, "drift": 5}, {}),
                             ({"scans": 2, "more": 5}, {}), ({"scans": 2}, {"mode": "view"}), ({"scans": 2}, {"mode": "passive"})):
            with self.assertRaises(ControlError) as caught:
                control("start", scan=[4, 4], series=series, **more)
            self.assertEqual((caught.exception.code, caught.exception.field), ("bad_value", "args.series"), series)
        self.assertEqual(control.status()["state"], "idle")

    def test_it_ends_with_the_daemon(self):
        control = self.begin()
        self.client.start((10, 10), scans=1000, drift="bf")
        wait_for(lambda: control("series")["scan"] >= 2, 60, "some scans")
        control("shutdown")
        self.assertEqual(self.daemon.wait(timeout(30)), 0)


class Programs(SystemTest):
    def test_a_program_is_run_once_the_detector_is_armed_and_the_run_is_waited_for(self):
        simulator = self.start_simulator("--synthetic", "glass", "--bank", 64, "--fps", "500")
        daemon = self.start_daemon(simulator)
        control = self.control(daemon)
        control.wait_state("idle")
        mark = self.directory / "mark"
        done = run_ctl(daemon, "start", "--scan", "5x5", "--", "touch", mark)
        self.assertEqual((done.returncode, mark.exists(), control("run")["reason"]), (0, True, "complete"), done)
        failed = run_ctl(daemon, "start", "--scan", "5x5", "--", "false")
        self.assertEqual((failed.returncode, control("run")["reason"]), (1, "complete"), failed)
        self.assertIn("false has failed: exit status 1", failed.stderr)
        # Somebody has to trigger it, and nobody will: the run is ended, not left waiting.
        none = run_ctl(daemon, "start", "--scan", "5x5", "--trigger", "rising-ttl", "--", "/no/such/program")
        self.assertNotEqual(none.returncode, 0)
        self.assertIn("cannot run /no/such/program", none.stderr)
        self.assertNotEqual(control.wait_finished()["reason"], "complete")
        forgotten = run_ctl(daemon, "start", "5x5")
        self.assertEqual(forgotten.returncode, 64)
        self.assertIn("behind --", forgotten.stderr)


if __name__ == "__main__":
    unittest.main()
