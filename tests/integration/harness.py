"""The base of the integration tests, and what they share: programs.py, talking.py, judges.py."""
import contextlib
import os
import pathlib
import shutil
import socket
import tempfile
import unittest

import h5py

import file_page
from talking import CommandClient, Control, ControlError, Results, arrays  # noqa: F401 (for the tests)
from judges import centre_of_mass, disk_mask, file_statistics, open_recording, read_mib  # noqa: F401
from programs import (BUILD, IN_THE_LIBRARY, MERLIN_SIM, MERLINCTL, MERLIND, SANITIZER, SANITIZER_REPORT, SCALE, TOP,  # noqa: F401
                      Daemon, Program, Simulator, lasting_port, lighter, run_ctl, timeout, wait_for)

REAL_MIB = pathlib.Path(os.environ.get("MERLIND_REAL_MIB") or TOP.parent / "shared" / "real-mib")
PAGE = file_page.Page()
FINAL_COUNTS = ("expected", "received", "placed", "skipped", "duplicate", "surplus", "rejected", "missing", "lost",
                "recorded", "unrecorded", "extra_recorded", "extra_unrecorded", "analysed", "deferred",
                "not_analysed")


class SystemTest(unittest.TestCase):
    """Base of the integration tests: ends every program it started and checks that each ended well."""

    maxDiff = None
    follows_the_page = True  # merlind-file(5), in all that its files hold

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="merlind-test-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.addCleanup(self._check_files)
        self.recordings = self.directory / "recordings"
        self.recordings.mkdir()

    def _check_files(self):
        """Files that the test has made are as merlind-file(5) says (some of them: who makes a hundred makes them alike)."""
        for path in sorted(self.directory.rglob("*.h5"))[:4]:
            if self.follows_the_page and not path.is_symlink() and h5py.is_hdf5(path):
                with open_recording(path) as file:
                    self.assertEqual(PAGE.faults(file), [], path.name)

    def _stop(self, program, expected):
        try:
            if program.running():
                program.stop(expected=expected)
            program.check_clean()
        finally:
            program.kill()

    def _explain(self, program):
        """When the test has failed, says what the program said."""
        result = self._outcome.result
        failed = any(test is self for test, _ in result.failures + result.errors)
        if failed:
            print(f"--- {program.name}\n{program.report()}")

    def start_simulator(self, *arguments, **options):
        simulator = Simulator(*arguments, **options)
        self.addCleanup(self._explain, simulator)
        self.addCleanup(self._stop, simulator, (0,))
        return simulator

    def start_daemon(self, detector, settings=None, expected=(0,), **options):
        daemon = Daemon(detector, options.pop("directory", self.recordings), settings, **options)
        self.addCleanup(self._explain, daemon)
        self.addCleanup(self._stop, daemon, expected)
        return daemon

    def control(self, daemon):
        control = Control(daemon.control)
        self.addCleanup(control.close)
        return control

    def results(self, daemon, topics=("",)):
        results = Results(daemon.results, topics)
        self.addCleanup(results.close)
        results.wait_joined()
        return results

    def listen_as_systemd(self):
        """The socket of $NOTIFY_SOCKET, and what is to be put into the environment."""
        path = self.directory / "notify"
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(told.close)
        told.bind(str(path))
        return told, {"NOTIFY_SOCKET": str(path)}

    def wait_alive(self, told, times=2):
        """merlind says there so many times, from now on, that it lives."""
        told.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                told.recv(4096)
        told.settimeout(timeout(30))
        while times > 0:
            times -= "WATCHDOG=1" in told.recv(4096).decode()

    def real_file(self, name):
        path = REAL_MIB / name
        if not path.exists():
            self.skipTest(f"the real file {name} is not in {REAL_MIB}")
        return path

    def run_scan(self, control, shape, seconds=60, **arguments):
        """One active run from start to its end; returns the summary."""
        control.wait_state("idle")
        started = control("start", scan=list(shape), **arguments)
        return control.wait_finished(started["id"], seconds)

    def start_in_bursts(self, control, shape, frames, parameters=(), **arguments):
        """The id of a run whose simulator sends so many frames at each burst() and waits between them: what is to be done
        in the middle of a scan finds it there, however long it takes."""
        scan = {"scan": list(shape)} if shape else {}
        return control("start", **scan, preset="soft", parameters={"NUMFRAMESPERTRIGGER": frames, **dict(parameters)},
                       **arguments)["id"]

    def burst(self, control):
        control("command", name="SOFTTRIGGER")

    def assert_accounts(self, frames):
        """The identities of schemas/protocol.md for a finished run."""
        f = frames
        self.assertEqual(f["received"], f["placed"] + f["skipped"] + f["duplicate"] + f["surplus"], f)
        if f["expected"]:
            self.assertEqual(f["expected"], f["placed"] + f["missing"], f)
        self.assertEqual(f["placed"], f["recorded"] + f["unrecorded"], f)
        self.assertEqual(f["skipped"] + f["duplicate"] + f["surplus"], f["extra_recorded"] + f["extra_unrecorded"], f)
        self.assertEqual(f["placed"], f["analysed"] + f["deferred"] + f["not_analysed"], f)
        self.assertEqual(f["lost"], f["missing"], f)

    def assert_counts(self, frames, **expected):
        self.assertEqual({name: frames[name] for name in expected}, expected, frames)
