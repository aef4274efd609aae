"""Finished recordings: a list with pictures, and each as if it had just been measured."""
from __future__ import annotations

from typing import Any, Optional, TypeVar

import numpy as np

from merlind.connection import Connection

Self = TypeVar("Self", bound="OldRuns")


def _picture(told: Optional[dict[str, Any]], plane: np.ndarray) -> Optional[np.ma.MaskedArray]:
    if not told:
        return None
    pixels = plane[:told["shape"][0], :told["shape"][1]]
    values = told["low"] + (told["high"] - told["low"]) * (pixels.astype(float) - 1) / 254
    return np.ma.masked_array(values, pixels == 0)


class OldRuns(Connection):
    """Runs that are over."""

    def runs(self, offset: int = 0, limit: int = 24) -> list[dict[str, Any]]:
        """Finished recordings, the newest first, at most 24 at a time: {"file", "name", "started", "scan", "labels", "reason",
        "bragg" (its "fraction" and "interval") ...}; "picture" is a small map [y, x] of the units of "thumbnail", masked where nothing
        was measured, or None; "error": why it is no recording that can be read, or ""."""
        result, arrays = self.request("runs", offset=offset, limit=limit)
        for run, plane in zip(result["runs"], arrays["thumbnails"]):
            run["picture"] = _picture(run.get("thumbnail"), plane)
        return result["runs"]

    def open_run(self: Self, file: Any) -> Self:
        """Shows a recording again (as runs() has it, or relative to recording.directory): a connection to the process that does so,
        which answers as merlind does of a run that was just measured. Close it, and close_run() it here."""
        opened = self.request("run_open", file=str(file))[0]
        return type(self)(opened["control"], opened["results"], self.timeout)

    def close_run(self, file: Any) -> None:
        """Ends the process that shows a recording."""
        self.request("run_close", file=str(file))
