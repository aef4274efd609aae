"""The operator's page's server over HTTP: files, schemas, health, figures for Prometheus, its token and its certificate."""
import gzip
import json
import re
import shutil
import socket
import subprocess
import unittest

import schema_check
from harness import ControlError, wait_for
from page_client import Refused, Viewer, fetch
from web_test import TOKEN, WebTest


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


if __name__ == "__main__":
    unittest.main()
