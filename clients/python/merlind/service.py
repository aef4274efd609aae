"""The daemon itself: its log, its configuration, its end."""
from __future__ import annotations

from typing import Any, Optional

from merlind.connection import Connection
from merlind.messages import given


class Service(Connection):
    """What concerns no run."""

    def describe(self) -> dict[str, Any]:
        """What the daemon can do: its commands with their arguments and roles, topics, schemas, and parameters of the detector."""
        return self.request("describe")[0]

    def schema(self, name: str) -> dict[str, Any]:
        """A JSON Schema of those that describe() lists, such as "request.json"."""
        return self.request("describe", schema=name)[0]["schema"]

    def log_level(self, level: Optional[str] = None) -> str:
        """The least important lines that are logged ("error", "warning", "notice", "info", "debug"), from now on those of `level`."""
        return self.request("log_level", **given(level=level))[0]["level"]

    def save_config(self, path: Any = None) -> dict[str, Any]:
        """Writes the configuration in force, with what clients have changed, to a new file on the daemon's computer (absolute path,
        .yaml; None: the daemon's own, which is replaced). Returns {"path", "changed" (keys), "left_out" (sentences)}."""
        return self.request("config_save", **given(path=None if path is None else str(path)))[0]

    def shutdown(self) -> None:
        """The daemon completes what it has, closes the file and ends."""
        self.request("shutdown")
