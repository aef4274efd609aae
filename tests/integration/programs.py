"""The programs under test as child processes, and how long to wait for what they do.

Programs are taken from $MERLIND_BUILD (default: build/ at the top). $MERLIND_TEST_SCALE multiplies every time-out
(sanitizer builds are slow), $MERLIND_SANITIZER (`address`, `thread`) tells that one is in use.
"""
import contextlib
import ctypes
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MERLIND_BUILD") or TOP / "build").resolve()
SCALE = float(os.environ.get("MERLIND_TEST_SCALE") or 1)
SANITIZER = os.environ.get("MERLIND_SANITIZER", "")
MERLIND = BUILD / "daemon" / "merlind"
MERLIN_SIM = BUILD / "detector" / "sim" / "merlin-sim"
MERLINCTL = BUILD / "clients" / "ctl" / "merlinctl"

SANITIZER_REPORT = re.compile(r"(AddressSanitizer|ThreadSanitizer|LeakSanitizer|runtime error:|SUMMARY: \w+Sanitizer)")
# A report whose first frames are those of HDF5, which believes what a damaged file says.
IN_THE_LIBRARY = re.compile(r"==ERROR: AddressSanitizer.*\n(?:.*\n){0,4}.*libhdf5")


def timeout(seconds):
    """A time-out for this build: sanitizers make everything slower."""
    return seconds * SCALE


def lighter(normal, with_sanitizer):
    """A size for this build: a sanitizer's run is made smaller, never left out."""
    return with_sanitizer if SANITIZER else normal


SHORTEST_PAUSE = 0.01  # s


def wait_for(condition, seconds, what, longest_pause=SHORTEST_PAUSE):
    """Polls condition() until it is true and returns its value; fails with `what` (text or callable) after the time.

    What stays true once it is may be asked for less often the longer it takes: every question is work for both sides.
    """
    began = time.monotonic()
    end = began + timeout(seconds)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout(seconds):g} s in vain for {what() if callable(what) else what}")
        time.sleep(min(longest_pause, max(SHORTEST_PAUSE, (time.monotonic() - began) / 10)))


_LIBC = ctypes.CDLL(None)  # opened here: between fork and exec other threads' locks stay as they were


def die_with_parent():
    _LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: nothing outlives a killed test run


class Program:
    """A child process whose stdout and stderr are collected line by line as they come. `prefix`: a command that becomes it."""

    def __init__(self, arguments, environment=None, cwd=None, prefix=()):
        self.arguments = [str(argument) for argument in (*prefix, *arguments)]
        self.name = pathlib.Path(arguments[0]).name
        self.out, self.err = [], []
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            self.arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            errors="replace", cwd=cwd, env={**os.environ, **(environment or {})}, preexec_fn=die_with_parent)
        self.readers = [threading.Thread(target=self._collect, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))]
        for reader in self.readers:
            reader.start()

    def _collect(self, stream, lines):
        for line in stream:
            with self.changed:
                lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def running(self):
        return self.process.poll() is None

    def wait_line(self, pattern, seconds=30, stream="out"):
        """The match of `pattern` in the first line that has it; fails when the program ends without one."""
        lines, end = getattr(self, stream), time.monotonic() + timeout(seconds)
        reader, seen = self.readers[0 if stream == "out" else 1], 0
        with self.changed:
            while True:
                for line in lines[seen:]:
                    match = re.search(pattern, line)
                    if match:
                        return match
                seen = len(lines)
                if not reader.is_alive() and seen == len(lines):
                    raise AssertionError(f"{self.name} ended without saying {pattern!r}\n{self.report()}")
                if time.monotonic() > end:
                    raise AssertionError(f"{self.name} did not say {pattern!r} in time\n{self.report()}")
                self.changed.wait(0.1)

    def send_signal(self, number):
        if self.running():
            self.process.send_signal(number)

    def wait(self, seconds=30):
        """Exit code, once all its output is collected."""
        try:
            code = self.process.wait(timeout(seconds))
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            self.kill()
            raise AssertionError(f"{self.name} did not end in {timeout(seconds):g} s\n{self.report()}") from None
        for reader in self.readers:
            reader.join(5)
        return code

    def kill(self):
        self.send_signal(signal.SIGKILL)
        self.process.wait()
        for reader in self.readers:
            reader.join(5)

    def stderr_text(self):
        with self.changed:
            return "\n".join(self.err)

    def check_clean(self):
        """No sanitizer has reported anything."""
        if SANITIZER_REPORT.search(self.stderr_text()):
            raise AssertionError(f"{self.name}: a sanitizer reports\n{self.report()}")

    def stop(self, number=signal.SIGTERM, expected=(0,), seconds=30):
        """Ends the program by a signal and checks that it ended as it should."""
        self.send_signal(number)
        code = self.wait(seconds)
        self.check_clean()
        if code not in expected:
            raise AssertionError(f"{self.name} ended with {code}, not {expected}\n{self.report()}")
        return code

    def report(self):
        def tail(lines):
            return "\n".join("    " + line for line in lines[-120:])
        with self.changed:
            return (f"  command: {' '.join(self.arguments)}\n  exit code: {self.process.poll()}\n"
                    f"  stdout:\n{tail(self.out)}\n  stderr:\n{tail(self.err)}")


