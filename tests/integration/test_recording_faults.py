"""A recording directory that cannot be used: start is refused, or the run goes on live and says so. Never silence."""
import os
import shutil
import subprocess
import unittest

import h5py
import numpy as np

import bragg_scans
from file_tool import ToolTest
from harness import BUILD, ControlError, file_statistics, wait_for


class RecordingTest(ToolTest):
    def daemon_recording_to(self, directory, fps="2000", settings=None, **options):
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "16x16", "--fps", fps)
        daemon = self.start_daemon(simulator, settings, directory=directory, **options)
        control = self.control(daemon)
        control.wait_state("idle")
        return daemon, control

    def begin(self, control):
        """A run of 16 x 16 in four bursts, of which the first has come and is recorded in part."""
        run = self.start_in_bursts(control, (16, 16), 64)
        self.burst(control)
        wait_for(lambda: control("run", id=run)["frames"]["recorded"] > 20, 30, "the first frames")
        return run

    def send_the_rest(self, control):
        for _ in range(3):
            self.burst(control)

    def assert_live_to_the_end(self, control, run):
        """Whatever became of the file, every frame is in the maps. The summary."""
        summary = control.wait_finished(run)
        self.assert_accounts(summary["frames"])
        self.assert_counts(summary["frames"], placed=256, missing=0, analysed=256)
        parts, _ = control.array("map", "com_x")
        self.assertTrue(parts["measured"].all())
        return summary

    @staticmethod
    def images_there(path, n):
        """How many of the first n images hold counts."""
        with h5py.File(path, "r", libver="latest", swmr=True) as file:
            data = file["/entry/data/data"]
            return sum(bool(data[i // 16, i % 16].any()) for i in range(n))


class RecordingFaults(RecordingTest):
    def assert_refused_but_live(self, control, directory):
        """Start is refused with the directory's name; without recording the run works."""
        with self.assertRaises(ControlError) as refused:
            control("start", scan=[4, 4])
        self.assertEqual(refused.exception.code, "recording")
        self.assertIn(str(directory), refused.exception.message)
        self.assertEqual(control.status()["state"], "idle")
        summary = self.run_scan(control, (4, 4), recording=False)
        self.assertEqual((summary["reason"], summary["file"]), ("complete", ""), summary)
        self.assertEqual(summary["recording"]["state"], "off")
        self.assert_accounts(summary["frames"])
        self.assert_counts(summary["frames"], placed=16, recorded=0, unrecorded=16, analysed=16)

    def test_missing_directory(self):
        missing = self.directory / "is" / "not" / "there"
        _, control = self.daemon_recording_to(missing)
        self.assert_refused_but_live(control, missing)

    def test_directory_that_is_a_file(self):
        file = self.directory / "file"
        file.write_text("")
        _, control = self.daemon_recording_to(file)
        self.assert_refused_but_live(control, file)

    def test_directory_without_permission(self):
        if os.geteuid() == 0:
            self.skipTest("root may write everywhere")
        locked = self.directory / "locked"
        locked.mkdir(mode=0o555)
        _, control = self.daemon_recording_to(locked)
        self.assert_refused_but_live(control, locked)

    def mount(self, megabytes, options=""):
        place = self.directory / "small"
        place.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m{options}", "tmpfs", str(place)],
                              capture_output=True, text=True)
        if done.returncode:
            self.skipTest(f"a small file system cannot be mounted here: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", str(place)], check=False)
        return place

    def test_read_only_file_system(self):
        place = self.mount(8, ",ro")
        _, control = self.daemon_recording_to(place)
        self.assert_refused_but_live(control, place)

    def test_directory_too_full_for_the_scan(self):
        """What surely does not fit is refused before a frame is taken."""
        place = self.mount(1)
        (place / "filler").write_bytes(b"x" * 1000000)
        _, control = self.daemon_recording_to(place)
        self.assert_refused_but_live(control, place)

    def test_file_system_that_fills_up_during_a_run(self):
        """The run goes on live; recording is marked failed in the status with the reason; the counts say what is lost."""
        place = self.mount(100)
        daemon, control = self.daemon_recording_to(place, fps="200")
        run = self.begin(control)
        with open(place / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 65536)
            except OSError:
                pass
        self.send_the_rest(control)
        wait_for(lambda: control.status()["recording"]["state"] == "failed", 30, "recording to be marked failed")
        self.assertTrue(control.status()["recording"]["error"])
        summary = control.wait_finished(run)
        self.assertEqual((summary["state"], summary["recording"]["state"]), ("finished", "failed"), summary)
        self.assertIn("space", summary["recording"]["error"].lower())
        self.assert_accounts(summary["frames"])
        self.assert_counts(summary["frames"], placed=256, missing=0, analysed=256)
        self.assertGreater(summary["frames"]["unrecorded"], 0)
        self.assertIn("recording", daemon.stderr_text().lower())
        (place / "filler").unlink()
        again = self.run_scan(control, (4, 4))
        self.assertEqual((again["reason"], again["recording"]["state"]), ("complete", "closed"), again)

    def test_recording_stops_before_the_disk_is_full(self):
        """What was recorded is in a whole file that says so, with the maps of the whole run."""
        place = self.mount(100)
        daemon, control = self.daemon_recording_to(place, fps="100", settings={"recording.compression.level": 0})
        results = self.results(daemon, ("event/",))
        run = self.begin(control)
        wait_for(lambda: control("run", id=run)["frames"]["recorded"] == 64, 30, "the first burst in the file")
        free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
        (place / "filler").write_bytes(b"x" * (free - (12 << 20)))
        self.burst(control)
        results.wait("event/", lambda event: event["event"] == "disk" and event["disk"]["what"] == "short")
        for _ in range(2):
            self.burst(control)
        failed, _ = results.wait("event/", lambda event: event["event"] == "disk" and event["disk"]["what"] == "failed")
        summary = self.assert_live_to_the_end(control, run)
        self.assertEqual(summary["recording"]["state"], "failed", summary)
        self.assertIn("the disk is full", failed["text"])
        self.assertTrue(summary["file"].endswith(".h5"), summary)
        recorded = summary["frames"]["recorded"]
        self.assertTrue(20 < recorded < 256, summary)
        self.assertEqual(self.images_there(summary["file"], 256), recorded)
        self.assertIn("marked when it was recorded: the disk is full", self.run_tool("verify", summary["file"]))
        with h5py.File(summary["file"]) as file:
            self.assertIn("the disk is full", file["/entry/recording_error"][()].decode())
            self.assertTrue(np.isfinite(file["/entry/results/com_x/data"][...]).all())
            self.assertEqual(file_statistics(file)["recording"]["state"], "failed")
        self.assertIn("the disk is full", self.run_tool("info", summary["file"]))

    def test_a_disk_that_will_not_suffice_is_told_before_the_run(self):
        """From the run before it is known how large frames are; the numbers are in the sentence. Warned, where that was asked for."""
        place = self.mount(120)
        _, control = self.daemon_recording_to(place, settings={"recording.compression.level": 0})
        self.assertEqual(self.run_scan(control, (4, 4))["recording"]["state"], "closed")
        with self.assertRaises(ControlError) as refused:
            control("start", scan=[128, 128])
        self.assertEqual(refused.exception.code, "recording")
        self.assertRegex(refused.exception.message, r"has 0\.1\d* GB free, and 16384 images, compressed 1 : 1 as lately, need 1\.0\d GB")
        self.assertRegex(refused.exception.message, r"full after [\d.e-]+ of [\d.e-]+ minutes")
        self.assertNotIn("GB", str(control("start", scan=[4, 4])["warnings"]))
        control.wait_finished()
        _, control = self.daemon_recording_to(place, fps="50", settings={"recording.compression.level": 0, "recording.short_of_space": "warn"})
        self.run_scan(control, (4, 4))
        control("start", scan=[128, 128])
        status = wait_for(lambda: (lambda s: s["recording"]["disk"]["minutes_left"] and s)(control.status()), 30, "a rate of growth")
        self.assertIn("16384 images", status["warnings"][0])
        self.assertFalse(status["recording"]["disk"]["suffices"])
        self.assertGreater(status["recording"]["disk"]["bytes_to_come"], 900e6)
        control("stop")
        control.wait_finished()


class FaultyDisk(RecordingTest):
    """The disk fails under a daemon that writes through a library which makes it fail (faulty_disk.c)."""

    def start_faulty(self, fps="200", settings=None, expected=(0,), environment=None):
        self.fault = self.directory / "fault"
        environment = {"LD_PRELOAD": str(BUILD / "tests" / "integration" / "faulty_disk.so"), "FAULTY_DISK": str(self.fault),
                       "FAULTY_DISK_UNDER": str(self.recordings),
                       "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0", **(environment or {})}
        self.daemon, control = self.daemon_recording_to(self.recordings, fps, {"recording.flush": 0.1, "recording.sync": 0.2, **(settings or {})},
                                                        environment=environment, expected=expected)
        self.events = self.results(self.daemon, ("event/",))
        return control

    def wait_told(self, what):
        return self.events.wait("event/", lambda event: event["event"] == "disk" and event["disk"]["what"] == what)[0]

    def spoil(self, *words):
        new = self.fault.with_suffix(".new")
        new.write_text(" ".join(map(str, words)))
        new.rename(self.fault)

    def mend(self):
        self.fault.unlink()

    def test_an_input_output_error_ends_the_recording_and_not_the_run(self):
        control = self.start_faulty()
        run = self.begin(control)
        wait_for(lambda: self.images_there(next(self.recordings.glob("*.partial")), 20) == 20, 30, "a flush")
        self.spoil("w", 5)
        self.send_the_rest(control)
        self.assertIn("Input/output error", self.wait_told("failed")["text"])
        summary = self.assert_live_to_the_end(control, run)
        self.assertEqual(summary["recording"]["state"], "failed")
        self.assertIn("check the disk", summary["recording"]["error"])
        self.assertTrue(summary["file"].endswith(".partial"))
        self.assertEqual(self.images_there(summary["file"], 20), 20)
        self.run_tool("recover", summary["file"], "-o", self.directory / "new.h5")
        self.mend()
        try:
            again = self.run_scan(control, (4, 4))
            self.assertEqual(again["recording"]["state"], "closed")
        except ControlError as refused:
            self.assertIn("restart merlind to record again", refused.message)

    def test_what_cannot_be_brought_to_the_disk_marks_the_run(self):
        control = self.start_faulty()
        run = self.begin(control)
        self.spoil("s", 5)
        self.send_the_rest(control)
        self.assertIn("may be lost", self.wait_told("doubtful")["text"])
        self.mend()
        summary = self.assert_live_to_the_end(control, run)
        self.assertEqual((summary["recording"]["state"], summary["frames"]["recorded"]), ("closed", 256))
        self.assertIn("Input/output error", summary["recording"]["error"])
        with h5py.File(summary["file"]) as file:
            self.assertIn("may be lost", file["/entry/recording_error"][()].decode())

    def test_a_disk_that_stands_still_shows_long_before_the_ring_is_full(self):
        told, environment = self.listen_as_systemd()
        control = self.start_faulty(fps="100", environment={**environment, "WATCHDOG_USEC": "400000"})
        run = self.begin(control)
        self.spoil("w", 0)
        for _ in range(2):
            self.burst(control)
        self.assertIn("the disk is slow", self.wait_told("slow")["text"])
        before = control.status()
        self.assertGreater(before["writer"]["behind_s"], 0.5)
        received = before["frames"]["received"]
        self.burst(control)
        after = wait_for(lambda: (lambda s: s["frames"]["analysed"] > received and s["writer"]["bytes_waiting"] > 0 and s)(control.status()), 30,
                         "frames that are analysed while the disk stands still")
        self.assertLess(after["ring"]["fill"], 0.5)
        self.wait_alive(told, 8)  # for twice as long as the watchdog waits: the writer that waits for the disk is no thread that hangs
        self.assertGreater(control.status()["writer"]["behind_s"], after["writer"]["behind_s"])
        self.mend()
        self.wait_told("caught_up")
        summary = self.assert_live_to_the_end(control, run)
        self.assertEqual((summary["recording"]["state"], summary["recording"]["error"]), ("closed", ""))
        self.assertEqual(summary["frames"]["recorded"], 256)
        self.run_tool("verify", summary["file"])

    def test_what_looks_at_all_frames_again_waits_for_a_file_that_is_only_being_made(self):
        """The whole scan has come before a slow disk has made its file: nobody takes it for one that is not recorded."""
        control = self.start_faulty(fps="2000", settings=bragg_scans.SETTINGS)
        run = self.start_in_bursts(control, (16, 16), 64)
        self.spoil("o", 0)
        self.burst(control)
        self.send_the_rest(control)
        control.wait_state("finishing")
        behind = control.status()["writer"]["behind_s"]
        wait_for(lambda: control.status()["writer"]["behind_s"] > behind + 0.7, 30, "time in which it could give up")
        self.assertEqual(control("run", id=run)["recording"]["state"], "opening")
        self.mend()
        summary = self.assert_live_to_the_end(control, run)
        self.assertEqual((summary["bragg"]["state"], summary["bragg"]["error"]), ("final", ""))
        self.assertEqual((summary["recording"]["state"], summary["frames"]["recorded"]), ("closed", 256))

    def test_a_directory_that_was_moved_gets_the_whole_file(self):
        control = self.start_faulty()
        run = self.begin(control)
        moved = self.directory / "moved"
        self.recordings.rename(moved)
        self.send_the_rest(control)
        self.assertIn("was moved", self.wait_told("doubtful")["text"])
        summary = self.assert_live_to_the_end(control, run)
        self.assertEqual(summary["recording"]["state"], "closed")
        self.assertEqual(os.path.dirname(summary["file"]), str(moved))
        self.run_tool("verify", summary["file"])

    def test_a_file_that_was_deleted_is_written_again(self):
        control = self.start_faulty()
        run = self.begin(control)
        shutil.rmtree(self.recordings)
        self.send_the_rest(control)
        self.assertIn("has deleted", self.wait_told("doubtful")["text"])
        summary = self.assert_live_to_the_end(control, run)
        self.assertEqual((summary["recording"]["state"], summary["frames"]["recorded"]), ("closed", 256))
        self.assertIn("has deleted", summary["recording"]["error"])
        self.run_tool("verify", summary["file"])


if __name__ == "__main__":
    unittest.main()
