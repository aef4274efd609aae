"""Fifty clients with a thousand requests a second and three subscribers, of which one never reads, while a scan runs."""
import os
import threading
import time
import unittest

import zmq

from harness import Control, SystemTest, lighter, timeout, wait_for

PLAIN = True

ALONE = True
CLIENTS = lighter(50, 20)
REQUESTS_EACH = lighter(20, 5)  # a second
SCAN = lighter((80, 100), (30, 40))


def memory(pid):
    """Resident, bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))


class Client(threading.Thread):
    """Asks as often as it should, one request at a time, and remembers what went wrong."""

    def __init__(self, endpoint, ends):
        super().__init__(daemon=True)
        self.endpoint, self.ends, self.answers, self.wrong = endpoint, ends, 0, None

    def run(self):
        control = Control(self.endpoint)
        try:
            due = time.monotonic()
            while not self.ends.is_set():
                control.send(("ping", "lease", "virtual_detectors")[self.answers % 3])
                reply, _ = control.receive()
                if not reply["ok"]:
                    raise AssertionError(reply)
                self.answers += 1
                due += 1 / REQUESTS_EACH
                time.sleep(max(0, due - time.monotonic()))
        except BaseException as error:  # handed to the test
            self.wrong = error
        finally:
            control.close()


class ManyClients(SystemTest):
    def stuck_subscriber(self, daemon):
        """Subscribes to everything, takes nothing in: what is sent to it stays with the daemon."""
        context = zmq.Context()
        socket = context.socket(zmq.SUB)
        socket.linger, socket.rcvhwm, socket.rcvbuf = 0, 1, 4096
        socket.subscribe("")
        socket.connect(daemon.results)
        self.addCleanup(context.destroy, 0)
        self.assertTrue(socket.poll(int(timeout(20) * 1000)))  # it is there, and from now on it sleeps
        return socket

    def check_readers(self, control, readers, run):
        for reader in readers:
            reader.wait("map/bf/", lambda h: h["scan"] == run and h["key"])
            for topic in {message[0] for message in reader.messages}:
                numbers = [h["seq"] for _, h, _ in reader.of(topic)]
                self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))), f"{topic} has gaps")
        final = control.array("map", "bf")[0]["data"]
        wait_for(lambda: any(h["key"] and (a["data"] == final).all() for _, h, a in readers[1].of("map/bf/")), 10, "the final map")

    def scan_among_clients(self, scan, fps, **settings):
        """A scan while the crowd asks and one subscriber sleeps: no frame, no message, no stall."""
        simulator = self.start_simulator("--synthetic", "glass", "--bank", "50", "--fps", fps)
        daemon = self.start_daemon(simulator, {"virtual_detectors": [{"name": "bf", "shape": "disk", "radius": 20}], **settings})
        control = self.control(daemon)
        control.wait_state("idle")
        self.stuck_subscriber(daemon)
        readers = [self.results(daemon, topics) for topics in (("map/bf/", "status/"), ("map/", "acquisition/", "event/"))]
        ends = threading.Event()
        clients = [Client(daemon.control, ends) for _ in range(CLIENTS)]
        before = memory(daemon.process.pid)
        for client in clients:
            client.start()
        began = time.monotonic()
        started = control("start", scan=list(scan))
        summary = control.wait_finished(started["id"], 120)
        seconds = time.monotonic() - began
        ends.set()
        for client in clients:
            client.join(timeout(30))
        self.assertEqual([client.wrong for client in clients if client.wrong], [])
        asked = sum(client.answers for client in clients)
        print(f"{asked / seconds:.0f} requests a second by {CLIENTS} clients, {fps} frames a second")
        self.assertGreater(asked, CLIENTS * 3)

        n = scan[0] * scan[1]
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_counts(summary["frames"], expected=n, received=n, missing=0, lost=0, recorded=n, analysed=n, stalled=0)
        self.assertEqual(control.status()["ring"]["full_stalls"], 0)
        simulator.wait_line(rf"done frames={n} stalls=0")
        self.check_readers(control, readers, started["id"])
        # What waits for the stuck one has a limit: 128 messages, the largest some 72 kB.
        self.assertLess(memory(daemon.process.pid) - before, 400e6)

    def test_none_of_them_costs_a_frame_or_another_one_its_messages(self):
        self.scan_among_clients(SCAN, lighter("1000", "150"))

    @unittest.skipUnless(os.environ.get("MERLIND_TEST_LONG"), "the fastest that this machine can, measured first: --long")
    def test_nor_at_half_of_the_fastest_rate(self):
        fast = {"ring.size": "512MiB", "recording.flush": 2}
        simulator = self.start_simulator("--synthetic", "glass", "--bank", "50", "--fps", "max")
        daemon = self.start_daemon(simulator, {"virtual_detectors": [{"name": "bf", "shape": "disk", "radius": 20}], **fast})
        control = self.control(daemon)
        control.wait_state("idle")
        summary = self.run_scan(control, (200, 200))
        began, ended = (stamp[0] + stamp[1] / 1e9 for stamp in (summary["started"], summary["ended"]))
        fastest = summary["frames"]["received"] / (ended - began)
        daemon.stop()
        print(f"the fastest is {fastest:.0f} frames a second")
        lines = max(20, int(fastest / 2 * 5 / 100))
        self.scan_among_clients((lines, 100), str(int(fastest / 2)), **fast)

    def test_whoever_comes_late_has_everything_within_two_seconds(self):
        simulator = self.start_simulator("--synthetic", "glass", "--bank", "20", "--fps", "500")
        daemon = self.start_daemon(simulator, {"virtual_detectors": [{"name": "bf", "shape": "disk", "radius": 20}]})
        control = self.control(daemon)
        self.run_scan(control, (10, 10))
        late = self.results(daemon, ("map/", "status/"))
        maps = control.status()["run"]["maps"]
        for name in maps:  # a run that is over is sent again for whoever subscribes
            header, arrays = late.wait(f"map/{name}/", lambda h: h["key"])
            self.assertEqual(arrays["measured"].sum(), 100)
        header = late.wait("status/")[0]
        self.assertLessEqual(header["status"]["interval_ms"], 2000)

    def test_with_immediate_every_line_comes_by_itself_when_it_is_whole(self):
        simulator = self.start_simulator("--synthetic", "glass", "--bank", "20", "--fps", lighter("500", "200"))
        daemon = self.start_daemon(simulator, {"virtual_detectors": [{"name": "bf", "shape": "disk", "radius": 20}],
                                               "results.map_rate": 0.1, "results.immediate": True})
        control, reader = self.control(daemon), self.results(daemon, ("map/bf/",))
        summary = self.run_scan(control, (20, 25))
        header = reader.wait("map/bf/", lambda h: h["key"] and h["scan"] == summary["id"])[0]
        single = [(h["rows"][0], a) for _, h, a in reader.of("map/bf/") if h["rows"][1] == 1]
        rows = [row for row, _ in single]
        self.assertEqual(len(rows), len(set(rows)), "a line came twice")
        self.assertGreater(len(rows), 10)
        final = control.array("map", "bf")[0]["data"]
        for row, arrays in single:
            self.assertTrue(arrays["measured"].all())
            self.assertTrue((arrays["data"][0] == final[row]).all())
        self.assertEqual(header["shape"], [20, 25])


if __name__ == "__main__":
    unittest.main()
