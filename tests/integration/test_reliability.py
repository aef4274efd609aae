"""What happens to a service in months: it is stopped and continued, the network is cut or slow, thousands connect. Nothing is lost."""
import os
import re
import signal
import socket
import subprocess
import time
import unittest

import numpy as np

from harness import Control, SystemTest, open_recording, timeout, wait_for
from lossy_wire import LossyWire

PLAIN = True


class Interrupted(SystemTest):
    def setUp(self):
        super().setUp()
        self.sent = self.directory / "sent.npy"
        self.simulator = self.start_simulator("--synthetic", "glass", "--scan", "64x64", "--fps", "1000", "--bank", "64",
                                              "--dump", self.sent)
        self.daemon = self.start_daemon(self.simulator)
        self.client = self.control(self.daemon)
        self.client.wait_state("idle")

    def start(self):
        run = self.client("start", scan=[64, 64])
        wait_for(lambda: self.client("run", id=run["id"])["frames"]["received"] >= 100, 30, "100 frames")
        return run["id"]

    def assert_nothing_lost(self, run):
        summary = self.client.wait_finished(run)
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_counts(summary["frames"], received=4096, recorded=4096, analysed=4096, lost=0)
        with open_recording(summary["file"]) as file:
            stored = file["/entry/data/data"][...].reshape(4096, 256, 256)
        bank = np.load(self.sent)
        np.testing.assert_array_equal(stored, bank[np.arange(4096) % len(bank)])

    def test_daemon_that_is_stopped_and_continued_loses_nothing(self):
        """As a debugger, a suspended virtual machine or a storm of swapping does it."""
        run = self.start()
        self.daemon.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        self.daemon.send_signal(signal.SIGCONT)
        self.assert_nothing_lost(run)

    def open_files(self):
        return len(os.listdir(f"/proc/{self.daemon.process.pid}/fd"))

    def test_thousands_connect_during_a_scan_and_leave_nothing_behind(self):
        """Port scanners and broken clients: half of them say nonsense, half nothing."""
        addresses = [("127.0.0.1", int(endpoint.rsplit(":", 1)[1])) for endpoint in (self.daemon.control, self.daemon.results)]
        before = self.open_files()
        run = self.start()
        for i in range(10000 if os.environ.get("MERLIND_TEST_LONG") else 600):
            with socket.create_connection(addresses[i % 2], timeout(10)) as stranger:
                if i % 4 < 2:
                    stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
        self.assert_nothing_lost(run)
        wait_for(lambda: self.open_files() <= before + 8, 30, "the strangers' files to be closed")
        self.assertEqual(self.client.status()["state"], "idle")


