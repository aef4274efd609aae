"""Long work in the background: an id at once, an event in its end, the result with its arrays when it is asked for."""
import unittest

import numpy as np

from harness import ControlError, SystemTest, arrays, open_recording, wait_for


class Operations(SystemTest):
    def begin(self):
        simulator = self.start_simulator("--synthetic", "glass", "--bank", "20", "--fps", "3000")
        daemon = self.start_daemon(simulator, {"virtual_detectors": [{"name": "bf", "shape": "disk", "radius": 20}]})
        self.client = self.control(daemon)
        self.events = self.results(daemon, ("event/",))
        return self.run_scan(self.client, (8, 6))

    def background(self, command, **arguments):
        """The id of the operation."""
        self.client.socket.send_json({"id": "b", "cmd": command, "args": arguments, "background": True})
        reply, parts = self.client.receive()
        self.assertEqual((reply["id"], reply["ok"], parts), ("b", True, []), reply)
        return reply["result"]["operation"]

    def over(self, operation):
        return self.events.wait("event/", lambda h: h["event"] == "operation" and h["operation"]["id"] == operation)[0]["operation"]

    def test_a_result_is_kept_with_its_arrays_and_told_of(self):
        summary = self.begin()
        labels = np.arange(48).reshape(8, 6) % 3
        operation = self.background("label_patterns", labels=labels.tolist())
        self.assertEqual(self.over(operation), {"id": operation, "command": "label_patterns", "over": True, "ok": True})
        told, parts = self.client.request("operation", id=operation)
        with open_recording(summary["file"]) as file:
            frames = file["/entry/data/data"][:].astype(np.uint64)
        found = arrays(told["parts"], parts)
        np.testing.assert_array_equal(found["sum"][1], frames[labels == 1].sum(axis=0))
        self.assertEqual(told["result"]["left_out"], 0)
        again, _ = self.client.request("operation", id=operation)  # it stays
        self.assertEqual(again, told)
        self.assertEqual([one["id"] for one in self.client("operation")["operations"]], [operation])

    def test_a_failure_is_kept_too_and_old_ones_make_room(self):
        self.begin()
        failed = self.background("map", name="nothing")
        self.assertEqual(self.over(failed)["error"]["code"], "no_data")
        told = self.client("operation", id=failed)
        self.assertEqual((told["operation"]["ok"], told["result"]), (False, None))
        newer = [self.background("map", name="bf") for _ in range(16)]
        for one in newer:
            self.over(one)
        self.assertEqual([one["id"] for one in self.client("operation")["operations"]], newer)
        with self.assertRaises(ControlError) as caught:
            self.client("operation", id=failed)
        self.assertEqual((caught.exception.code, caught.exception.field), ("no_data", "args.id"))
        wait_for(lambda: all(one["over"] for one in self.client("operation")["operations"]), 10, "the end of all")


if __name__ == "__main__":
    unittest.main()
