"""A recording directory that cannot be used: start is refused, or the run goes on live and says so. Never silence."""
import os
import subprocess
import unittest

from harness import ControlError, SystemTest, wait_for


class RecordingFaults(SystemTest):
    def daemon_recording_to(self, directory, fps="2000"):
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "16x16", "--fps", fps)
        daemon = self.start_daemon(simulator, directory=directory)
        control = self.control(daemon)
        control.wait_state("idle")
        return daemon, control

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
        run = control("start", scan=[16, 16])
        wait_for(lambda: control("run", id=run["id"])["frames"]["received"] > 20, 30, "the first frames")
        with open(place / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 65536)
            except OSError:
                pass
        wait_for(lambda: control.status()["recording"]["state"] == "failed", 30, "recording to be marked failed")
        self.assertTrue(control.status()["recording"]["error"])
        summary = control.wait_finished(run["id"])
        self.assertEqual((summary["state"], summary["recording"]["state"]), ("finished", "failed"), summary)
        self.assertIn("space", summary["recording"]["error"].lower())
        self.assert_accounts(summary["frames"])
        self.assert_counts(summary["frames"], placed=256, missing=0, analysed=256)
        self.assertGreater(summary["frames"]["unrecorded"], 0)
        self.assertIn("recording", daemon.stderr_text().lower())
        (place / "filler").unlink()
        again = self.run_scan(control, (4, 4))
        self.assertEqual((again["reason"], again["recording"]["state"]), ("complete", "closed"), again)


if __name__ == "__main__":
    unittest.main()
