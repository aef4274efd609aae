"""The daemon as a service: configuration errors, signals, requests at the wrong time, ports in use."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import unittest

import zmq

from harness import (MERLIND, MERLIN_SIM, Control, ControlError, SystemTest, file_statistics, open_recording, run_ctl,
                     timeout, wait_for)

SLOW = True
PARTS = 2


class Ending(SystemTest):
    def end_during_a_scan(self, end):
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "32x32", "--fps", "200")
        daemon = self.start_daemon(simulator)
        control = self.control(daemon)
        control.wait_state("idle")
        run = control("start", scan=[32, 32])
        wait_for(lambda: control("run", id=run["id"])["frames"]["received"] > 40, 30, "frames")
        end(daemon, control)
        self.assertEqual(daemon.wait(60), 0, daemon.report())
        daemon.check_clean()
        files = list(self.recordings.iterdir())
        self.assertEqual([file.suffix for file in files], [".h5"], files)
        with open_recording(files[0]) as file:
            told = file_statistics(file)
            self.assertEqual(told["cause"], "shutdown")
            self.assertGreater(told["frames"]["recorded"], 40)
            self.assertEqual(told["frames"]["recorded"], told["frames"]["placed"])
            self.assert_accounts(told["frames"])
            placed = told["frames"]["placed"]
            data = file["/entry/data/data"]
            last = placed - 1
            self.assertTrue(data[last // 32, last % 32].any(), "the last frame that came is in the file")

    def test_sigterm_drains_and_closes_the_file(self):
        self.end_during_a_scan(lambda daemon, control: daemon.send_signal(signal.SIGTERM))

    def test_sigint_does_the_same(self):
        self.end_during_a_scan(lambda daemon, control: daemon.send_signal(signal.SIGINT))

    def test_shutdown_request_does_the_same(self):
        self.end_during_a_scan(lambda daemon, control: control("shutdown"))

    def test_sigterm_without_detector_or_run(self):
        for detector in (None, self.start_simulator("--synthetic", "glass", "--bank", 64)):
            daemon = self.start_daemon(detector)
            daemon.stop()

    def test_readiness_is_told_to_systemd(self):
        """Until the ring has its memory systemd hears why it waits, then READY; then STOPPING, and time to close a file."""
        told, environment = self.listen_as_systemd()
        told.settimeout(timeout(10))
        daemon = self.start_daemon(None, environment=environment)
        daemon.send_signal(signal.SIGTERM)
        text = ""
        while text.count("EXTEND_TIMEOUT_USEC=") < 2:
            text += told.recv(4096).decode() + "\n"
        in_order = re.compile("STATUS=not ready yet: reserving .*EXTEND_TIMEOUT_USEC=.*READY=1.*STOPPING=1.*EXTEND_TIMEOUT_USEC=", re.DOTALL)
        self.assertRegex(text, in_order)
        self.assertEqual(daemon.wait(), 0)

    def start_watched(self, detector, **settings):
        """The daemon under a watchdog of 1 s, and the socket on which it tells that it lives."""
        told, environment = self.listen_as_systemd()
        return self.start_daemon(detector, settings, environment={**environment, "WATCHDOG_USEC": "1000000"}), told

    def is_silent(self, told, seconds):
        """What it has said before is passed over."""
        told.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                told.recv(4096)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            told.settimeout(left)
            with contextlib.suppress(TimeoutError):
                if "WATCHDOG=1" in told.recv(4096).decode():
                    return False
        return True

    def test_watchdog_hears_of_an_idle_daemon_and_of_one_that_scans(self):
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "32x32", "--fps", "500")
        daemon, told = self.start_watched(simulator)
        self.wait_alive(told)
        control = self.control(daemon)
        control.wait_state("idle")
        run = self.start_in_bursts(control, (32, 32), 512)
        self.burst(control)
        wait_for(lambda: control("run", id=run)["frames"]["received"] == 512, 30, "half of the frames")
        self.wait_alive(told)
        self.burst(control)
        control.wait_finished(run)

    def test_watchdog_hears_nothing_when_a_worker_hangs(self):
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "4x4", "--fps", "500")
        daemon, told = self.start_watched(simulator, **{"debug.worker_delay_us": 10000000})
        control = self.control(daemon)
        control.wait_state("idle")
        run = control("start", scan=[4, 4])
        wait_for(lambda: control("run", id=run["id"])["frames"]["received"] == 16, 30, "its frames")
        wait_for(lambda: self.is_silent(told, 2), 60, "it to say no longer that it lives")
        self.assertIn("stands still", daemon.stderr_text())
        daemon.kill()


class Requests(SystemTest):
    def setUp(self):
        super().setUp()
        self.simulator = self.start_simulator("--synthetic", "glass", "--scan", "32x32", "--fps", "200")
        self.daemon = self.start_daemon(self.simulator)
        self.client = self.control(self.daemon)
        self.client.wait_state("idle")

    def refusal(self, command, **arguments):
        with self.assertRaises(ControlError) as refused:
            self.client(command, **arguments)
        self.assertGreater(len(refused.exception.message), 10)
        return refused.exception

    def test_second_start_while_running_is_refused(self):
        run = self.client("start", scan=[32, 32])
        self.client.wait_state("acquiring")
        self.assertEqual(self.refusal("start", scan=[4, 4]).code, "busy")
        done = run_ctl(self.daemon, "start", "--scan", "4x4", "--wait")
        self.assertEqual(done.returncode, 3, done)
        self.assertTrue(done.stderr.strip())
        summary = self.client.wait_finished(run["id"])
        self.assertEqual(summary["reason"], "complete")
        self.assert_counts(summary["frames"], received=1024)

    def test_bad_requests_are_answered_with_the_field(self):
        self.assertEqual(self.refusal("strat").code, "unknown_command")
        for arguments, field in (({"scan": [0, 4]}, "args.scan"), ({"scan": "4x4"}, "args.scan"),
                                 ({"scan": [4, 4], "mode": "aktive"}, "args.mode"),
                                 ({"scan": [4, 4], "trigger": 3}, "args.trigger"),
                                 ({"scan": [4, 4], "scann": 1}, "args.scann"),
                                 ({"scan": [4, 4], "recording": "yes"}, "args.recording")):
            error = self.refusal("start", **arguments)
            self.assertIn(error.code, ("bad_request", "bad_value"), arguments)
            self.assertTrue((error.field or "").startswith(field), (arguments, error.field))
        self.assertEqual(self.refusal("map", name="nothing").code, "no_data")
        self.assertEqual(self.client.status()["state"], "idle")

    def test_a_name_that_is_wrong_is_answered_with_those_there_are(self):
        self.run_scan(self.client, (4, 4))
        for command, arguments, words in (
                ("statsu", {}, "did you mean 'status'"), ("status", {"x": 1}, "takes none"), ("calibration", {"HT": 200}, "takes kv, camera_length_mm"),
                ("map", {"name": "com"}, "there are com_y, com_x"), ("map_correlation", {"a": "com_x", "b": "com"}, "there are com_y, com_x"),
                ("pattern", {"name": "Sum"}, "there are sum, mean"), ("pattern", {"name": 3}, "name must be .* sum, mean"),
                ("bragg_settings", {"annulus": [46, 25]}, "the larger one"), ("bragg_settings", {"counts": [3, 1]}, "the larger one"),
                ("profile", {"name": "v_r"}, "there are radial_sum"), ("recompute", {"name": "adf"}, "no virtual detector \"adf\"")):
            self.assertRegex(self.refusal(command, **arguments).message, words)
        cut = "a" + 400 * "\N{LATIN SMALL LETTER E WITH ACUTE}"  # in the middle of a character, wherever a sentence ends
        for command, arguments in ((cut, {}), ("map", {"name": cut}), ("status", {cut: 1})):
            self.assertIn(cut[:20], self.refusal(command, **arguments).message)

    def test_anything_at_all_may_be_sent(self):
        """What is no request gets an error; the daemon goes on."""
        for text in (b"", b"{", b"[]", b"null", b'{"cmd": 3}', b'{"id": 1}', b"\xff\xfe\0", b'{"cmd":"status","args":[]}',
                     b"[" * 100000, b'{"id":1,"cmd":"status","args":{},"more":1}'):
            self.client.socket.send(text)
            reply, _ = self.client.receive()
            self.assertIs(reply["ok"], False, text[:40])
            self.assertEqual(reply["error"]["code"], "bad_request", text[:40])
        self.client.socket.send_multipart([b'{"id":5,"cmd":"ping"}', b"another part"])
        self.client.receive()
        self.assertEqual(self.client("ping")["pid"], self.daemon.process.pid)

    def test_req_socket_works_too(self):
        context = zmq.Context()
        self.addCleanup(context.destroy, 0)
        plain = context.socket(zmq.REQ)
        plain.connect(self.daemon.control)
        plain.send_json({"id": "x", "cmd": "ping"})
        self.assertTrue(plain.poll(timeout(10) * 1000))
        reply = plain.recv_json()
        self.assertEqual((reply["id"], reply["ok"]), ("x", True))

    def test_describe_names_commands_and_topics(self):
        described = self.client("describe")
        self.assertLessEqual({"ping", "describe", "status", "start", "stop", "get", "set", "map", "pattern", "run",
                              "shutdown"}, set(described["commands"]))
        self.assertLessEqual({"acquisition/", "status/"}, set(described["topics"]))

    def test_parameters_of_the_detector(self):
        self.assertEqual(float(self.client("set", name="THRESHOLD0", value=25)["value"]), 25)
        self.assertEqual(float(self.client("get", name="THRESHOLD0")["value"]), 25)
        self.assertEqual(self.refusal("set", name="COUNTERDEPTH", value=7).code, "bad_value")
        self.assertEqual(self.refusal("get", name="NOSUCHTHING").code, "detector")

    def test_stop_without_a_run_does_nothing(self):
        self.assertEqual(self.client("stop")["state"], "idle")

    def test_start_without_a_detector_is_refused(self):
        self.simulator.stop()
        self.client.wait_state("disconnected")
        self.assertEqual(self.refusal("start", scan=[4, 4]).code, "not_connected")


class Configuration(SystemTest):
    def run_merlind(self, *arguments):
        return subprocess.run([str(MERLIND), *[str(a) for a in arguments]], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout(30))

    def write(self, text):
        path = self.directory / "merlind.yaml"
        path.write_text(text)
        return path

    def test_unknown_key_is_named_with_place_and_suggestion(self):
        path = self.write("detector:\n  host: 127.0.0.1\n  comand_port: 6341\n")
        done = self.run_merlind("--config", path)
        self.assertEqual(done.returncode, 78, done)
        self.assertIn(f"{path}:3:3: error:", done.stderr)
        self.assertIn("command_port", done.stderr)

    def test_bad_values_are_all_named(self):
        path = self.write("detector:\n  command_port: 70000\nring:\n  size: much\nworkers: -1\n")
        done = self.run_merlind("--config", path)
        self.assertEqual(done.returncode, 78, done)
        for place in (f"{path}:2:17:", f"{path}:4:9:", f"{path}:5:10:"):
            self.assertIn(place, done.stderr)

    def test_broken_yaml(self):
        path = self.write("detector: {host: [\n")
        done = self.run_merlind("--config", path)
        self.assertEqual(done.returncode, 78, done)
        self.assertRegex(done.stderr, rf"{path}:\d+:\d+: error:")

    def test_bad_option_on_the_command_line(self):
        done = self.run_merlind("-o", "ring.sice=1GiB")
        self.assertEqual(done.returncode, 78, done)
        self.assertIn("ring.size", done.stderr)

    def test_check_config_and_print_config(self):
        path = self.write("ring:\n  size: 128MiB\nvirtual_detectors:\n  - {name: a, shape: disk, radius: 3}\n")
        self.assertEqual(self.run_merlind("--config", path, "--check-config").returncode, 0)
        printed = self.run_merlind("--config", path, "-o", "workers=3", "--print-config")
        self.assertEqual(printed.returncode, 0, printed)
        again = self.write(printed.stdout)
        self.assertEqual(self.run_merlind("--config", again, "--check-config").returncode, 0)
        self.assertIn("128MiB", printed.stdout)

    def test_file_that_is_not_there(self):
        done = self.run_merlind("--config", self.directory / "nothing.yaml")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("nothing.yaml", done.stderr)

    def test_port_in_use_is_a_clear_message(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = self.run_merlind("-o", f"control.endpoint=tcp://127.0.0.1:{port}", "-o",
                                    "results.endpoint=tcp://127.0.0.1:0", "-o", "ring.size=4MiB")
            self.assertNotIn(done.returncode, (0, -6, -11), done)
            self.assertIn(str(port), done.stderr)
            done = subprocess.run([str(MERLIN_SIM), "--synthetic", "glass", "--command-port", str(port), "--data-port",
                                   "0"], capture_output=True, text=True, timeout=timeout(30))
            self.assertEqual(done.returncode, 69, done)
            self.assertIn(str(port), done.stderr)

    def test_what_the_configuration_names_and_is_not_there_needs_a_person(self):
        """Exit code 78, after which systemd does not try again; an address may still come, so that it does after 71."""
        for option, code, words in (
                ("calibration.bad_pixels=/nothing.npy", 78, "calibration.bad_pixels: .* /nothing.npy"),
                ("ring.size=15TiB", 78, "ring.size: .* more than the .* GiB of memory .* auto"),
                ("control.endpoint=ipc:///nothing/socket", 78, "control.endpoint ipc:///nothing/socket: .* a directory that is there"),
                ("web.listen=192.0.2.1:6380", 71, "web.listen 192.0.2.1:6380: .* no interface of this computer")):
            settings = ("ring.size=4MiB", "web.allow_insecure=true", "web.listen=127.0.0.1:0", "control.endpoint=tcp://127.0.0.1:0",
                        "results.endpoint=tcp://127.0.0.1:0", option)
            done = self.run_merlind(*(word for setting in settings for word in ("-o", setting)))
            self.assertEqual(done.returncode, code, done)
            self.assertRegex(done.stderr, words)

    def test_a_host_with_a_port_is_refused_and_says_where_ports_go(self):
        for host, code in (("merlin-pc:6341", 78), ("192.168.0.10:6341", 78), ("'fe80::1%eth0'", 0), ("'::1'", 0)):
            done = self.run_merlind("--check-config", "-o", f"detector.host={host}")
            self.assertEqual(done.returncode, code, done)
            self.assertEqual("detector.command_port" in done.stderr, code == 78, done)

    def test_of_two_settings_that_do_not_go_together_the_written_one_is_named(self):
        path = self.write("control:\n  endpoint: tcp://127.0.0.1:6351\ndetector:\n  command_port: 6342\n")
        done = self.run_merlind("--check-config", "-c", path)
        self.assertEqual(done.returncode, 78, done)
        for place in (f"{path}:2: error: control.endpoint and results.endpoint", f"{path}:4: error: detector.command_port and"):
            self.assertIn(place, done.stderr)

    def test_a_ring_turned_inside_out_is_refused(self):
        path = self.write("bragg:\n  annulus: [46, 25]\n  counts: [3, 1]\n")
        done = self.run_merlind("--check-config", "-c", path)
        self.assertEqual(done.returncode, 78, done)
        for place in (f"{path}:2: error: bragg.annulus: of [46, 25]", f"{path}:3: error: bragg.counts: of [3, 1]"):
            self.assertIn(place, done.stderr)

    def test_what_only_a_scan_would_find_missing_is_told_at_the_start(self):
        daemon = self.start_daemon(None, {"hooks.on_scan_end": ["/nothing"], "recording.directory": str(self.directory / "nowhere")})
        daemon.wait_line("warning record: .* recording.directory .*nowhere .* create the directory", stream="err")
        daemon.wait_line("warning hooks: hooks.on_scan_end /nothing cannot be started: .* correct the path", stream="err")

    def test_environment_settings_reach_the_daemon(self):
        """Values given by -o are those the daemon works with."""
        daemon = self.start_daemon(None, {"workers": 3, "ring.size": "8MiB"})
        control = Control(daemon.control)
        self.addCleanup(control.close)
        status = control.status()
        self.assertEqual((status["workers"], status["ring"]["size"]), (3, 8 << 20))
        self.assertEqual(status["recording"]["directory"], str(self.recordings))

    def policy_of_ingest(self, daemon):
        """How the kernel schedules the thread that takes the frames."""
        for thread in pathlib.Path(f"/proc/{daemon.process.pid}/task").iterdir():
            if (thread / "comm").read_text().strip() == "ingest":
                return os.sched_getscheduler(int(thread.name)), os.sched_getparam(int(thread.name)).sched_priority
        raise AssertionError("no thread of the name")

    def test_real_time_priority_for_ingest(self):
        allowed = subprocess.run(["chrt", "-f", "3", "true"], capture_output=True)
        if allowed.returncode != 0:
            self.skipTest("no real-time priority is to be had here")
        daemon = self.start_daemon(None, {"ingest.priority": 3})
        daemon.wait_line("real-time priority 3", stream="err")
        self.assertEqual(self.policy_of_ingest(daemon), (os.SCHED_FIFO, 3))

    def test_without_the_right_to_real_time_priority_it_says_so_once_and_goes_on(self):
        prefix = ["prlimit", "--rtprio=0"]
        if os.geteuid() == 0:
            prefix += ["setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice"]
        daemon = self.start_daemon(None, {"ingest.priority": 3}, prefix=prefix)
        daemon.wait_line("no real-time priority 3 .*LimitRTPRIO=3", stream="err")
        self.assertEqual(self.policy_of_ingest(daemon), (os.SCHED_OTHER, 0))
        self.assertEqual(self.control(daemon).status()["state"], "disconnected")

    def test_host_is_checked_and_every_doubt_has_a_remedy(self):
        done = self.run_merlind("-o", f"recording.directory={self.recordings}", "-o", "ring.size=64MiB", "--check-host")
        lines = done.stdout.splitlines()
        self.assertTrue(all(line.startswith(("ok    ", "look  ")) for line in lines), done)
        for what in ("ring 0.1 GiB", "CPUs: ", "way to the detector 127.0.0.1: interface lo", f"recordings in {self.recordings}: "):
            self.assertIn(what, done.stdout)
        self.assertIn("look  ring 0.1 GiB: takes up 0.1 s of 1 GB/s while the disk is busy; give it 1 GiB at least", done.stdout)
        self.assertEqual(done.returncode, 1, done)
        self.assertEqual(list(self.recordings.iterdir()), [], "the probe of the disk leaves nothing")

    def test_host_with_a_directory_that_cannot_be_written(self):
        done = self.run_merlind("-o", f"recording.directory={self.directory}/nothing", "--check-host")
        self.assertRegex(done.stdout, r"look  recordings in .*/nothing: cannot be written: No such file or directory")

    def test_reload_takes_over_what_may_change(self):
        path = self.write("log: {level: info}\nbragg: {tile: 10}\n")
        daemon = self.start_daemon(None, configuration=path)
        self.write("log: {level: debug}\nbragg: {tile: 20}\n")
        daemon.send_signal(signal.SIGHUP)
        daemon.wait_line(r"log\.level is debug now \(was info\)", stream="err")
        daemon.wait_line(r"bragg\.tile stays 10: its new value 20 needs a restart", stream="err")
        daemon.wait_line(r" debug ", stream="err")

    def test_reload_of_a_wrong_file_keeps_the_old_settings(self):
        path = self.write("log: {level: warning}\n")
        daemon = self.start_daemon(None, configuration=path)
        self.write("log: {level: debug}\nrnig: {size: 4MiB}\n")
        daemon.send_signal(signal.SIGHUP)
        daemon.wait_line(r":2:1: error: .*rnig", stream="err")
        daemon.wait_line(r"the old one stays in force", stream="err")
        self.assertEqual(self.control(daemon).status()["state"], "disconnected")
        self.assertNotIn(" debug ", daemon.stderr_text())


class Merlinctl(SystemTest):
    def test_start_wait_json_ends_with_the_summary(self):
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "8x8", "--fps", "1000")
        daemon = self.start_daemon(simulator, {"virtual_detectors": [{"name": "disk", "shape": "disk", "radius": 9}]})
        self.control(daemon).wait_state("idle")
        done = run_ctl(daemon, "start", "--scan", "8x8", "--wait", "--json")
        self.assertEqual(done.returncode, 0, done)
        summary = json.loads(done.stdout.strip().splitlines()[-1])
        self.assertEqual((summary["state"], summary["reason"]), ("finished", "complete"))
        self.assertTrue(summary["file"].startswith(str(self.recordings)) and summary["file"].endswith(".h5"))
        self.assert_counts(summary["frames"], expected=64, received=64, recorded=64, analysed=64, lost=0)
        status = json.loads(run_ctl(daemon, "status", "--json").stdout)
        self.assertLessEqual({"state", "frames", "ring", "recording"}, set(status))
        self.check_saved_maps(daemon, summary["file"])

    def check_saved_maps(self, daemon, recording):
        import numpy as np
        saved = self.directory / "disk.npy"
        self.assertEqual(run_ctl(daemon, "map", "disk", "-o", saved).returncode, 0)
        with open_recording(recording) as file:
            np.testing.assert_array_equal(np.load(saved), file["/entry/results/disk/data"][...])
        picture = self.directory / "disk.png"
        self.assertEqual(run_ctl(daemon, "map", "disk", "-o", picture).returncode, 0)
        self.assertEqual(picture.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")

    def test_incomplete_run_is_exit_1(self):
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "32x32", "--fps", "100")
        daemon = self.start_daemon(simulator)
        control = self.control(daemon)
        control.wait_state("idle")
        import threading
        box = []
        waiting = threading.Thread(target=lambda: box.append(run_ctl(daemon, "start", "--scan", "32x32", "--wait",
                                                                     "--json")))
        waiting.start()
        control.wait_state("acquiring")
        self.assertEqual(run_ctl(daemon, "stop").returncode, 0)
        waiting.join(timeout(30))
        self.assertEqual(box[0].returncode, 1, box)
        self.assertEqual(json.loads(box[0].stdout.strip().splitlines()[-1])["reason"], "stopped")

    def test_get_and_set(self):
        simulator = self.start_simulator("--synthetic", "glass", "--bank", 64)
        daemon = self.start_daemon(simulator)
        self.control(daemon).wait_state("idle")
        self.assertEqual(run_ctl(daemon, "set", "THRESHOLD0", "31.5").returncode, 0)
        done = run_ctl(daemon, "get", "THRESHOLD0")
        self.assertIn("31.5", done.stdout)

    def test_nobody_answers(self):
        done = run_ctl("tcp://127.0.0.1:1", "--timeout", "1", "status")
        self.assertEqual(done.returncode, 69, done)
        self.assertIn("127.0.0.1:1", done.stderr)


if __name__ == "__main__":
    unittest.main()
