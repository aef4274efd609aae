"""One client holds control and the others watch; what is sent to do harm gets an error each and changes nothing."""
import json
import unittest

import zmq

from harness import ControlError, SystemTest, run_ctl, timeout, wait_for


class Lease(SystemTest):
    def setUp(self):
        super().setUp()
        self.simulator = self.start_simulator("--synthetic", "glass", "--bank", 64, "--fps", "500")

    def refused(self, control, command, **arguments):
        with self.assertRaises(ControlError) as caught:
            control(command, **arguments)
        return caught.exception

    def test_while_one_client_holds_control_others_only_read(self):
        daemon = self.start_daemon(self.simulator, {"scan.shape": [2, 3]})
        holder, other = self.control(daemon), self.control(daemon)
        taken = holder("lease", action="take", name="strain series")
        self.assertTrue(taken["mine"])
        refusal = self.refused(other, "start")
        self.assertEqual(refusal.code, "lease")
        self.assertIn("strain series", refusal.message)
        for command, arguments in (("stop", {}), ("set", {"name": "HVBIAS", "value": 1}), ("shutdown", {}),
                                   ("geometry", {"nudge": 1}), ("calibration", {"kv": 200}), ("lease", {"action": "take"})):
            self.assertEqual(self.refused(other, command, **arguments).code, "lease", command)
        self.assertEqual(other.status()["lease"]["name"], "strain series")
        self.assertFalse(other("lease")["mine"])
        other("calibration")  # without arguments it only tells
        self.assertTrue(daemon.running())
        self.assertEqual(self.run_scan(holder, (2, 3))["reason"], "complete")

    def test_a_token_is_the_holder_on_any_connection_and_ends_with_its_lease(self):
        daemon = self.start_daemon(self.simulator, {"scan.shape": [2, 3]})
        holder, second, local = (self.control(daemon) for _ in range(3))
        second.lease = holder("lease", action="take", name="first")["token"]
        self.assertTrue(second("lease")["mine"])
        second("calibration", kv=200)
        over = local("lease", action="take", name="console", force=True)
        self.assertEqual(local.status()["lease"]["name"], "console")
        self.assertEqual(self.refused(second, "calibration", kv=80).code, "lease")
        self.assertEqual(self.refused(holder, "lease", action="renew").code, "lease")
        local("lease", action="release")
        self.assertIsNone(local.status()["lease"])
        self.assertEqual(self.refused(second, "calibration", kv=80).field, "lease")  # its token has ended
        holder("calibration", kv=300)  # without a holder all may
        self.assertEqual(local("calibration")["calibration"]["kv"]["value"], 300)
        self.assertNotEqual(over["token"], second.lease)

    def test_a_silent_holder_loses_control_and_any_request_keeps_it(self):
        daemon = self.start_daemon(self.simulator, {"control.lease": 2})
        holder, other = self.control(daemon), self.control(daemon)
        results = self.results(daemon, ("status/",))
        taken = holder("lease", action="take", name="first")
        self.assertEqual(holder("lease", action="take", name="first")["token"], taken["token"])  # again: the same
        left = other.status()["lease"]["seconds_left"]
        self.assertLessEqual(left, 2)
        results.wait("status/", lambda header: header["status"]["lease"] is not None)
        wait_for(lambda: other.status()["lease"] is None, 10, "the lease to lapse")
        other("calibration", kv=200)
        self.assertEqual(self.refused(holder, "lease", action="renew").code, "lease")
        self.assertTrue(holder("lease", action="take", name="first")["mine"])

    def test_merlinctl_holds_control_over_several_calls(self):
        daemon = self.start_daemon(self.simulator)
        taken = run_ctl(daemon, "lease", "take", "night shift", "--json")
        token = json.loads(taken.stdout)["token"]
        self.assertIn("held by night shift", run_ctl(daemon, "status").stdout)
        refused = run_ctl(daemon, "stop")
        self.assertEqual(refused.returncode, 4, refused)
        self.assertIn("night shift holds control", refused.stderr)
        self.assertEqual(run_ctl(daemon, "--lease", token, "request", "calibration", '{"kv": 200}').returncode, 0)
        told = run_ctl(daemon, "request", "calibration")
        self.assertEqual(json.loads(told.stdout)["calibration"]["kv"]["value"], 200)
        self.assertEqual(run_ctl(daemon, "request", "calibration", "kv=300").returncode, 4)
        self.assertEqual(run_ctl(daemon, "request", "calibration", "[1]").returncode, 64)
        self.assertIn("you", run_ctl(daemon, "lease", "take", "console", "--force").stdout)
        self.assertIn("console", run_ctl(daemon, "lease").stdout)

    def test_describe_tells_which_commands_change_something(self):
        daemon = self.start_daemon(self.simulator)
        described = self.control(daemon)("describe")
        table = {row["name"]: row for row in described["command_table"]}
        self.assertEqual(list(table), described["commands"])
        for name in ("start", "stop", "set", "command", "record", "maps_put", "recompute", "shutdown"):
            self.assertEqual((table[name]["changes"], table[name]["role"]), ("always", "operator"), name)
        for name in ("ping", "status", "map", "pattern", "bragg", "run", "lease"):
            self.assertEqual((table[name]["changes"], table[name]["role"]), ("never", "viewer"), name)
        self.assertEqual(table["geometry"]["changed_by"], table["geometry"]["args"])
        self.assertEqual(table["calibration_measure"]["changed_by"], ["apply", "save_as"])


