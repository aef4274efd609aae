"""hooks.on_scan_end: a program of the configuration's is started when a scan is over, and holds nobody up."""
import contextlib
import json
import os
import pathlib
import signal
import unittest

from harness import SystemTest, run_ctl, wait_for

PLAIN = True


class Hooks(SystemTest):
    def script(self, *lines):
        path = self.directory / "after scan"  # a blank in its name: no shell takes it apart
        path.write_text("\n".join(("#!/bin/sh", *lines, "")))
        path.chmod(0o755)
        return str(path)

    def begin(self, command, **settings):
        simulator = self.start_simulator("--synthetic", "glass", "--bank", "10", "--fps", "5000")
        self.daemon = self.start_daemon(simulator, {"hooks.on_scan_end": command, **settings})
        self.events = self.results(self.daemon, ("event/", "acquisition/"))
        return self.control(self.daemon)

    def hook_of(self, run):
        return self.events.wait("event/", lambda h: h["event"] == "hook" and h["run"] == run)[0]

    def test_it_is_told_everything_of_the_run_and_its_exit_code_is_told(self):
        out = self.directory / "out"
        control = self.begin([self.script(
            f"exec > {out}", 'echo "$MERLIND_RUN|$MERLIND_REASON|$MERLIND_FILE|$MERLIND_ENDPOINT|$#|$1|${NOTIFY_SOCKET-none}"',
            "cat", "echo; ls -l /proc/self/fd | wc -l", "exit 3"), "$HOME; rm -rf *"])
        summary = self.run_scan(control, (4, 4))
        header = self.hook_of(summary["id"])
        self.assertEqual((header["hook"]["exit_code"], header["hook"]["signal"]), (3, None))
        self.assertEqual(header["hook"]["name"], "on_scan_end")
        self.assertIn("exit code 3", header["text"])
        first, told, files = out.read_text().splitlines()
        self.assertEqual(first, "|".join((summary["id"], "complete", summary["file"], self.daemon.control, "1", "$HOME; rm -rf *", "none")))
        self.assertEqual(json.loads(told)["file"], summary["file"])
        self.assertEqual(json.loads(told)["state"], "finished")
        self.assertLessEqual(int(files), 5, "files of the daemon's are open in it")  # in, out, err, what ls reads, "total"
        self.daemon.wait_line(r"warning hooks: hooks.on_scan_end of run .* ended with exit code 3", stream="err")

    def test_one_that_takes_too_long_is_ended_with_all_that_it_started(self):
        length = f"1000.{os.getpid()}"  # tells what it started from what others did
        control = self.begin([self.script("trap '' TERM", f"sleep {length} &", "wait")], **{"hooks.time_limit": 0.5})
        began = self.run_scan(control, (4, 4))
        again = self.run_scan(control, (4, 4))  # nobody waits for it
        self.assertEqual(again["reason"], "complete")
        header = self.hook_of(began["id"])
        self.assertEqual((header["hook"]["exit_code"], header["hook"]["signal"]), (None, signal.SIGKILL))
        self.assertIn("hooks.time_limit", header["text"])
        self.assertEqual(self.hook_of(again["id"])["hook"]["signal"], signal.SIGKILL)
        wait_for(lambda: not self.running(b"sleep\0" + length.encode()), 10, "the end of what it started")

    @staticmethod
    def running(command):
        """Whether any process has these words, with NULs between them."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):  # it has just ended
                found.append(path.read_bytes())
        return any(command in words for words in found)

    def test_runs_queue_for_it_and_the_last_one_is_waited_for_at_the_end(self):
        out = self.directory / "out"
        control = self.begin([self.script("sleep 0.3", f"echo $MERLIND_RUN >> {out}")])
        runs = [self.run_scan(control, (2, 2))["id"] for _ in range(3)]
        self.daemon.stop()
        self.assertEqual(out.read_text().split(), runs)

    def test_what_cannot_be_started_is_told_and_harms_no_scan(self):
        control = self.begin([str(self.directory / "not there")])
        for _ in range(2):
            summary = self.run_scan(control, (2, 2))
            header = self.hook_of(summary["id"])
            self.assertEqual((header["hook"]["exit_code"], header["hook"]["signal"]), (None, None))
            self.assertIn("cannot be started: No such file", header["text"])

    def test_a_view_starts_none_and_no_request_names_a_program(self):
        control = self.begin([self.script("exit 0")])
        control.wait_state("idle")
        control("start", mode="view", scan=[2, 2])
        control.wait_state("acquiring")
        control("stop")
        summary = control.wait_finished()
        self.assertEqual(summary["mode"], "view")
        scan = self.run_scan(control, (2, 2))
        self.hook_of(scan["id"])
        self.assertEqual([h["run"] for _, h, _ in self.events.of("event/") if h["event"] == "hook"], [scan["id"]])
        told = json.dumps(control("describe")["command_table"])
        self.assertNotIn("hook", told)
        done = run_ctl(self.daemon, "request", "start", '{"hooks": {"on_scan_end": ["/bin/true"]}}')
        self.assertEqual(done.returncode, 2, done.stderr)


if __name__ == "__main__":
    unittest.main()
