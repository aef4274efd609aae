"""merlinctl at a terminal: the view that is drawn again and again, and bash's completion."""
import os
import pty
import select
import signal
import subprocess
import time
import unittest

from harness import MERLINCTL, TOP, SystemTest, run_ctl, timeout

PLAIN = True

COMPLETION = TOP / "clients" / "ctl" / "merlinctl.bash"


class Terminal(SystemTest):
    def begin(self):
        simulator = self.start_simulator("--synthetic", "glass", "--bank", "20", "--fps", "2000")
        self.daemon = self.start_daemon(simulator, {"virtual_detectors": [{"name": "bf", "shape": "disk", "radius": 20}]})
        control = self.control(self.daemon)
        self.run_scan(control, (20, 30))
        return control

    def test_watch_prints_once_into_a_pipe(self):
        self.begin()
        done = run_ctl(self.daemon, "watch", "bf")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        picture = lines[lines.index("bf") + 1:]
        self.assertEqual([len(line) for line in picture], [30] * 10)  # a character is twice as high as wide
        self.assertGreater(len(set("".join(picture))), 2)
        self.assertLessEqual(set("".join(picture)), set(" ░▒▓█"))
        self.assertIn("run         ", done.stdout)

    def test_watch_draws_until_it_is_interrupted(self):
        self.begin()
        ours, theirs = pty.openpty()
        process = subprocess.Popen([MERLINCTL, "-e", self.daemon.control, "watch"], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
        self.addCleanup(process.kill)
        os.close(theirs)
        drawn, end = b"", time.monotonic() + timeout(30)
        while drawn.count(b"\033[2J") < 3 and time.monotonic() < end:
            if select.select([ours], [], [], 0.2)[0]:
                drawn += os.read(ours, 65536)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout(10)), 0)
        os.close(ours)
        self.assertGreaterEqual(drawn.count(b"\033[2J"), 3)
        self.assertIn("█".encode(), drawn)

    def complete(self, *words):
        line = " ".join(f"'{word}'" for word in words)
        done = subprocess.run(
            ["bash", "-c", f'source "{COMPLETION}"; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _merlinctl; printf "%s\\n" "${{COMPREPLY[@]}}"'],
            capture_output=True, text=True, timeout=timeout(60), env={**os.environ, "PATH": f"{MERLINCTL.parent}:{os.environ['PATH']}"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def test_bash_completes_commands_options_and_what_the_daemon_has(self):
        self.begin()
        there = ("merlinctl", "-e", self.daemon.control)
        self.assertEqual(self.complete("merlinctl", "sta"), ["start", "status"])
        self.assertEqual(self.complete("merlinctl", "start", "--preset", "l"), ["line-trigger"])
        self.assertIn("--scan", self.complete("merlinctl", "start", "--s"))
        self.assertEqual(self.complete(*there, "map", "b"), ["bf"])
        self.assertIn("HVBIAS", self.complete(*there, "set", "HV"))
        self.assertIn("label_patterns", self.complete(*there, "request", "label"))
        self.assertEqual(self.complete(*there, "bragg", "l"), ["labels", "live-phase"])
        self.assertEqual(self.complete(*there, "bragg", "phase", "b"), ["bf"])

    def test_every_word_of_bragg_is_completed(self):
        source = (TOP / "clients" / "ctl" / "command_bragg_word.c").read_text()
        table = source[source.index("words[] = {"):]
        names = [line.split('"')[1] for line in table[:table.index("};")].splitlines() if line.strip().startswith('{"')]
        self.assertGreater(len(names), 10)
        self.assertEqual(sorted(self.complete("merlinctl", "bragg", "")), sorted(names))

    def test_every_command_is_completed(self):
        text = COMPLETION.read_text()
        source = (TOP / "clients" / "ctl" / "commands.c").read_text()
        table = source[source.index("commands[] = {"):source.index("};")]
        names = [line.split('"')[1] for line in table.splitlines() if line.strip().startswith('{"')]
        self.assertGreater(len(names), 25)
        listed = text[text.index('commands="'):].split('"')[1].split()
        self.assertEqual(sorted(listed), sorted(names))


if __name__ == "__main__":
    unittest.main()
