"""Links that break and bytes that are wrong: the run ends with its reason, the file is readable, the next run works."""
import signal
import time
import unittest

import numpy as np

from fake_detector import FakeDetector, frame, hdr, mpx
from harness import SystemTest, open_recording, wait_for


def picture(number):
    image = np.zeros((256, 256), np.uint8)
    image[number] = number
    return image


class KilledSimulator(SystemTest):
    def test_run_ends_short_and_the_next_one_works(self):
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "32x32", "--fps", "100")
        daemon = self.start_daemon(simulator)
        control = self.control(daemon)
        control.wait_state("idle")
        run = control("start", scan=[32, 32])
        wait_for(lambda: control("run", id=run["id"])["frames"]["received"] >= 30, 30, "30 frames")
        simulator.kill()
        summary = control.wait_finished(run["id"])
        self.assertEqual((summary["reason"], summary["cause"]), ("short", "link"), summary)
        self.assertTrue(summary["detail"])
        self.assert_accounts(summary["frames"])
        received = summary["frames"]["received"]
        self.assertGreaterEqual(received, 30)
        self.assertEqual(summary["frames"]["missing"], 1024 - received)
        with open_recording(summary["file"]) as file:
            self.assertTrue(file["/entry/data/data"][0, 0].any())
            self.assertFalse(file["/entry/data/data"][31, 31].any())
        control.wait_state("disconnected")

        self.start_simulator("--synthetic", "glass", "--scan", "4x4", "--fps", "1000",
                             command_port=simulator.command_port, data_port=simulator.data_port)
        again = self.run_scan(control, (4, 4))
        self.assertEqual(again["reason"], "complete", again)
        self.assert_counts(again["frames"], received=16, recorded=16)

    def test_detector_that_comes_later_is_found(self):
        first = self.start_simulator("--synthetic", "glass", "--bank", 64)
        ports = {"command_port": first.command_port, "data_port": first.data_port}
        first.stop()
        daemon = self.start_daemon(first)
        control = self.control(daemon)
        status = control.wait_state("disconnected")
        self.assertTrue(status["why"])
        self.assertEqual(status["detector"]["command"], "disconnected")
        self.assertTrue(status["detector"]["command_error"])
        self.start_simulator("--synthetic", "glass", "--bank", 64, **ports)
        control.wait_state("idle")

    def test_start_waits_for_a_detector_that_is_just_coming_up(self):
        """Detector, daemon and scan started in one go: the scan waits for the links instead of being refused."""
        first = self.start_simulator("--synthetic", "glass", "--bank", 64)
        ports = {"command_port": first.command_port, "data_port": first.data_port}
        first.stop()
        control = self.control(self.start_daemon(first))
        control.wait_state("disconnected")
        started, ping = control.send("start", scan=[4, 4]), control.send("ping")
        self.assertEqual(control.receive()[0]["id"], ping, "refused at once")
        self.start_simulator("--synthetic", "glass", "--scan", "4x4", **ports)
        reply, _ = control.receive()
        self.assertEqual((reply["id"], reply["ok"]), (started, True), reply)
        self.assertEqual(control.wait_finished(reply["result"]["id"])["reason"], "complete")

    def test_frozen_simulator_is_no_broken_link(self):
        """A detector that says nothing for a while is waited for."""
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "8x8", "--fps", "500")
        daemon = self.start_daemon(simulator)
        control = self.control(daemon)
        control.wait_state("idle")
        run = self.start_in_bursts(control, (8, 8), 32)
        self.burst(control)
        wait_for(lambda: control("run", id=run)["frames"]["received"] >= 5, 30, "frames")
        simulator.send_signal(signal.SIGSTOP)
        time.sleep(1.0)
        self.assertEqual(control("run", id=run)["state"], "acquiring")
        simulator.send_signal(signal.SIGCONT)
        self.burst(control)
        self.assertEqual(control.wait_finished(run)["reason"], "complete")


