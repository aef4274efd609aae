"""Python's handle on merlind, the acquisition daemon of a Merlin detector.

    from merlind import Merlind
    m = Merlind()
    m.start(scan=(64, 64), wait=True)
    import matplotlib.pyplot as plt
    plt.imshow(m.map("adf")); plt.savefig("adf.png")

Needs pyzmq and numpy. Messages: schemas/protocol.md; headers and summaries are handed on as dicts. One Merlind, one thread.
"""
from __future__ import annotations

import itertools
import json
import time
from typing import Any, Iterator, NamedTuple, Optional

import numpy as np
import zmq

START_TIMEOUT = 30.0  # s; the answer to start comes when the detector is set up and armed


class MerlindError(Exception):
    """The daemon refused, or nobody answered (code "unreachable"). `field` names the argument at fault, or is None."""

    def __init__(self, code: str, message: str, field: Optional[str] = None):
        super().__init__(f"{message} ({code}{': ' + field if field else ''})")
        self.code, self.message, self.field = code, message, field


class Update(NamedTuple):
    """One published message: its topic, its header, and its arrays by name (read-only)."""

    topic: str
    header: dict[str, Any]
    arrays: dict[str, np.ndarray]


def _arrays(parts: list[dict], frames: list[bytes]) -> dict[str, np.ndarray]:
    return {p["name"]: np.frombuffer(f, p["dtype"]).reshape(p["shape"]) for p, f in zip(parts, frames)}


