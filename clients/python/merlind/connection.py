"""Requests, and what is published."""
from __future__ import annotations

import contextlib
import itertools
import json
import os
import time
from typing import Any, Iterator, Optional, TypeVar

import numpy as np
import zmq

from merlind.keys import show_keys
from merlind.messages import DEFAULT_ENDPOINT, START_TIMEOUT, MerlindError, Update, arrays_of

Self = TypeVar("Self", bound="Connection")


class Connection:
    """To one daemon: its control socket, and subscriptions to its results."""

    def __init__(self, control: Optional[str] = None, results: Optional[str] = None, timeout: float = 5.0, *,
                 key: Any = None, server_key: Any = None):
        self.control = control or os.environ.get("MERLIND_ENDPOINT", DEFAULT_ENDPOINT)
        self.results, self.timeout = results, timeout
        self._keys = (key or os.environ.get("MERLIND_KEY"), server_key or os.environ.get("MERLIND_SERVER_KEY"))
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.linger = 0
        show_keys(self._socket, *self._keys)
        self._socket.connect(self.control)
        self._ids = itertools.count(1)

    def close(self, *exception: object) -> None:
        """Closes the connection and every subscription made through it. Leaving a `with` block does it too."""
        self._context.destroy(linger=0)

    def __enter__(self: Self) -> Self:
        return self

    __exit__ = close

    def request(self, cmd: str, **args: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Sends any command. Returns its result and the arrays that came with it."""
        return self._ask(cmd, args, max(self.timeout, START_TIMEOUT) if cmd in ("start", "runs", "run_open") else self.timeout)

    def _ask(self, cmd: str, args: dict[str, Any], timeout: float, *parts: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        number = next(self._ids)
        self._socket.send_multipart([json.dumps({"id": number, "cmd": cmd, "args": args}).encode(), *parts])
        deadline = time.monotonic() + timeout
        while self._socket.poll(max(0, int(1000 * (deadline - time.monotonic())))):
            frames = self._socket.recv_multipart()
            if not frames[0]:  # the empty frame of REQ sockets
                del frames[0]
            reply = json.loads(frames[0])
            if reply["id"] not in (number, None):  # of an earlier request that was given up; None: ours could not be read
                continue
            if not reply["ok"]:
                error = reply["error"]
                raise MerlindError(error["code"], error["message"], error.get("field"))
            return reply["result"], arrays_of(reply["result"].get("parts", []), frames[1:])
        raise MerlindError("unreachable", f"nobody answers at {self.control}; is merlind running, and does its log say ready?")

    @contextlib.contextmanager
    def holding_control(self, name: str, force: bool = False) -> Iterator[None]:
        """Within the block only this connection may change anything; the others see `name` in the status. A block that asks
        nothing for 30 s has lost it: status() now and then keeps it. force: from whoever holds it, on the daemon's computer only."""
        self.request("lease", action="take", name=name, force=force)
        try:
            yield
        finally:
            with contextlib.suppress(MerlindError):  # lapsed, or taken over: nothing to give back
                self.request("lease", action="release")

    def status(self) -> dict[str, Any]:
        """State of the daemon: state, detector, run, ring (bytes), recording and more, see schemas/status.json."""
        return self.request("status")[0]

    def _subscribe(self, *topics: str) -> zmq.Socket:
        if self.results is None:
            self.results = self.status()["endpoints"]["results"]
        socket = self._context.socket(zmq.SUB)
        show_keys(socket, *self._keys)
        socket.linger, socket.rcvhwm = 0, 100  # who is slow loses messages, and does not lag ever further behind
        for topic in topics or ("",):
            socket.subscribe(topic if not topic or topic.endswith("/") else topic + "/")
        socket.connect(self.results)
        return socket

    @staticmethod
    def _receive(socket: zmq.Socket, timeout: Optional[float] = None) -> Optional[Update]:
        if not socket.poll(None if timeout is None else int(1000 * timeout)):
            return None
        topic, text, *frames = socket.recv_multipart()
        header = json.loads(text)
        return Update(topic.decode(), header, arrays_of(header["parts"], frames))

    def updates(self, *topics: str, timeout: Optional[float] = None) -> Iterator[Update]:
        """What the daemon publishes from now on under topics such as "map/adf", "pattern/latest", "status", "acquisition"
        (none: all). Ends after `timeout` seconds of silence. A gap in header["seq"] is what a slow reader lost."""
        socket = self._subscribe(*topics)

        def receive() -> Iterator[Update]:
            with socket:
                while update := self._receive(socket, timeout):
                    yield update

        return receive()
