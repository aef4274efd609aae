"""A stand-in for merlind's two sockets: plays a run of frames so that the clients can be tested without a detector.

It holds every request and everything it says itself against the schemas; `complaints` must be empty at the end of a test.
"""
import json
import threading
import time
import uuid

import numpy as np
import zmq

import schema_check

FRAME_COUNTS = ("expected received placed skipped duplicate surplus rejected missing lost recorded unrecorded extra_recorded "
                "extra_unrecorded analysed deferred not_analysed no_room saturated stalled").split()


class Refusal(Exception):
    def __init__(self, code, message, field=None):
        super().__init__(message)
        self.error = {"code": code, "message": message, **({"field": field} if field else {})}


class FakeMerlind:
    """Context manager. `rows_per_look`: how many lines of the scan are measured at each look at the run (`run` command)."""

    def __init__(self, *, lose=0, end_reason="complete", recording_end="closed", rows_per_look=4, image=(8, 8), silent=(),
                 raw_reply=None, stale_reply_first=False, start_refusal=None, never_ends=False, slow_start=0, lost_reason="short", unrecorded=0,
                 warnings=()):
        self.lose, self.end_reason, self.recording_end = lose, end_reason, recording_end
        self.rows_per_look, self.image = rows_per_look, image
        self.silent, self.raw_reply, self.stale_reply_first = silent, raw_reply, stale_reply_first
        self.start_refusal, self.never_ends, self.slow_start = start_refusal, never_ends, slow_start
        self.lost_reason, self.unrecorded, self.warnings = lost_reason, unrecorded, list(warnings)
        self.requests, self.complaints = [], []
        self.parameters = {"TEMPERATURE": "21.5", "HVBIAS": "120"}
        self.run = None
        self.map_override = None
        self.classes, self.statistics = None, None  # of Bragg reflections: map, and the answer to `bragg`

    def __enter__(self):
        self.context = zmq.Context()
        self.control = self.context.socket(zmq.ROUTER)
        self.results = self.context.socket(zmq.XPUB)
        self.seq = {}
        ports = [s.bind_to_random_port("tcp://127.0.0.1") for s in (self.control, self.results)]
        self.endpoint, self.results_endpoint = (f"tcp://127.0.0.1:{p}" for p in ports)
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.ending.set()
        self.thread.join()
        self.context.destroy(linger=0)

    def arguments_of(self, cmd):
        """Arguments of the last request of that command."""
        return [r["args"] for r in self.requests if r["cmd"] == cmd][-1]

    # --- the sockets

    def _serve(self):
        while not self.ending.is_set():
            if self.control.poll(10):
                try:
                    self._answer(self.control.recv_multipart())
                except Exception as problem:  # noqa: BLE001 - a test must hear of it
                    self.complaints.append(repr(problem))

    def _answer(self, frames):
        route, text = frames[:-1], frames[-1]
        request = json.loads(text)
        self.requests.append(request)
        self._hold("request", lambda: schema_check.validate("request", request))
        if request["cmd"] in self.silent:
            return
        if self.raw_reply is not None:
            self.control.send_multipart(route + [self.raw_reply])
            return
        if self.stale_reply_first:
            stale = {"id": -1, "ok": True, "result": {"state": "of an earlier request"}}
            self.control.send_multipart(route + [json.dumps(stale).encode(), b"raw"])
        parts = []
        try:
            result, parts = getattr(self, "_do_" + request["cmd"])(**request.get("args", {}))
            reply = {"id": request["id"], "ok": True, "result": result}
        except Refusal as refusal:
            reply = {"id": request["id"], "ok": False, "error": refusal.error}
        if self.map_override is None:
            self._hold("reply", lambda: schema_check.validate_reply(request["cmd"], reply, parts))
        self.control.send_multipart(route + [json.dumps(reply).encode()] + parts)

    def _hold(self, what, check):
        try:
            check()
        except AssertionError as wrong:
            self.complaints.append(f"{what}: {wrong}")

    def publish(self, topic, parts=(), arrays=(), **more):
        header = {"schema": "merlind/" + topic.split("/")[0], "v": 1, "seq": self.seq.get(topic, 0), "t": _now(),
                  "scan": self.run["id"] if self.run else None, "parts": list(parts), **more}
        self.seq[topic] = header["seq"] + 1
        raw = [a.tobytes() for a in arrays]
        self._hold(topic, lambda: schema_check.validate_published(topic, header, raw))
        self.results.send_multipart([topic.encode(), json.dumps(header).encode(), *raw])

    # --- the commands

    def _do_ping(self):
        return {"version": "0.1.0", "pid": 4711}, []

    def _do_start(self, mode="active", scan=(8, 8), recording=True, repeats=1, **_):
        if self.start_refusal:
            raise self.start_refusal
        time.sleep(self.slow_start)
        ny, nx = scan
        recording = recording and mode != "view"
        self.map = (np.arange(ny * nx, dtype="<u8").reshape(ny, nx) + 1) * 10
        self.measured = np.zeros((ny, nx), "|u1")
        self.run = {"id": str(uuid.uuid4()), "state": "armed", "reason": "", "cause": "", "detail": "", "mode": mode,
                    "file": "/data/run.h5.partial" if recording else "",
                    "recording": {"state": "opening" if recording else "off", "error": "", "bytes_raw": 0, "bytes_written": 0},
                    "scan": [ny, nx], "image": None, "dtype": None, "started": None, "ended": None, "rate": 0, "elapsed_s": 0,
                    "frames": dict.fromkeys(FRAME_COUNTS, 0) | {"expected": ny * nx}, "maps": [], "patterns": [], "profiles": [], "layers": [],
                    "geometry": {"order": "raster", "scan": [ny, nx], "repeats": None if mode == "view" else repeats, "shift": 0,
                                 "skip": {"start": 0, "line": 0, "end": 0}, "source": "request", "version": 1},
                    "stalls": {"episodes": 0, "held_up_s": 0, "shifted_from": None}, "warnings": self.warnings}
        return {"id": self.run["id"], "state": "armed" if mode == "passive" else "arming", "expected": ny * nx,
                "file": self.run["file"].removesuffix(".partial"), **({"warnings": self.warnings} if self.warnings else {})}, []

    def _do_run(self, id=None):
        if self.run is None or id not in (None, self.run["id"]):
            raise Refusal("no_data", "no such run; the newest 16 are kept", "args.id")
        if not self.never_ends:
            self._advance()
        return self.run, []

    def _advance(self):
        """A look at the run moves it on: some lines, at last the end."""
        run, frames = self.run, self.run["frames"]
        if run["state"] == "finished":
            return
        ny, nx = self.map.shape
        begun = frames["placed"] // nx
        until = min(begun + self.rows_per_look, ny)
        self.measured[begun:until] = 1
        recorded = run["recording"]["state"] != "off"
        frames["received"] = frames["placed"] = frames["analysed"] = until * nx
        frames["recorded" if recorded else "unrecorded"] = until * nx
        run.update(state="acquiring", image=list(self.image), dtype="<u2", started=_now(), rate=5000.0, elapsed_s=until * nx / 5000,
                   maps=["adf"], patterns=["sum", "latest"])
        if recorded:
            run["recording"] = {"state": "active", "error": "", "bytes_raw": until * nx * 128, "bytes_written": until * nx * 64}
        described = [_part("data", self.map[begun:until], ["scan_y", "scan_x"]), _part("measured", self.measured[begun:until], ["scan_y", "scan_x"])]
        self.publish("map/adf/", described, [self._shown()[begun:until], self.measured[begun:until]], name="adf",
                     rows=[begun, until - begun], shape=[ny, nx], key=False)
        if until == ny:
            self._end(recorded)

    def _end(self, recorded):
        run, frames, lost = self.run, self.run["frames"], self.lose
        for name in ("received", "placed", "analysed", "recorded" if recorded else "unrecorded"):
            frames[name] -= lost
        frames["missing"] = frames["lost"] = lost
        if recorded:
            frames["recorded"] -= self.unrecorded
            frames["unrecorded"] = self.unrecorded
        self.measured.reshape(-1)[:lost] = 0
        run.update(state="finished", reason=self.lost_reason if lost else self.end_reason, cause="last_frame", ended=_now(),
                   detail=f"{lost} frames are missing" if lost else "", file=run["file"].removesuffix(".partial"))
        if recorded:
            run["recording"]["state"] = self.recording_end
            run["recording"]["error"] = "" if self.recording_end == "closed" else "no space left in /data"
        self.publish("acquisition/", event="finished", run=run)

    def _shown(self):
        return np.where(self.measured == 1, self.map, 0).astype("<u8")

    def _do_map(self, name):
        if self.map_override:
            return self.map_override
        if name == "bragg/class" and self.classes is not None:
            dims = ["scan_y", "scan_x"]
            parts = [_part("data", self.classes, dims), _part("measured", self.classes * 0 + 1, dims)]
            return {"name": name, "run": str(uuid.uuid4()), "shape": list(self.classes.shape), "parts": parts, "units": "",
                    "description": "class of each pattern"}, [self.classes.tobytes(), (self.classes * 0 + 1).tobytes()]
        if self.run is None or name not in ("adf", "passes"):
            raise Refusal("no_data", f"there is no map \"{name}\", but adf", "args.name")
        if name == "passes":
            return self._passes(name)
        parts = [_part("data", self.map, ["scan_y", "scan_x"], "counts"), _part("measured", self.measured, ["scan_y", "scan_x"])]
        return {"name": name, "run": self.run["id"], "shape": list(self.map.shape), "parts": parts, "units": "counts",
                "description": "sum of counts over an annulus"}, [self._shown().tobytes(), self.measured.tobytes()]

    def _passes(self, name):
        """A map of two passes, the second one not measured yet."""
        data, measured = np.stack([self.map, 0 * self.map]), np.stack([self.measured, 0 * self.measured])
        dims = ["repeat", "scan_y", "scan_x"]
        return {"name": name, "run": self.run["id"], "shape": list(data.shape), "units": "counts", "description": "two passes",
                "parts": [_part("data", data, dims, "counts"), _part("measured", measured, dims)]}, [data.tobytes(), measured.tobytes()]

    def _do_geometry(self, nudge=0, **changes):
        if self.run is None:
            raise Refusal("no_data", "there is no run to see in another way: start a scan first")
        geometry = self.run["geometry"]
        geometry["shift"] += nudge
        geometry["skip"].update(changes.pop("skip", {}))
        if positions := changes.pop("positions", None):
            geometry.update(order="list", n_positions=len(positions))
        geometry.update(changes)
        if nudge or changes:
            geometry.update(version=geometry["version"] + 1, source="nudge" if nudge else "request")
        return {"geometry": geometry, "run": self.run["id"]}, []

    def _do_record(self):
        if self.run is None or self.run["mode"] != "view":
            raise Refusal("no_data", "no view is going on whose next pass could be recorded")
        self._do_start(scan=self.run["scan"])
        return {"id": self.run["id"], "state": "armed"}, []

    def _do_bragg(self, **_):
        if self.statistics is None:
            raise Refusal("no_data", "no pattern was searched for reflections: set bragg.enabled in the configuration")
        return self.statistics, []

    def _do_profile(self, name):
        profile = np.linspace(0, 1, 9)
        return {"name": name, "run": self.run["id"], "parts": [_part("data", profile, ["bin"], "counts")], "units": "counts"}, [profile.tobytes()]

    def _do_pattern(self, name):
        if name not in ("sum", "latest", "counter1/sum"):
            raise Refusal("no_data", f"no pattern {name}: the run's summary names those there are", "args.name")
        image = np.arange(self.image[0] * self.image[1], dtype="<u4").reshape(self.image)
        return {"name": name, "run": self.run["id"], "parts": [_part("data", image, ["y", "x"], "counts")], "units": "counts",
                **({"number": 7} if name == "latest" else {})}, [image.tobytes()]

    def _do_stop(self):
        return {"state": "finishing" if self.run else "idle"}, []

    def _do_get(self, name):
        if name not in self.parameters:
            raise Refusal("detector", f"the detector knows no parameter {name}; names are as in its manual", "args.name")
        return {"name": name, "value": self.parameters[name]}, []

    def _do_set(self, name, value):
        self.parameters[name] = str(value)
        return {"name": name, "value": str(value)}, []

    def _do_shutdown(self):
        return {}, []

    def _do_status(self):
        frames = self.run["frames"] if self.run else dict.fromkeys(FRAME_COUNTS, 0)
        return {"state": self.run["state"].replace("finished", "idle") if self.run else "idle", "why": "", "version": "0.1.0", "time": _now(),
                "interval_ms": 1000, "endpoints": {"control": self.endpoint, "results": self.results_endpoint},
                "detector": {"host": "192.168.0.10", "command": "connected", "data": "disconnected", "command_error": "",
                             "data_error": "connection refused"},
                "run": self.run, "frames": frames,
                "backlog": {"size": 1 << 28, "used": 0, "high_water": 0},
                "ring": {"size": 1 << 29, "used": 1 << 26, "fill": 0.125, "high_water": 0.4, "full_stalls": 2, "full_stall_s": 0.5},
                "recording": {"state": "off", "path": "", "error": "", "directory": "/data", "bytes_free": 123 * 10**9, "bytes_raw": 0,
                              "bytes_written": 0},
                "stray": {"frames": 3, "bytes": 900, "skipped_bytes": 0, "resyncs": 0}, "workers": 2, "isa": "avx512", "log_dropped": 0}, []


def _now():
    now = time.time_ns()
    return [now // 10**9, now % 10**9]


def _part(name, array, dims, units=""):
    return {"name": name, "dtype": array.dtype.str, "shape": list(array.shape), "dims": dims, "units": units,
            "nbytes": array.nbytes, "encoding": "raw"}
