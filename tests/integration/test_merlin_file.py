"""merlin-file: files of real runs and files that other versions, or other programs, may have written.

The judge of reshape knows nothing of the C code: it reads the original with h5py, follows every frame of /entry/frames through a geometry of its
own, and says what the new file must hold at every position, in every map and in /entry/extra. Where a simulator was the detector, its dump of the
images in the order of positions is the truth beyond that.
"""
import dataclasses
import errno
import fcntl
import json
import os
import pty
import re
import resource
import signal
import struct
import subprocess
import termios
import time
import unittest

import h5py
import hdf5plugin
import numpy as np

from harness import BUILD, SANITIZER_REPORT, SCALE, SystemTest, lighter, open_recording, timeout, wait_for

MERLIN_FILE = BUILD / "daemon" / "record" / "merlin-file"
MISSING, DUPLICATE, LATE, STALLED, SATURATED, SKIPPED, SURPLUS = 1, 2, 4, 8, 16, 64, 128
NEVER_CAME = -3


# ------------------------------------------------------------------------------------------------------------ the judge


@dataclasses.dataclass
class Geometry:
    """Which position a frame has."""
    scan: tuple = None
    order: str = "raster"
    start: int = 0
    line: int = 0
    end: int = 0
    shift: int = 0
    repeats: int = 1
    positions: np.ndarray = None  # of a list: [n, 2]

    def moment(self, frame):
        """(pass, line, column in time order) or a negative code."""
        time = frame - self.start - self.shift
        if time < 0:
            return -1
        lines, columns, line = (1, len(self.positions), 0) if self.order == "list" else (*self.scan, self.line)
        number, time = divmod(time, lines * (columns + line) + self.end)
        if number >= self.repeats:
            return -2
        y, x = divmod(time, columns + line)
        return (number, y, x) if y < lines and x < columns else -1

    def position(self, frame):
        if self.scan is None:
            return max(frame - self.start - self.shift, -1)
        moment = self.moment(frame)
        if isinstance(moment, int):
            return moment
        number, y, x = moment
        if self.order == "list":
            y, x = (int(value) for value in self.positions[x])
        elif self.order == "serpentine" and y % 2:
            x = self.scan[1] - 1 - x
        return (number * self.scan[0] + y) * self.scan[1] + x

    def place(self, frame):
        """Where a frame that has a position is stored."""
        if self.order != "list":
            return self.position(frame)
        number, _, x = self.moment(frame)
        return number * len(self.positions) + x

    def map_shape(self, length):
        if self.scan is None:
            return (length,)
        return (self.repeats, *self.scan) if self.repeats > 1 else tuple(self.scan)

    def data_shape(self, length):
        if self.order == "list":
            return (self.repeats * len(self.positions),)
        return self.map_shape(length)


def group_names(file):
    """The groups of the layers, /entry/data first."""
    return ["data"] + sorted(name for name in file["entry"] if name.startswith("data_"))


