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
from merlind.messages import DEFAULT_ENDPOINT, TIMEOUTS, MerlindError, Update, arrays_of, no_answer, request_text, topic_prefixes

Self = TypeVar("Self", bound="Connection")

SILENCE = 30.0  # s without a word, also to pings, after which a daemon is taken for gone, however long its answer may take


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
        return self._ask(cmd, args, max(self.timeout, TIMEOUTS.get(cmd, 0.0)))

    def _ask(self, cmd: str, args: dict[str, Any], timeout: float, *parts: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        number = next(self._ids)
        if not self._send(number, cmd, args, *parts):
            raise no_answer(self.control, cmd, timeout, alive=False)
        reply, frames = self._await(number, cmd, timeout)
        if not reply["ok"]:
            error = reply["error"]
            raise MerlindError(error["code"], error["message"], error.get("field"))
        return reply["result"], arrays_of(reply["result"].get("parts", []), frames)

    def _send(self, number: int, cmd: str, args: dict[str, Any], *parts: bytes) -> bool:
        """False: there is nobody to send to, as after a handshake that was refused. It is not waited for."""
        try:
            self._socket.send_multipart([request_text(number, cmd, args), *parts], flags=zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def _await(self, number: int, cmd: str, timeout: float) -> tuple[dict[str, Any], list[bytes]]:
        """The reply to a request, and its raw parts. While it is silent the daemon is asked whether it is there, so that one that
        is gone does not cost the patience that long work needs."""
        begun = heard = time.monotonic()
        patience = min(timeout, max(self.timeout, SILENCE))
        while (now := time.monotonic()) < begun + timeout and now - heard < patience:
            left = min(begun + timeout - now, patience / 2)
            if not self._socket.poll(max(1, int(1000 * left))):
                self._send(next(self._ids), "ping", {})
                continue
            heard = time.monotonic()
            frames = self._socket.recv_multipart()
            if not frames[0]:  # the empty frame of REQ sockets
                del frames[0]
            reply = json.loads(frames[0])
            if reply["id"] in (number, None):  # None: ours could not be read; another: of a request that was given up, or a ping
                return reply, frames[1:]
        raise no_answer(self.control, cmd, timeout, alive=now - heard < patience)

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
        wanted = topic_prefixes(topics)
        socket = self._context.socket(zmq.SUB)
        show_keys(socket, *self._keys)
        socket.linger, socket.rcvhwm = 0, 100  # who is slow loses messages, and does not lag ever further behind
        for prefix in wanted:
            socket.subscribe(prefix)
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
