"""Live results and requests over the WebSocket of the operator's page, spoken by tests/integration/page_client.py."""
import unittest

import numpy as np

from harness import ControlError, wait_for
from web_test import WebTest

SLOW = True


class Live(WebTest):
    def test_maps_of_a_scan_equal_those_of_zeromq(self):
        self.start("--synthetic", "glass", "--bank", 64, "--fps", "2000", **{"virtual_detectors": [
            {"name": "bf", "shape": "disk", "radius": 20}]})
        control = self.control(self.daemon)
        viewer = self.viewer()
        viewer.watch("map/", "pattern/")
        control.wait_state("idle")
        run = self.start_in_bursts(control, (32, 24), 192)
        for _ in range(4):
            before = len(viewer.of("map/bf/"))
            self.burst(control)
            wait_for(lambda: len(viewer.of("map/bf/")) > before, 30, "rows of a burst")
        summary = control.wait_finished(run)
        for name in ("bf", "com_x", "exposure"):
            if name not in summary["maps"]:
                continue
            expected, _ = control.array("map", name)
            topic = f"map/{name}/"
            wait_for(lambda: (m := viewer.map(topic)) is not None and m["measured"].all(), 10, f"all of {topic}")
            got = viewer.map(topic)
            np.testing.assert_array_equal(got["data"], expected["data"])
            headers = [h for _, h, _ in viewer.of(topic)]
            self.assertTrue(headers[0]["key"], headers[0])
            self.assertGreater(len([h for h in headers if not h["key"]]), 0, "no row patches came")
        latest, header = control.array("pattern", "latest")
        told = viewer.wait("pattern/latest/", lambda h: h["number"] == header["number"])[0]
        self.assertEqual((told["position"], told["geometry"]), (header["number"] - 1, 1), "the scan goes line by line")
        np.testing.assert_array_equal(viewer.of("pattern/latest/")[-1][2]["data"], latest["data"])

    def test_events_of_a_run_come_all_and_in_order(self):
        self.start("--synthetic", "glass", "--bank", 64, "--fps", "2000")
        viewer = self.viewer()
        self.run_scan(self.control(self.daemon), (8, 8))
        viewer.wait("acquisition/", lambda h: h["event"] == "finished")
        events = [h["event"] for _, h, _ in viewer.of("acquisition/")]
        self.assertEqual(events[-3:], ["started", "ended", "finished"])
        sequence = [h["seq"] for _, h, _ in viewer.of("acquisition/")]
        self.assertEqual(sequence, list(range(sequence[0], sequence[0] + len(sequence))))

    def test_late_viewer_gets_whole_maps_and_the_last_run(self):
        self.start("--synthetic", "glass", "--bank", 64, "--fps", "2000")
        control = self.control(self.daemon)
        self.run_scan(control, (16, 16))
        early = self.viewer(name="early")
        early.watch("map/com_x/")
        first, _ = early.wait("map/com_x/")
        late = self.viewer(name="late")
        late.watch("map/com_x/")
        header, parts = late.wait("map/com_x/")
        self.assertTrue(first["key"] and header["key"])
        expected, _ = control.array("map", "com_x")
        np.testing.assert_array_equal(parts["data"], expected["data"])
        self.assertEqual(late.wait("acquisition/")[0]["event"], "finished")
        self.assertEqual(late.wait("status/")[0]["status"]["state"], "idle")

    def test_rows_that_are_measured_again_come_with_the_same_values_too(self):
        self.start("--synthetic", "glass", "--scan", "32x32", "--fps", "1500")
        control = self.control(self.daemon)
        viewer = self.viewer()
        viewer.watch("map/com_x/")
        control.wait_state("idle")
        control("start", mode="view", scan=[32, 32])
        wait_for(lambda: (m := viewer.map("map/com_x/")) is not None and m["measured"].all(), 10, "the first pass")
        before = viewer.map("map/com_x/")["data"].copy()
        n = len(viewer.of("map/com_x/"))
        wait_for(lambda: len(viewer.of("map/com_x/")) > n + 5, 10, "rows of the passes that follow")
        np.testing.assert_array_equal(viewer.map("map/com_x/")["data"], before, "the simulator has the same film again")
        control("stop")

    def test_viewers_know_how_many_they_are(self):
        self.start()
        first = self.viewer()
        second = self.viewer()
        self.assertEqual(second.welcome["viewers"], 2)
        wait_for(lambda: first.notice("viewers") == 2, 10, "the count of two viewers")
        second.close()
        wait_for(lambda: first.notice("viewers") == 1, 10, "the count of one viewer")

    def test_viewer_that_only_listens_stays(self):
        self.start(**{"web.patience": 2})
        viewer = self.viewer()
        first = viewer.wait("status/")[0]["seq"]
        viewer.wait("status/", lambda h: h["seq"] >= first + 5)  # a second each
        self.assertTrue(viewer.request("ping")[0]["pid"])

    def test_viewer_with_a_low_rate_gets_fewer_messages_and_the_same_map(self):
        self.start("--synthetic", "glass", "--bank", 64, "--fps", "2000")
        control = self.control(self.daemon)
        calm, eager = self.viewer(name="calm"), self.viewer(name="eager")
        calm.watch("map/com_x/", rate_hz=0.5)
        eager.watch("map/com_x/")
        self.run_scan(control, (64, 64))
        expected, _ = control.array("map", "com_x")
        for viewer in (eager, calm):
            wait_for(lambda: (m := viewer.map("map/com_x/")) is not None and m["measured"].all(), 20, "the whole map")
            np.testing.assert_array_equal(viewer.map("map/com_x/")["data"], expected["data"])
        self.assertLess(len(calm.of("map/com_x/")), len(eager.of("map/com_x/")))

    def test_viewer_whose_topics_change_gets_the_new_ones(self):
        self.start("--synthetic", "glass", "--bank", 64, "--fps", "2000")
        control = self.control(self.daemon)
        self.run_scan(control, (8, 8))
        viewer = self.viewer()
        viewer.watch("map/com_x/")
        viewer.wait("map/com_x/")
        viewer.watch("map/com_y/")
        header, parts = viewer.wait("map/com_y/")
        self.assertTrue(header["key"])
        expected, _ = control.array("map", "com_y")
        np.testing.assert_array_equal(parts["data"], expected["data"])

    def test_only_what_is_watched_comes(self):
        self.start("--synthetic", "glass", "--bank", 64, "--fps", "2000")
        viewer = self.viewer()
        viewer.watch("map/com_x/")
        self.run_scan(self.control(self.daemon), (16, 16))
        viewer.wait("map/com_x/", lambda h: h["rows"][1] > 0)
        viewer.wait("acquisition/", lambda h: h["event"] == "finished")
        topics = {message[0] for message in viewer.messages}
        self.assertEqual({t for t in topics if not t.startswith(("status/", "acquisition/", "event/"))}, {"map/com_x/"})


