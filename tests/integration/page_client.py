"""A viewer of the operator's page without a browser: HTTP and WebSocket by sockets alone, as schemas/page.md has them.

Every message is held against the schemas, as those of the ZeroMQ sockets are.
"""
import base64
import http.client
import json
import os
import socket
import ssl
import struct
import threading
import urllib.parse

import numpy as np

import schema_check
from harness import ControlError, arrays, timeout, wait_for

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def any_certificate():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])  # as browsers offer
    return context


def fetch(url, path="/", method="GET", body=None, **headers):
    """(status, headers by lower-case name, body) of one HTTP request; header names with _ for -."""
    place = urllib.parse.urlsplit(url)
    connection = (http.client.HTTPSConnection(place.hostname, place.port, timeout=timeout(10), context=any_certificate())
                  if place.scheme == "https" else http.client.HTTPConnection(place.hostname, place.port, timeout=timeout(10)))
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


class Refused(Exception):
    """The handshake was refused; the text is the response's first line."""


class RawViewer:
    """A WebSocket connection whose frames are written and read one by one."""

    def __init__(self, url, path="/ws", protocol="merlind.v1", origin=None, host=None, receive_buffer=None):
        place = urllib.parse.urlsplit(url)
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout(20))
        self.socket.connect((place.hostname, place.port))
        if place.scheme == "https":
            self.socket = any_certificate().wrap_socket(self.socket)
        self.buffer = b""
        lines = [f"GET {path} HTTP/1.1", f"Host: {host or place.netloc}", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}", "Sec-WebSocket-Version: 13"]
        if protocol:
            lines.append(f"Sec-WebSocket-Protocol: {protocol}")
        if origin:
            lines.append(f"Origin: {origin}")
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        try:
            while b"\r\n\r\n" not in self.buffer:
                self.buffer += self._read()
        except ConnectionError as error:
            raise Refused(str(error)) from None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        status = head.split(b"\r\n")[0].decode()
        if " 101 " not in status:
            self.close()
            raise Refused(status)

    def _read(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data

    def _take(self, size):
        while len(self.buffer) < size:
            self.buffer += self._read()
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def send_frame(self, opcode, payload, final=True):
        mask = os.urandom(4)
        size = len(payload)
        head = bytes([(128 if final else 0) | opcode])
        if size < 126:
            head += bytes([128 | size])
        elif size < 65536:
            head += bytes([128 | 126]) + struct.pack(">H", size)
        else:
            head += bytes([128 | 127]) + struct.pack(">Q", size)
        masked = np.frombuffer(payload, np.uint8) ^ np.resize(np.frombuffer(mask, np.uint8), size)
        self.socket.sendall(head + mask + masked.tobytes())

    def receive_frame(self):
        """(opcode, final, payload)."""
        head = self._take(2)
        size = head[1] & 127
        if size >= 126:
            size = int.from_bytes(self._take(2 if size == 126 else 8), "big")
        return head[0] & 15, bool(head[0] & 128), self._take(size)

    def receive(self):
        """The next whole message (opcode, payload); answers pings. A close is (CLOSE, payload)."""
        kind, whole = None, b""
        while True:
            opcode, final, payload = self.receive_frame()
            if opcode == PING:
                self.send_frame(PONG, payload)
            elif opcode == CLOSE:
                return CLOSE, payload
            elif opcode != PONG:
                kind = opcode or kind
                whole += payload
                if final:
                    return kind, whole

    def send_json(self, message):
        self.send_frame(TEXT, json.dumps(message).encode())

    def hello(self, token=None, name="test", run=None):
        self.send_json({"hello": {"name": name, **({"token": token} if token else {}), **({"run": run} if run else {})}})

    def wait_close(self):
        """The code with which the server closes; None: it ended the connection without one."""
        try:
            while True:
                opcode, payload = self.receive()
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2], "big")
        except ConnectionError:
            return None

    def close(self):
        self.socket.close()


