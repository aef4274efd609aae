"""The operator's page's server: what is served over HTTP, live results and requests over its WebSocket, and those who
mean harm. Real sockets, spoken by tests/integration/page_client.py."""
import contextlib
import gzip
import json
import re
import shutil
import socket
import subprocess
import threading
import unittest
import urllib.parse

import numpy as np

import schema_check
from harness import ControlError, SystemTest, lighter, timeout, wait_for
from page_client import BINARY, TEXT, Refused, RawViewer, Viewer, fetch

SLOW = True
PARTS = 2

TOKEN = "a-token-for-the-tests"


class WebTest(SystemTest):
    def start(self, *simulator, **settings):
        """A daemon with a page and a token that is known; the simulator is optional."""
        detector = self.start_simulator(*simulator) if simulator else None
        self.daemon = self.start_daemon(detector, {"web.token": TOKEN, "recording.enabled": False, **settings})
        return self.daemon

    def viewer(self, token=TOKEN, **options):
        viewer = Viewer(self.daemon.web, token, **options)
        self.addCleanup(viewer.close)
        return viewer

    def raw(self, **options):
        viewer = RawViewer(self.daemon.web, **options)
        self.addCleanup(viewer.close)
        return viewer

    def still_serves(self):
        """A newcomer is welcome and gets an answer."""
        viewer = Viewer(self.daemon.web, TOKEN)
        self.assertEqual(viewer.request("ping")[0]["version"], viewer.welcome["version"])
        viewer.close()


