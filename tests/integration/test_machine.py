"""What happens to the computer that merlind runs on: its memory ends, its clock is set, midnight passes, its programs start in any order."""
import datetime
import itertools
import json
import os
import pathlib
import subprocess
import unittest

import h5py
import numpy as np

from file_tool import ToolTest
from harness import Control, SystemTest, lasting_port, open_recording, wait_for

PLAIN = True
LONG = bool(os.environ.get("MERLIND_TEST_LONG"))
FAKETIME = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
NOT_RECORDED = np.uint64(2 ** 64 - 1)


class MemoryGroup:
    """A cgroup with a limit of memory, of the first or the second version."""

    def __init__(self, name, limit):
        second = pathlib.Path("/sys/fs/cgroup/cgroup.controllers")
        if second.exists():
            if "memory" not in pathlib.Path("/sys/fs/cgroup/cgroup.subtree_control").read_text():
                pathlib.Path("/sys/fs/cgroup/cgroup.subtree_control").write_text("+memory")
            self.path, file = second.parent / name, "memory.max"
        else:
            self.path, file = pathlib.Path("/sys/fs/cgroup/memory") / name, "memory.limit_in_bytes"
        self.path.mkdir()
        (self.path / file).write_text(str(limit))

    def prefix(self, ends_first=0):
        """The command that puts what follows it into the group; whoever has the highest `ends_first` is ended for the others."""
        return ("sh", "-c", f'echo $$ >{self.path}/cgroup.procs && echo {ends_first} >/proc/self/oom_score_adj && exec "$0" "$@"')

    def remove(self):
        self.path.rmdir()


class Memory(ToolTest):
    def make_group(self):
        try:
            group = MemoryGroup(f"merlind-test-{os.getpid()}", 600 << 20)
        except OSError as error:
            self.skipTest(f"no cgroup of its own can be made here: {error}")
        self.addCleanup(group.remove)
        return group

    def recorded(self, path):
        """Frames that a reader of the growing file sees: these count as recorded."""
        try:
            with h5py.File(path, "r", libver="latest", swmr=True) as file:
                return int((file["/entry/messages/row"][...] != NOT_RECORDED).sum())
        except (OSError, KeyError):
            return 0

    def test_a_service_that_the_kernel_ends_for_want_of_memory_keeps_what_was_recorded(self):
        group = self.make_group()
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "64x64", "--fps", "400", "--bank", "64")
        daemon = self.start_daemon(simulator, {"recording.flush": 0.1}, expected=(-9,), prefix=group.prefix(1000))
        client = self.control(daemon)
        client.wait_state("idle")
        client("start", scan=[64, 64])
        path = wait_for(lambda: next(iter(self.recordings.glob("*.partial")), None), 20, "the file")
        seen = wait_for(lambda: self.recorded(path), 20, "frames in the file")
        # Another program in the group takes what there is until the kernel has ended merlind.
        hog = subprocess.Popen([*group.prefix(), "/usr/bin/python3", "-c", "import sys, time\ntaken = []\n"
                                "while len(taken) < 64:\n    taken.append(b'x' * (8 << 20))\n    time.sleep(0.01)\ntime.sleep(600)"])
        self.addCleanup(hog.wait)
        self.addCleanup(hog.kill)
        self.assertEqual(daemon.wait(), -9)
        told = json.loads(self.run_tool("recover", path, "-o", self.directory / "new.h5", "--json"))
        self.assertGreaterEqual(told["messages"]["proven"], seen, "what had been recorded is lost")
        self.run_tool("verify", self.directory / "new.h5")
        # As systemd starts it anew.
        again = self.start_daemon(simulator)
        again.wait_line("was left by a crash", stream="err")
        client = self.control(again)
        wait_for(lambda: client.status()["detector"]["command"] == "connected", 30, "the detector")
        client("stop")  # it is still sending what the one that was ended had started
        self.assertEqual(self.run_scan(client, (8, 8))["reason"], "complete")


