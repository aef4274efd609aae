"""Allocations that fail, one at a time: at the start merlind says so and ends, in a scan it goes on and accounts for every frame (--long: each of them)."""
import mmap
import os
import struct
import unittest

from harness import BUILD, ControlError, SystemTest, wait_for

PLAIN = True
SLOW = True
LONG = bool(os.environ.get("MERLIND_TEST_LONG"))
SCAN = (8, 8)
LARGE = 100 << 10  # bytes; an 8x8 scan has such only for the pattern of the sum


class NoMemory(SystemTest):
    def setUp(self):
        super().setUp()
        path = self.directory / "plan"
        path.write_bytes(bytes(24))
        with open(path, "r+b") as file:
            self.plan = mmap.mmap(file.fileno(), 24)
        self.environment = {"LD_PRELOAD": str(BUILD / "tests" / "integration" / "failing_malloc.so"), "FAILING_MALLOC": str(path)}
        self.simulator = self.start_simulator("--synthetic", "glass", "--fps", "2000", "--bank", "16")

    def fail_at(self, n):
        """The n-th allocation from now on; 0: none."""
        self.plan[:] = struct.pack("<QQQ", 0, n, 0)

    def fail_from(self, size):
        """All allocations of so many bytes and more from now on."""
        self.plan[:] = struct.pack("<QQQ", 0, 0, size)

    def asked(self):
        """Allocations since then."""
        return struct.unpack("<QQQ", self.plan[:])[0]

    def sample(self, count, few):
        """Each in the long form, else a few of them, other ones on every day but the same for who tries again."""
        return range(1, count + 1) if LONG else range(1 + count // (2 * few), count + 1, max(1, count // few))

    def start(self, **options):
        return self.start_daemon(self.simulator, environment=self.environment, **options)

    def test_a_start_without_memory_ends_with_a_sentence(self):
        self.fail_at(0)
        daemon = self.start()
        count = self.asked()
        daemon.stop()
        self.assertGreater(count, 50)
        refused = 0
        for n in self.sample(count, 8):
            self.fail_at(n)
            daemon = self.start(expected=(0, 71, 78), wait_ready=False)
            with self.subTest(allocation=n):
                try:
                    daemon.wait_line("^ready ")
                except AssertionError:
                    code = daemon.wait()
                    self.assertIn(code, (71, 78), daemon.report())
                    self.assertRegex(daemon.stderr_text(), "(?i)memory", daemon.report())
                    refused += 1
                else:
                    daemon.stop()
        print(f"{count} allocations at the start, of those tried {refused} ended it")
        self.assertGreater(refused, 0)

    def scan_without(self, client, n):
        self.fail_at(n)
        try:
            summary = self.run_scan(client, SCAN)
        except ControlError as refused:
            self.assertRegex(refused.message + self.daemon.stderr_text(), "memory")
            return
        frames = summary["frames"]
        if frames["received"] == 0:  # the run could not be made; of its frames see the next test
            self.assertRegex(summary["detail"], "memory", summary)
            return
        self.assert_accounts(frames)
        self.assertEqual(frames["received"], SCAN[0] * SCAN[1])
        if frames["unrecorded"] or frames["not_analysed"] or summary["recording"]["state"] != "closed":
            self.assertRegex(self.daemon.stderr_text(), "(?i)memory")

    def test_a_scan_without_memory_accounts_for_every_frame_and_the_next_one_is_whole(self):
        self.fail_at(0)
        self.daemon = self.start()
        client = self.control(self.daemon)
        client.wait_state("idle")
        self.fail_at(0)
        self.run_scan(client, SCAN)
        count = self.asked()
        self.assertGreater(count, 50)
        print(f"{count} allocations in a scan")
        for n in self.sample(count, 12):
            with self.subTest(allocation=n):
                self.scan_without(client, n)
            self.assertTrue(self.daemon.running(), self.daemon.report())
        self.scan_without(client, 0)
        summary = self.run_scan(client, SCAN)
        self.assertEqual((summary["reason"], summary["recording"]["state"]), ("complete", "closed"), summary)

    def assert_next_scan_is_whole(self, client):
        self.fail_from(0)
        strays = client.status()["stray"]["frames"]
        summary = self.run_scan(client, SCAN)
        self.assertEqual((summary["reason"], summary["recording"]["state"]), ("complete", "closed"), summary)
        self.assert_counts(summary["frames"], received=SCAN[0] * SCAN[1], recorded=SCAN[0] * SCAN[1], lost=0)
        self.assertEqual(client.status()["stray"]["frames"], strays)

    def wait_told(self, client, events):
        """The event that is the last of the frames without a run, when all of them have been told."""
        told, _ = events.wait("event/", lambda header: header["event"] == "stray" and header["over"])
        # In one message, unless the simulator itself was kept waiting for a second.
        wait_for(lambda: sum(h["frames"] for _, h, _ in events.of("event/") if h["event"] == "stray" and h["over"]) ==
                 client.status()["stray"]["frames"], 20, "all of them to be told")
        return told

    def test_frames_of_a_run_that_could_not_begin_are_told_and_its_detector_is_stopped(self):
        daemon = self.start()
        client, events = self.control(daemon), self.results(daemon, ("event/",))
        client.wait_state("idle")
        self.fail_from(LARGE)
        view = client("start", scan=list(SCAN), mode="view")["id"]  # the detector sends until it is told to stop
        summary = client.wait_finished(view)
        self.assertEqual((summary["reason"], summary["cause"], summary["frames"]["received"]), ("short", "refused", 0), summary)
        self.assertIn("no memory", summary["detail"])
        wait_for(lambda: "the detector was stopped" in client.status()["why"], 20, lambda: f"it: {client.status()['why']}")
        self.assertRegex(client.status()["why"], "a run could not begin: .*no memory")
        told = self.wait_told(client, events)
        self.assertRegex(told["text"], "frames? came that belongs? to no run and (is|are) in no file: their run could not begin, .*no memory")
        self.assert_next_scan_is_whole(client)


if __name__ == "__main__":
    unittest.main()