class WrongBytes(SystemTest):
    """merlind against a detector that sends nonsense: logged with its offset, counted, never a crash."""

    def scan(self, shape, stream, settings=None):
        detector = FakeDetector(stream)
        self.addCleanup(detector.close)
        daemon = self.start_daemon(detector, settings)
        control = self.control(daemon)
        summary = self.run_scan(control, shape)
        self.assert_accounts(summary["frames"])
        self.assertEqual(detector.errors, [])
        return daemon, control, summary, detector

    def assert_next_run_works(self, detector, control):
        detector.stream = lambda send: [send(hdr(4))] + [send(frame(n, picture(n))) for n in range(1, 5)]
        again = self.run_scan(control, (2, 2))
        self.assertEqual(again["reason"], "complete", again)
        with open_recording(again["file"]) as file:
            for number in range(1, 5):
                np.testing.assert_array_equal(file["/entry/data/data"][(number - 1) // 2, (number - 1) % 2],
                                              picture(number))

    def test_garbage_between_messages(self):
        """Bytes that are not MPX are passed over, counted, and cost no frame that is whole."""
        garbage = [b"\x93\x12 not MPX at all, MPX, perhaps MQ1, " * 50, b"MPX,00000x0017,MQ1,", b"\xff" * 70000]

        def stream(send):
            send(garbage[0] + hdr(6))
            for number in range(1, 7):
                send(frame(number, picture(number)) + (garbage[number // 2] if number in (2, 4) else b""))
        daemon, control, summary, detector = self.scan((2, 3), stream)
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_counts(summary["frames"], received=6, placed=6, rejected=0)
        stray = control.status()["stray"]
        self.assertEqual(stray["skipped_bytes"], sum(len(g) for g in garbage))
        self.assertGreaterEqual(stray["resyncs"], 3)
        daemon.wait_line(r"(?i)\b(byte|offset)\b.*\d", stream="err")
        with open_recording(summary["file"]) as file:
            for number in range(1, 7):
                np.testing.assert_array_equal(file["/entry/data/data"][(number - 1) // 3, (number - 1) % 3],
                                              picture(number))
        self.assert_next_run_works(detector, control)

    def test_header_with_absurd_sizes(self):
        """A frame whose header cannot be true is rejected alone."""
        good = frame(2, picture(2))

        def stream(send):
            send(hdr(5))
            send(frame(1, picture(1)))
            send(good.replace(b",0256,0256,U08", b",9999,9999,U08"))
            send(frame(3, picture(3)).replace(b",00384,01,", b",99999,01,"))
            send(frame(4, picture(4)).replace(b",0256,0256,U08", b",-001,00x0,U08"))
            send(frame(5, picture(5)))
        daemon, control, summary, detector = self.scan((1, 5), stream)
        self.assertEqual(summary["reason"], "short", summary)
        self.assert_counts(summary["frames"], placed=2, missing=3, rejected=3)
        daemon.wait_line(r"(?i)\b(byte|offset)\b.*\d", stream="err")
        self.assert_next_run_works(detector, control)

    def test_frame_longer_than_the_ring(self):
        """A length that no memory can hold is not waited for."""
        def stream(send):
            send(hdr(3))
            send(frame(1, picture(1)))
            send(b"MPX,9999999999," + frame(2, picture(2))[15:])
            send(frame(2, picture(2)))
            send(frame(3, picture(3)))
        daemon, control, summary, detector = self.scan((1, 3), stream)
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_counts(summary["frames"], received=3, placed=3, missing=0)
        daemon.wait_line(r"(?i)\b(byte|offset)\b.*\d", stream="err")
        self.assert_next_run_works(detector, control)

    def test_frame_larger_than_a_small_ring_is_told(self):
        """A detector whose frames do not fit into ring.size: the run fails with the key to change, the daemon lives."""
        big = np.zeros((2048, 2048), np.uint8)

        def stream(send):
            send(hdr(2))
            send(frame(1, big))
            send(frame(2, big))
        daemon, control, summary, _ = self.scan((1, 2), stream, {"ring.size": "4MiB"})
        self.assertEqual(summary["reason"], "short", summary)
        self.assert_counts(summary["frames"], placed=0)
        self.assertIn("ring", daemon.stderr_text())
        self.assertEqual(control.status()["state"], "idle")

    def test_other_messages_are_passed_over(self):
        """Well-framed bodies of another kind (old software, a second HDR in the middle, an empty body) cost nothing."""
        def stream(send):
            send(hdr(3))
            send(mpx(b"12B,000001,0,2015-08-11 17:55:11.682,") + b"\r\n\0")
            send(frame(1, picture(1)))
            send(mpx(b""))
            send(frame(2, picture(2)))
            send(mpx(b"PR1,something"))
            send(frame(3, picture(3)))
        _, control, summary, detector = self.scan((1, 3), stream)
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_counts(summary["frames"], received=3, placed=3, missing=0)
        self.assert_next_run_works(detector, control)

    def test_stream_that_ends_in_the_middle_of_a_frame(self):
        def stream(send):
            send(hdr(4))
            send(frame(1, picture(1)))
            send(frame(2, picture(2))[:30000])
            detector_box[0].data.close()
        detector_box = []
        detector = FakeDetector(stream)
        detector_box.append(detector)
        self.addCleanup(detector.close)
        daemon = self.start_daemon(detector)
        control = self.control(daemon)
        summary = self.run_scan(control, (2, 2))
        self.assertEqual((summary["reason"], summary["cause"]), ("short", "link"), summary)
        self.assert_counts(summary["frames"], received=1, placed=1, missing=3)
        self.assert_next_run_works(detector, control)


if __name__ == "__main__":
    unittest.main()