class Merlind:
    """A connection to the daemon's endpoints (results None: asked of it when needed); timeout of a request in s."""

    def __init__(self, control: str = "tcp://127.0.0.1:6350", results: Optional[str] = None, timeout: float = 5.0):
        self.control, self.results, self.timeout = control, results, timeout
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.linger = 0
        self._socket.connect(control)
        self._ids = itertools.count(1)

    def close(self, *exception: object) -> None:
        """Closes the connection and every subscription made through it. Leaving a `with` block does it too."""
        self._context.destroy(linger=0)

    def __enter__(self) -> Merlind:
        return self

    __exit__ = close

    def request(self, cmd: str, **args: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Sends any command. Returns its result and the arrays that came with it."""
        number = next(self._ids)
        self._socket.send_json({"id": number, "cmd": cmd, "args": args})
        deadline = time.monotonic() + (self.timeout if cmd != "start" else max(self.timeout, START_TIMEOUT))
        while self._socket.poll(max(0, int(1000 * (deadline - time.monotonic())))):
            frames = self._socket.recv_multipart()
            if not frames[0]:  # the empty frame of REQ sockets
                del frames[0]
            reply = json.loads(frames[0])
            if reply["id"] != number:  # of an earlier request that was given up
                continue
            if not reply["ok"]:
                error = reply["error"]
                raise MerlindError(error["code"], error["message"], error.get("field"))
            return reply["result"], _arrays(reply["result"].get("parts", []), frames[1:])
        raise MerlindError("unreachable", f"nobody answers at {self.control}; is merlind running?")

    def status(self) -> dict[str, Any]:
        """State of the daemon: state, detector, run, ring (bytes), recording and more, see schemas/status.json."""
        return self.request("status")[0]

    def start(self, scan: Optional[tuple[int, int]] = None, wait: bool = False, *, passive: bool = False,
              trigger: Optional[str] = None, skip: Optional[dict[str, int]] = None,
              parameters: Optional[dict[str, Any]] = None, recording: Optional[bool] = None) -> dict[str, Any]:
        """Begins a run; what is left out (None) is as the daemon is configured.

        scan: (ny, nx), lines and positions per line. passive: somebody else starts the detector. trigger: "internal",
        "rising-ttl" and so on. skip: frames to leave out, {"start", "line", "end"}. parameters: of the detector, by name.
        Returns {"id", "state", "expected" (frames), "file"}; with wait the summary of the finished run, as wait() does.
        """
        options = {"mode": "passive" if passive else "active", "scan": list(scan) if scan is not None else None,
                   "trigger": trigger, "skip": skip, "parameters": parameters, "recording": recording}
        self.request("ping")  # says soon whether there is anybody
        begun = self.request("start", **{k: v for k, v in options.items() if v is not None})[0]
        return self.wait(begun["id"]) if wait else begun

    def stop(self) -> dict[str, Any]:
        """Ends the run that is going on, if any; it is over when its last frames are in: see wait()."""
        return self.request("stop")[0]

    def run(self, run_id: Optional[str] = None) -> dict[str, Any]:
        """Summary of a run (None: the newest), finished or not: state, reason, file, frames and more, see schemas/run.json."""
        return self.request("run", **({"id": run_id} if run_id else {}))[0]

    def wait(self, run_id: Optional[str] = None, timeout: Optional[float] = None) -> dict[str, Any]:
        """Waits for the end of a run (None: the newest) and returns its summary; only `reason` "complete" is a whole one.
        Raises TimeoutError after `timeout` seconds."""
        deadline = time.monotonic() + timeout if timeout is not None else float("inf")
        while (summary := self.run(run_id))["state"] != "finished":
            run_id = summary["id"]
            if time.monotonic() >= deadline:
                raise TimeoutError(f"run {run_id} is still {summary['state']} after {timeout} s")
            time.sleep(0.1)
        return summary

    def get(self, name: str) -> str:
        """A parameter of the detector, as the detector writes it."""
        return self.request("get", name=name)[0]["value"]

    def set(self, name: str, value: Any) -> str:
        """Sets a parameter of the detector. Returns what it reads back as."""
        return self.request("set", name=name, value=str(value))[0]["value"]

    def map(self, name: str) -> np.ma.MaskedArray:
        """A map of the newest run as it is now: [ny, nx], uint64 (counts) or float64 (com_y: pixels), masked
        where nothing is measured yet (np.save forgets the mask: save map.filled(0), or filled(np.nan) of a float map)."""
        return self._map(name)[1]

    def _map(self, name: str) -> tuple[str, np.ma.MaskedArray]:
        result, arrays = self.request("map", name=name)
        return result["run"], np.ma.MaskedArray(arrays["data"].copy(), mask=arrays["measured"] == 0)

    def pattern(self, name: str = "sum") -> np.ndarray:
        """A diffraction pattern of the newest run: [y, x], counts; "sum" over all frames so far (uint64), or "latest"."""
        return self.request("pattern", name=name)[1]["data"].copy()

    def _subscribe(self, *topics: str) -> zmq.Socket:
        if self.results is None:
            self.results = self.status()["endpoints"]["results"]
        socket = self._context.socket(zmq.SUB)
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
        return Update(topic.decode(), header, _arrays(header["parts"], frames))

    def updates(self, *topics: str, timeout: Optional[float] = None) -> Iterator[Update]:
        """What the daemon publishes from now on under topics such as "map/adf", "pattern/latest", "status", "acquisition"
        (none: all). Ends after `timeout` seconds of silence. A gap in header["seq"] is what a slow reader lost."""
        socket = self._subscribe(*topics)

        def receive() -> Iterator[Update]:
            with socket:
                while update := self._receive(socket, timeout):
                    yield update

        return receive()

    def maps(self, name: str, run_id: Optional[str] = None) -> Iterator[np.ma.MaskedArray]:
        """The map of a run (None: the newest) as it grows: after each update a copy of the whole map, as map() returns it.
        Ends with the run; the last map is the final one, and there is none of a run without frames."""
        run_id = run_id or self.run()["id"]
        grown, finished = None, False
        with self._subscribe(f"map/{name}", "acquisition") as socket:
            while not finished:
                update = self._receive(socket, timeout=0.5)
                if update is None:  # perhaps it was over before we listened
                    finished = self.run(run_id)["state"] == "finished"
                elif update.header["scan"] == run_id and update.topic == "acquisition/":
                    finished = update.header["event"] == "finished"
                elif update.header["scan"] == run_id:
                    grown = _put_rows(grown, update)
                    yield grown.copy()
        if self.run(run_id)["frames"]["placed"] and (final := self._map(name))[0] == run_id:
            yield final[1]


def _put_rows(old: Optional[np.ma.MaskedArray], update: Update) -> np.ma.MaskedArray:
    """The map with the rows of an update in it; larger than before when a stack has grown."""
    (ny, nx), data = update.header["shape"], update.arrays["data"]
    new = np.ma.MaskedArray(np.zeros((ny, nx), data.dtype), mask=True)
    if old is not None:
        y, x = np.minimum(old.shape, new.shape)
        new[:y, :x] = old[:y, :x]
    first, count = update.header["rows"]
    new[first:first + count] = np.ma.MaskedArray(data, mask=update.arrays["measured"] == 0)
    return new
