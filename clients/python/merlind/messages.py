"""What goes to merlind and comes from it, as Python has it. Names here are the package's own, but for those it exports."""
from __future__ import annotations

from typing import Any, NamedTuple, Optional

import numpy as np

START_TIMEOUT = 30.0  # s; the answer to start comes when the detector is set up and armed
DEFAULT_ENDPOINT = "tcp://127.0.0.1:6350"


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


def given(**options: Any) -> dict[str, Any]:
    """What is not None, as JSON has it: arrays and tuples as lists; pass_ is pass."""
    return {k.rstrip("_"): np.asarray(v).tolist() if k in ("scan", "positions", "from_", "to") else v
            for k, v in options.items() if v is not None}


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
    arrays = {"labels": labels, "thresholds": thresholds}
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