class Served(WebTest):
    def test_page_is_served_with_its_type_and_strict_headers(self):
        self.start()
        status, headers, body = fetch(self.daemon.web)
        self.assertEqual(status, 200)
        self.assertIn(b"<html", body)
        self.assertEqual(headers["content-type"], "text/html; charset=utf-8")
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertEqual(headers["referrer-policy"], "no-referrer")
        policy = headers["content-security-policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertIn("frame-ancestors 'none'", policy)
        self.assertNotIn("unsafe", policy)

    def test_unchanged_file_is_not_sent_again(self):
        self.start()
        _, headers, _ = fetch(self.daemon.web)
        status, _, body = fetch(self.daemon.web, if_none_match=headers["etag"])
        self.assertEqual((status, body), (304, b""))

    def test_packed_file_is_the_same_file(self):
        self.start()
        _, _, plain = fetch(self.daemon.web, "/schema/run.json")
        _, headers, packed = fetch(self.daemon.web, "/schema/run.json", accept_encoding="gzip, deflate")
        self.assertEqual(headers["content-encoding"], "gzip")
        self.assertEqual(gzip.decompress(packed), plain)

    def test_head_has_the_headers_and_no_body(self):
        self.start()
        _, headers, body = fetch(self.daemon.web)
        status, only, nothing = fetch(self.daemon.web, method="HEAD")
        self.assertEqual((status, nothing), (200, b""))
        self.assertEqual(only["content-length"], str(len(body)))
        self.assertEqual(only["etag"], headers["etag"])

    def test_schemas_are_those_of_the_repository(self):
        self.start()
        status, _, body = fetch(self.daemon.web, "/schema/")
        self.assertEqual(status, 200)
        self.assertEqual(sorted(json.loads(body)["schemas"]), sorted(schema_check.schemas()))
        for name, schema in schema_check.schemas().items():
            status, headers, body = fetch(self.daemon.web, f"/schema/{name}")
            self.assertEqual((status, headers["content-type"]), (200, "application/json"))
            self.assertEqual(json.loads(body), schema)

    def test_health_tells_the_state_and_why(self):
        self.start("--synthetic", "glass")
        self.control(self.daemon).wait_state("idle")
        wait_for(lambda: fetch(self.daemon.web, "/healthz")[0] == 200, 10, "a healthy state")
        health = json.loads(fetch(self.daemon.web, "/healthz")[2])
        self.assertEqual(health, {"healthy": True, "state": "idle", "why": ""})

    def test_without_a_detector_it_is_not_healthy(self):
        self.start()
        wait_for(lambda: b"disconnected" in fetch(self.daemon.web, "/healthz")[2], 10, "a state")
        status, _, body = fetch(self.daemon.web, "/healthz")
        self.assertEqual(status, 503)
        self.assertIn("is the Merlin software running", json.loads(body)["why"])

    def test_status_tells_the_page(self):
        self.start()
        self.assertEqual(self.control(self.daemon).status()["endpoints"]["page"], self.daemon.web)

    def test_page_can_be_switched_off(self):
        daemon = self.start_daemon(None, {"web.enabled": False})
        self.assertIsNone(daemon.web)
        self.assertNotIn("page", self.control(daemon).status()["endpoints"])

    def test_port_that_is_taken_is_an_error_with_its_remedy(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            place = f"127.0.0.1:{taken.getsockname()[1]}"
            daemon = self.start_daemon(None, {"web.listen": place}, expected=(69,), wait_ready=False)
            self.assertNotEqual(daemon.wait(), 0)
        self.assertIn(f"web.listen {place}", daemon.stderr_text())
        self.assertIn("-o web.listen=", daemon.stderr_text())

    def test_other_address_than_loopback_without_tls_is_refused(self):
        daemon = self.start_daemon(None, {"web.listen": "0.0.0.0:0"}, expected=(78,), wait_ready=False)
        self.assertEqual(daemon.wait(), 78)
        self.assertIn("web.allow_insecure", daemon.stderr_text())


class Metrics(WebTest):
    SAMPLE = re.compile(r'^(merlind_[a-z_]+)(\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)+\})? (-?[0-9.e+-]+|NaN)$')

    def scrape(self):
        """{name and labels as text: value}, each line checked."""
        status, headers, body = fetch(self.daemon.web, "/metrics")
        self.assertEqual((status, headers["content-type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        self.text = body.decode()
        samples, described = {}, set()
        for line in self.text.splitlines():
            if line.startswith("# "):
                described.add(line.split()[2])
                continue
            match = self.SAMPLE.match(line)
            self.assertTrue(match, line)
            self.assertIn(re.sub("_(bucket|sum|count)$", "", match[1]), described)
            samples[match[1] + (match[2] or "")] = float(match[3])
        return samples

    def test_figures_are_those_of_the_run(self):
        self.start("--synthetic", "glass", "--fps", "500", **{"recording.enabled": True, "recording.flush": 0.1})
        control = self.control(self.daemon)
        viewer = self.viewer()
        viewer.watch("map/com_x/")
        summary = self.run_scan(control, (16, 16))
        with self.assertRaises(ControlError):
            control("map", name="no such map")
        viewer.wait("status/", lambda h: h["status"]["requests"].get("map", {}).get("no_data"))
        samples = wait_for(lambda: (s := self.scrape()).get('merlind_requests_total{command="map",result="no_data"}') and s, 10,
                           "the request in the metrics")
        for fate, count in summary["frames"].items():
            self.assertEqual(samples[f'merlind_run_frames{{fate="{fate}"}}'], count, fate)
        self.assertEqual(samples['merlind_requests_total{command="start",result="ok"}'], 1)
        self.assertEqual(samples['merlind_state{state="idle"}'], 1)
        self.assertEqual(samples['merlind_detector_link_up{link="data"}'], 1)
        self.assertGreaterEqual(samples['merlind_published_messages_total{topic="map/com_x/"}'], 1)
        self.assertEqual(samples["merlind_web_viewers"], 1)
        self.check_stages(samples)
        self.assertGreater(samples["merlind_web_sent_bytes_total"], 1000)

    def check_stages(self, samples):
        """Each stage of the run took some time, once for each chunk, and the buckets grow."""
        for stage in ("result", "compress", "wait", "write", "flush"):
            count, seconds = (samples[f'merlind_stage_seconds_{part}{{stage="{stage}"}}'] for part in ("count", "sum"))
            buckets = [value for name, value in samples.items() if name.startswith(f'merlind_stage_seconds_bucket{{stage="{stage}",')]
            self.assertGreater(count, 0, stage)
            self.assertGreater(seconds, 0, stage)
            self.assertEqual(buckets, sorted(buckets), stage)
            self.assertEqual(buckets[-1], count, stage)
        self.assertEqual(samples['merlind_stage_seconds_count{stage="write"}'], samples['merlind_stage_seconds_count{stage="compress"}'])

    def test_what_is_refused_is_counted(self):
        self.start()
        with self.assertRaises(Refused):
            self.raw(origin="http://evil.example")
        self.assertEqual(self.scrape()['merlind_web_refused_total{reason="origin"}'], 1)

    def test_promtool_has_nothing_to_say(self):
        if not shutil.which("promtool"):
            self.skipTest("promtool (Debian package prometheus) is not there")
        self.start("--synthetic", "glass")
        self.run_scan(self.control(self.daemon), (4, 4))
        self.scrape()
        done = subprocess.run(["promtool", "check", "metrics"], input=self.text, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


class Secrets(WebTest):
    def test_token_of_the_start_is_logged_and_in_a_file_of_its_own(self):
        daemon = self.start_daemon(None, environment={"RUNTIME_DIRECTORY": str(self.directory)})
        token = daemon.wait_line(r"page: http://\S+/#token=([0-9a-f]{32})$", stream="err")[1]
        file = self.directory / "page-token"
        self.assertEqual((file.read_text(), file.stat().st_mode & 0o777), (token + "\n", 0o600))
        viewer = Viewer(daemon.web, token)
        self.assertTrue(viewer.welcome["may_control"])
        viewer.close()
        daemon.stop()
        self.assertFalse(file.exists())

    def test_token_of_the_configuration_is_not_logged(self):
        self.start()
        self.daemon.wait_line("page: http", stream="err")
        self.assertNotIn(TOKEN, self.daemon.stderr_text())

    def test_page_over_tls(self):
        certificate, key = self.directory / "page.pem", self.directory / "page.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        self.start(**{"web.listen": "0.0.0.0:0", "web.tls_certificate": str(certificate), "web.tls_key": str(key)})
        self.assertRegex(self.daemon.web, "^https://0.0.0.0:")
        self.daemon.web = self.daemon.web.replace("0.0.0.0", "127.0.0.1")
        self.assertEqual(fetch(self.daemon.web)[0], 200)
        viewer = self.viewer()
        self.assertTrue(viewer.request("ping")[0]["pid"])
        self.assertEqual(viewer.raw.socket.selected_alpn_protocol(), "http/1.1")

    def test_certificate_that_is_not_there_is_an_error(self):
        daemon = self.start_daemon(None, {"web.tls_certificate": "/nowhere/a", "web.tls_key": "/nowhere/b"}, wait_ready=False,
                                   expected=(69, 70, 74, 77))
        self.assertNotEqual(daemon.wait(), 0)
        self.assertIn("web.tls_certificate /nowhere/a cannot be read", daemon.stderr_text())


class Live(WebTest):
    def test_maps_of_a_scan_equal_those_of_zeromq(self):
        self.start("--synthetic", "glass", "--fps", "2000", **{"virtual_detectors": [
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
        self.start("--synthetic", "glass", "--fps", "2000")
        viewer = self.viewer()
        self.run_scan(self.control(self.daemon), (8, 8))
        viewer.wait("acquisition/", lambda h: h["event"] == "finished")
        events = [h["event"] for _, h, _ in viewer.of("acquisition/")]
        self.assertEqual(events[-3:], ["started", "ended", "finished"])
        sequence = [h["seq"] for _, h, _ in viewer.of("acquisition/")]
        self.assertEqual(sequence, list(range(sequence[0], sequence[0] + len(sequence))))

    def test_late_viewer_gets_whole_maps_and_the_last_run(self):
        self.start("--synthetic", "glass", "--fps", "2000")
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
        self.start("--synthetic", "glass", "--fps", "2000")
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
        self.start("--synthetic", "glass", "--fps", "2000")
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
        self.start("--synthetic", "glass", "--fps", "2000")
        viewer = self.viewer()
        viewer.watch("map/com_x/")
        self.run_scan(self.control(self.daemon), (16, 16))
        viewer.wait("map/com_x/", lambda h: h["rows"][1] > 0)
        viewer.wait("acquisition/", lambda h: h["event"] == "finished")
        topics = {message[0] for message in viewer.messages}
        self.assertEqual({t for t in topics if not t.startswith(("status/", "acquisition/", "event/"))}, {"map/com_x/"})


class Requests(WebTest):
    def test_requests_are_those_of_the_control_socket(self):
        self.start("--synthetic", "glass", "--fps", "2000")
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
        self.start("--synthetic", "glass")
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


class Hostile(WebTest):
    def test_foreign_origin_is_refused(self):
        self.start()
        own = self.daemon.web.rstrip("/")
        for origin in ("http://evil.example", "https://127.0.0.1.evil.example", "null", own + "0", "file://"):
            with self.assertRaises(Refused):
                self.raw(origin=origin)
        self.daemon.wait_line("web.origins", stream="err")
        self.raw(origin=own).hello()
        self.still_serves()

    def test_listed_origin_is_welcome(self):
        self.start(**{"web.origins": ["http://lab.example:8080"]})
        self.raw(origin="http://lab.example:8080").hello()

    def test_foreign_host_is_refused(self):
        self.start()
        place = urllib.parse.urlsplit(self.daemon.web)
        for host in ("evil.example", f"evil.example:{place.port}", "localhost.evil.example", ""):
            self.assertEqual(fetch(self.daemon.web, host=host)[0], 403, host)
            with self.assertRaises(Refused):
                self.raw(host=host or " ")
        for host in ("localhost", f"localhost:{place.port}", "127.0.0.1:1", "[::1]:9"):
            self.assertEqual(fetch(self.daemon.web, host=host)[0], 200, host)

    def test_nothing_outside_the_assets_is_served(self):
        self.start()
        for path in ("/../../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/etc/passwd", "/schema/../../etc/passwd",
                     "/schema/%2e%2e/", "//etc/passwd", "/schema/nothing.json", "/ws", "/index.html%00.js", "/" + "a" * 3000):
            with contextlib.suppress(ConnectionError, OSError):
                status, _, body = fetch(self.daemon.web, path)
                page = body == fetch(self.daemon.web)[2]  # a path that leads up to it
                self.assertTrue(page or status in (400, 403, 404, 414), f"{path}: {status}")
        self.daemon.wait_line("there is nothing at '/etc/passwd'", stream="err")
        self.still_serves()

    def test_requests_to_change_are_refused(self):
        self.start()
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            with contextlib.suppress(ConnectionError):
                status, headers, _ = fetch(self.daemon.web, method=method)
                self.assertEqual((status, headers["allow"]), (405, "GET, HEAD"), method)
        self.still_serves()

    def test_large_bodies_and_messages_are_refused(self):
        self.start()
        with contextlib.suppress(OSError):
            self.assertIn(fetch(self.daemon.web, method="POST", body=b"x" * 10_000_000)[0], (400, 405, 413))
        viewer = self.raw()
        viewer.hello()
        with contextlib.suppress(OSError):
            viewer.send_frame(TEXT, b'{"cmd": "' + b"x" * 10_000_000)
        with contextlib.suppress(OSError):
            self.assertIn(viewer.wait_close(), (1009, None))
        self.daemon.wait_line("larger than 1 MiB", stream="err")
        self.still_serves()

    def test_garbage_is_refused_and_harmless(self):
        self.start()
        for payload in (b"", b"{", b"[1]", b"nonsense", b'{"cmd": 5, "id": 1}', b'{"watch": {"topics": 5}}', b'{"watch": {"topics": [1]}}',
                        b'{"watch": {"topics": [], "rate_hz": -1}}', b"[" * 100_000, b'{"id": 1, "id": 2, "cmd": "ping"}',
                        b'{"hello": 3}', json.dumps({"watch": {"topics": ["x" * 500]}}).encode()):
            viewer = self.raw()
            viewer.hello()
            viewer.send_frame(TEXT, payload)
            viewer.send_json({"id": "alive", "cmd": "ping"})
            while True:
                opcode, message = viewer.receive()
                self.assertIn(opcode, (TEXT, BINARY), payload[:50])
                if opcode == TEXT and json.loads(message).get("id") == "alive":
                    break
            viewer.close()
        self.still_serves()

    def test_the_page_is_an_operator_and_no_expert(self):
        """What can harm the detector needs a key for it, whatever the configuration allows."""
        self.start("--synthetic", "glass", **{"detector.allow_dangerous": True})
        viewer = self.viewer()
        wait_for(lambda: viewer.request("status")[0]["state"] == "idle", 20, "the detector")
        with self.assertRaises(ControlError) as refused:
            viewer.request("set", name="HVBIAS", value=10)
        self.assertEqual(refused.exception.code, "forbidden")
        self.assertIn("expert", refused.exception.message)
        viewer.request("set", name="THRESHOLD0", value=30)

    def test_frames_against_the_protocol_end_the_connection(self):
        self.start()
        mask = b"\0\0\0\0"
        for data, code in ((b"\x83\x80" + mask, 1002), (b"\xf1\x80" + mask, 1002), (b"\xff" * 64, 1002),
                           (b"\x82\x85" + mask + b"hello", 1003), (b"\x81\x82" + mask + b"\xff\xfe", 1007)):
            viewer = self.raw()
            viewer.hello()
            viewer.socket.sendall(data)
            with contextlib.suppress(ConnectionError):
                self.assertIn(viewer.wait_close(), (code, None), data)
        self.still_serves()

    def test_frames_without_an_end_are_harmless(self):
        self.start()
        for data in (b"\x81\xff" + b"\xff" * 8 + b"\0" * 100, b"\x81\xfe\xff", b"\x01\x85\0\0\0\0hello", b"\x00" * 100, b"\x81\x05hello"):
            viewer = self.raw()
            viewer.hello()
            with contextlib.suppress(ConnectionError):
                viewer.socket.sendall(data)
                viewer.receive()
        self.still_serves()

    def test_no_hello_is_no_viewer(self):
        self.start()
        viewer = self.raw()
        viewer.send_json({"id": 1, "cmd": "status"})
        self.assertEqual(viewer.wait_close(), 1008)

    def test_other_websockets_are_refused(self):
        self.start()
        for options in ({"path": "/"}, {"path": "/wsx"}, {"protocol": None}, {"protocol": "http"}, {"protocol": "other"}):
            with self.assertRaises(Refused, msg=str(options)):
                self.raw(**options)
        self.still_serves()

    def test_more_viewers_than_allowed_are_told_to_come_later(self):
        self.start(**{"web.viewers": 3})
        viewers = [self.viewer() for _ in range(3)]
        self.assertEqual(self.raw().wait_close(), 1013)
        self.daemon.wait_line("a viewer was refused", stream="err")
        viewers[0].close()
        wait_for(lambda: viewers[1].notice("viewers") == 2, 10, "room for another viewer")
        self.viewer()

    def test_many_viewers_one_after_the_other_leave_nothing_behind(self):
        self.start(**{"web.viewers": 2})
        for _ in range(150):
            viewer = self.raw()
            viewer.hello()
            viewer.receive()
            viewer.close()
            wait_for(lambda: self.serves_quietly(), 10, "a page that is served")

    def test_half_open_connections_cost_nothing_and_end(self):
        self.start()
        place = urllib.parse.urlsplit(self.daemon.web)
        silent = [socket.create_connection((place.hostname, place.port), timeout(30)) for _ in range(40)]
        half = [socket.create_connection((place.hostname, place.port), timeout(30)) for _ in range(40)]
        for connection in half:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        self.still_serves()
        for connection in silent + half:
            with contextlib.suppress(ConnectionError):
                self.assertEqual(connection.recv(1), b"")
            connection.close()
        self.daemon.wait_line("half a request", stream="err")
        self.still_serves()

    def test_flood_of_connections_leaves_descriptors_to_the_recorder(self):
        self.start()
        place = urllib.parse.urlsplit(self.daemon.web)
        connections = [socket.create_connection((place.hostname, place.port), timeout(30)) for _ in range(300)]
        self.daemon.wait_line("a connection was refused", stream="err")
        for connection in connections:
            connection.close()
        wait_for(lambda: self.serves_quietly(), 20, "a page that is served again")
        self.still_serves()

    def serves_quietly(self):
        with contextlib.suppress(OSError):
            return fetch(self.daemon.web)[0] == 200
        return False

    def test_viewer_that_never_reads_is_dropped_and_costs_nothing(self):
        shape = lighter((128, 128), (64, 64))
        self.start("--synthetic", "glass", "--fps", "5000", **{"web.patience": timeout(3)})
        control = self.control(self.daemon)
        control.wait_state("idle")
        stuck = self.raw(receive_buffer=4096)
        stuck.hello(name="stuck")
        stuck.send_json({"watch": {"topics": ["map/", "pattern/"], "rate_hz": 100}})
        viewer = self.viewer()
        viewer.watch("map/com_x/")
        started = control("start", scan=list(shape))
        summary = control.wait_finished(started["id"])
        self.assertEqual((summary["reason"], summary["frames"]["lost"]), ("complete", 0))
        expected, _ = control.array("map", "com_x")
        wait_for(lambda: (m := viewer.map("map/com_x/")) is not None and m["measured"].all(), 20, "the other viewer's map")
        np.testing.assert_array_equal(viewer.map("map/com_x/")["data"], expected["data"])
        self.daemon.wait_line("reads or answers nothing", stream="err")
        wait_for(lambda: viewer.notice("viewers") == 1, 20, "the stuck viewer's end")

    def test_slow_viewer_gets_the_newest_state_and_no_backlog(self):
        shape = lighter((256, 256), (64, 64))
        self.start("--synthetic", "glass", "--fps", "8000", **{"web.patience": 60, "results.map_rate": 50})
        control = self.control(self.daemon)
        control.wait_state("idle")
        slow = self.raw(receive_buffer=4096)
        slow.hello()
        slow.send_json({"watch": {"topics": ["map/com_x/"], "rate_hz": 100}})
        quick = self.viewer()
        quick.watch("map/com_x/")
        started = control("start", scan=list(shape))
        control.wait_finished(started["id"])
        expected, _ = control.array("map", "com_x")
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)  # what waits comes in a moment
        reader = Viewer.__new__(Viewer)  # takes over the connection, from where it stands
        reader.raw, reader.messages, reader.replies, reader.notices, reader.error = slow, [], {}, [], None
        reader.changed, reader.closed = threading.Condition(), False
        reader.thread = threading.Thread(target=reader._collect, daemon=True)
        reader.thread.start()
        wait_for(lambda: (m := reader.map("map/com_x/")) is not None and m["measured"].all(), 30, "the slow viewer's map")
        np.testing.assert_array_equal(reader.map("map/com_x/")["data"], expected["data"])
        # Where the scan is a short one, there may be nothing to leave out.
        fewer = lighter(self.assertLess, self.assertLessEqual)
        fewer(len(reader.of("map/com_x/")), len(quick.of("map/com_x/")))


if __name__ == "__main__":
    unittest.main()