@unittest.skipUnless(FAKETIME.exists(), "there is no libfaketime (Debian package libfaketime)")
class Clock(ToolTest):
    """The clock of the computer as merlind sees it, set by a library; durations are measured by another clock, as in life."""

    def set_clock(self, offset_s):
        self.offset.write_text(f"{offset_s:+d}\n")

    def start_both(self, offset_s, fps=500, **settings):
        self.offset = self.directory / "offset"
        self.set_clock(offset_s)
        simulator = self.start_simulator("--synthetic", "glass", "--fps", fps, "--bank", "64")
        daemon = self.start_daemon(simulator, settings, environment={
            "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(self.offset), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": "UTC"})
        self.client = self.control(daemon)
        self.client.wait_state("idle")

    def seconds_off(self):
        """By how much merlind's clock differs from ours."""
        return self.client.status()["time"][0] - datetime.datetime.now(datetime.timezone.utc).timestamp()

    def assert_whole(self, summary, n):
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_counts(summary["frames"], received=n, recorded=n, analysed=n, missing=0)
        self.assertLess(summary["stalls"]["held_up_s"], 60, "the step of the clock was taken for a stall")
        self.run_tool("verify", summary["file"])

    def test_a_clock_that_is_set_during_a_scan_costs_nothing(self):
        """An hour ahead, then a day back."""
        self.start_both(0, fps=500)
        run = self.client("start", scan=[32, 32])
        for received, offset in ((100, 3600), (500, -86400)):
            self.wait_received(run, received)
            self.set_clock(offset)
            wait_for(lambda o=offset: abs(self.seconds_off() - o) < 60, 10, "the clock that was set")
        first = self.client.wait_finished(run["id"])
        self.assert_whole(first, 1024)
        # The same second again: no file may be written over.
        second = self.run_scan(self.client, (8, 8))
        self.assert_whole(second, 64)
        self.assertNotEqual(first["file"], second["file"])
        self.assertTrue(os.path.exists(first["file"]))

    def test_a_run_over_midnight_stays_in_its_file_and_the_next_one_is_of_the_new_day(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        midnight = (now + datetime.timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        before = int((midnight - now).total_seconds())
        self.start_both(before - 60, **{"recording.name": '"{date}/scan_{run:03}"'})
        run = self.client("start", scan=[128, 128])
        self.wait_received(run, 100)
        self.set_clock(before - 1)
        wait_for(lambda: self.seconds_left() < 0, 10, "midnight")
        self.wait_received(run, self.client("run", id=run["id"])["frames"]["received"] + 100)
        self.client("stop")
        first = self.client.wait_finished(run["id"])
        received = first["frames"]["received"]
        self.assert_counts(first["frames"], recorded=received, analysed=received, placed=received)
        self.run_tool("verify", first["file"])
        second = self.run_scan(self.client, (8, 8))
        self.assert_whole(second, 64)
        days = [pathlib.Path(summary["file"]).parent.name.replace("-", "") for summary in (first, second)]
        self.assertEqual(days, [now.strftime("%Y%m%d"), midnight.strftime("%Y%m%d")])
        with open_recording(first["file"]) as file:
            begun, ended = (file[f"/entry/{name}_time"][()].decode() for name in ("start", "end"))
        self.assertEqual((begun[:10], ended[:10]), (now.strftime("%Y-%m-%d"), midnight.strftime("%Y-%m-%d")))

    def wait_received(self, run, n):
        wait_for(lambda: self.client("run", id=run["id"])["frames"]["received"] >= n, 30, f"{n} frames")

    def seconds_left(self):
        """Of merlind's day, until noon of the next: negative after midnight."""
        seconds = self.client.status()["time"][0] % 86400
        return 86400 - seconds if seconds > 43200 else -seconds


class Order(SystemTest):
    """Detector, merlind and a client, each started when the others are there or not."""

    def start_detector(self):
        self.start_simulator("--synthetic", "glass", "--bank", 64, command_port=self.ports[0], data_port=self.ports[1])

    def start_merlind(self):
        simulated = type("Ports", (), {"command_port": self.ports[0], "data_port": self.ports[1]})
        endpoints = {f"{name}.endpoint": f"ipc://{self.directory}/{name}" for name in ("control", "results")}
        self.daemon = self.start_daemon(simulated, endpoints)

    def start_client(self):
        self.client = Control(f"ipc://{self.directory}/control")
        self.addCleanup(self.client.close)

    def take_scan(self, order):
        self.ports = (lasting_port(), lasting_port())
        for name in order:
            getattr(self, f"start_{name}")()
        summary = self.run_scan(self.client, (4, 4))
        self.assertEqual(summary["reason"], "complete", order)
        self.assert_counts(summary["frames"], received=16, recorded=16)
        self.doCleanups()
        self.setUp()

    def test_whoever_comes_first_waits_for_the_others(self):
        orders = list(itertools.permutations(("detector", "merlind", "client")))
        # A detector that comes last is found by test_broken_links too, after the pauses between tries.
        for order in orders if LONG else (("client", "detector", "merlind"),):
            self.take_scan(order)


if __name__ == "__main__":
    unittest.main()
