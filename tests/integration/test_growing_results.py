"""While a scan runs: the file can be opened by readers (SWMR), maps and patterns are published and grow."""
import unittest

import numpy as np

from harness import SystemTest, lighter, open_recording, wait_for

PLAIN = True

SHAPE = lighter((16, 16), (8, 8))
DETECTORS = [{"name": "halo", "shape": "annulus", "inner": 50, "outer": 80},
             {"name": "bright", "shape": "disk", "radius": 25}]


class GrowingResults(SystemTest):
    def setUp(self):
        super().setUp()
        self.simulator = self.start_simulator("--synthetic", "glass", "--scan", "%dx%d" % SHAPE, "--fps",
                                              lighter("100", "20"))
        self.daemon = self.start_daemon(self.simulator, {"virtual_detectors": DETECTORS,
                                                         "recording.flush": 0.2})
        self.client = self.control(self.daemon)
        self.client.wait_state("idle")

    def start(self):
        return self.client("start", scan=list(SHAPE))["id"]

    def test_file_is_readable_while_it_is_written(self):
        """What a reader sees early is what the finished file holds."""
        run = self.start_in_bursts(self.client, SHAPE, SHAPE[0] * SHAPE[1] // 2)
        self.burst(self.client)

        def recording():
            status = self.client.status()["recording"]
            return status["state"] == "active" and status["path"]
        path = wait_for(recording, 20, "the file to be made")
        with open_recording(path, swmr=True) as file:
            data, numbers = file["/entry/data/data"], file["/entry/frames/number"]

            def rows():
                numbers.refresh()
                data.refresh()
                return numbers.shape[0] >= 2 * SHAPE[1] and data.shape[0] >= 2 and np.any(data[0])
            wait_for(rows, 20, "the first rows to be readable")
            self.assertEqual(self.client("run", id=run)["state"], "acquiring")
            early = data[0]
        self.burst(self.client)
        summary = self.client.wait_finished(run)
        self.assertEqual(summary["reason"], "complete")
        with open_recording(summary["file"]) as file:
            late = file["/entry/data/data"][0]
        seen = early.any(axis=(1, 2))
        self.assertTrue(seen.any())
        np.testing.assert_array_equal(early[seen], late[seen])

    def test_published_maps_add_up_to_the_recorded_ones(self):
        """A subscriber that pastes the rows of every message together holds the final map."""
        results = self.results(self.daemon)
        run = self.start()
        summary = self.client.wait_finished(run)
        self.assertEqual(summary["reason"], "complete")
        results.wait("acquisition/", lambda header: header["event"] == "finished")
        for name in ("halo", "bright", "com_y", "com_x"):
            final, _ = self.client.array("map", name)
            topic = f"map/{name}/"

            def pasted():
                data, measured = np.full(SHAPE, -1.0), np.zeros(SHAPE, np.uint8)
                for _, header, parts in self.messages(results, topic, run):
                    first, count = header["rows"]
                    self.assertEqual(header["shape"], list(SHAPE))
                    data[first:first + count], measured[first:first + count] = parts["data"], parts["measured"]
                return np.array_equal(data, final["data"].astype(float)) and measured.all()
            wait_for(pasted, 30, f"the rows of {name} to add up to the final map")
            messages = self.messages(results, topic, run)
            self.assertGreater(len(messages), 3, "the map was published as it grew")
            self.assertTrue(any(not m[2]["measured"].all() for m in messages), "the first ones were incomplete")
        results.close()

    def messages(self, results, topic, run):
        return [message for message in results.of(topic) if message[1]["scan"] == run]

    def test_sequence_numbers_have_no_gap(self):
        results = self.results(self.daemon)
        self.client.wait_finished(self.start())
        results.wait("acquisition/", lambda header: header["event"] == "finished")
        topics = {message[0] for message in results.messages}
        self.assertLessEqual({"acquisition/", "status/", "map/halo/", "pattern/sum/", "pattern/latest/"}, topics)
        for topic in topics:
            numbers = [message[1]["seq"] for message in results.of(topic)]
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))), topic)

    def test_events_of_a_run_come_in_order(self):
        results = self.results(self.daemon)
        run = self.start()
        summary = self.client.wait_finished(run)
        results.wait("acquisition/", lambda header: header["event"] == "finished")
        events = [m[1]["event"] for m in results.of("acquisition/") if m[1]["run"]["id"] == run]
        self.assertEqual(events, ["armed", "started", "ended", "finished"])
        last = results.of("acquisition/")[-1][1]["run"]
        self.assertEqual(last["frames"], summary["frames"])
        self.assertEqual(last["file"], summary["file"])

    def test_last_sum_pattern_is_that_of_all_frames(self):
        results = self.results(self.daemon)
        summary = self.client.wait_finished(self.start())
        with open_recording(summary["file"]) as file:
            total = file["/entry/data/data"][...].sum(axis=(0, 1), dtype=np.uint64)
            np.testing.assert_array_equal(file["/entry/results/sum/data"][...], total)
        wait_for(lambda: results.of("pattern/sum/") and
                 np.array_equal(results.of("pattern/sum/")[-1][2]["data"], total), 10, "the final sum to be published")


if __name__ == "__main__":
    unittest.main()
