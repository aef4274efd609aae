"""Those who mean harm to the page's server, or never read: real sockets, spoken by tests/integration/page_client.py."""
import contextlib
import json
import socket
import threading
import unittest
import urllib.parse

import numpy as np

from harness import ControlError, lighter, timeout, wait_for
from page_client import BINARY, TEXT, Refused, Viewer, fetch
from web_test import WebTest

SLOW = True


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
        self.start("--synthetic", "glass", "--bank", 64, **{"detector.allow_dangerous": True})
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
        self.start("--synthetic", "glass", "--bank", 64, "--fps", "5000", **{"web.patience": timeout(3)})
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
        self.start("--synthetic", "glass", "--bank", 64, "--fps", "8000", **{"web.patience": 60, "results.map_rate": 50})
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