_port_locks = []


def lasting_port():
    """A free TCP port which nobody else takes while its user is away, as a detector is that is switched off and on.

    It lies below those that the kernel gives to connections and to whoever asks for any. An abstract Unix socket of its
    name, kept until this process ends, tells the tests beside this one that it is spoken for.
    """
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(min(10000, lowest // 2), lowest)
        lock = socket.socket(socket.AF_UNIX)
        try:
            lock.bind(f"\0merlind-test-port-{port}")
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            lock.close()
            continue
        _port_locks.append(lock)
        return port


class Simulator(Program):
    """merlin-sim; Simulator(FILE, "--fps", "1000") or Simulator("--synthetic", "glass"). Its ports stay free when it has ended."""

    def __init__(self, *arguments, command_port=None, data_port=None, prefix=()):
        ports = [lasting_port() if port is None else port for port in (command_port, data_port)]
        super().__init__([MERLIN_SIM, *arguments, "--command-port", ports[0], "--data-port", ports[1]], prefix=prefix)
        match = self.wait_line(r"^ready command=(\d+) data=(\d+)$", 120)
        self.command_port, self.data_port = int(match[1]), int(match[2])


def yaml_flow(value):
    """A configuration value in YAML's flow form (JSON is one)."""
    return value if isinstance(value, str) else json.dumps(value)


class Daemon(Program):
    """merlind with a recording directory of its own, a small ring and two workers.

    `detector` is anything with command_port and data_port. Further settings: {"scan.shape": [4, 2], ...}.
    """

    def __init__(self, detector, directory, settings=None, wait_ready=True, environment=None, configuration=None,
                 prefix=()):
        self.directory = pathlib.Path(directory)
        self.settings = {
            "detector.host": "127.0.0.1",
            "control.endpoint": "tcp://127.0.0.1:0",
            "results.endpoint": "tcp://127.0.0.1:0",
            "web.listen": "127.0.0.1:0",
            "ring.size": "64MiB",
            "workers": 2,
            "recording.directory": str(self.directory),
        }
        if detector is not None:
            self.settings["detector.command_port"] = detector.command_port
            self.settings["detector.data_port"] = detector.data_port
        self.settings.update(settings or {})
        options = [part for key, value in self.settings.items() for part in ("-o", f"{key}={yaml_flow(value)}")]
        file = ["--config", str(configuration)] if configuration else []
        super().__init__([MERLIND, *file, *options], environment, prefix=prefix)
        if wait_ready:
            match = self.wait_line(r"^ready control=(\S+) results=(\S+)(?: web=(\S+))?$", 120)
            self.control, self.results, self.web = match[1], match[2], match[3]


def run_ctl(daemon, *arguments, seconds=60):
    """Runs merlinctl to its end; returns the finished subprocess (stdout and stderr as text)."""
    endpoint = daemon if isinstance(daemon, str) else daemon.control
    done = subprocess.run([str(MERLINCTL), "-e", endpoint, *[str(a) for a in arguments]], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=timeout(seconds), preexec_fn=die_with_parent)
    if SANITIZER_REPORT.search(done.stderr):
        raise AssertionError(f"merlinctl: a sanitizer reports\n{done.stderr}")
    return done
