"""The frame stream: every frame, shared by the programs that pull. merlind's configuration turns it on (frames.enabled).

    from merlind import Merlind, frames
    for frame in frames(Merlind()):
        total = frame.image.sum()
"""
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Iterator, NamedTuple, Optional

import numpy as np
import zmq

from merlind.keys import show_keys

if TYPE_CHECKING:
    from merlind import Merlind

POLL = 0.2  # s of silence after which merlind is asked whether there will be more


class Frame(NamedTuple):
    """One image of a run. number: of its exposure, from 1. position: where it was taken, (y, x), with repeats (pass, y, x), in a
    stack (n,), or None (flyback and other frames outside of the scan). layer: counter or colour, from 0. flags: bits as in
    /entry/frames/status of the file. image: [y, x], counts, read-only; rows as in the file."""

    run: str
    number: int
    position: Optional[tuple[int, ...]]
    layer: int
    flags: int
    image: np.ndarray


def _images(header: dict[str, Any], parts: list[Any]) -> np.ndarray:
    """[n, y, x] of a frames message."""
    (part,), (data,) = header["parts"], parts
    if part["encoding"] == "blosc":
        try:
            import blosc
        except ImportError:
            raise RuntimeError("frames come compressed and there is no module blosc: install python3-blosc, "
                               "or set frames.format: decoded") from None
        data = blosc.decompress(data)
    elif part["encoding"] != "raw":
        raise RuntimeError(f"frames come in the encoding {part['encoding']!r}, which this version does not know")
    return np.frombuffer(data, part["dtype"]).reshape(part["shape"])


def _position(place: Optional[int], shape: Optional[list[int]], passes: int) -> Optional[tuple[int, ...]]:
    if place is None or shape is None:
        return None if place is None else (place,)
    ny, nx = shape
    y, x = place // nx, place % nx
    return (y // ny, y % ny, x) if passes != 1 else (y, x)


def _frames(header: dict[str, Any], parts: list[Any]) -> Iterator[Frame]:
    images, told = _images(header, parts), header["frames"]
    for number, place, image, layer, flags in zip(*(told[name] for name in ("number", "position", "image", "layer", "flags"))):
        yield Frame(header["scan"], number, _position(place, header["shape"], header["passes"]), layer, flags, images[image])


class _Ending:
    """Whether the run is over that goes on, or comes next, and nothing of it waits for anybody any more."""

    def __init__(self, client: Merlind):
        self.client = client
        run = client.status()["run"]
        self.old = run["id"] if run and run["state"] == "finished" else None
        self.silences = 0

    def is_of(self, run: str) -> bool:
        return run != self.old

    def after_silence(self) -> bool:
        """Of the time between two silences what was on its way has come."""
        status = self.client.status()
        run = status["run"]
        over = run and self.is_of(run["id"]) and run["state"] == "finished" and status["frame_stream"]["waiting"] == 0
        self.silences = self.silences + 1 if over else 0
        return self.silences > 1


def frames(client: Merlind, *, endpoint: Optional[str] = None, endless: bool = False) -> Iterator[Frame]:
    """This program's share of the frames of the run that goes on, or comes next; endless: of all runs, one after the other.
    endpoint: where merlind's frames are (None: asked of it; from another computer tcp://HOST:6352).

    Programs that do this at once get some frames each, every frame going to one of them, a chunk at a time; who is slow gets
    fewer. What none of them takes in time is in the file only: status()["frame_stream"] and the run's frames["unstreamed"] count
    it. The connection is made at once, when this is called, so start a run afterwards.
    """
    stream = client.status()["frame_stream"]
    if stream is None or stream["format"] not in ("decoded", "compressed"):
        raise RuntimeError("merlind does not stream frames in a form that is known here: its configuration has to set "
                           "frames.enabled: true and frames.format: decoded, or compressed")
    endpoint = endpoint or client.status()["endpoints"]["frames"]
    ending = _Ending(client)
    socket = client._context.socket(zmq.PULL)
    show_keys(socket, *client._keys)
    socket.linger, socket.rcvhwm = 0, 2  # chunks; what waits here is nobody else's any more
    socket.connect(endpoint)

    def receive() -> Iterator[Frame]:
        with socket:
            while True:
                if not socket.poll(int(1000 * POLL)):
                    if not endless and ending.after_silence():
                        return
                    continue
                ending.silences = 0
                text, *parts = socket.recv_multipart()
                header = json.loads(text)
                if header["message"] == "frames":
                    yield from _frames(header, parts)
                elif header["message"] == "end" and not endless and ending.is_of(header["scan"]):
                    return

    return receive()
