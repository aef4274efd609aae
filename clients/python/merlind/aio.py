"""Merlind for asyncio: the same requests and results, awaited.

    async with AsyncMerlind() as m:
        begun = await m.start(scan=(64, 64))
        async for image in m.maps("adf", begun["id"]):
            show(image)
"""
from __future__ import annotations

import asyncio
import itertools
import json
import os
from typing import Any, AsyncIterator, Optional

import numpy as np
import zmq
import zmq.asyncio

from merlind.keys import show_keys
from merlind.messages import DEFAULT_ENDPOINT, TIMEOUTS, MerlindError, Update, arrays_of, given, no_answer, put_rows, request_text, topic_prefixes


class AsyncMerlind:
    """As Merlind, with awaitable methods; several requests may be under way at once. Other commands: request()."""

    def __init__(self, control: Optional[str] = None, results: Optional[str] = None, timeout: float = 5.0, *, key: Any = None,
                 server_key: Any = None):
        self.control = control or os.environ.get("MERLIND_ENDPOINT", DEFAULT_ENDPOINT)
        self.results, self.timeout = results, timeout
        self._keys = (key or os.environ.get("MERLIND_KEY"), server_key or os.environ.get("MERLIND_SERVER_KEY"))
        self._context = zmq.asyncio.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.linger = 0
        show_keys(self._socket, *self._keys)
        self._socket.connect(self.control)
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future] = {}
        self._reader: Optional[asyncio.Task] = None

    async def __aenter__(self) -> AsyncMerlind:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connection and every subscription made through it."""
        if self._reader:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        self._context.destroy(linger=0)

    async def _read(self) -> None:
        while True:
            frames = await self._socket.recv_multipart()
            if not frames[0]:  # the empty frame of REQ sockets
                del frames[0]
            reply = json.loads(frames[0])
            number = reply["id"]
            if number is None and len(self._waiting) == 1:  # the request could not be read, and neither could its number
                number = next(iter(self._waiting))
            future = self._waiting.pop(number, None)
            if future and not future.done():
                future.set_result((reply, frames[1:]))

    async def request(self, cmd: str, *, timeout: Optional[float] = None, **args: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Sends any command. Returns its result and the arrays that came with it."""
        self._reader = self._reader or asyncio.ensure_future(self._read())
        number = next(self._ids)
        text = request_text(number, cmd, args)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()

        async def exchange() -> tuple[dict[str, Any], list[bytes]]:
            await self._socket.send_multipart([text])  # waits, too, while there is nobody to send to
            return await future

        wanted = timeout or max(self.timeout, TIMEOUTS.get(cmd, 0.0))
        try:
            reply, frames = await asyncio.wait_for(exchange(), wanted)
        except asyncio.TimeoutError:
            raise no_answer(self.control, cmd, wanted, alive=cmd != "ping" and await self._is_there()) from None
        finally:
            self._waiting.pop(number, None)
        if not reply["ok"]:
            error = reply["error"]
            raise MerlindError(error["code"], error["message"], error.get("field"))
        return reply["result"], arrays_of(reply["result"].get("parts", []), frames)

    async def _is_there(self) -> bool:
        try:
            return bool(await self.request("ping", timeout=min(self.timeout, 1.0)))
        except MerlindError:
            return False

    async def status(self) -> dict[str, Any]:
        """State of the daemon, see schemas/status.json."""
        return (await self.request("status"))[0]

    async def start(self, scan: Optional[tuple[int, int]] = None, wait: bool = False, **args: Any) -> dict[str, Any]:
        """Begins a run, once the detector is armed {"id", "state", ...}; with wait the summary of the finished run. args: those
        of the command start (schemas/protocol.md)."""
        begun = (await self.request("start", **given(scan=scan, **args)))[0]
        return await self.wait(begun["id"]) if wait else begun

    async def stop(self) -> dict[str, Any]:
        """Ends the run that is going on, if any."""
        return (await self.request("stop"))[0]

    async def run(self, run_id: Optional[str] = None) -> dict[str, Any]:
        """Summary of a run (None: the newest), finished or not."""
        return (await self.request("run", **given(id=run_id)))[0]

    async def wait(self, run_id: Optional[str] = None) -> dict[str, Any]:
        """Waits for the end of a run (None: the newest) and returns its summary."""
        while (summary := await self.run(run_id))["state"] != "finished":
            run_id = summary["id"]
            await asyncio.sleep(0.1)
        return summary

    async def map(self, name: str) -> np.ma.MaskedArray:
        """A map of the newest run as it is now: [ny, nx], with repeats [passes, ny, nx], masked where nothing is measured yet."""
        arrays = (await self.request("map", name=name))[1]
        return np.ma.MaskedArray(arrays["data"].copy(), mask=arrays["measured"] == 0)

    async def pattern(self, name: Any = "sum", x: Optional[int] = None) -> np.ndarray:
        """A diffraction pattern of the newest run, [y, x], counts: by its name, or pattern(row, column) the recorded one there."""
        args = {"name": name} if x is None else {"at": [int(name), int(x)]}
        return (await self.request("pattern", **args))[1]["data"].copy()

    async def updates(self, *topics: str) -> AsyncIterator[Update]:
        """What the daemon publishes from now on under topics such as "map/adf", "status", "acquisition" (none: all)."""
        if self.results is None:
            self.results = (await self.status())["endpoints"]["results"]
        with self._context.socket(zmq.SUB) as socket:
            show_keys(socket, *self._keys)
            socket.linger, socket.rcvhwm = 0, 100
            for prefix in topic_prefixes(topics):
                socket.subscribe(prefix)
            socket.connect(self.results)
            while True:
                topic, text, *frames = await socket.recv_multipart()
                header = json.loads(text)
                yield Update(topic.decode(), header, arrays_of(header["parts"], frames))

    async def maps(self, name: str, run_id: Optional[str] = None) -> AsyncIterator[np.ma.MaskedArray]:
        """The map of a run (None: the newest) as it grows, after each update a copy of the whole map. Ends with the run."""
        run_id = run_id or (await self.run())["id"]
        grown, seen = None, None
        async for update in self.updates(f"map/{name}", "status"):
            header = update.header
            if update.topic == "status/":
                if (await self.run(run_id))["state"] == "finished":
                    break
            elif header["scan"] == run_id:
                if seen != header.get("geometry"):  # rows of another geometry are of another map
                    grown, seen = None, header.get("geometry")
                grown = put_rows(grown, update)
                yield grown.copy()
        if (await self.run())["id"] == run_id:
            yield await self.map(name)
