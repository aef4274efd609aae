"""Python's handle on merlind, the acquisition daemon of a Merlin detector.

    from merlind import Merlind
    m = Merlind()
    m.start(scan=(64, 64), wait=True)
    import matplotlib.pyplot as plt
    plt.imshow(m.map("adf")); plt.savefig("adf.png")

Needs pyzmq and numpy. Messages: schemas/protocol.md; headers and summaries are handed on as dicts. One Merlind, one thread.
"""
from __future__ import annotations

import contextlib
import itertools
import json
import os
import sys
import time
from typing import Any, Callable, Iterator, NamedTuple, Optional

import numpy as np
import zmq

from merlind.keys import read_key_file, show_keys  # noqa: F401
from merlind.stream import Frame, frames  # noqa: F401

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


def _given(**options: Any) -> dict[str, Any]:
    """What is not None, as JSON has it: arrays and tuples as lists; pass_ is pass."""
    return {k.rstrip("_"): np.asarray(v).tolist() if k in ("scan", "positions", "from_", "to") else v
            for k, v in options.items() if v is not None}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Values as JSON has them: arrays and tuples as lists, paths as text; None stays."""
    return {k: v if v is None or isinstance(v, (bool, str, dict)) else str(v) if hasattr(v, "__fspath__")
            else np.asarray(v).tolist() for k, v in values.items()}


def _labels(labels: Any, name: Optional[str], thresholds: Any, classes: bool, phase: Any, run: Optional[str]) -> dict[str, Any]:
    arrays = {"labels": labels, "thresholds": thresholds}
    return {**_given(map=name, classes=classes or None, phase=_phase(phase), run=run),
            **{k: np.asarray(v).tolist() for k, v in arrays.items() if v is not None}}


def _phase(phase: Any) -> Optional[dict[str, Any]]:
    """A phase as the daemon takes it, from the name of a map, or (map, threshold)."""
    if phase is None or isinstance(phase, dict):
        return phase
    name, threshold = (phase, None) if isinstance(phase, str) else phase
    return {"map": name, **_given(threshold=threshold)}


def _arrays(parts: list[dict], frames: list[bytes]) -> dict[str, np.ndarray]:
    return {p["name"]: np.frombuffer(f, p["dtype"]).reshape(p["shape"]) for p, f in zip(parts, frames)}


class Merlind:
    """A connection to the daemon's endpoints (control None: $MERLIND_ENDPOINT, or tcp://127.0.0.1:6350; results None: asked of it
    when needed); timeout of a request in s. For asyncio: merlind.aio.AsyncMerlind.

    key: this client's key pair, a file that merlinctl keygen has written; server_key: the daemon's public key, or a file that
    has it: both where the daemon asks for keys (default: $MERLIND_KEY, $MERLIND_SERVER_KEY).
    """

    def __init__(self, control: Optional[str] = None, results: Optional[str] = None, timeout: float = 5.0, *,
                 key: Any = None, server_key: Any = None):
        self.control = control or os.environ.get("MERLIND_ENDPOINT", "tcp://127.0.0.1:6350")
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

    def __enter__(self) -> Merlind:
        return self

    __exit__ = close

    def request(self, cmd: str, **args: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Sends any command. Returns its result and the arrays that came with it."""
        return self._ask(cmd, args, max(self.timeout, START_TIMEOUT) if cmd == "start" else self.timeout)

    def _ask(self, cmd: str, args: dict[str, Any], timeout: float, *parts: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        number = next(self._ids)
        self._socket.send_multipart([json.dumps({"id": number, "cmd": cmd, "args": args}).encode(), *parts])
        deadline = time.monotonic() + timeout
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
        Returns {"id", "state", "expected" (frames), "file"}; with wait the summary of the finished run, as wait() does.
        """
        self.request("ping")  # says soon whether there is anybody
        begun = self.request("start", **_given(
            mode="passive" if passive else "active", scan=scan, order=order, positions=positions, repeats=repeats, skip=skip,
            flyback=flyback, trigger=trigger, preset=preset, parameters=parameters, recording=recording,
            directory=directory, name=name, labels=labels, series=_given(scans=scans, drift=drift) if scans else None))[0]
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
        return self.request("start", **_given(mode="view", scan=scan, order=order, positions=positions, skip=skip,
                                              trigger=trigger, preset=preset, parameters=parameters))[0]

    def record_next_pass(self, wait: bool = False) -> dict[str, Any]:
        """In a view: records the next pass as a run of its own, {"id", "state"}; with wait the summary of that run."""
        armed = self.request("record")[0]
        return self.wait(armed["id"]) if wait else armed

    def geometry(self, *, scan: Optional[tuple[int, int]] = None, order: Optional[str] = None, positions: Optional[Any] = None,
                 repeats: Optional[int] = None, skip: Optional[dict[str, int]] = None,
                 shift: Optional[int] = None) -> dict[str, Any]:
        """How the newest run is seen, after changing what is given: maps change at once, what is on disk does not."""
        return self.request("geometry", **_given(scan=scan, order=order, positions=positions, repeats=repeats, skip=skip,
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

    def note(self, text: str, author: str = "") -> None:
        """A note with the time of now, for the file of the run that goes on, or of the next one."""
        self.request("note", text=text, author=author)

    def samples_put(self, name: str, unit: str, value: Any, time: Any = None) -> None:
        """Samples of a named series (load, beam_current ...): a number, or a list with as many UNIX times in s (None: now)."""
        def stamp(at: float) -> list[int]:
            return [int(at), int(at % 1 * 1e9)]
        stamps = None if time is None else stamp(time) if np.isscalar(time) else [stamp(at) for at in time]
        self.request("samples_put", **_given(name=name, unit=unit, value=value if np.isscalar(value) else list(value), time=stamps))

    def samples(self) -> list[dict[str, Any]]:
        """The series there are: {"name", "unit", "samples", "last": {"time", "value"}}."""
        return self.request("samples")[0]["series"]

    def series(self, wait: bool = False) -> list[dict[str, Any]]:
        """The scans of the newest series, a row each: scan (from 1), run, labels, file, reason, gap_s (before it, until armed), and
        drift {"drift": [dy, dx] since the scan before, "error", positions, "found"} or None. wait: until it is over."""
        while (told := self.request("series")[0])["going_on"] and wait:
            time.sleep(0.1)
        return told["rows"] or []

    def keep(self, run_id: Optional[str] = None, *, file: Optional[str] = None) -> str:
        """Keeps the file of a run (None: the newest), or takes a file out of the trash. Returns where it is."""
        return self.request("recording_keep", **_given(run=run_id, file=file))[0]["file"]

    def discard(self, run_id: Optional[str] = None) -> str:
        """Puts the file of a run (None: the newest) into the trash, now or when the run is over. Returns where it is."""
        return self.request("recording_discard", **_given(run=run_id))[0]["file"]

    def discarded(self) -> list[dict[str, Any]]:
        """Files in the trash: {"file", "bytes", "discarded", "kept_until"}."""
        return self.request("recordings_discarded")[0]["files"]

    def get(self, name: str) -> str:
        """A parameter of the detector, as the detector writes it."""
        return self.request("get", name=name)[0]["value"]

    def set(self, name: str, value: Any) -> str:
        """Sets a parameter of the detector. Returns what it reads back as."""
        return self.request("set", name=name, value=str(value))[0]["value"]

    def map(self, name: str, run: Optional[str] = None) -> np.ma.MaskedArray:
        """A map of a run (None: the newest) as it is now: [ny, nx], with repeats [passes, ny, nx], uint64 (counts) or float64 (com_y:
        pixels), masked where nothing is measured yet; of a layer "counter1/com_y". np.save forgets the mask: save
        map.filled(0), or filled(np.nan) of a float map."""
        return self._map(name, run)[1]

    def put(self, name: str, values: Any, *, units: str = "", description: str = "", source: str = "",
            pass_: Optional[int] = None, run: Optional[str] = None, image: bool = False, register: Optional[str] = None,
            shift: Optional[tuple[float, float]] = None) -> dict[str, Any]:
        """Makes an array a map of the newest run (run: its id, to be sure), as if merlind had computed it, in its file too: [ny, nx]
        of the scan (with repeats for every pass, or for pass_), [passes, ny, nx], or values of each exposure, [n]. Unsigned
        integers stay integers, all else becomes float64, NaN being no value. A map that was put before is replaced. source:
        where it comes from, in your words. image: it is an image of the scan's field in pixels of its own, [h, w], of which each
        position gets the mean of its part; register: as far as it is shifted against this map; shift: (dy, dx), positions. At most 64 MiB. Returns {"recorded": "at_end", "now" or "off", ...}."""
        array = np.asarray(values).astype(np.asarray(values).dtype.newbyteorder("<"), order="C")
        place = _given(register=register, shift=None if shift is None else [float(s) for s in shift])
        return self._ask("maps_put", _given(
            image=place if place or image else None,
            name=name, dtype=array.dtype.str, shape=list(array.shape), units=units, description=description, source=source, pass_=pass_,
            program=os.path.basename(sys.argv[0]) or "python", user=os.environ.get("USER", ""), run=run), self.timeout, array.tobytes())[0]

    def _map(self, name: str, run: Optional[str] = None) -> tuple[str, np.ma.MaskedArray]:
        result, arrays = self.request("map", **_given(name=name, run=run))
        return result["run"], np.ma.MaskedArray(arrays["data"].copy(), mask=arrays["measured"] == 0)

    def pattern(self, name: Any = "sum", x: Optional[int] = None, *, layer: Optional[str] = None,
                pass_: Optional[int] = None) -> np.ndarray:
        """A diffraction pattern of the newest run: [y, x], counts; "sum" over all frames so far (uint64), "latest", or
        pattern(row, column): the recorded one of that position (dtype as recorded), which must be on the disk already."""
        args = {"name": name} if x is None else _given(at=[int(name), int(x)], layer=layer, pass_=pass_)
        return self.request("pattern", **args)[1]["data"].copy()

    def patterns(self, positions: Any, *, layer: Optional[str] = None, pass_: Optional[int] = None) -> np.ma.MaskedArray:
        """Recorded patterns of positions [n, 2] (y, x): [n, y, x], counts, masked where nothing is on the disk (yet)."""
        arrays = self._ask("pattern", _given(positions=positions, layer=layer, pass_=pass_), max(self.timeout, 60))[1]
        missing = np.broadcast_to((arrays["found"] == 0)[:, None, None], arrays["data"].shape)
        return np.ma.MaskedArray(arrays["data"].copy(), mask=missing.copy())

    def area_pattern(self, y0: int, x0: int, y1: int, x1: int, *, layer: Optional[str] = None, pass_: Optional[int] = None,
                     timeout: float = 3600.0) -> tuple[np.ndarray, int]:
        """Sum of the recorded patterns of lines y0 to y1 - 1, columns x0 to x1 - 1: [y, x], uint64, counts; and of how many frames."""
        result, arrays = self._ask("pattern", _given(area=[int(v) for v in (y0, x0, y1, x1)], layer=layer, pass_=pass_), timeout)
        return arrays["data"].copy(), result["frames"]

    def profile(self, name: str) -> np.ndarray:
        """A profile of the newest run: [n], over all frames so far."""
        return self.request("profile", name=name)[1]["data"].copy()

    # Analysis of the newest run's maps as they are now; definitions: schemas/protocol.md. pass_: of a scan with repeats, from 0
    # (None: the newest with data). Lengths along maps in scan positions, angles in degrees from +x (right) towards +y (down).

    def com(self, *, layer: Optional[str] = None, descan: Any = "constant", rotation: Any = 0.0, flip: Any = None,
            pass_: Optional[int] = None) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Shift of the pattern, corrected and in scan directions: {"com_y", "com_x", "magnitude" (pixels of the detector),
        "azimuth" (degrees)}, each float64 [ny, nx], NaN where not measured; and {"descan", "transform", ...}.
        descan: "none" (from the frame's centre), "constant", "plane", "parabola", fitted to this map, or ["descan"] of what
        a call returned earlier (vacuum scan). rotation: degrees, with flip: com_y turns its sign first; or "auto" for both."""
        result, arrays = self.request("com", **_given(layer=layer, descan=descan, rotation=rotation, flip=flip, pass_=pass_))
        return {name: array.copy() for name, array in arrays.items()}, result

    def icom(self, *, method: Optional[str] = None, border: Optional[str] = None, high_pass: Optional[float] = None,
             radius: Optional[int] = None, **shift: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Integrated centre of mass, float64 [ny, nx], pixels * positions, NaN where not measured; and what was done. shift: as
        com() takes it. method "icom", with border "mirror" or "periodic" and high_pass (waves per position); or "ricom",
        with radius (positions), taken while the scan grows."""
        result, arrays = self.request("icom", **_given(method=method, border=border, high_pass=high_pass, radius=radius, **shift))
        return arrays["icom"].copy(), result

    def live_icom(self, **settings: Any) -> dict[str, Any]:
        """Settings of the live map "icom" (with "com_magnitude", "com_angle"), after changing those given, for the newest run and all
        later ones: enabled, method ("auto", "icom", "ricom"), descan, rotation (degrees or "auto"), flip, border, high_pass, radius."""
        return self.request("live_icom", **settings)[0]["settings"]

    def line_profile(self, name: str, start: tuple[float, float], end: tuple[float, float], *, width: float = 1, interpolation:
                     str = "bilinear", pass_: Optional[int] = None) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """A map along the line start - end, (y, x) each, averaged over `width` positions across: {"distance" (positions),
        "profile", "error" (units of the map), "count"}, each [n]; and {"period": {"value", "error" (positions), ...} or
        None, "detail" (why there is none), ...}. interpolation: "bilinear" or "nearest"."""
        result, arrays = self.request("map_profile", **_given(name=name, from_=start, to=end, width=width,
                                                              interpolation=interpolation, pass_=pass_))
        return {"distance": np.arange(arrays["profile"].size) * result["spacing"],
                **{part: array.copy() for part, array in arrays.items()}}, result

    def correlation(self, a: Any, b: Any = None, *, block: Optional[int] = None, pass_: Optional[int] = None,
                    pass_b: Optional[int] = None) -> dict[str, Any]:
        """Two maps: {"r" (Pearson), "slope", "offset" (b = offset + slope * a), errors, "n", ...}. a, b: names, or lists of names
        whose sum is meant; b None: a, in the pass `pass_b`. block: side of the jackknife's blocks, positions."""
        return self.request("map_correlation", **_given(a=a, b=b, block=block, pass_=pass_, pass_b=pass_b))[0]

    def drift(self, a: Any, b: Any = None, *, smoothing: float = 1.0, pass_: Optional[int] = None,
              pass_b: Optional[int] = None) -> dict[str, Any]:
        """How far map b (None: a, in the pass `pass_b`) is shifted against a: {"drift": [dy, dx], "error" of each, positions,
        "found" (False: they mean nothing), "quality"}. smoothing: positions, more for noisy maps."""
        return self.request("map_drift", **_given(a=a, b=b, smoothing=smoothing, pass_=pass_, pass_b=pass_b))[0]

    def detectors(self) -> list[dict[str, Any]]:
        """The virtual detectors in force, keys as in merlind.yaml(5), and "saturation": of the newest run, how many of the
        detector's "pixels" were at full scale of the counter in its "frames", summed ("pixel_frames") and as a "fraction"; or None."""
        return self.request("virtual_detectors")[0]["detectors"]

    def set_detector(self, name: str, shape: str, **keys: Any) -> dict[str, Any]:
        """Adds or moves a virtual detector, from the next frames on and in all later runs: set_detector("bf", "disk", radius=20),
        set_detector("mine", "mask", weights=array.tolist()) with an array [y, x] of the frame's shape. Lengths in pixels, angles in
        degrees. See also recompute()."""
        return self.request("virtual_detector", name=name, shape=shape, **keys)[0]["detector"]

    def remove_detector(self, name: str) -> None:
        """Computes a virtual detector no more."""
        self.request("virtual_detector_remove", name=name)

    def recompute(self, name: Optional[str] = None, wait: bool = True) -> None:
        """Computes what was added or moved since the newest run began over the frames before, from the run's file."""
        self.request("recompute", **_given(name=name))
        while wait and self.status()["recompute"]:
            time.sleep(0.1)

    def calibration(self, **values: Any) -> dict[str, Any]:
        """What is known of the instrument, {name: {"value", "unit", "source", "time"} or None}, after setting the values given:
        kv, camera_length_mm, pixel_size_k (nm^-1 per pixel), centre (y, x; pixels), ellipse {"ratio", "angle" (degrees)},
        scan_step_nm, scan_rotation_deg, counts_per_electron, disk_radius_px, bad_pixels and gain (.npy files that the daemon can
        read). None forgets a value. In force for runs that start afterwards."""
        return self.request("calibration", **_plain(values))[0]["calibration"]

    def measure(self, what: str, apply: bool = False, **options: Any) -> dict[str, Any]:
        """Measures "halo", "rings", "vacuum", "bad_pixels" or "gain" in the sum pattern of the newest run; only with apply is the
        calibration changed. Of the halo: save_as, inner, outer (pixels), centre; of rings: d (d-spacings, nm), tolerance, width
        (pixels); of the vacuum: save_as, current_pa, current_error_pa, exposure_s; of bad pixels: even."""
        return self.request("calibration_measure", what=what, apply=apply, **_plain(options))[0][what]

    def halo_strain(self, reference: str, azimuth: float = 0.0, **options: Any) -> dict[str, Any]:
        """Strain of the newest run's halo against one kept by measure("halo", save_as=reference): {"strain": {"e_xx" (along
        azimuth, degrees), "e_yy", "e_xy", each with _error, ...}, "halo", "warnings", ...}.
        options: inner, outer (pixels), centre, save_as."""
        return self.request("halo_strain", reference=reference, azimuth=azimuth, **_plain(options))[0]

    def halo_maps(self, reference: str, *, bin: int = 8, timeout: float = 86400.0,
                  **options: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The halo in bins of bin x bin positions, from the run's file: {"halo_k", "halo_fwhm" (nm^-1, or pixels), "e_xx", "e_yy", "e_xy",
        each with _error, NaN where a bin has none; "frames", "reason"}, each [bin_y, bin_x]; and {"bins": {"fitted", "few_counts",
        ...}, ...}. They become maps of the run. options: azimuth, inner, outer (pixels), centre, minimum_counts, layer, pass."""
        return self._ask("halo_maps", {"reference": reference, "bin": int(bin), **_plain(options)}, timeout)[::-1]

    def save_bad_pixels(self, path: str) -> dict[str, Any]:
        """Writes the mask of bad pixels to a new .npy file, on the daemon's computer; absolute path."""
        return self.request("bad_pixels_save", path=str(path))[0]

    def save_gain(self, path: str) -> dict[str, Any]:
        """Writes the gain of the pixels to a new .npy file, on the daemon's computer; absolute path."""
        return self.request("gain_save", path=str(path))[0]

    def calibrations(self) -> list[dict[str, Any]]:
        """The table of calibrations that are kept: [{"name", "used", "kv", "camera_length_mm", "time", "values"}]. The newest one of
        a high tension and camera length is taken over when these are set."""
        return self.request("calibrations")[0]["calibrations"]

    def save_calibration(self, name: Optional[str] = None) -> str:
        """Keeps what was measured or set under kV and camera length (pixel_size_k, ellipse, disk_radius_px), in the place of an
        entry of that name. None: a name is made. Returns the name."""
        return self.request("calibration_save", **_given(name=name))[0]["name"]

    def remove_calibration(self, name: str) -> None:
        """Takes an entry out of the table."""
        self.request("calibration_remove", name=name)

    def references(self) -> list[dict[str, Any]]:
        """The references that are kept, from measure("vacuum" or "halo", save_as=name): [{"kind", "name", "attached", "time",
        "settings", ...}]."""
        return self.request("references")[0]["references"]

    def reference(self, kind: str, name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """What a reference holds: its arrays, of a vacuum reference {"probe": [y, x], counts}, and its document."""
        result, arrays = self.request("reference", kind=kind, name=name)
        return {part: array.copy() for part, array in arrays.items()}, result["document"]

    def attach(self, kind: str, name: Optional[str]) -> list[str]:
        """Attaches a reference to the runs that follow, in the place of the one of its kind; name None: no one any more. Returns
        warnings: of settings that differ, of age."""
        return self.request("reference_attach", kind=kind, name=name)[0]["warnings"]

    def remove_reference(self, kind: str, name: str) -> None:
        """Removes a reference from the disk."""
        self.request("reference_remove", kind=kind, name=name)

    def label_profiles(self, labels: Any = None, map: Optional[str] = None, thresholds: Any = None, *, classes: bool = False,
                       phase: Any = None, run: Optional[str] = None) -> dict[str, Any]:
        """Radial profiles of each label (phase, region, class): {"mean": [label, ring] in counts per pixel and frame, "frames":
        [label]}, with the variance also "v_r" and "v_re". labels: integers [ny, nx], 0: none; or the name of a map, whose values
        are the labels or are divided by thresholds (label 1 below the first, 2 from there on ...); or classes (of Bragg
        reflections) and phase, as bragg() takes it, with "names" of the labels."""
        return self._of_labels("label_profiles", _labels(labels, map, thresholds, classes, phase, run), self.timeout)

    def label_patterns(self, labels: Any = None, map: Optional[str] = None, thresholds: Any = None, *, classes: bool = False,
                       phase: Any = None, run: Optional[str] = None, layer: Optional[str] = None,
                       timeout: float = 3600.0) -> dict[str, Any]:
        """Sums of the patterns of each label, from the run's file: {"sum": [label, y, x], "frames": [label], of how many, "positions":
        [label]}, all uint64. While the scan runs, of what is on the disk. What gives the labels: as label_profiles() takes it."""
        return self._of_labels("label_patterns",
                               {**_labels(labels, map, thresholds, classes, phase, run), **_given(layer=layer)}, timeout)

    def _of_labels(self, cmd: str, args: dict[str, Any], timeout: float) -> dict[str, Any]:
        result, arrays = self._ask(cmd, args, timeout)
        return {**arrays, **_given(names=result.get("names"))}

    # Bragg reflections; definitions: docs/bragg.md, docs/bragg-statistics.md. run: the id of one of the newest (None: the newest).

    def bragg(self, run: Optional[str] = None, *, phase: Any = None, **options: Any) -> dict[str, Any]:
        """Statistics of a run's Bragg reflections: {"n", "none", "two_beam", "three_beam", "on_axis", "multiple", "fraction", "headline":
        {"fraction", "interval"}, "phase", ...}, members in schemas/bragg.json. phase: the name of a map, or (name, threshold),
        threshold "half", "median", "otsu" or a number. options: pass_, confidence, block, tile, min_contrast, rates, contrast_rates,
        areas, crystals [{"name", "d": [nm]}], spacing_tolerance, tolerance (pixels), texture."""
        return self.request("bragg", **_given(run=run, phase=_phase(phase)),
                            **{k.rstrip("_"): v for k, v in _plain(options).items()})[0]

    def bragg_settings(self, **settings: Any) -> dict[str, Any]:
        """What is done about Bragg reflections, after changing what is given: enabled, centre, annulus, disk_radius, alpha ... as in
        merlind.yaml(5); None: not given any more."""
        return self.request("bragg_settings", **_plain(settings))[0]["settings"]

    def bragg_propose(self, **window: Any) -> dict[str, Any]:
        """Settings proposed from the newest run's halo: {"settings": {"centre", "annulus", "disk_radius", ...}, "warnings", ...}; nothing
        is changed. window: inner, outer (pixels), centre."""
        return self.request("bragg_propose", **_plain(window))[0]

    def bragg_references(self) -> list[dict[str, Any]]:
        """The references that are kept, with their settings, the runs they were measured on, F and V."""
        return self.request("bragg_reference")[0]["references"]

    def bragg_measure(self, name: str, *, run: Optional[str] = None, area: Optional[tuple[int, int, int, int]] = None, use: bool = False,
                      timeout: float = 3600.0) -> dict[str, Any]:
        """Measures a reference on a run's frames on disk, or those of area (y0, x0, y1, x1), and keeps it; use: for the runs that follow."""
        return self._ask("bragg_reference", _given(action="measure", name=name, run=run, area=area, use=use or None), timeout)[0]["reference"]

    def bragg_use(self, name: str) -> dict[str, Any]:
        """Compares frames with a kept reference from now on; returns the settings in force."""
        return self.request("bragg_reference", action="use", name=name)[0]["settings"]

    def bragg_remove(self, name: str) -> None:
        """Keeps a reference no more."""
        self.request("bragg_reference", action="remove", name=name)

    def bragg_series(self, label: str, *, where: Optional[dict[str, Any]] = None, phase: Any = None, drift: Optional[dict[str, Any]] = None,
                     thickness: Optional[str] = None, thin: bool = False, confidence: Optional[float] = None,
                     timeout: float = 3600.0) -> dict[str, Any]:
        """The table of all finished scans that have a label (start(labels={"strain": 8})) and those of where: {"rows", "scans", "phase",
        "warnings"}. phase: as bragg() takes it, tested within each scan and over all; drift: {"before": map, "after": map,
        "leave_out": bool}; thickness: the name of a map; thin: at the dose of the lowest scan."""
        return self._ask("bragg_series", _given(label=label, where=where, phase=_phase(phase), drift=drift, thickness=thickness,
                                                thin=thin or None, confidence=confidence), timeout)[0]["series"]

    def bragg_injection_test(self, contrasts: Any = None, *, frames: Optional[int] = None, run: Optional[str] = None,
                             timeout: float = 3600.0) -> list[dict[str, Any]]:
        """How often disks of known contrast are found in a run's own frames without reflections: [{"contrast", "tpr", "interval", ...}]."""
        contrasts = None if contrasts is None else np.asarray(contrasts).tolist()
        return self._ask("bragg_injection_test", _given(contrasts=contrasts, frames=frames, run=run), timeout)[0]["rates"]

    def bragg_null_test(self, area: Optional[tuple[int, int, int, int]] = None, *, run: Optional[str] = None) -> dict[str, Any]:
        """How often reflections were found in an area (y0, x0, y1, x1) that is known to be glass: {"rate", "interval", "verdict", ...}."""
        return self.request("bragg_null_test", **_given(area=area, run=run))[0]

    def bragg_labels(self, labels: Any, *, run: Optional[str] = None) -> dict[str, Any]:
        """The classes against a person's, [(y, x, "two_beam"), ...]: {"classes", "bragg"}, each with "kappa", "confusion" and more."""
        labels = [[int(y), int(x), str(name)] for y, x, name in labels]
        return self.request("bragg_labels", **_given(labels=labels, run=run))[0]

    def _subscribe(self, *topics: str) -> zmq.Socket:
        if self.results is None:
            self.results = self.status()["endpoints"]["results"]
        socket = self._context.socket(zmq.SUB)
        show_keys(socket, *self._keys)
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
        grown, seen, finished = None, None, False
        with self._subscribe(f"map/{name}", "acquisition") as socket:
            while not finished:
                update = self._receive(socket, timeout=0.5)
                if update is None:  # perhaps it was over before we listened
                    finished = self.run(run_id)["state"] == "finished"
                elif update.header["scan"] == run_id and update.topic == "acquisition/":
                    finished = update.header["event"] == "finished"
                elif update.header["scan"] == run_id:
                    if seen != update.header.get("geometry"):  # rows of another geometry are of another map
                        grown, seen = None, update.header.get("geometry")
                    grown = _put_rows(grown, update)
                    yield grown.copy()
        if self.run(run_id)["frames"]["placed"] and (final := self._map(name))[0] == run_id:
            yield final[1]


def _put_rows(old: Optional[np.ma.MaskedArray], update: Update) -> np.ma.MaskedArray:
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