class Requests(WebTest):
    def test_requests_are_those_of_the_control_socket(self):
        self.start("--synthetic", "glass", "--bank", 64, "--fps", "2000")
        control = self.control(self.daemon)
        control.wait_state("idle")
        viewer = self.viewer()
        self.assertTrue(viewer.welcome["may_control"])
        started, _ = viewer.request("start", scan=[8, 8])
        control.wait_finished(started["id"])
        result, parts = viewer.request("map", name="com_x")
        expected, raw = control.request("map", name="com_x")
        self.assertEqual((result, parts), (expected, raw))
        with self.assertRaises(ControlError) as refused:
            viewer.request("nonsense")
        self.assertEqual(refused.exception.code, "unknown_command")

    def test_without_the_token_one_may_look_and_not_touch(self):
        self.start("--synthetic", "glass", "--bank", 64)
        self.control(self.daemon).wait_state("idle")
        for viewer in (self.viewer(token=None), self.viewer(token="not-the-token-at-all")):
            self.assertFalse(viewer.welcome["may_control"])
            self.assertEqual(viewer.request("status")[0]["state"], "idle")
            self.assertIn("geometry", viewer.request("describe")[0]["commands"])
            self.assertIn("settings", viewer.request("bragg_settings")[0])
            for command, arguments in (("start", {"scan": [4, 4]}), ("stop", {}), ("shutdown", {}),
                                       ("set", {"name": "THRESHOLD0", "value": 1}), ("bragg_settings", {"alpha": 0.5})):
                with self.assertRaises(ControlError) as refused:
                    viewer.request(command, **arguments)
                self.assertEqual(refused.exception.code, "forbidden")
                self.assertIn("#token=", refused.exception.message)
        self.assertEqual(self.control(self.daemon).status()["state"], "idle")
        self.daemon.wait_line("wrong token", stream="err")

    def test_more_requests_than_may_wait_are_refused_with_a_reason(self):
        self.start()
        viewer = self.viewer()
        numbers = [viewer.send("status") for _ in range(200)]
        codes = {reply["error"]["code"] for reply, _ in map(viewer.reply, numbers) if not reply["ok"]}
        self.assertLessEqual(codes, {"busy"})
        self.assertTrue(viewer.request("ping")[0]["pid"])


if __name__ == "__main__":
    unittest.main()