def images_of(file, geometry):
    """{row of /entry/frames: image} of all frames that came and are no duplicates."""
    groups = [file["entry"][name]["data"][...] for name in group_names(file)]
    layers, images = len(groups), {}
    status = file["entry/frames/status"][...]
    for row, position in enumerate(file["entry/frames/position"][...]):
        if position >= 0 and not status[row] & LATE:
            stack = groups[row % layers].reshape(-1, *groups[0].shape[-2:])
            images[row] = stack[geometry.place(row // layers)]
    if "extra" in file["entry"]:
        extra = file["entry/extra"]
        for row, reason, image in zip(extra["frame"][...], extra["reason"][...], extra["data"][...]):
            if not reason & DUPLICATE:
                images[int(row)] = image
    return images


def duplicates_of(file):
    extra = file["entry/extra"]
    return sorted((int(row), int(reason), image.tobytes()) for row, reason, image in
                  zip(extra["frame"][...], extra["reason"][...], extra["data"][...]) if reason & DUPLICATE)


def maps_of(file):
    """{path: dataset} of everything in /entry/results whose first axis is one of positions, and of everything else."""
    maps, others = {}, {}

    def visit(path, item):
        if isinstance(item, h5py.Group) and isinstance(item.get("data"), h5py.Dataset):
            axes = [axis.decode() if isinstance(axis, bytes) else axis for axis in item.attrs.get("axes", [])]
            is_map = bool(axes) and axes[0] in ("scan_y", "scan_x", "repeat", "frame")
            (maps if is_map else others)[path] = item["data"]
    file["entry/results"].visititems(visit)
    return maps, others


class FileTest(SystemTest):
    def run_tool(self, *arguments, status=0, **options):
        """Runs merlin-file; returns what it printed: stdout, or stderr where it is to fail."""
        done = subprocess.run([str(MERLIN_FILE), *[str(a) for a in arguments]], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout(60), **options)
        self.assertNotRegex(done.stderr, SANITIZER_REPORT)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stderr if status else done.stdout

    def info(self, path):
        return json.loads(self.run_tool("info", path, "--json"))

    def reshape(self, path, *arguments, name="new.h5"):
        """(path of the new file, what merlin-file tells of it); the original must stay as it is."""
        before, new = path.read_bytes(), self.directory / name
        told = json.loads(self.run_tool("reshape", path, "-o", new, "--json", *arguments))
        self.assertEqual(path.read_bytes(), before, "the original was touched")
        self.assertFalse(new.with_name(new.name + ".partial").exists())
        return new, told

    # ---- what the new file must hold

    def judge(self, old_path, new_path, old_geometry, geometry, told=None):
        with open_recording(old_path) as old, open_recording(new_path) as new:
            images = images_of(old, old_geometry)
            layers = len(group_names(old))
            self.judge_pixels(new, images, geometry, layers, told)
            self.judge_table(old, new, geometry, layers)
            self.judge_extra(old, new, images, geometry, layers)
            self.judge_maps(old, new, geometry, layers)
            self.judge_axes(new, geometry)
            self.judge_history(new, geometry)
            self.judge_rest(old, new)

    def judge_pixels(self, new, images, geometry, layers, told):
        self.assertEqual(len(group_names(new)), layers)
        placed = 0
        for layer, name in enumerate(group_names(new)):
            data = new["entry"][name]["data"]
            self.assertEqual(data.shape[:-2], geometry.data_shape(data.shape[0]))
            expected = np.zeros((int(np.prod(data.shape[:-2])), *data.shape[-2:]), data.dtype)
            for row, image in images.items():
                if row % layers == layer and geometry.position(row // layers) >= 0:
                    expected[geometry.place(row // layers)] = image
                    placed += 1
            np.testing.assert_array_equal(data[...].reshape(expected.shape), expected)
        if told:
            self.assertEqual(told["placed"], placed)

    def judge_table(self, old, new, geometry, layers):
        position, status = new["entry/frames/position"][...], new["entry/frames/status"][...]
        old_position, old_status = old["entry/frames/position"][...], old["entry/frames/status"][...]
        n = len(old_position)
        came = np.flatnonzero(old_position != NEVER_CAME)
        expected = old_position.copy()
        expected[came] = [geometry.position(int(row) // layers) for row in came]
        np.testing.assert_array_equal(position[:n], expected)
        bits = old_status & ~np.uint8(SKIPPED | SURPLUS | LATE)
        bits[expected == -1] |= SKIPPED
        bits[expected == -2] |= SURPLUS
        np.testing.assert_array_equal(status[:n], bits)
        self.assertTrue((position[n:] == NEVER_CAME).all())
        self.assertTrue((status[n:] == MISSING).all())
        for name in old["entry/frames"]:
            if name not in ("position", "status"):
                np.testing.assert_array_equal(new["entry/frames"][name][:n], old["entry/frames"][name][...], name)

    def judge_extra(self, old, new, images, geometry, layers):
        extra = new["entry/extra"]
        found = {int(row): (int(reason), image.tobytes()) for row, reason, image in
                 zip(extra["frame"][...], extra["reason"][...], extra["data"][...]) if not reason & DUPLICATE}
        expected = {}
        for row, image in images.items():
            code = geometry.position(row // layers)
            if code < 0:
                expected[row] = (SKIPPED if code == -1 else SURPLUS, image.tobytes())
        self.assertEqual(found.keys(), expected.keys())
        self.assertEqual(found, expected)
        self.assertEqual(duplicates_of(new), duplicates_of(old) if "extra" in old["entry"] else [])
        if layers > 1:
            np.testing.assert_array_equal(extra["layer"][...], extra["frame"][...] % layers)

    def judge_maps(self, old, new, geometry, layers):
        names = [old["entry"][group].attrs.get("layer", "") for group in group_names(old)]
        maps, others = maps_of(old)
        new_maps, new_others = maps_of(new)
        self.assertEqual((new_maps.keys(), new_others.keys()), (maps.keys(), others.keys()))
        position = old["entry/frames/position"][...]
        for path, old_map in maps.items():
            layer = names.index(path.split("/")[0]) if layers > 1 else 0
            self.assertEqual(new_maps[path].dtype, old_map.dtype)
            axes = old_map.ndim - (len(old_map.parent.attrs["axes"]) - 0)
            self.assertEqual(axes, 0)
            inner = old_map.shape[len([a for a in old_map.parent.attrs["axes"] if a in ("repeat", "scan_y", "scan_x", "frame")]):]
            values = old_map[...].reshape(-1, *inner)
            length = new_maps[path].shape[0]
            expected = np.full((int(np.prod(geometry.map_shape(length))), *inner), self.nothing(old_map), old_map.dtype)
            for row in range(layer, len(position), layers):
                at = geometry.position(row // layers)
                if position[row] >= 0 and at >= 0:
                    expected[at] = values[position[row]]
            np.testing.assert_array_equal(new_maps[path][...], expected.reshape(geometry.map_shape(length) + inner), path)
            self.assertEqual(dict(new_maps[path].attrs), dict(old_map.attrs))
        for path, array in others.items():
            np.testing.assert_array_equal(new_others[path][...], array[...])
            self.assertIn("as they were placed when they were measured", new_others[path].attrs["taken_over"])

    @staticmethod
    def nothing(dataset):
        return np.nan if dataset.dtype.kind == "f" else 0

    def judge_axes(self, new, geometry):
        """Every dataset that is shown has axes of its length, links included."""
        for group in group_names(new):
            data, axes = new["entry"][group]["data"], list(new["entry"][group].attrs["axes"])
            shown = ["frame"] if geometry.scan is None or geometry.order == "list" else (
                ["repeat"] * (geometry.repeats > 1) + ["scan_y", "scan_x"])
            self.assertEqual(axes, shown + ["y", "x"])
            self.assertEqual([len(new["entry"][group][axis]) for axis in axes], list(data.shape))
        for path, dataset in maps_of(new)[0].items():
            axes = dataset.parent.attrs["axes"]
            self.assertEqual([len(dataset.parent[axis]) for axis in axes], list(dataset.shape), path)

    def judge_history(self, new, geometry):
        history = json.loads(new["entry/geometry/history"][()].decode().rstrip("\0"))
        last = history[-1]
        self.assertEqual(last["source"], "reshape")
        self.assertEqual([entry["version"] for entry in history], sorted({entry["version"] for entry in history}))
        self.assertEqual((last["order"], last["shift"], last["repeats"]), (geometry.order, geometry.shift, geometry.repeats))
        self.assertEqual(last["scan"], list(geometry.scan) if geometry.scan else None)
        self.assertEqual(last["skip"], {"start": geometry.start, "line": geometry.line, "end": geometry.end})
        if geometry.order == "list":
            np.testing.assert_array_equal(new["entry/geometry"][last["positions"]][...], geometry.positions)

    def judge_rest(self, old, new):
        """Everything that reshape has no business with is there, value for value."""
        made = re.compile(r"entry/(data\w*|extra|frames|geometry|results)(/|$)")
        missing = []

        def visit(path, item):
            if made.match(path):
                return
            if path not in new:
                missing.append(path)
                return
            self.assertEqual(new[path].attrs.keys(), item.attrs.keys(), path)
            if isinstance(item, h5py.Dataset):
                np.testing.assert_array_equal(new[path][()], item[()], path)
        old.visititems(visit)
        self.assertEqual(missing, [])
        self.assertEqual(dict(new.attrs).keys(), dict(old.attrs).keys())
        for name in group_names(old):
            kept = {key: value for key, value in old["entry"][name].attrs.items() if key != "axes"}
            self.assertEqual({key: value for key, value in new["entry"][name].attrs.items() if key != "axes"}, kept)
            self.assertEqual(dict(new["entry"][name]["data"].attrs), dict(old["entry"][name]["data"].attrs))


# ----------------------------------------------------------------------------------------- files as others may write them


def build(path, geometry, k=3, layers=("",), frames=None, missing=(), late=(), duplicate=(), history=True, size=(6, 8), dtype="<u2",
          extra=True, dataset=None, seed=1):
    """A recording in the form of schemas/file.md, by h5py alone. `frames`: that the detector sent (default: all of the scan).
    `missing`: frames, or (frame, layer), that never came.

    history=False: as merlind 0.1 wrote it. `dataset`: options of the pixels' dataset (default: Blosc).
    """
    random = np.random.default_rng(seed)
    n_layers = len(layers)
    ny, nx = geometry.scan or (1, 0)
    whole = geometry.start + geometry.repeats * (
        (len(geometry.positions) if geometry.order == "list" else ny * (nx + geometry.line)) + geometry.end)
    frames = whole if frames is None else frames
    length = frames - geometry.start if geometry.scan is None else 0
    images = random.poisson(3, (frames, n_layers, *size)).astype(dtype)
    images[..., 0, 0] = np.arange(frames)[:, None] % 251 + 1  # no image is like another, nor empty
    options = {**hdf5plugin.Blosc("lz4", 1, hdf5plugin.Blosc.BITSHUFFLE)} if dataset is None else dataset
    shape, map_shape = geometry.data_shape(length), geometry.map_shape(length)
    chunks = (1,) * (len(shape) - 1) + (k, *size)
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        file.attrs.update({"default": "entry", "creator": "merlind", "creator_version": "0.0.9", "file_format": "merlind"})
        file.attrs["NX_class"] = np.bytes_("NXroot")
        entry = file.create_group("entry")
        entry["entry_identifier"], entry["end_reason"] = "an-id", "complete"
        entry["start_time"], entry["end_time"] = "2026-01-31T12:34:56+01:00", "2026-01-31T12:35:56+01:00"
        entry["statistics"] = json.dumps({"reason": "complete", "frames": {"expected": 5, "received": 7}})
        entry.create_dataset("settings/1", data='{"id": "an-id"}')
        entry.create_dataset("instrument/detector/n_layers", data=np.uint32(n_layers))
        entry.create_dataset("instrument/detector/acquisition_header", data=np.bytes_(b"HDR,\r\nEnd\t   "))
        stacks = []
        for name in layers:
            group = entry.create_group("data" if name == layers[0] else f"data_{name}")
            group.attrs.update({"signal": "data", "interpretation": "image"})
            if name:
                group.attrs["layer"] = name
            names = ["frame"] if geometry.scan is None or geometry.order == "list" else ["scan_y", "scan_x"]
            names = ["repeat"] * (geometry.repeats > 1 and len(names) == 2) + names
            group.attrs["axes"] = names + ["y", "x"]
            extent = (*shape, *size)
            where = {} if options.get("chunks", True) is None else {"chunks": chunks, "maxshape": (None, *extent[1:])}
            data = group.create_dataset("data", extent, dtype, **where,
                                        **{key: value for key, value in options.items() if key != "chunks"})
            data.attrs["units"] = "counts"
            if name == layers[0]:
                for axis, n in zip(names + ["y", "x"], extent):
                    group[axis] = np.arange(n, dtype=float) * (2.5 if axis == "scan_x" else 1) + (7 if axis == "scan_x" else 0)
                    group[axis].attrs["units"] = "nm" if axis == "scan_x" else ""
            else:
                for axis in names + ["y", "x"]:
                    group[axis] = h5py.SoftLink(f"/entry/data/{axis}")
            stacks.append(data)
        table = write_table(entry, geometry, images, stacks, missing, late, duplicate, extra, options)
        write_results(entry, geometry, images, table, map_shape, layers)
        if history:
            stored = {"version": 1, "order": geometry.order, "scan": geometry.scan, "repeats": geometry.repeats, "shift": geometry.shift,
                      "skip": {"start": geometry.start, "line": geometry.line, "end": geometry.end}, "source": "request", "frame": 0,
                      "time": [1, 2], **({"positions": "positions"} if geometry.order == "list" else {})}
            entry.create_dataset("geometry/history", data=np.bytes_(json.dumps([stored]).encode() + b"\0" * 40))
            if geometry.order == "list":
                entry["geometry/positions"] = np.asarray(geometry.positions, "<u4")
                for axis, n in zip(("scan_y", "scan_x"), geometry.scan):
                    entry[f"geometry/{axis}"] = np.arange(n, dtype=float)
    return path


def write_table(entry, geometry, images, stacks, missing, late, duplicate, extra, options):
    frames, n_layers = images.shape[:2]
    rows = frames * n_layers
    position, status = np.full(rows, NEVER_CAME), np.full(rows, MISSING, np.uint8)
    outside = []
    for row in range(rows):
        frame, layer = divmod(row, n_layers)
        if frame in missing or (frame, layer) in missing:
            continue
        at = geometry.position(frame)
        position[row], status[row] = at, SATURATED if frame % 5 == 0 else 0
        if at < 0 or frame in late:
            reason = LATE if at >= 0 else SKIPPED if at == -1 else SURPLUS
            status[row] |= reason
            outside.append((row, reason, images[frame, layer]))
        else:
            where = np.unravel_index(geometry.place(frame), stacks[layer].shape[:-2])
            stacks[layer][where] = images[frame, layer]
        if frame in duplicate:
            status[row] |= DUPLICATE
            outside.append((row, DUPLICATE, images[frame, layer] + 1))
    columns = {"position": ("<i8", NEVER_CAME, position), "status": ("u1", MISSING, status),
               "number": ("<u8", 0, np.where(position == NEVER_CAME, 0, np.arange(rows) // n_layers + 1)),
               "timestamp_ns": ("<u8", 0, np.arange(rows) * 1000), "exposure_ns": ("<u8", 0, np.full(rows, 900))}
    for name, (kind, fill, values) in columns.items():
        entry.create_dataset(f"frames/{name}", data=values.astype(kind), chunks=(4096,), maxshape=(None,), fillvalue=fill)
    if not extra:
        return position
    np.random.default_rng(2).shuffle(outside)
    chunked = {key: value for key, value in options.items() if key != "chunks"}
    entry.create_dataset("extra/data", data=np.array([image for _, _, image in outside], images.dtype).reshape(-1, *images.shape[2:]),
                         chunks=(1, *images.shape[2:]), maxshape=(None, *images.shape[2:]), **chunked)
    entry.create_dataset("extra/frame", data=np.array([row for row, _, _ in outside], "<u8"), chunks=(4096,), maxshape=(None,))
    entry.create_dataset("extra/reason", data=np.array([reason for _, reason, _ in outside], "u1"), chunks=(4096,), maxshape=(None,))
    if n_layers > 1:
        entry.create_dataset("extra/layer", data=np.array([row % n_layers for row, _, _ in outside], "u1"), chunks=(64,), maxshape=(None,))
    return position


def write_results(entry, geometry, images, position, map_shape, layers):
    """A map of integers, one of floats, one with a profile at each position, and a pattern."""
    axes = ["frame"] if geometry.scan is None else ["repeat"] * (geometry.repeats > 1) + ["scan_y", "scan_x"]
    home = "geometry" if geometry.order == "list" else "data"
    n_layers, n = len(layers), int(np.prod(map_shape))
    for layer, layer_name in enumerate(layers):
        parent = entry.require_group(f"results/{layer_name}" if layer_name else "results")
        values = {"all": np.zeros(n, "<u8"), "com_x": np.full(n, np.nan), "measured": np.zeros(n, "u1"), "profile": np.full((n, 4), np.nan)}
        for row in range(layer, len(position), n_layers):
            if position[row] < 0:
                continue
            image = images[row // n_layers, layer]
            values["all"][position[row]], values["com_x"][position[row]] = image.sum(), image[0, 1] / 7
            values["measured"][position[row]], values["profile"][position[row]] = 1, image[1, :4]
        for name, array in values.items():
            group = parent.create_group(name)
            group.attrs["signal"], group.attrs["axes"] = "data", axes + ["k"] * (array.ndim - 1)
            fill = np.nan if array.dtype.kind == "f" else 0
            group.create_dataset("data", data=array.reshape(map_shape + array.shape[1:]), fillvalue=fill).attrs["units"] = "counts"
            for axis in axes:
                group[axis] = h5py.SoftLink(f"/entry/{home}/{axis}")
            if array.ndim > 1:
                group["k"] = np.arange(4.)
        group = parent.create_group("sum")
        group.attrs["signal"], group.attrs["axes"] = "data", ["y", "x"]
        group["data"] = images[:, layer].sum(axis=0, dtype="<u8")


class Built(FileTest):
    """Files of the documented form, so that every oddity can be had."""

    def check(self, old, arguments, new, **options):
        """Builds a file of geometry `old`, reshapes it and judges the result; returns what merlin-file told."""
        path = build(self.directory / "old.h5", old, **options)
        made, told = self.reshape(path, *arguments)
        self.judge(path, made, old, new, told)
        return told

    def test_nudge_of_a_scan_with_holes_late_frames_and_duplicates(self):
        for shift in (3, -2):
            with self.subTest(shift):
                told = self.check(Geometry((5, 10)), ["--shift", shift, "--force"], Geometry((5, 10), shift=shift),
                                  missing=(7, 8), late=(21, 48), duplicate=(0, 30))
                # Nudged later the first frames fall out; nudged earlier the first positions are empty, and the last frames are surplus.
                self.assertEqual(told["extra"], abs(shift) + 2)
                self.assertEqual(told["empty"], abs(shift) + 2)

    def test_of_a_skipped_frame_that_came_twice_the_first_one_gets_the_place(self):
        """In /entry/extra the copy may stand before it."""
        self.check(Geometry((5, 6), start=8), ["--skip-start", 0, "--scan", "5x7"], Geometry((5, 7)), late=range(20, 30),
                   duplicate=[*range(8), *range(20, 30)])

    def test_every_number_of_frames_in_a_chunk(self):
        for k in (1, 2, 3, 4, 7, 10):
            with self.subTest(k):
                self.check(Geometry((4, 10)), ["--scan", "3x12", "--skip-start", 2, "--force"], Geometry((3, 12), start=2), k=k)

    def test_chunks_that_line_up_are_copied_as_they_are(self):
        """Two lines later: every chunk is where one was before."""
        path = build(self.directory / "old.h5", Geometry((6, 10)), k=5)
        new, told = self.reshape(path, "--shift", 20)
        self.judge(path, new, Geometry((6, 10)), Geometry((6, 10), shift=20), told)
        self.assertEqual(told["chunks"], {"copied": 8, "compressed": 20})  # the frames left out have chunks of one
        with open_recording(path) as old, open_recording(new) as made:
            a, b = old["entry/data/data"].id, made["entry/data/data"].id
            for y in range(4):
                for x in (0, 5):
                    self.assertEqual(a.read_direct_chunk((y + 2, x, 0, 0)), b.read_direct_chunk((y, x, 0, 0)))

    def test_a_line_that_is_no_whole_number_of_chunks_does_not_line_up_by_accident(self):
        """Places 8, 9, 10, 11 are one new chunk, and in the original the end of a line and the beginning of the next one."""
        self.check(Geometry((6, 10)), ["--scan", "5x12"], Geometry((5, 12)), k=4)

    def test_no_frame_hides_behind_the_edge(self):
        """The old chunk of columns 8 to 11 has frames that the new scan of 10 columns does not show: it must be made anew."""
        path = build(self.directory / "old.h5", Geometry((1, 12)), k=4)
        new, _ = self.reshape(path, "--scan", "1x10")
        self.judge(path, new, Geometry((1, 12)), Geometry((1, 10)))
        with open_recording(new) as file:
            raw = file["entry/data/data"].id.read_direct_chunk((0, 8, 0, 0))[1]
        with h5py.File(self.directory / "look.h5", "w") as look:
            data = look.create_dataset("d", (1, 4, 6, 8), "<u2", chunks=(1, 4, 6, 8), **hdf5plugin.Blosc())
            data.id.write_direct_chunk((0, 0, 0, 0), raw)
            self.assertFalse(data[0, 2:].any())

    def test_stack_becomes_a_scan(self):
        told = self.check(Geometry(), ["--scan", "6x8", "--skip-start", 4], Geometry((6, 8), start=4), frames=54, k=4, missing=(20,))
        self.assertEqual((told["placed"], told["empty"], told["chunks"]["copied"] > 8), (47, 1, True))

    def test_stack_of_another_beginning_stays_a_stack(self):
        self.check(Geometry(start=2), ["--skip-start", 5], Geometry(start=5), frames=20)
        self.check(Geometry(start=5), ["--skip-start", 0, "--force"], Geometry(), frames=20)

    def test_wrong_skip_becomes_the_right_one(self):
        """Recorded as 6x12 without flyback; what came behind the scan is in /entry/extra and is found again."""
        old = Geometry((6, 12))
        self.check(old, ["--scan", "6x10", "--skip-line", 2, "--skip-start", 3], Geometry((6, 10), start=3, line=2), frames=75, late=(74, 9))
        self.check(Geometry((6, 10), start=3, line=2), ["--skip-line", 0, "--skip-start", 0, "--scan", "6x12", "--force"], old, frames=75)

    def test_serpentine_misread_as_raster(self):
        self.check(Geometry((5, 9)), ["--order", "serpentine"], Geometry((5, 9), order="serpentine"), missing=(10,))
        self.check(Geometry((5, 9), order="serpentine"), ["--order", "raster", "--force"], Geometry((5, 9)), k=4)

    def test_passes(self):
        one, two = Geometry((8, 5), line=1), Geometry((4, 5), line=1, repeats=2)
        self.check(one, ["--scan", "4x5", "--repeats", 2], two)
        self.check(two, ["--scan", "8x5", "--repeats", 1, "--force"], one)
        gap = Geometry((4, 5), repeats=2, end=3)
        self.check(gap, ["--shift", 1, "--force"], dataclasses.replace(gap, shift=1), duplicate=(3,))
        self.check(dataclasses.replace(gap, order="serpentine"), ["--order", "raster", "--skip-end", "4", "--shift", -1, "--force"],
                   dataclasses.replace(gap, end=4, shift=-1))

    def test_lists_of_positions(self):
        places = np.random.default_rng(5).permutation(48)[:40]
        positions = np.stack(np.divmod(places, 8), axis=1)
        shown = Geometry((6, 8), order="list", positions=positions)
        np.save(self.directory / "positions.npy", positions)
        self.check(Geometry((5, 8)), ["--scan", "6x8", "--positions", self.directory / "positions.npy"], shown)
        self.check(shown, ["--order", "raster", "--scan", "5x8", "--force"], Geometry((5, 8)), missing=(11,))
        self.check(shown, ["--shift", 2, "--force"], dataclasses.replace(shown, shift=2))
        self.check(shown, ["--repeats", 2, "--allow-missing", "--force"], dataclasses.replace(shown, repeats=2))

    def test_forms_of_npy_files(self):
        positions = np.stack(np.divmod(np.arange(12)[::-1], 4), axis=1)
        path, expected = self.directory / "p.npy", Geometry((3, 4), order="list", positions=positions)
        for dtype in ("<i8", ">i4", "<u2", "u1", "<f8", ">f4"):
            np.save(path, positions.astype(dtype))
            self.check(Geometry((3, 4)), ["--positions", path, "--force"], expected)
        np.save(path, np.asfortranarray(positions))
        self.check(Geometry((3, 4)), ["--positions", path, "--force"], expected)

    def test_layers(self):
        for layers in (("counter0", "counter1"), tuple(f"layer{i}" for i in range(4))):
            with self.subTest(layers):
                told = self.check(Geometry((4, 6)), ["--scan", "4x5", "--skip-line", 1, "--shift", 1, "--force"],
                                  Geometry((4, 5), line=1, shift=1), layers=layers, missing=(5, (2, 0), (8, 1)), late=(9,), duplicate=(6,))
                self.assertEqual(told["placed"] + told["empty"], 20 * len(layers))

    def test_files_of_the_first_version(self):
        """No /entry/geometry: what was left out is found from the positions."""
        old = Geometry((5, 8), start=3, line=2)
        path = build(self.directory / "old.h5", old, history=False, missing=(4,))
        told = self.info(path)
        self.assertEqual((told["geometry"]["scan"], told["geometry"]["skip"], told["history"]),
                         ([5, 8], {"start": 3, "line": 2, "end": 0}, None))
        new, told = self.reshape(path, "--shift", 1)
        self.judge(path, new, old, dataclasses.replace(old, shift=1), told)
        self.assertRegex(self.run_tool("reshape", path, "-o", self.directory / "x.h5", "--last", status=65), "no history.*--shift")
        stack = Geometry(start=6)
        path = build(self.directory / "stack.h5", stack, history=False, frames=30)
        new, told = self.reshape(path, "--scan", "4x6", "--force")
        self.judge(path, new, stack, Geometry((4, 6), start=6), told)

    def test_pixels_of_every_size_and_compression(self):
        forms = {"gzip": {"compression": "gzip", "shuffle": True}, "plain": {}, "contiguous": {"chunks": None},
                 "zstd": {**hdf5plugin.Blosc("zstd", 3, hdf5plugin.Blosc.SHUFFLE)}}
        for name, dataset in forms.items():
            for dtype in ("u1", "<u2", "<u4"):
                with self.subTest(name, dtype=dtype):
                    self.check(Geometry((4, 6)), ["--shift", 2, "--force"], Geometry((4, 6), shift=2), dataset=dataset, dtype=dtype)
        with open_recording(self.directory / "new.h5") as file:
            codec = file["entry/data/data"].id.get_create_plist().get_filter_by_id(32001)[1]
            self.assertEqual((codec[2], codec[3], codec[4:7]), (4, 3 * 6 * 8 * 4, (3, 1, 5)), "the codec is that of the original")

    def test_level_of_compression_is_that_of_the_original(self):
        """Level 0 stores the bytes as they are, behind a header of 16."""
        self.check(Geometry((4, 6)), ["--shift", 1], Geometry((4, 6), shift=1), dataset={**hdf5plugin.Blosc("lz4", 0)})
        with open_recording(self.directory / "new.h5") as file:
            self.assertEqual(len(file["entry/data/data"].id.read_direct_chunk((0, 0, 0, 0))[1]), 3 * 6 * 8 * 2 + 16)

    def test_there_and_back_again_is_the_original(self):
        old = Geometry((5, 8), line=1)
        path = build(self.directory / "old.h5", old, missing=(3,), duplicate=(9,))
        there, _ = self.reshape(path, "--scan", "4x7", "--skip-start", 2, "--skip-line", 0, "--order", "serpentine")
        back, told = self.reshape(there, "--scan", "5x8", "--skip-start", 0, "--skip-line", 1, "--order", "raster", name="back.h5")
        # Frames that were not in the maps of the middle file are in none of its copies.
        middle = Geometry((4, 7), start=2, order="serpentine")
        self.judge(there, back, middle, old, told)
        with open_recording(path) as a, open_recording(back) as b:
            np.testing.assert_array_equal(a["entry/data/data"][...], b["entry/data/data"][...])
            np.testing.assert_array_equal(a["entry/frames/position"][...], b["entry/frames/position"][:45])
            history = json.loads(b["entry/geometry/history"][()])
        self.assertEqual([(g["version"], g["source"]) for g in history], [(1, "request"), (2, "reshape"), (3, "reshape")])
        self.assertEqual(history[1]["file"], "old.h5")

    def test_frames_whose_pixels_are_not_in_the_file_are_told(self):
        """A worker that could not compress leaves a chunk unwritten."""
        old = Geometry((2, 6))
        path = build(self.directory / "old.h5", old, missing=(3, 4, 5))
        with h5py.File(path, "r+") as file:
            file["entry/frames/position"][3:6] = (3, 4, 5)
        for arguments in (["--shift", 6], ["--shift", 1]):
            _, told = self.reshape(path, *arguments, "--force")
            self.assertEqual(told["lost"], 3)
        self.assertIn("3 frames came whose pixels are not in", self.run_tool("reshape", path, "-o", self.directory / "x.h5", "--shift", 1))

    def test_links_and_strangers_are_kept(self):
        """What other conventions and programs put into a file: hard and soft links, groups and attributes of all kinds."""
        old = Geometry((3, 4))
        path = build(self.directory / "old.h5", old)
        with h5py.File(path, "r+") as file:
            file["view/data"] = file["entry/data/data"]  # a second name of the pixels, not a second copy
            file["view/soft"] = h5py.SoftLink("/entry/data/data")
            file["entry/data/dim3"] = file["entry/data/x"]
            strange = file.create_group("strange")
            strange.create_group("deep")["loop"] = strange
            file["strange/one"] = np.arange(5)
            file["strange/two"] = file["strange/one"]
            file["strange/text"] = ["a", "bc"]
            file["strange"].attrs.update({"list": [1, 2, 3], "text": "hello", "empty": h5py.Empty("f4")})
            file["strange"].attrs["texts"] = np.array(["x", "yz"], h5py.string_dtype())
            file["entry/notes"] = np.bytes_(b"by hand")
            file["entry/results/imported"] = np.arange(7)
            file["elsewhere"] = h5py.ExternalLink("other.h5", "/there")
        new, _ = self.reshape(path, "--shift", 1)
        self.judge(path, new, old, Geometry((3, 4), shift=1))
        with open_recording(new) as file:
            self.assertEqual(file["view/data"], file["entry/data/data"])
            self.assertEqual(file.get("view/soft", getlink=True).path, "/entry/data/data")
            self.assertEqual(file["entry/data/dim3"], file["entry/data/x"])
            self.assertEqual(file["strange/one"], file["strange/two"])
            self.assertEqual(file["strange/deep/loop"], file["strange"])
            self.assertEqual(list(file["strange/text"].asstr()), ["a", "bc"])
            self.assertEqual(file["entry/results/imported"][3], 3)
            self.assertEqual(list(file["strange"].attrs["texts"]), ["x", "yz"])
            self.assertEqual(file.get("elsewhere", getlink=True).filename, "other.h5")

    def test_axes_keep_their_scale(self):
        path = build(self.directory / "old.h5", Geometry((3, 8)))
        new, _ = self.reshape(path, "--scan", "2x10")
        with open_recording(new) as file:
            np.testing.assert_allclose(file["entry/data/scan_x"][...], 7 + 2.5 * np.arange(10))
            self.assertEqual(file["entry/data/scan_x"].attrs["units"], "nm")

    def test_a_stray_frame_number_costs_nothing(self):
        """Row 40,000,000 of a table whose rows between were never written."""
        old, far = Geometry((3, 4)), 40_000_000
        path = build(self.directory / "old.h5", old, extra=True, frames=13)
        with h5py.File(path, "r+") as file:
            for name in ("position", "status", "number", "timestamp_ns", "exposure_ns"):
                file[f"entry/frames/{name}"].resize((far + 1,))
            file["entry/frames/position"][far], file["entry/frames/status"][far] = -2, SURPLUS
            file["entry/extra/frame"][0] = far
        new, told = self.reshape(path, "--shift", 1)
        self.assertEqual((told["placed"], told["extra"]), (11, 2))
        self.assertLess(new.stat().st_size, 5_000_000, "40,000,000 rows would be a gigabyte")

    # ---- errors

    def refused(self, status, words, *arguments, **options):
        new = self.directory / "refused.h5"
        text = self.run_tool("reshape", *arguments, "-o", new, status=status, **options)
        self.assertRegex(text, words)
        self.assertEqual([p.name for p in self.directory.glob("refused*")], [])
        return text

    def test_shape_that_does_not_fit(self):
        path = build(self.directory / "old.h5", Geometry((8, 10)), missing=(79,))
        text = self.refused(65, r"9 x 10 raster needs 90 frames, and the run has 80 \(79 of them came\)", path, "--scan", "9x10")
        self.assertRegex(text, r"what fits: 8x10, 9x8; with --allow-missing")
        self.refused(65, r"8 x 10 raster, 2 after each line needs 94 frames.*what fits: 6x10, 8x8", path, "--skip-line", 2)
        self.refused(65, r"needs 160 frames", path, "--repeats", 2)
        _, told = self.reshape(path, "--scan", "9x10", "--allow-missing")
        self.assertEqual((told["placed"], told["empty"]), (79, 11))
        np.save(self.directory / "p.npy", np.stack(np.divmod(np.arange(81), 9), 1))
        self.refused(65, "lists of up to 80 positions", path, "--positions", self.directory / "p.npy")

    def test_a_short_run_has_room_for_what_was_expected(self):
        """60 of 80 frames came: the scan may be read as 10x8 all the same."""
        old = Geometry((8, 10))
        self.check(old, ["--scan", "10x8"], Geometry((10, 8)), missing=range(60, 80))

    def test_words_that_make_no_sense(self):
        path = build(self.directory / "old.h5", Geometry((3, 4)))
        for words, arguments in ((r"--scan is NYxNX", ["--scan", "4"]), (r"--scan is NYxNX", ["--scan", "0x4"]),
                                 (r"--scan is NYxNX", ["--scan", "4x-4"]), (r"--order is raster or serpentine", ["--order", "list"]),
                                 (r"--shift takes a number", ["--shift", "x"]), (r"--skip-line takes a whole number", ["--skip-line", "-1"]),
                                 (r"--repeats is at least 1", ["--repeats", "0"]), (r"what is to change", []),
                                 (r"one too many", ["--last", "other.h5"]), (r"--order does not go", ["--order", "raster", "--positions", "p"])):
            self.refused(64, words, path, *arguments)
        self.assertRegex(self.run_tool("reshape", path, "--last", status=64), "-o NEW")
        self.assertRegex(self.run_tool(status=64), "which command")
        self.assertRegex(self.run_tool("shrink", path, status=64), 'no command "shrink"')
        self.assertIn("reshape", self.run_tool("--help"))
        self.assertIn("--skip-line", self.run_tool("reshape", "--help"))
        self.assertRegex(self.run_tool("--version"), r"^merlin-file \d")

    def test_things_that_a_stack_or_a_list_cannot_be_asked_for(self):
        stack = build(self.directory / "stack.h5", Geometry(), frames=12)
        self.refused(65, "without a shape: give --scan", stack, "--order", "serpentine")
        listed = build(self.directory / "list.h5", Geometry((2, 2), order="list", positions=np.array([[0, 0], [1, 1]])))
        self.refused(65, "has a list of positions: --scan needs --order", listed, "--scan", "1x2")

    def test_positions_that_are_none(self):
        path, npy = build(self.directory / "old.h5", Geometry((3, 4))), self.directory / "p.npy"
        for array, words in ((np.zeros((2, 3)), "no .npy file of positions"), (np.array([[0, -1]]), "row 0 is no position"),
                             (np.array([[0, .5]]), "row 0 is no position"), (np.array([[0, np.nan]]), "row 0 is no position"),
                             (np.array([[1, 1], [1, 1]]), "twice"), (np.array([[2**40, 1]]), "row 0 is no position")):
            np.save(npy, array)
            self.refused(65, words, path, "--positions", npy)
        np.save(npy, np.array([[5, 5]]))
        self.refused(65, "outside the map of 3 x 4", path, "--positions", npy, "--scan", "3x4")
        npy.write_bytes(npy.read_bytes()[:-3])
        self.refused(65, "ends before its last position", path, "--positions", npy)
        npy.write_bytes(b"\x93NUMPY\x01\x00\xff\xff")
        self.refused(65, "no .npy file", path, "--positions", npy)
        self.refused(66, "No such file", path, "--positions", self.directory / "none.npy")

    def test_files_that_are_no_recordings(self):
        for command in (["info"], ["reshape", "--last", "-o", self.directory / "x.h5"]):
            self.assertRegex(self.run_tool(*command, self.directory / "none.h5", status=66), "none.h5: No such file")
            text = self.directory / "text.h5"
            text.write_text("hello")
            self.assertRegex(self.run_tool(*command, text, status=65), "is no HDF5 file")
            with h5py.File(self.directory / "other.h5", "w") as file:
                file["data"] = np.arange(4)
            self.assertRegex(self.run_tool(*command, self.directory / "other.h5", status=65), "no recording of merlind")
            with h5py.File(self.directory / "other.h5", "w") as file:
                file["entry/data/data"] = np.zeros((3, 3, 2, 2), "u2")
            self.assertRegex(self.run_tool(*command, self.directory / "other.h5", status=65), "no /entry/frames/position")

    def test_history_that_cannot_be(self):
        path = build(self.directory / "old.h5", Geometry((3, 4)))
        good = {"version": 1, "order": "raster", "scan": [3, 4], "repeats": 1, "skip": {}, "shift": 0, "source": "request"}
        for bad in ({"scan": [0, 4]}, {"scan": [3]}, {"order": "spiral"}, {"shift": "1"}, {"skip": {"line": -1}}, {"repeats": 2**40},
                    {"order": "list"}, {"scan": [2**31, 2**31]}, {"scan": [4, 3]}, {"scan": None}):
            with h5py.File(path, "r+") as file:
                del file["entry/geometry/history"]
                file["entry/geometry/history"] = json.dumps([{**good, **bad}])
            self.assertRegex(self.run_tool("info", path, status=65), "history|list of positions", bad)

    def test_damaged_files_do_not_crash(self):
        path = build(self.directory / "old.h5", Geometry((4, 6)), duplicate=(3,), late=(5,))
        whole, random = path.read_bytes(), np.random.default_rng(7)
        damaged, statuses = self.directory / "damaged.h5", set()
        for trial in range(lighter(60, 15)):
            data = bytearray(whole)
            for at in random.integers(0, len(whole), 20):
                data[at] = random.integers(256)
            damaged.write_bytes(data[:random.integers(1000, len(data))] if trial % 4 == 0 else data)
            for command in (["info", damaged], ["reshape", damaged, "-o", self.directory / "new.h5", "--shift", "1", "--force"]):
                # The library forgets some of its memory when it gives up on a file.
                done = subprocess.run([str(MERLIN_FILE), *map(str, command)], capture_output=True, timeout=timeout(60),
                                      env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1"})
                if b"in H5HG_read" in done.stderr:  # the library's own mistake, which other builds catch
                    continue
                self.assertNotRegex(done.stderr.decode(errors="replace"), SANITIZER_REPORT)
                self.assertIn(done.returncode, (0, 65, 66, 70, 71, 73, 74), done.stderr)
                self.assertFalse((self.directory / "new.h5.partial").exists())
                statuses.add(done.returncode)
        self.assertIn(65, statuses)

    def test_nothing_is_overwritten_without_force(self):
        path = build(self.directory / "old.h5", Geometry((3, 4)))
        before, new = path.read_bytes(), self.directory / "new.h5"
        new.write_text("precious")
        self.assertRegex(self.run_tool("reshape", path, "-o", new, "--shift", 1, status=73), "is there already.*--force")
        self.assertEqual(new.read_text(), "precious")
        self.run_tool("reshape", path, "-o", new, "--shift", 1, "--force")
        self.judge(path, new, Geometry((3, 4)), Geometry((3, 4), shift=1))
        os.link(path, self.directory / "same.h5")
        for same in (path, self.directory / "same.h5"):
            self.assertRegex(self.run_tool("reshape", path, "-o", same, "--shift", 1, "--force", status=73), "is the original")
        self.assertEqual(path.read_bytes(), before)
        partial = self.directory / "next.h5.partial"
        partial.write_text("somebody's")
        self.assertRegex(self.run_tool("reshape", path, "-o", self.directory / "next.h5", "--shift", 1, status=73), "another merlin-file")
        self.assertEqual(partial.read_text(), "somebody's")
        self.assertRegex(self.run_tool("reshape", path, "-o", "/nowhere/new.h5", "--shift", 1, status=73), "No such file or directory")

    def test_full_disk_keeps_the_original_and_says_so(self):
        """A limit on the size of files, for who is no root; the kernel answers as a full disk does."""
        path = build(self.directory / "old.h5", Geometry((20, 20)), size=(32, 32), dtype="<u4")
        before = path.read_bytes()
        self.run_tool("reshape", path, "-o", self.directory / "whole.h5", "--shift", 1)
        whole = (self.directory / "whole.h5").stat().st_size
        for size in [1, *range(1000, 20000, lighter(700, 3000)), *range(20000, whole, whole // lighter(12, 4)), whole - 1]:
            def limit():
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            self.refused(73, r"no room for .*refused.h5.*old.h5 is as it was; free space there", path, "--shift", 1, preexec_fn=limit,
                         env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})  # the library's own, after the failure
        self.assertEqual(path.read_bytes(), before)

    def test_full_file_system(self):
        path = build(self.directory / "old.h5", Geometry((20, 20)), size=(32, 32), dtype="<u4")
        mount = self.directory / "small"
        mount.mkdir()
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mount)], capture_output=True)
        if made.returncode:
            self.skipTest("a small file system cannot be mounted here")
        try:
            text = self.run_tool("reshape", path, "-o", mount / "new.h5", "--shift", 1, status=73)
            self.assertRegex(text, os.strerror(errno.ENOSPC))
            self.assertEqual(list(mount.iterdir()), [])
        finally:
            subprocess.run(["umount", str(mount)], check=True)


class Interrupted(FileTest):
    """A file large enough that there is time for a person."""

    def large(self):
        frames = lighter(2000, 600)
        return build(self.directory / "old.h5", Geometry((frames // 50, 50)), k=7, size=(128, 128), dtype="<u4")

    def begin(self, path, **options):
        command = [str(MERLIN_FILE), "reshape", str(path), "-o", str(self.directory / "new.h5"), "--shift", "1"]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)

    def test_ctrl_c_takes_the_partial_file_away(self):
        path = self.large()
        before, partial = path.read_bytes(), self.directory / "new.h5.partial"
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            process = self.begin(path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            wait_for(lambda: partial.exists() and partial.stat().st_size > 100_000, 20, "the partial file to grow")
            process.send_signal(number)
            out, err = process.communicate(timeout=timeout(20))
            self.assertEqual((process.returncode, out), (status, ""), err)
            self.assertRegex(err, r"interrupted: .*new.h5 is not made, .*old.h5 is as it was")
            self.assertEqual([p.name for p in self.directory.glob("new*")], [])
        self.assertEqual(path.read_bytes(), before)

    def test_progress_on_a_terminal(self):
        path = self.large()
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        process = self.begin(path, stdout=subprocess.PIPE, stderr=slave)
        os.close(slave)
        text = b""
        try:
            while chunk := os.read(master, 4096):
                text += chunk
        except OSError:  # the other end is closed
            pass
        os.close(master)
        process.communicate(timeout=timeout(20))
        self.assertEqual(process.returncode, 0)
        self.assertRegex(text.decode(), r"\[#*\.+\] +\d+ %  [\d,]+/[\d,]+ frames  [\d.]+ s left")
        self.assertTrue(text.endswith(b"\r\x1b[K"), "the line is taken away at the end")


class Info(FileTest):
    def test_screen_and_json_tell_what_is_there(self):
        path = build(self.directory / "old.h5", Geometry((4, 6), start=1, line=2), layers=("counter0", "counter1"),
                     missing=(5,), late=(9,), duplicate=(6,))
        told = self.info(path)
        self.assertEqual((told["run"], told["end_reason"], told["growing"]), ("an-id", "complete", False))
        self.assertEqual((told["layers"], told["data"]["shape"], told["data"]["dtype"]), (["counter0", "counter1"], [4, 6, 6, 8], "<u2"))
        self.assertEqual(told["data"]["compression"], {"filter": "blosc", "codec": "lz4", "shuffle": "bit", "level": 1})
        with open_recording(path) as file:
            status = file["entry/frames/status"][...]
            expected = {"rows": 66, "came": 64, "placed": 46, "skipped": 18, "surplus": 0, "extra": 18 + 2 + 2, "missing": 2, "duplicate": 2,
                        "late": 2, "stalled": 0, "saturated": int((status & SATURATED != 0).sum()), "deferred": 0}
        self.assertEqual(told["frames"], expected)
        self.assertEqual({(r["name"], r["kind"]) for r in told["results"]},
                         {(f"{layer}/{name}", kind) for layer in told["layers"] for name, kind in
                          (("all", "map"), ("com_x", "map"), ("measured", "map"), ("profile", "map"), ("sum", "array"))})
        with open_recording(path) as file:
            stored = sum(file["entry"][group]["data"].id.get_storage_size() for group in ("data", "data_counter1", "extra"))
            chunks = sum(file["entry"][group]["data"].id.get_num_chunks() for group in ("data", "data_counter1")) * 3 + 22
        self.assertEqual((told["data"]["bytes_stored"], told["data"]["bytes_raw"]), (stored, chunks * 6 * 8 * 2))
        self.assertAlmostEqual(told["data"]["ratio"], told["data"]["bytes_raw"] / stored, 6)
        self.assertEqual(told["statistics"]["frames"], {"expected": 5, "received": 7})
        text = self.run_tool("info", path)
        for words in ("an-id", "complete", "4 x 6 raster, 1 left out at the start, 2 after each line", "counter0, counter1",
                      "blosc lz4, level 1, bit shuffle", "64 came, 46 in place, 18 skipped", "2 missing", "5 expected, 7 received",
                      "counter0/com_x", "counter1/sum"):
            self.assertIn(words, text)
        self.assertLessEqual(len(text.splitlines()), 24, "one screen")

    def test_history_is_shown_with_the_stored_one_marked(self):
        path = build(self.directory / "old.h5", Geometry((4, 6)))
        with h5py.File(path, "r+") as file:
            history = json.loads(file["entry/geometry/history"][()].rstrip(b"\0"))
            history += [{**history[0], "version": 2 + i, "shift": i, "source": "nudge", "frame": 10 * i} for i in range(20)]
            del file["entry/geometry/history"]
            file["entry/geometry/history"] = np.bytes_(json.dumps(history))
        text = self.run_tool("info", path)
        self.assertRegex(text, r"\* 1: 4 x 6 raster  \(request, frame 0\)")
        self.assertRegex(text, r"  21: 4 x 6 raster, shift \+19  \(nudge, frame 190\)")
        self.assertLessEqual(len(text.splitlines()), 24, "one screen")
        new, _ = self.reshape(path, "--last")
        self.judge(path, new, Geometry((4, 6)), Geometry((4, 6), shift=19))
        self.assertRegex(self.run_tool("info", new), r"\* 22: 4 x 6 raster, shift \+19  \(reshape")

    def test_full_output_is_an_error(self):
        path = build(self.directory / "old.h5", Geometry((4, 6)))
        with open("/dev/full", "w") as full:
            done = subprocess.run([str(MERLIN_FILE), "info", str(path)], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 73)
        self.assertIn("cannot write to stdout", done.stderr)


# -------------------------------------------------------------------------------------------------------- files of real runs

SHAPE = (8, 10)
DETECTORS = [{"name": "all", "shape": "disk", "radius": 1000}, {"name": "halo", "shape": "annulus", "inner": 10, "outer": 40}]
FPS = lighter("2000", "400")


class RealRuns(FileTest):
    def begin(self, *arguments, fps=FPS):
        self.dump = self.directory / "dump.npy"
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "%dx%d" % SHAPE, "--rows", "32", "--counts", "1",
                                         "--fps", fps, "--dump", self.dump, *arguments)
        self.daemon = self.start_daemon(simulator, {"virtual_detectors": DETECTORS})
        self.client = self.control(self.daemon)
        self.client.wait_state("idle")

    def finish(self, run):
        """The path of a run's file."""
        summary = self.client.wait_finished(run)
        self.assertEqual(summary["recording"]["state"], "closed", summary)
        return self.recordings / os.path.basename(summary["file"])

    def assert_truth(self, path, shown=None):
        """The pixels and the map of sums are the specimen's, in the order of positions."""
        truth = np.load(self.dump)
        with open_recording(path) as file:
            data = file["entry/data/data"][...]
            np.testing.assert_array_equal(data.reshape(truth.shape), truth)
            if shown is not None:
                sums = truth.sum(axis=(1, 2), dtype=np.uint64)
                np.testing.assert_array_equal(file["entry/results/all/data"][...].ravel(), np.where(shown, sums, 0))
                np.testing.assert_array_equal(file["entry/results/measured/data"][...].ravel(), shown)

    def test_nudged_run_is_moved_to_where_the_operator_saw_it(self):
        self.begin(fps=lighter("200", "60"))
        run = self.client("start", scan=list(SHAPE))["id"]
        for nudge in (3, -5):
            wait_for(lambda: self.client("run", id=run)["frames"]["analysed"] >= 10, 30, "frames")
            self.client("geometry", nudge=nudge)
        path = self.finish(run)
        stored = Geometry(SHAPE)
        self.assertEqual([g["shift"] for g in self.info(path)["history"]], [0, 3, -2])
        for arguments, shift in ((["--last"], -2), (["--shift", 3], 3)):
            new, told = self.reshape(path, *arguments, "--force")
            self.judge(path, new, stored, Geometry(SHAPE, shift=shift), told)
            truth = np.load(self.dump)
            with open_recording(new) as file:
                data = file["entry/data/data"][...].reshape(truth.shape)
                if shift > 0:
                    np.testing.assert_array_equal(data[:-shift], truth[shift:])
                else:
                    np.testing.assert_array_equal(data[-shift:], truth[:shift])
                served, _ = self.client.array("map", "halo")
                if shift == -2:
                    np.testing.assert_array_equal(file["entry/results/halo/data"][...], served["data"])
        self.assertEqual(self.info(new)["stored_as"], 3)

    def test_wrong_skips_and_a_misread_order_are_put_right(self):
        """A serpentine with flyback and frames before it, recorded as one long raster."""
        self.begin("--serpentine", "--flyback", "2", "--skip-start", "3")
        run = self.client("start", scan=[9, 11])["id"]  # 99 frames, as the detector sends
        path = self.finish(run)
        new, told = self.reshape(path, "--scan", "8x10", "--skip-start", 3, "--skip-line", 2, "--order", "serpentine")
        self.judge(path, new, Geometry((9, 11)), Geometry(SHAPE, "serpentine", start=3, line=2), told)
        self.assert_truth(new, np.ones(80, bool))
        self.assertEqual(told["extra"], 3 + 16)

    def test_skipped_frames_come_back(self):
        """The flyback that was left out did not exist."""
        self.begin()
        run = self.client("start", scan=[8, 9], skip={"start": 0, "line": 1, "end": 0})["id"]
        path = self.finish(run)
        new, told = self.reshape(path, "--scan", "8x10", "--skip-line", 0)
        self.judge(path, new, Geometry((8, 9), line=1), Geometry(SHAPE), told)
        self.assert_truth(new, np.arange(80) % 10 < 9)  # what was skipped was not analysed
        self.assertEqual((told["placed"], told["extra"], told["empty"]), (80, 0, 0))

    def test_stack_becomes_a_scan(self):
        self.begin("--skip-start", "1")
        run = self.client("start", flyback="exposure", parameters={"NUMFRAMESTOACQUIRE": 81})["id"]
        path = self.finish(run)
        with open_recording(path) as file:
            self.assertEqual(file["entry/data/data"].shape[0], 81)
        new, told = self.reshape(path, "--scan", "8x10", "--shift", 1)
        self.judge(path, new, Geometry(), Geometry(SHAPE, shift=1), told)
        self.assert_truth(new, np.ones(80, bool))

    def test_both_counters(self):
        self.begin()
        run = self.client("start", scan=[5, 16], parameters={"ENABLECOUNTER1": 2, "CONTINUOUSRW": 0})["id"]
        path = self.finish(run)
        self.assertEqual(self.info(path)["layers"], ["counter0", "counter1"])
        new, told = self.reshape(path, "--scan", "8x10")
        self.judge(path, new, Geometry((5, 16)), Geometry(SHAPE), told)
        self.assertEqual((told["placed"], told["empty"]), (160, 0))

    def test_passes_and_lists(self):
        self.begin()
        positions = np.stack(np.divmod(np.random.default_rng(1).permutation(80), 10), axis=1)
        run = self.client("start", scan=list(SHAPE), positions=positions.tolist())["id"]
        path = self.finish(run)
        new, told = self.reshape(path, "--order", "raster")
        self.judge(path, new, Geometry(SHAPE, "list", positions=positions), Geometry(SHAPE), told)
        self.assert_truth(new, np.ones(80, bool))
        run = self.client("start", scan=[4, 10], repeats=2)["id"]
        path = self.finish(run)
        new, told = self.reshape(path, "--scan", "8x10", "--repeats", 1, name="one.h5")
        self.judge(path, new, Geometry((4, 10), repeats=2), Geometry(SHAPE), told)
        self.assert_truth(new, np.ones(80, bool))

    def test_run_with_dropped_doubled_and_late_frames(self):
        self.begin("--fault", "drop:7,30", "--fault", "duplicate:12", "--fault", "reorder:41,by=20")
        run = self.client("start", scan=list(SHAPE))["id"]
        path = self.finish(run)
        new, told = self.reshape(path, "--shift", 1)
        self.judge(path, new, Geometry(SHAPE), Geometry(SHAPE, shift=1), told)
        self.assertEqual((told["placed"], told["lost"]), (77, 0))

    def test_growing_file_has_its_info_and_is_not_moved(self):
        self.begin(fps="20")
        run = self.client("start", scan=list(SHAPE))["id"]
        wait_for(lambda: self.client("run", id=run)["frames"]["analysed"] >= 5, 30, "frames")
        partial = next(self.recordings.glob("*.partial"))

        def frames():
            told = self.info(partial)
            self.assertTrue(told["growing"])
            return told["frames"]["came"]
        wait_for(lambda: frames() > 0, 20, "the first flush")
        self.assertIn("not yet", self.run_tool("info", partial))
        text = self.run_tool("reshape", partial, "-o", self.directory / "new.h5", "--shift", 1, status=75)
        self.assertIn("still being written", text)
        self.client("stop")
        self.client.wait_finished(run)


if __name__ == "__main__":
    unittest.main()
