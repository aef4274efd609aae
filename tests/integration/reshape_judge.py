"""The judge of merlin-file reshape, and recordings as others may write them.

It knows nothing of the C code: it reads the original with h5py, follows every frame of /entry/frames through a geometry of its own, and says what the
new file must hold at every position, in every map and in /entry/extra.
"""
import dataclasses
import json
import re

import h5py
import hdf5plugin
import numpy as np

from file_tool import ToolTest
from harness import open_recording

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


def rings(shape):
    """The ring of every pixel, 1 px wide, around the middle of the frame."""
    y, x = np.mgrid[:shape[0], :shape[1]]
    return np.hypot(y - (shape[0] - 1) / 2, x - (shape[1] - 1) / 2).astype(int)


def good_pixels(file):
    """1 where a pixel is good."""
    mask = file.get("entry/instrument/detector/pixel_mask")
    return np.ones(file["entry"][group_names(file)[0]]["data"].shape[-2:], int) if mask is None else (mask[...] == 0).astype(int)


class FileTest(ToolTest):
    follows_the_page = False  # files that h5py has made have more in them, or less

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
            self.judge_profiles(old, new, images, geometry, layers)
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
            attributes = dict(new_others[path].attrs)
            self.assertIn("as they were placed when they were measured", attributes.pop("taken_over"))
            self.assertEqual(attributes.keys(), dict(array.attrs).keys() - {"taken_over"}, path)

    def judge_profiles(self, old, new, images, geometry, layers):
        """The counts of every ring at every position, from the images themselves."""
        placed = old["entry/frames/position"][...]
        for layer, name in enumerate(group_names(new)):
            path = f"entry/results/{new['entry'][name].attrs.get('layer', '')}/radial_profile".replace("//", "/")
            if path not in new:
                continue
            data, area = new[path]["data"], new[path]["area"][...]
            bins, good = rings(new["entry"][name]["data"].shape[-2:]), good_pixels(new)
            np.testing.assert_array_equal(np.bincount(bins.ravel(), good.ravel())[:len(area)], area)
            expected = np.zeros((int(np.prod(data.shape[:-1])), len(area)), data.dtype)
            for row, image in images.items():
                at = geometry.position(row // layers)
                if row % layers == layer and placed[row] >= 0 and at >= 0:
                    expected[at] = np.bincount(bins.ravel(), (image * good).ravel())[:len(area)]
            np.testing.assert_array_equal(data[...].reshape(expected.shape), expected, path)

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
        made = re.compile(r"entry/(data\w*|extra|frames|geometry|results|metadatabundle)(/|$)|Experiments(/|$)")
        missing = []

        def visit(path, item):
            if made.match(path):
                return
            if path not in new:
                missing.append(path)
                return
            self.assertEqual(new[path].attrs.keys(), item.attrs.keys(), path)
            for name, value in item.attrs.items():
                np.testing.assert_array_equal(new[path].attrs[name], value, f"{path}: {name}")
            if isinstance(item, h5py.Dataset):
                np.testing.assert_array_equal(new[path][()], item[()], path)
        old.visititems(visit)
        self.assertEqual(missing, [])
        self.assertEqual(dict(new.attrs).keys(), dict(old.attrs).keys())
        def kept(group):
            return {key: value for key, value in group.attrs.items() if not re.match(r"axes$|\w+_indices$|python_class$", key)}
        for name in group_names(old):
            self.assertEqual(kept(new["entry"][name]), kept(old["entry"][name]))
            self.assertEqual(dict(new["entry"][name]["data"].attrs), dict(old["entry"][name]["data"].attrs))
        self.judge_views(new)

    def judge_views(self, new):
        """What other readers see are the new axes."""
        for name, signal in new.get("Experiments", {}).items():
            sizes = [signal[f"axis-{i}"].attrs["size"] for i in range(signal["data"].ndim)]
            self.assertEqual(tuple(sizes), signal["data"].shape, name)
            self.assertNotIn(f"axis-{signal['data'].ndim}", signal)
        if "emd_group_type" in new.attrs:
            data = new["/entry/data"]
            self.assertEqual([data[f"dim{i}"].size for i in range(data["data"].ndim)], list(data["data"].shape))


# ----------------------------------------------------------------------------------------- files as others may write them


def build(path, geometry, k=3, layers=("",), frames=None, missing=(), late=(), duplicate=(), history=True, size=(6, 8), dtype="<u2",
          extra=True, dataset=None, seed=1):
    """A recording in the form of merlind-file(5), by h5py alone. `frames`: that the detector sent (default: all of the scan).
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
