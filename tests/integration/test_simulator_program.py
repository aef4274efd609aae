"""merlin-sim as its clients see it: its command line, files and signals."""
import pathlib
import signal
import socket
import subprocess
import tempfile
import unittest

from simulator_client import PATIENCE, SIMULATOR, SimulatorTest, real_file


class Program(SimulatorTest):
    def run_simulator(self, *arguments):
        return subprocess.run([SIMULATOR, *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE)

    def test_port_in_use_is_named_with_the_way_out(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            for option in ("--command-port", "--data-port"):
                other = "--data-port" if option == "--command-port" else "--command-port"
                result = self.run_simulator("--synthetic", "glass", "--scan", "1x1", option, port, other, 0)
                self.assertEqual(result.returncode, 69)
                self.assertEqual(result.stdout, "")
                for word in (str(port), option, "merlin-sim", "Merlin"):
                    self.assertIn(word, result.stderr)

    def test_bad_options(self):
        for arguments in ([], ["--nonsense"], ["--fps", "fast", "--synthetic", "glass"], ["--synthetic", "steel"],
                          ["--depth", "8", "--synthetic", "glass"], ["a.mib", "--synthetic", "glass"],
                          ["--scan", "4", "--synthetic", "glass"], ["a.mib", "b.mib"],
                          ["--drift", "1", "--synthetic", "glass"], ["--line-exposure", "0.5", "--synthetic", "glass"],
                          ["a.mib", "--flyback", "1"], ["--command-port", "70000", "--synthetic", "glass"], ["--seed", "-1", "--synthetic", "glass"]):
            with self.subTest(arguments):
                result = self.run_simulator(*arguments)
                self.assertEqual(result.returncode, 64)
                self.assertEqual(result.stdout, "")
                self.assertIn("merlin-sim", result.stderr)

    def test_missing_file(self):
        result = self.run_simulator("/nonexistent/scan.mib")
        self.assertEqual(result.returncode, 66)
        self.assertIn("/nonexistent/scan.mib", result.stderr)

    def test_bad_file_is_named_with_the_offset(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "bad.mib"
            path.write_bytes(b"not a frame" * 100)
            result = self.run_simulator(path)
            self.assertEqual(result.returncode, 65)
            self.assertIn("offset 0", result.stderr)

    def test_file_that_was_cut_off(self):
        source = real_file("Single_9_Frame_CounterDepth_6_Rows_256.mib")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "cut.mib"
            path.write_bytes(source.read_bytes()[:100000])
            result = self.run_simulator(path)
            self.assertEqual(result.returncode, 65)
            self.assertIn("offset 65920", result.stderr)

    def test_help_and_version(self):
        result = self.run_simulator("--help")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("--synthetic glass", result.stdout)
        self.assertRegex(self.run_simulator("--version").stdout, r"^merlin-sim \d+\.\d+\.\d+\n$")

    def test_signals_end_it_cleanly_even_when_nobody_reads(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.start("--synthetic", "glass", "--bank", 64, "--fps", "max")
            data, commands = self.both()
            commands.set("NUMFRAMESTOACQUIRE", 0)
            self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
            self.process.send_signal(number)
            self.assertEqual(self.process.wait(PATIENCE), 0)


if __name__ == "__main__":
    unittest.main()
