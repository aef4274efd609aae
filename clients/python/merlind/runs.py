"""Starting, following and stopping runs; their files."""
from __future__ import annotations

import time
from typing import Any, Callable, Optional

import numpy as np

from merlind.connection import Connection
from merlind.messages import given


class Runs(Connection):
    """Runs and series of runs."""

    def start(self, scan: Optional[tuple[int, int]] = None, wait: bool = False, *, passive: bool = False,
              order: Optional[str] = None, positions: Optional[Any] = None, repeats: Optional[int] = None,
              skip: Optional[dict[str, int]] = None, flyback: Optional[str] = None, trigger: Optional[str] = None,
              preset: Optional[str] = None, parameters: Optional[dict[str, Any]] = None,
              recording: Any = None, directory: Optional[str] = None, name: Optional[str] = None,
              labels: Optional[dict[str, Any]] = None, scans: Optional[int] = None, drift: Optional[str] = None,
              armed: Optional[Callable[[dict[str, Any]], object]] = None) -> dict[str, Any]:
        """Begins a run; what is left out (None) is as the daemon is configured.

        scan: (ny, nx), lines and positions per line. passive: somebody else starts the detector. order: "raster" or
        "serpentine"; or positions: [n, 2] (y, x) of the frames in time order, none twice. repeats: passes, the slowest
        axis. skip: frames to leave out, {"start", "line", "end"}; flyback: "exposure" finds them. trigger: "internal",
        "rising-ttl" and so on; preset: "line-trigger" and so on. parameters: of the detector, by name.
        recording: True, False or "ask" (discarded unless keep() is called); directory: where the file goes; name: template of
        its name, "{date}/{sample}_{run:04}"; labels: {"sample": "Zr50", "strain": 8},
        see bragg_series().
        scans: how often it is made, each a run of its own, see
        series(); drift: the map that is compared from scan to scan. armed: is called with what start() returns once the detector
        is armed: the place to start a scan generator from.
        Returns {"id", "state", "expected" (frames), "file", "warnings"}; with wait the summary of the finished run, as wait() does.
        """
        self.request("ping")  # says soon whether there is anybody
        begun = self.request("start", **given(
            mode="passive" if passive else "active", scan=scan, order=order, positions=positions, repeats=repeats, skip=skip,
            flyback=flyback, trigger=trigger, preset=preset, parameters=parameters, recording=recording,
            directory=directory, name=name, labels=labels, series=given(scans=scans, drift=drift) or None))[0]
        if armed:
            armed(begun)
        return self.wait(begun["id"]) if wait else begun

    def arm(self, scan: Optional[tuple[int, int]] = None, **options: Any) -> dict[str, Any]:
        """start() for triggers from outside: comes back when the detector waits for the first of them. options: as of start()."""
        return self.start(scan, **options)

    def view(self, scan: Optional[tuple[int, int]] = None, *, order: Optional[str] = None, positions: Optional[Any] = None,
             skip: Optional[dict[str, int]] = None, trigger: Optional[str] = None, preset: Optional[str] = None,
             parameters: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Scans over and over, unrecorded, until stop(), as start() else; without a shape anywhere the beam is parked."""
        self.request("ping")
        return self.request("start", **given(mode="view", scan=scan, order=order, positions=positions, skip=skip,
                                              trigger=trigger, preset=preset, parameters=parameters))[0]

    def record_next_pass(self, wait: bool = False) -> dict[str, Any]:
        """In a view: records the next pass as a run of its own, {"id", "state"}; with wait the summary of that run."""
        armed = self.request("record")[0]
        return self.wait(armed["id"]) if wait else armed

    def geometry(self, *, scan: Optional[tuple[int, int]] = None, order: Optional[str] = None, positions: Optional[Any] = None,
                 repeats: Optional[int] = None, skip: Optional[dict[str, int]] = None,
                 shift: Optional[int] = None) -> dict[str, Any]:
        """How the newest run is seen, after changing what is given: maps change at once, what is on disk does not."""
        return self.request("geometry", **given(scan=scan, order=order, positions=positions, repeats=repeats, skip=skip,
                                                 shift=shift))[0]["geometry"]

    def nudge(self, frames: int) -> dict[str, Any]:
        """Sees the newest run as if its scan had begun so many frames later; returns the geometry."""
        return self.request("geometry", nudge=int(frames))[0]["geometry"]

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

    def series(self, wait: bool = False) -> list[dict[str, Any]]:
        """The scans of the newest series, a row each: scan (from 1), run, labels, file, reason, gap_s (before it, until armed), and
        drift {"drift": [dy, dx] since the scan before, "error", positions, "found"} or None. wait: until it is over."""
        while (told := self.request("series")[0])["going_on"] and wait:
            time.sleep(0.1)
        return told["rows"] or []

    def keep(self, run_id: Optional[str] = None, *, file: Optional[str] = None) -> str:
        """Keeps the file of a run (None: the newest), or takes a file out of the trash. Returns where it is."""
        return self.request("recording_keep", **given(run=run_id, file=file))[0]["file"]

    def discard(self, run_id: Optional[str] = None) -> str:
        """Puts the file of a run (None: the newest) into the trash, now or when the run is over. Returns where it is."""
        return self.request("recording_discard", **given(run=run_id))[0]["file"]

    def discarded(self) -> list[dict[str, Any]]:
        """Files in the trash: {"file", "bytes", "discarded", "kept_until"}."""
        return self.request("recordings_discarded")[0]["files"]

    def note(self, text: str, author: str = "") -> None:
        """A note with the time of now, for the file of the run that goes on, or of the next one."""
        self.request("note", text=text, author=author)

    def samples_put(self, name: str, unit: str, value: Any, time: Any = None) -> None:
        """Samples of a named series (load, beam_current ...): a number, or a list with as many UNIX times in s (None: now)."""
        def stamp(at: float) -> list[int]:
            return [int(at), int(at % 1 * 1e9)]
        stamps = None if time is None else stamp(time) if np.isscalar(time) else [stamp(at) for at in time]
        self.request("samples_put", **given(name=name, unit=unit, value=value if np.isscalar(value) else list(value), time=stamps))

    def samples(self) -> list[dict[str, Any]]:
        """The series there are: {"name", "unit", "samples", "last": {"time", "value"}}."""
        return self.request("samples")[0]["series"]