def unpack(data):
    """The parts of a binary message."""
    n_parts, = struct.unpack_from("<I", data)
    sizes = struct.unpack_from(f"<{n_parts}I", data, 4)
    at, parts = (4 + 4 * n_parts + 7) // 8 * 8, []
    for size in sizes:
        parts.append(data[at:at + size])
        assert not any(data[at + size:(at + size + 7) // 8 * 8]), "padding is not zero"
        at = (at + size + 7) // 8 * 8
    assert at == len(data), f"{len(data)} bytes, {at} described"
    return parts


class Viewer:
    """A viewer that collects what it is sent: published (topic, header, {name: array}), replies and notices."""

    def __init__(self, url, token=None, name="test", run=None, **options):
        self.raw = RawViewer(url, **options)
        self.messages, self.replies, self.notices, self.commands = [], {}, [], {}
        self.error, self.closed, self.next_id = None, False, 0
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._collect, daemon=True)
        self.thread.start()
        self.raw.hello(token, name, run)
        self.welcome = wait_for(lambda: self.notice("welcome"), 10, "welcome")

    def _collect(self):
        try:
            while True:
                opcode, payload = self.raw.receive()
                if opcode == CLOSE:
                    break
                with self.changed:
                    self._keep(opcode, payload)
                    self.changed.notify_all()
        except (OSError, ValueError):  # closed
            pass
        except BaseException as error:  # handed to whoever waits
            self.error = error
        self.closed = True

    def _keep(self, opcode, payload):
        if opcode == TEXT:
            message = json.loads(payload)
            if "ok" in message:
                self.replies[message["id"]] = (message, [])
            else:
                self.notices.append(message)
            return
        topic, header, *parts = unpack(payload)
        topic, header = topic.decode(), json.loads(header)
        if topic == "reply/":
            self.replies[header["id"]] = (header, parts)
        else:
            schema_check.validate_published(topic, header, parts)
            self.messages.append((topic, header, arrays(header["parts"], parts)))

    def _check(self):
        if self.error:
            raise AssertionError(f"the viewer failed: {self.error!r}") from self.error

    def notice(self, name):
        self._check()
        with self.changed:
            return next((message[name] for message in reversed(self.notices) if name in message), None)

    def watch(self, *topics, rate_hz=100):
        self.raw.send_json({"watch": {"topics": topics, "rate_hz": rate_hz}})

    def send(self, command, **arguments):
        self.next_id += 1
        self.raw.send_json({"id": self.next_id, "cmd": command, "args": arguments})
        return self.next_id

    def reply(self, number, seconds=30):
        def came():
            self._check()
            return self.replies.get(number)
        return wait_for(came, seconds, f"the reply to request {number}")

    def request(self, command, seconds=30, **arguments):
        """(result, raw parts); ControlError when refused."""
        reply, parts = self.reply(self.send(command, **arguments), seconds)
        schema_check.validate_reply(command, reply, parts)
        if not reply["ok"]:
            raise ControlError(reply["error"])
        return reply["result"], parts

    def of(self, topic):
        self._check()
        with self.changed:
            return [message for message in self.messages if message[0] == topic]

    def wait(self, topic, predicate=lambda header: True, seconds=30):
        """The first message (header, arrays) of a topic whose header fits."""
        def found():
            return next(((h, a) for _, h, a in self.of(topic) if predicate(h)), None)
        return wait_for(found, seconds, lambda: f"a message of {topic}; topics seen: {sorted({m[0] for m in self.messages})}")

    def map(self, topic):
        """The map put together from its messages: {"data", "measured"} as they are now; None before the first."""
        whole = None
        for _, header, parts in self.of(topic):
            first, count = header["rows"]
            if header["key"]:
                whole = {name: array.copy() for name, array in parts.items()}
            else:
                for name, array in parts.items():
                    whole[name][first:first + count] = array
        return whole

    def close(self):
        self.raw.close()
        self.thread.join(timeout(5))
        self._check()