class Hostile(SystemTest):
    def ask(self, socket, *frames):
        socket.send_multipart(list(frames))
        self.assertTrue(socket.poll(int(timeout(30) * 1000)), f"no answer to {frames[0][:80]!r}")
        return json.loads(socket.recv_multipart()[0])

    def test_each_gets_its_error_and_changes_nothing(self):
        simulator = self.start_simulator("--synthetic", "glass", "--bank", 64, "--fps", "500")
        daemon = self.start_daemon(simulator, {"scan.shape": [2, 3]})
        control = self.control(daemon)
        control.wait_state("idle")
        socket = control.context.socket(zmq.DEALER)
        socket.linger = 0
        socket.connect(daemon.control)
        self.addCleanup(socket.close)
        before = (control("calibration"), control("virtual_detectors"), control("bragg_settings"), control("live_icom"))
        for frame, code, words in (
                (b"", "bad_request", "not a JSON object"),
                (b"\xff\xfe\x00", "bad_request", "not a JSON object"),
                (b'{"id": 1, "cmd": "start"', "bad_request", "column"),
                (b'[1, 2]', "bad_request", "another type"),
                (b'{"cmd": "calibration", "args": {"kv": 200, "kv": 300}}', "bad_request", "duplicate"),
                (b'{"cmd": "calibration", "cmd": "ping", "args": {"kv": 300}}', "bad_request", "duplicate"),
                (b'{"cmd": "start", "args": ' + b'{"labels":' * 50 + b'1' + b'}' * 51, "bad_request", "nested 51 deep"),
                (b'[' * 5000000, "bad_request", "nested 5000000 deep"),
                (b'{"cmd": "calibration", "args": [300]}', "bad_request", "args an object"),
                (b'{"cmd": 5}', "bad_request", "cmd must be a string"),
                (b'{"cmd": "ping", "lease": 5}', "bad_request", "token"),
                (b'{"cmd": "ping", "extra": 5}', "bad_request", "unknown member extra"),
                (b'{"cmd": "ping", "' + b"x" * 100000 + b'": 5}', "bad_request", "unknown member xxx"),
                (b'{"cmd": "' + b"y" * 100000 + b'"}', "unknown_command", "no command yyy"),
                (b'{"cmd": "calibration", "args": {"kv": "many"}}', "bad_value", "kv"),
                (b'{"cmd": "calibration", "args": {"kv": 1e999}}', "bad_request", "overflow"),
                (b'{"cmd": "calibration", "args": {"volts": 3}}', "bad_request", "no argument volts"),
                (b'{"cmd": "start", "args": {"scan": [0, 5]}}', "bad_value", "scan"),
                (b'{"cmd": "start", "args": {"scan": [99999999999999999999, 5]}}', "bad_request", "too big"),
                (b'{"cmd": "stop\\u0000", "args": {}}', "bad_request", "not a JSON object"),
        ):
            with self.subTest(frame[:60]):
                reply = self.ask(socket, frame)
                self.assertEqual((reply["ok"], reply["error"]["code"]), (False, code), reply)
                self.assertIn(words, reply["error"]["message"])
        with self.subTest("oversized"):
            reply = self.ask(socket, b" " * (2 ** 26 + 1))
            self.assertIn("at most 67108864", reply["error"]["message"])
        with self.subTest("frames too many"):
            reply = self.ask(socket, b'{"cmd": "stop"}', *[b"x"] * 20)
            self.assertEqual(reply["error"]["code"], "bad_request")
        after = (control("calibration"), control("virtual_detectors"), control("bragg_settings"), control("live_icom"))
        self.assertEqual(before, after)
        status = control.status()
        self.assertEqual((status["state"], status["run"]), ("idle", None))

    def test_a_message_beyond_all_bounds_costs_only_its_own_connection(self):
        daemon = self.start_daemon(None, {"detector.command_port": 1, "detector.data_port": 2})
        control = self.control(daemon)
        socket = control.context.socket(zmq.DEALER)
        socket.linger = 0
        socket.connect(daemon.control)
        self.addCleanup(socket.close)
        socket.send(b"{" + b" " * (2 ** 27) + b"}")
        self.assertFalse(socket.poll(500))
        self.assertEqual(control("ping")["version"], control.status()["version"])


if __name__ == "__main__":
    unittest.main()
