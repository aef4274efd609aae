"""What goes to merlind and comes from it, as Python has it. Names here are the package's own, but for those it exports."""
from __future__ import annotations

import json
import os
from typing import Any, NamedTuple, Optional

import numpy as np

# s, of requests that take longer than others: a detector is set up or brought back, files are read beside a scan
TIMEOUTS = {"start": 30.0, "stop": 15.0, "runs": 60.0, "run_open": 600.0}
TOPICS = ("acquisition", "status", "event", "map", "pattern", "profile", "bragg")
DEFAULT_ENDPOINT = "tcp://127.0.0.1:6350"


class MerlindError(Exception):
    """The daemon refused, or nobody answered (code "unreachable"), or it is there and has not answered in time ("timeout").
    `field` names the argument at fault, or is None."""

    def __init__(self, code: str, message: str, field: Optional[str] = None):
        super().__init__(f"{message} ({code}{': ' + field if field else ''})")
        self.code, self.message, self.field = code, message, field


class Update(NamedTuple):
    """One published message: its topic, its header, and its arrays by name (read-only)."""

    topic: str
    header: dict[str, Any]
    arrays: dict[str, np.ndarray]


def _plain_value(value: Any) -> Any:
    """Of what json does not know: a number or an array of numpy's, a path."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"merlind takes numbers, texts, lists, dicts, arrays and paths, not {value!r}")


def request_text(number: int, cmd: str, args: dict[str, Any]) -> bytes:
    """A request as it is sent."""
    try:
        return json.dumps({"id": number, "cmd": cmd, "args": args}, default=_plain_value, allow_nan=False).encode()
    except ValueError:
        raise ValueError(f"{cmd} was given NaN or an infinite number, which JSON does not have: None is no value") from None


def map_values(values: Any) -> np.ndarray:
    """An array as maps_put takes it: little-endian, unsigned integers as they are, what is masked or of another kind as float64, NaN
    where it is masked."""
    array = np.asanyarray(values)
    if array.dtype.kind not in "buif":
        raise TypeError(f"a map is of numbers, real ones, not of {array.dtype}: put its real part, or its magnitude")
    if np.ma.getmaskarray(array).any():
        array = array.astype(float).filled(np.nan)
    if array.dtype.kind == "f" and array.itemsize not in (4, 8):
        array = array.astype(float)
    array = np.asarray(array)
    return array.astype(array.dtype.newbyteorder("<"), order="C")


def given(**options: Any) -> dict[str, Any]:
    """What is not None, as JSON has it: arrays and tuples as lists; pass_ is pass."""
    return {k.rstrip("_"): np.asarray(v).tolist() if k in ("scan", "positions", "from_", "to") else v
            for k, v in options.items() if v is not None}


def topic_prefixes(topics: Any) -> list[str]:
    """What to subscribe to for topics such as "map/adf" (none: all). A topic that never comes would be waited for in silence."""
    for topic in topics:
        if topic.split("/")[0] not in (*TOPICS, ""):
            raise ValueError(f"there is no topic {topic!r}: they begin with {', '.join(TOPICS)}, as in \"map/adf\"")
    return [topic if not topic or topic.endswith("/") else topic + "/" for topic in topics] or [""]


def no_answer(control: str, cmd: str, timeout: float, alive: bool) -> MerlindError:
    """Why a request has no reply; alive: something else was answered meanwhile."""
    if not alive:
        return MerlindError("unreachable", f"nobody answers at {control}; is merlind running, and does its log say ready?")
    return MerlindError("timeout", f"merlind is there, and has not answered {cmd} in {timeout:g} s: give it more time with "
                                   f"Merlind(timeout=...), or where the method has one with its own timeout")


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """Values as JSON has them: arrays and tuples as lists, paths as text; None stays; pass_ is pass."""
    return {k.rstrip("_"): v if v is None or isinstance(v, (bool, str, dict)) else str(v) if hasattr(v, "__fspath__")
            else np.asarray(v).tolist() for k, v in values.items()}


def phase_argument(phase: Any) -> Optional[dict[str, Any]]:
    """A phase as the daemon takes it, from the name of a map, or (map, threshold)."""
    if phase is None or isinstance(phase, dict):
        return phase
    name, threshold = (phase, None) if isinstance(phase, str) else phase
    return {"map": name, **given(threshold=threshold)}


def label_arguments(labels: Any, name: Optional[str], thresholds: Any, classes: bool, phase: Any, run: Optional[str]) -> dict[str, Any]:
    arrays = {"labels": labels if labels is None else np.ma.filled(labels, 0), "thresholds": thresholds}  # masked: no label
    return {**given(map=name, classes=classes or None, phase=phase_argument(phase), run=run),
            **{k: np.asarray(v).tolist() for k, v in arrays.items() if v is not None}}


def arrays_of(parts: list[dict], frames: list[bytes]) -> dict[str, np.ndarray]:
    return {p["name"]: np.frombuffer(f, p["dtype"]).reshape(p["shape"]) for p, f in zip(parts, frames)}


def put_rows(old: Optional[np.ma.MaskedArray], update: Update) -> np.ma.MaskedArray:
    """The map with the rows of an update in it; larger than before when a stack has grown."""
    shape, data = update.header["shape"], update.arrays["data"]
    new = np.ma.MaskedArray(np.zeros(shape, data.dtype), mask=True)
    if old is not None:
        common = tuple(slice(n) for n in np.minimum(old.shape, new.shape))
        new[common] = old[common]
    first, count = update.header["rows"]  # of all passes
    rows = new.reshape(-1, shape[-1])
    rows[first:first + count] = np.ma.MaskedArray(data, mask=update.arrays["measured"] == 0)
    return rows.reshape(shape)