@unittest.skipIf(os.geteuid() != 0, "only root can make network namespaces")
class TwoComputers(SystemTest):
    """The detector on another computer: two network namespaces and a cable."""

    def setUp(self):
        super().setUp()
        self.here, self.there = (f"merlind-{side}-{os.getpid()}" for side in ("a", "b"))
        for name in (self.here, self.there):
            self.shell("ip", "netns", "add", name)
            self.addCleanup(subprocess.run, ["ip", "netns", "del", name], capture_output=True)
        self.lay_cable()
        for name, address in ((self.here, "10.213.7.2/24"), (self.there, "10.213.7.1/24")):
            self.within(name, "ip", "address", "add", address, "dev", "merlin0")
            self.within(name, "ip", "link", "set", "lo", "up")
            self.within(name, "ip", "link", "set", "merlin0", "up")

    def lay_cable(self):
        self.shell("ip", "link", "add", "merlin0", "netns", self.here, "type", "veth", "peer", "name", "merlin0", "netns", self.there)

    def shell(self, *command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest(f"{' '.join(command)}: {done.stderr.strip()}")

    def within(self, namespace, *command):
        self.shell("ip", "netns", "exec", namespace, *command)

    def start_both(self, *arguments):
        self.simulator = self.start_simulator("--synthetic", "glass", "--bank", "64", "--listen", "10.213.7.1", *arguments,
                                              prefix=("ip", "netns", "exec", self.there))
        endpoints = {f"{name}.endpoint": f"ipc://{self.directory}/{name}" for name in ("control", "results")}
        self.daemon = self.start_daemon(self.simulator, {"detector.host": "10.213.7.1", **endpoints},
                                        prefix=("ip", "netns", "exec", self.here))
        client = Control(self.daemon.control)
        self.addCleanup(client.close)
        client.wait_state("idle")
        return client

    def assert_complete(self, summary, frames=1024):
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_counts(summary["frames"], received=frames, recorded=frames, analysed=frames, lost=0)


class Networks(TwoComputers):
    def test_network_that_is_cut_for_some_seconds_loses_nothing(self):
        client = self.start_both("--scan", "32x32", "--fps", "250")
        run = client("start", scan=[32, 32])
        wait_for(lambda: client("run", id=run["id"])["frames"]["received"] >= 100, 30, "100 frames")
        self.within(self.there, "ip", "link", "set", "merlin0", "down")
        time.sleep(2)
        self.assertLess(client("run", id=run["id"])["frames"]["received"], 1024)
        self.within(self.there, "ip", "link", "set", "merlin0", "up")
        self.assert_complete(client.wait_finished(run["id"]))

    def test_slow_network_holds_the_detector_up_and_loses_nothing(self):
        """300 Mbit/s for a stream of 1 Gbit/s."""
        client = self.start_both("--scan", "32x32", "--fps", "2000")
        self.within(self.there, "tc", "qdisc", "add", "dev", "merlin0", "root", "tbf", "rate", "300mbit", "burst", "64kbit",
                    "latency", "50ms")
        self.assert_complete(self.run_scan(client, (32, 32)))

    def test_network_that_loses_and_delays_packets_loses_no_frames(self):
        client = self.start_both("--scan", "32x32", "--fps", "500")
        self.within(self.there, "tc", "qdisc", "add", "dev", "merlin0", "root", "netem", "delay", "2ms", "1ms", "loss", "1%")
        self.assert_complete(self.run_scan(client, (32, 32)))

    def test_network_that_loses_packets_loses_no_frames(self):
        """One packet in a hundred, in both directions; for kernels without netem."""
        client = self.start_both("--scan", "32x32", "--fps", "500")
        for rule in ("add table inet merlin", "add chain inet merlin in { type filter hook input priority 0 ; }",
                     "add rule inet merlin in iifname merlin0 numgen random mod 100 == 0 counter drop"):
            for name in (self.here, self.there):
                self.within(name, "nft", *rule.split())
        self.assert_complete(self.run_scan(client, (32, 32)))
        dropped = subprocess.run(["ip", "netns", "exec", self.here, "nft", "list", "chain", "inet", "merlin", "in"],
                                 capture_output=True, text=True).stdout
        self.assertGreater(int(re.search(r"counter packets (\d+)", dropped)[1]), 0, "nothing was lost on the way")

    def test_detector_that_lost_its_power_is_found_again(self):
        """No word of farewell: its computer is gone in the middle of a scan, and comes up again under the same address."""
        client = self.start_both("--scan", "32x32", "--fps", "100")
        run = client("start", scan=[32, 32])
        wait_for(lambda: client("run", id=run["id"])["frames"]["received"] >= 100, 30, "100 frames")
        ports = {"command_port": self.simulator.command_port, "data_port": self.simulator.data_port}
        self.within(self.there, "ip", "link", "set", "merlin0", "down")
        self.simulator.kill()
        # A computer that comes up knows nothing of connections that there were.
        self.within(self.there, "ss", "--kill", "--tcp", "src", "10.213.7.1")
        self.within(self.there, "ip", "link", "set", "merlin0", "up")
        self.start_simulator("--synthetic", "glass", "--bank", "64", "--scan", "32x32", "--fps", "500", "--listen", "10.213.7.1",
                             prefix=("ip", "netns", "exec", self.there), **ports)
        summary = client.wait_finished(run["id"], seconds=60)
        self.assertEqual((summary["reason"], summary["recording"]["state"]), ("short", "closed"), summary)
        received = summary["frames"]["received"]
        self.assert_counts(summary["frames"], recorded=received, analysed=received, missing=1024 - received)
        self.assert_complete(self.run_scan(client, (32, 32)))


class LossyNetwork(TwoComputers):
    """The same with a network in between that this test carries the packets of."""

    def lay_cable(self):
        try:
            self.wire = LossyWire(loss=0.01, delay=0.002, jitter=0.001)
        except OSError as error:
            self.skipTest(f"no TUN device can be made: {error}")
        self.addCleanup(self.wire.close)
        for name, device in zip((self.here, self.there), self.wire.names()):
            self.shell("ip", "link", "set", device, "netns", name, "name", "merlin0")
        self.wire.start()

    def test_network_that_loses_delays_and_reorders_packets_loses_no_frames(self):
        client = self.start_both("--scan", "16x16", "--fps", "300", "--rows", "32")
        self.assert_complete(self.run_scan(client, (16, 16)), frames=256)
        for what in ("carried", "lost", "overtaken"):
            self.assertGreater(getattr(self.wire, what), 0, what)
        print(f"{self.wire.carried} packets carried, {self.wire.lost} lost, {self.wire.overtaken} overtaken")


if __name__ == "__main__":
    unittest.main()
