"""Maps, patterns and profiles of the newest run."""
from __future__ import annotations

import os
import sys
from typing import Any, Iterator, Optional

import numpy as np

from merlind.live import LivePlot, live
from merlind.messages import given, label_arguments, map_values, put_rows
from merlind.runs import Runs


class Results(Runs):
    """Of the newest run, where no other is named."""

    def map(self, name: str, run: Optional[str] = None) -> np.ma.MaskedArray:
        """A map of a run (None: the newest) as it is now: [ny, nx], with repeats [passes, ny, nx], uint64 (counts) or float64 (com_y:
        pixels), masked where nothing is measured yet; of a layer "counter1/com_y". np.save forgets the mask: save
        map.filled(0), or filled(np.nan) of a float map."""
        return self._map(name, run)[1]

    def _map(self, name: str, run: Optional[str] = None) -> tuple[str, np.ma.MaskedArray]:
        result, arrays = self.request("map", **given(name=name, run=run))
        return result["run"], np.ma.MaskedArray(arrays["data"].copy(), mask=arrays["measured"] == 0)

    def follow(self, names: list[str], run_id: Optional[str] = None) -> Iterator[tuple[str, np.ma.MaskedArray]]:
        """Maps of a run (None: the newest) as they grow: after each update the name and a copy of the whole map, as map() returns it.
        Ends with the run; the last of each is the final one, and there is none of a run without frames."""
        run_id = run_id or self.run()["id"]
        grown: dict[str, np.ma.MaskedArray] = {}
        seen: dict[str, Any] = {}
        finished = False
        with self._subscribe(*(f"map/{name}" for name in names), "acquisition") as socket:
            while not finished:
                update = self._receive(socket, timeout=0.5)
                if update is None:  # perhaps it was over before we listened
                    finished = self.run(run_id)["state"] == "finished"
                elif update.header["scan"] == run_id and update.topic == "acquisition/":
                    finished = update.header["event"] == "finished"
                elif update.header["scan"] == run_id:
                    name, geometry = update.header["name"], update.header.get("geometry")
                    if seen.get(name) != geometry:  # rows of another geometry are of another map
                        grown.pop(name, None)
                    seen[name] = geometry
                    grown[name] = put_rows(grown.get(name), update)
                    yield name, grown[name].copy()
        if self.run(run_id)["frames"]["placed"]:
            for name in names:
                run, image = self._map(name)
                if run == run_id:
                    yield name, image

    def maps(self, name: str, run_id: Optional[str] = None) -> Iterator[np.ma.MaskedArray]:
        """The map of a run (None: the newest) as it grows, as follow() gives it."""
        return (image for _, image in self.follow([name], run_id))

    def live(self, *names: str, **options: Any) -> LivePlot:
        """Plots maps while they grow, until the run is over: merlind.live(*names, m=self)."""
        return live(*names, m=self, **options)

    def put(self, name: str, values: Any, *, units: str = "", description: str = "", source: str = "",
            pass_: Optional[int] = None, run: Optional[str] = None, image: bool = False, register: Optional[str] = None,
            shift: Optional[tuple[float, float]] = None) -> dict[str, Any]:
        """Makes an array a map of the newest run (run: its id, to be sure), as if merlind had computed it, in its file too: [ny, nx]
        of the scan (with repeats for every pass, or for pass_), [passes, ny, nx], or values of each exposure, [n]. Unsigned
        integers stay integers, all else becomes float64; NaN, or what is masked, is no value. A map that was put before is replaced. source:
        where it comes from, in your words. image: it is an image of the scan's field in pixels of its own, [h, w], of which each
        position gets the mean of its part; register: as far as it is shifted against this map; shift: (dy, dx), positions. At most 64 MiB. Returns {"recorded": "at_end", "now" or "off", ...}."""
        array = map_values(values)
        place = given(register=register, shift=None if shift is None else [float(s) for s in shift])
        return self._ask("maps_put", given(
            image=place if place or image else None,
            name=name, dtype=array.dtype.str, shape=list(array.shape), units=units, description=description, source=source, pass_=pass_,
            program=os.path.basename(sys.argv[0]) or "python", user=os.environ.get("USER", ""), run=run), self.timeout, array.tobytes())[0]

    def pattern(self, name: Any = "sum", x: Optional[int] = None, *, layer: Optional[str] = None,
                pass_: Optional[int] = None) -> np.ndarray:
        """A diffraction pattern of the newest run: [y, x], counts; "sum" over all frames so far (uint64), "mean" and "variance" (float64),
        "maximum", "saturation" (frames), "latest" (as recorded; of a layer "counter1/sum"), or pattern(row, column): the recorded one of that position (dtype as recorded), which must be on the disk already."""
        args = {"name": name} if x is None else given(at=[int(name), int(x)], layer=layer, pass_=pass_)
        return self.request("pattern", **args)[1]["data"].copy()

    def patterns(self, positions: Any, *, layer: Optional[str] = None, pass_: Optional[int] = None) -> np.ma.MaskedArray:
        """Recorded patterns of positions [n, 2] (y, x): [n, y, x], counts, masked where nothing is on the disk (yet)."""
        arrays = self._ask("pattern", given(positions=positions, layer=layer, pass_=pass_), max(self.timeout, 60))[1]
        missing = np.broadcast_to((arrays["found"] == 0)[:, None, None], arrays["data"].shape)
        return np.ma.MaskedArray(arrays["data"].copy(), mask=missing.copy())

    def area_pattern(self, y0: int, x0: int, y1: int, x1: int, *, mean: bool = False, layer: Optional[str] = None,
                     pass_: Optional[int] = None, timeout: float = 3600.0) -> tuple[np.ndarray, int]:
        """Sum (uint64) or mean (float64) of the recorded patterns of lines y0 to y1 - 1, columns x0 to x1 - 1: [y, x], counts; and of
        how many frames."""
        result, arrays = self._ask("pattern", given(area=[int(v) for v in (y0, x0, y1, x1)], mean=mean or None, layer=layer,
                                                    pass_=pass_), timeout)
        return arrays["data"].copy(), result["frames"]

    def profile(self, name: str = "radial_mean") -> np.ndarray:
        """A profile of the newest run over all frames so far: [n], one value for each ring from the inside. "radial_mean" (counts per
        pixel and frame), "radial_sum" (counts), "radial_area" (pixels), with the variance "v_image", "v_r", "v_re", "omega" and
        each with "_error"; schemas/protocol.md, "Results by name". Where the rings are: rings()."""
        return self.request("profile", name=name)[1]["data"].copy()

    def rings(self, name: str = "radial_mean") -> tuple[np.ndarray, str]:
        """The middles of the rings of a profile, [n], and their unit: "1/nm" (k = 1/d) where the size of a pixel is known, else "px"."""
        result, arrays = self.request("profile", name=name)
        axis = result["axis"]
        return (np.arange(arrays["data"].size) + 0.5) * axis["step"], axis["units"]

    def label_profiles(self, labels: Any = None, map: Optional[str] = None, thresholds: Any = None, *, classes: bool = False,
                       phase: Any = None, run: Optional[str] = None) -> dict[str, Any]:
        """Radial profiles of each label (phase, region, class): {"mean": [label, ring] in counts per pixel and frame, "frames":
        [label]}, with the variance also "v_r", "v_re", "omega"; where the rings are: rings(). labels: integers [ny, nx], 0: none; or the name of a map, whose values
        are the labels or are divided by thresholds (label 1 below the first, 2 from there on ...); or classes (of Bragg
        reflections) and phase, as bragg() takes it, with "names" of the labels."""
        return self._of_labels("label_profiles", label_arguments(labels, map, thresholds, classes, phase, run), self.timeout)

    def label_patterns(self, labels: Any = None, map: Optional[str] = None, thresholds: Any = None, *, classes: bool = False,
                       phase: Any = None, run: Optional[str] = None, layer: Optional[str] = None, mean: bool = False,
                       timeout: float = 3600.0) -> dict[str, Any]:
        """Sums of the patterns of each label, from the run's file: {"sum": [label, y, x] (with mean "mean", float64, NaN where a label
        has no frame), "frames": [label], of how many, "positions":
        [label]}, all uint64. While the scan runs, of what is on the disk. What gives the labels: as label_profiles() takes it."""
        return self._of_labels("label_patterns",
                               {**label_arguments(labels, map, thresholds, classes, phase, run), **given(layer=layer, mean=mean or None)}, timeout)

    def _of_labels(self, cmd: str, args: dict[str, Any], timeout: float) -> dict[str, Any]:
        result, arrays = self._ask(cmd, args, timeout)
        return {**arrays, **given(names=result.get("names"))}
