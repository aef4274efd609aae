"""From other computers only with a key: who has which role, what is refused, and what is said when nobody is asked."""
import json
import os
import stat
import subprocess
import sys
import unittest

import zmq

from harness import MERLINCTL, MERLIND, TOP, ControlError, Control, SystemTest, run_ctl, timeout, wait_for
from fake_detector import FakeDetector

sys.path.insert(0, str(TOP / "clients" / "python"))
from merlind import Merlind, MerlindError, frames, read_key_file  # noqa: E402


def keygen(path):
    done = subprocess.run([MERLINCTL, "keygen", str(path)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


class WithKeys(SystemTest):
    def setUp(self):
        super().setUp()
        self.keys = self.recordings / "keys"
        self.keys.mkdir()
        self.server_key = keygen(self.keys / "server")
        self.clients = self.keys / "clients"
        lines = ["# who may connect", ""]
        for name, role in (("anna", "viewer"), ("ben", "operator"), ("eva", "expert")):
            lines.append(f"{name} {role} {keygen(self.keys / name)}")
        self.clients.write_text("\n".join(lines) + "\n")
        keygen(self.keys / "stranger")
        self.settings = {"security.server_key": str(self.keys / "server"), "security.clients": str(self.clients),
                         "detector.allow_dangerous": True}

    def connect(self, daemon, name, **options):
        m = Merlind(daemon.control, key=self.keys / name, server_key=self.server_key, **options)
        self.addCleanup(m.close)
        return m

    def refused(self, m, command, **arguments):
        with self.assertRaises(MerlindError) as caught:
            m.request(command, **arguments)
        return caught.exception

    def test_roles_decide_what_a_key_may(self):
        detector = FakeDetector(lambda send: None)
        self.addCleanup(detector.close)
        daemon = self.start_daemon(detector, self.settings)
        anna, ben, eva = (self.connect(daemon, name) for name in ("anna", "ben", "eva"))
        self.assertEqual(anna.status()["security"], {"keys": True, "insecure": False})
        for command, arguments in (("stop", {}), ("calibration", {"kv": 200}), ("shutdown", {}), ("lease", {"action": "take"}),
                                   ("config_save", {}), ("log_level", {"level": "debug"})):
            error = self.refused(anna, command, **arguments)
            self.assertEqual(error.code, "forbidden", command)
        self.assertEqual(anna.request("log_level")[0], {"level": "info"})
        self.assertIn("operator", self.refused(anna, "stop").message)
        ben.calibration(kv=200)
        self.assertEqual(anna.calibration()["kv"]["value"], 200)
        for command, arguments in (("set", {"name": "HVBIAS", "value": 90}), ("set", {"name": "hvbias", "value": 90}),
                                   ("command", {"name": "RESET"}), ("command", {"name": "STANDBY"}),
                                   ("set", {"name": "DACS", "value": "1"}), ("set", {"name": "PIXELMASK", "value": "1"}),
                                   ("set", {"name": "NOTHING_KNOWN", "value": "1"}),
                                   ("start", {"scan": [2, 2], "parameters": {"HVBIAS": 90}})):
            error = self.refused(ben, command, **arguments)
            self.assertEqual(error.code, "forbidden", arguments)
            self.assertIn("expert", error.message)
        self.assertEqual(detector.sent("SET", "CMD"), [])
        self.assertEqual(eva.set("HVBIAS", 90), "90")
        daemon.wait_line(r"HVBIAS asked by eva, an expert", stream="err")
        with ben.holding_control("ben's series"):
            self.assertEqual(self.refused(eva, "set", name="HVBIAS", value=80).code, "lease")
            self.assertEqual(anna.status()["lease"]["name"], "ben's series")
        self.assertIsNone(anna.status()["lease"])

    def test_only_known_keys_get_in_and_results_are_for_them_too(self):
        daemon = self.start_daemon(None, {**self.settings, "detector.command_port": 1, "detector.data_port": 2})
        anna = self.connect(daemon, "anna")
        update = next(anna.updates("status", timeout=timeout(10)))
        self.assertEqual(update.header["status"]["state"], "disconnected")
        with self.assertRaises(MerlindError) as caught:
            self.connect(daemon, "stranger", timeout=1.5).status()
        self.assertEqual(caught.exception.code, "unreachable")
        daemon.wait_line(r"is turned away: its key is not in", stream="err")
        plain = zmq.Context.instance().socket(zmq.SUB)  # without keys at all
        plain.linger = 0
        plain.subscribe("")
        plain.connect(daemon.results)
        self.addCleanup(plain.close)
        self.assertFalse(plain.poll(2500), "results came without a key")
        with self.clients.open("a") as file:  # counts from the next connection on
            file.write(f"guest viewer {read_key_file(self.keys / 'stranger')['public'].decode()}\n")
        self.assertEqual(self.connect(daemon, "stranger").status()["state"], "disconnected")

    def test_frames_are_for_those_with_a_key(self):
        simulator = self.start_simulator("--synthetic", "glass", "--bank", "20", "--fps", "1000")
        daemon = self.start_daemon(simulator, {**self.settings, "frames.enabled": True, "frames.endpoint": "tcp://127.0.0.1:0"})
        anna, ben = self.connect(daemon, "anna"), self.connect(daemon, "ben")
        context = zmq.Context()
        self.addCleanup(context.destroy, 0)
        stranger = context.socket(zmq.PULL)
        stranger.connect(anna.status()["endpoints"]["frames"])
        share = frames(anna)
        wait_for(lambda: ben.status()["frame_stream"]["pullers"] == 1, 10, "the puller with a key")
        run = ben.start((4, 16))
        self.assertEqual(sorted(frame.number for frame in share), list(range(1, 65)))
        self.assertEqual(ben.wait(run["id"])["reason"], "complete")
        self.assertFalse(stranger.poll(0))
        wait_for(lambda: ben.status()["frame_stream"]["pullers"] == 0, 10, "the end of the puller")

    def test_merlinctl_shows_its_key(self):
        daemon = self.start_daemon(None, {**self.settings, "detector.command_port": 1, "detector.data_port": 2})
        words = ("--key", self.keys / "ben", "--server-key")
        self.assertEqual(run_ctl(daemon, *words, self.server_key, "request", "calibration", "kv=80").returncode, 0)
        public = self.keys / "public"
        public.write_text(f"public {self.server_key}\n")
        self.assertEqual(run_ctl(daemon, *words, public, "status").returncode, 0)
        self.assertEqual(run_ctl(daemon, "--timeout", "1", "status").returncode, 69)
        self.assertEqual(run_ctl(daemon, "--key", self.keys / "ben", "status").returncode, 64)
        self.assertEqual(run_ctl(daemon, "--key", self.keys / "ben", "--server-key", "nokey", "status").returncode, 70)
        mode = (self.keys / "ben").stat().st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        self.assertEqual(run_ctl(daemon, "keygen", self.keys / "ben").returncode, 73)  # never over a key that is there

    def test_files_of_keys_that_are_none_keep_it_from_starting(self):
        def start(**changed):
            settings = {**self.settings, **{f"security.{key}": value for key, value in changed.items()}}
            options = [word for key, value in settings.items() for word in ("-o", f"{key}={json.dumps(value)}")]
            done = subprocess.run([MERLIND, *options, "-o", "control.endpoint=tcp://127.0.0.1:0", "-o",
                                   "results.endpoint=tcp://127.0.0.1:0", "-o", f"recording.directory={self.recordings}"],
                                  capture_output=True, text=True, timeout=timeout(60))
            self.assertNotEqual(done.returncode, 0)
            return done.stderr
        os.chmod(self.keys / "server", 0o640)
        self.assertIn("chmod 600", start())
        os.chmod(self.keys / "server", 0o600)
        self.clients.write_text("anna viewer\n")
        self.assertIn("clients:1: not NAME ROLE KEY", start())
        self.clients.write_text(f"anna queen {self.server_key}\n")
        self.assertIn("not NAME ROLE KEY", start())
        self.assertIn("No such file", start(server_key=str(self.keys / "nothing")))
        self.assertIn("nobody could connect", start(clients="none"))


class WithoutKeys(SystemTest):
    def check(self, **settings):
        options = [word for key, value in settings.items() for word in ("-o", f"{key.replace('_', '.', 1)}={value}")]
        return subprocess.run([MERLIND, "--check-config", *options], capture_output=True, text=True)

    def test_other_computers_are_let_in_only_when_it_is_said(self):
        for endpoint in ("control_endpoint", "results_endpoint"):
            for address in ("tcp://0.0.0.0:6360", "tcp://*:6360", "tcp://[::]:6360", "tcp://192.168.1.4:6360"):
                refused = self.check(**{endpoint: address})
                self.assertEqual(refused.returncode, 78, refused)
                self.assertIn("security.allow_insecure", refused.stderr)
                said = self.check(**{endpoint: address, "security_allow_insecure": "true"})
                self.assertEqual(said.returncode, 0, said)
                self.assertIn("warning", said.stderr)
        for address in ("tcp://127.0.0.1:6360", "tcp://localhost:6360", "ipc:///tmp/merlind-test"):
            self.assertEqual(self.check(control_endpoint=address).stderr, "")

    def test_what_is_insecure_is_in_the_log_and_in_the_status(self):
        daemon = self.start_daemon(None, {"detector.command_port": 1, "detector.data_port": 2,
                                          "control.endpoint": "tcp://0.0.0.0:0", "security.allow_insecure": True})
        control = Control(daemon.control.replace("0.0.0.0", "127.0.0.1"))
        self.addCleanup(control.close)
        self.assertEqual(control.status()["security"], {"keys": False, "insecure": True})
        daemon.wait_line(r"warning.*control.endpoint", stream="err")

    def test_the_console_over_ipc_is_local_and_too_many_requests_are_refused(self):
        path = f"ipc://{self.recordings}/control"
        daemon = self.start_daemon(None, {"detector.command_port": 1, "detector.data_port": 2, "control.endpoint": path,
                                          "control.rate": 20})
        first, console = self.control(daemon), self.control(daemon)
        first("lease", action="take", name="first")
        self.assertTrue(console("lease", action="take", force=True)["lease"]["local"])
        with self.assertRaises(ControlError) as caught:
            for _ in range(50):  # all at once: however slow the machine is, they are more than 20 in a second
                console.send("ping")
            for _ in range(50):
                reply, _ = console.receive()
                if not reply["ok"]:
                    raise ControlError(reply["error"])
        self.assertEqual(caught.exception.code, "busy")
        self.assertIn("control.rate", caught.exception.message)
        first("ping")  # others are not concerned


if __name__ == "__main__":
    unittest.main()
