"""Reads files that test_recorded_structures has recorded: what there is beyond a raster scan with one image per
exposure. Usage: check_recorded_structures.py WHAT FILE"""
import json
import os
import time

import h5py
import numpy as np

from check_recorded_file import (H, W, check_data_group, check_extra, check_facts, check_filter, check_frames, check_maps,
                                 image, main, same)

SPIRAL = np.array([[2, 2], [2, 3], [1, 3], [1, 2], [1, 1], [2, 1], [4, 0], [0, 3], [4, 3]], "<u4")


def pixels(frame_of, shape, layer=0):
    """The patterns of these frames; 0 where the frame is -1."""
    images = [image(index, layer) if index >= 0 else np.zeros((H, W), "<u2") for index in np.ravel(frame_of)]
    return np.array(images, "<u2").reshape(*shape, H, W)


def rows_of(frame_of):
    """What check_frames wants, for one layer; frames that never came are to be added."""
    return {int(index): (position, 0) for position, index in enumerate(np.ravel(frame_of)) if index >= 0}


def await_growth(path, check):
    """Asks `check` of the growing file until it does not object any more."""
    deadline = time.monotonic() + 60
    with h5py.File(path, "r", libver="latest", swmr=True) as file:
        while True:
            file["/entry/results/measured/data"].id.refresh()
            file["/entry/geometry/history"].id.refresh()
            try:
                check(file)
                return
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.01)


# ---- orders and passes ----

def serpentine(path):
    with h5py.File(path, "r") as file:
        frame_of = np.array([[y * 9 + (x if y % 2 == 0 else 6 - x) for x in range(7)] for y in range(4)])
        missing = frame_of[3, :3].copy()
        frame_of[3, :3] = -1
        data = file["/entry/data/data"]
        same("data", data[()], pixels(frame_of, (4, 7)))
        check_filter(data, (1, 3, H, W))
        rows = rows_of(frame_of)
        rows.update({int(index): (-3, 1) for index in missing})
        assert max(rows) == 27 + 6
        check_frames(file, rows)
        check_maps(file, frame_of, (4, 7))
        check_facts(file, path, ["scan_y", "scan_x", "y", "x"], "short")
        assert json.loads(file["/entry/settings/1"][()])["scan"]["order"] == "serpentine"


def passes(path):
    with h5py.File(path, "r") as file:
        frame_of = np.array([[[p * 23 + y * 7 + x for x in range(7)] for y in range(3)] for p in range(3)])
        expected = int(frame_of[2, 2, 6])
        frame_of[2, 1:] = -1
        data = file["/entry/data/data"]
        same("data", data[()], pixels(frame_of, (3, 3, 7)))
        check_filter(data, (1, 1, 3, H, W))
        assert data.maxshape == (None, 3, 7, H, W)
        rows = rows_of(frame_of)
        rows[expected] = (-3, 1)
        check_frames(file, rows)
        check_maps(file, frame_of, (3, 3, 7))
        check_facts(file, path, ["repeat", "scan_y", "scan_x", "y", "x"], "stopped")
        geometry, = json.loads(file["/entry/geometry/history"][()])
        assert geometry["repeats"] == 3 and geometry["skip"] == {"start": 0, "line": 0, "end": 2}


def growing_passes(path):
    def check(file):
        measured = file["/entry/results/measured/data"][()]
        expected = np.zeros((3, 3, 7), "u1")
        expected.reshape(9, 7)[:5] = 1
        same("measured", measured, expected)
        for name in ("all", "com_y"):
            file[f"/entry/results/{name}/data"].id.refresh()
        values = file["/entry/results/all/data"][()]
        same("all", values[1, 1], np.array([image(23 + 7 + x).sum() for x in range(7)], "<u8"))
        assert not values[1, 2].any() and not values[2].any()
    await_growth(path, check)


def large_passes(path):
    with h5py.File(path, "r") as file:
        places = np.concatenate([np.arange(3) + first for first in (0, 9000 * 99 + 8997, 9000 * 100, 9000 * 399 + 8997)])
        expected = np.zeros(4 * 100 * 9000, "u1")
        expected[places] = 1
        measured = file["/entry/results/measured/data"]
        assert measured.chunks is not None and measured.shape == (4, 100, 9000)
        same("measured", measured[()].reshape(-1), expected)
        values = file["/entry/results/com_x/data"][()].reshape(-1)
        assert np.array_equal(np.flatnonzero(~np.isnan(values)), places)
        total = file["/entry/results/all/data"][()].reshape(-1)
        same("all", total[places], np.array([image(place).sum() for place in places], "<u8"))
        assert total.sum() == total[places].sum()
        for place in places:
            p, y, x = np.unravel_index(place, (4, 100, 9000))
            same("data", file["/entry/data/data"][p, y, x], image(place))


# ---- lists ----

def on_grid(frames_of_passes):
    """frames_of_passes: the frame index of each place; of the grid the frame index of each position."""
    grid = np.full((len(frames_of_passes), 5, 4), -1)
    for number, frames in enumerate(frames_of_passes):
        for (y, x), index in zip(SPIRAL, frames):
            grid[number, y, x] = index
    return grid


def check_list(file):
    geometry = file["/entry/geometry"]
    same("positions", geometry["positions"][()], SPIRAL)
    assert geometry["positions"].attrs["description"]
    return json.loads(geometry["history"][()])


def list_(path):
    with h5py.File(path, "r") as file:
        places = [1 + i if i < 12 else -1 for i in range(18)]
        data = file["/entry/data/data"]
        same("data", data[()], pixels(places, (18,)))
        check_filter(data, (3, H, W))
        grid = on_grid([places[:9], places[9:]])
        rows = rows_of(grid)
        rows[18] = (-3, 1)
        check_frames(file, rows)
        check_maps(file, grid, (2, 5, 4))
        check_facts(file, path, ["frame", "y", "x"], "stopped")
        geometry, = check_list(file)
        assert geometry["order"] == "list" and geometry["scan"] == [5, 4] and geometry["positions"] == "positions"


def growing_list(path):
    def check(file):
        expected = (on_grid([list(range(1, 7)) + [-1, -1, -1], []]) >= 0).astype("u1")
        same("measured", file["/entry/results/measured/data"][()], expected)
    await_growth(path, check)


def growing_late(path):
    def check(file):
        assert file["/entry/results/measured/data"][4, 0] == 1
    await_growth(path, check)


def late_of_list(path):
    with h5py.File(path, "r") as file:
        check_extra(file, [(7, 4)])
        check_maps(file, on_grid([[1, 2, 3, -1, -1, -1, 7, -1, -1]])[0], (5, 4))
        same("data", file["/entry/data/data"][()], pixels([1, 2, 3] + [-1] * 6, (9,)))


# ---- layers ----

def layers(path):
    with h5py.File(path, "r") as file:
        frame_of = np.arange(12).reshape(2, 6)
        holed = frame_of.copy()
        holed[1, 2] = -1
        same("data", file["/entry/data/data"][()], pixels(frame_of, (2, 6)))
        same("data_counter1", file["/entry/data_counter1/data"][()], pixels(holed, (2, 6), 1))
        check_filter(file["/entry/data_counter1/data"], (1, 3, H, W))
        check_facts(file, path, ["scan_y", "scan_x", "y", "x"], "short", 2)
        check_data_group(file["/entry/data_counter1"], ["scan_y", "scan_x", "y", "x"])
        assert file["/entry/data"].attrs["layer"] == "counter0"
        assert file["/entry/data_counter1"].attrs["layer"] == "counter1"
        rows = {index * 2 + layer: (index, 0) for index in range(12) for layer in range(2)}
        rows.update({8 * 2 + 1: (-3, 1), 12 * 2: (-3, 1), 12 * 2 + 1: (-2, 128)})
        check_frames(file, rows, 2)
        extra = file["/entry/extra"]
        same("extra/frame", extra["frame"][()], np.array([12 * 2 + 1], "<u8"))
        same("extra/layer", extra["layer"][()], np.array([1], "u1"))
        same("extra/data", extra["data"][0], image(12, 1))
        check_maps(file, frame_of, (2, 6), "/entry/results/counter0", 0)
        check_maps(file, holed, (2, 6), "/entry/results/counter1", 1)
        assert set(file["/entry/results"]) == {"counter0", "counter1"}


def empty_layer(path):
    with h5py.File(path, "r") as file:
        nothing, line = np.full((2, 3), -1), np.array([[0, 1, 2], [-1, -1, -1]])
        same("data", file["/entry/data/data"][()], pixels(nothing, (2, 3)))
        same("data_counter1", file["/entry/data_counter1/data"][()], pixels(line, (2, 3), 1))
        rows = {row: (-3, 1) for row in range(12)}
        rows.update({index * 2 + 1: (index, 0) for index in range(3)})
        check_frames(file, rows, 2)
        check_maps(file, nothing, (2, 3), "/entry/results/counter0", 0)
        check_maps(file, line, (2, 3), "/entry/results/counter1", 1)


def stack_of_layers(path):
    with h5py.File(path, "r") as file:
        same("data", file["/entry/data/data"][()], pixels([1, 2, 3, 4], (4,)))
        same("data_counter1", file["/entry/data_counter1/data"][()], pixels([1, 2, 3, -1], (4,), 1))
        check_facts(file, path, ["frame", "y", "x"], "complete", 2)
        check_data_group(file["/entry/data_counter1"], ["frame", "y", "x"])
        check_maps(file, [1, 2, 3, 4], (4,), "/entry/results/counter0", 0)
        check_maps(file, [1, 2, 3, -1], (4,), "/entry/results/counter1", 1)


def colour(path):
    with h5py.File(path, "r") as file:
        names = [f"layer{i}" for i in range(8)]
        for layer, name in enumerate(names):
            group = file["/entry/data" if layer == 0 else f"/entry/data_{name}"]
            same(name, group["data"][()], pixels([0, 1, 2], (1, 3), layer))
            assert group.attrs["layer"] == name
            check_maps(file, [0, 1, 2], (1, 3), f"/entry/results/{name}", layer)


# ---- geometries ----

def history(path):
    with h5py.File(path, "r") as file:
        views = json.loads(file["/entry/geometry/history"][()])
        assert [view["version"] for view in views] == [1, 2, 3, 4, 5]
        assert [view["source"] for view in views[1:]] == ["nudge", "nudge", "request", "nudge"]
        assert [view["shift"] for view in views] == [0, 2, -1, 0, 1]
        assert [view["frame"] for view in views] == [0, 0, 6, 12, 12]
        assert [view["order"] for view in views] == ["raster"] * 3 + ["list"] * 2
        assert [view["scan"] for view in views] == [[2, 6]] * 3 + [[5, 4]] * 2
        assert [view["skip"]["end"] for view in views] == [0, 0, 0, 4, 4]
        assert [view.get("positions") for view in views] == [None] * 3 + ["positions_4"] * 2
        times = [s + ns * 1e-9 for s, ns in (view["time"] for view in views)]
        assert times == sorted(times) and abs(times[-1] - time.time()) < 600
        same("positions_4", file["/entry/geometry/positions_4"][()], SPIRAL)
        assert set(file["/entry/geometry"]) == {"history", "positions_4"}
        # Nothing that is stored has moved.
        frame_of = np.array([[0, 1, 2, 3, 4, 5], [7, 8, 9, 10, 11, 12]])
        same("data", file["/entry/data/data"][()], pixels(frame_of, (2, 6)))
        check_maps(file, frame_of, (2, 6))
        check_facts(file, path, ["scan_y", "scan_x", "y", "x"], "complete")


def growing_history(path):
    def check(file):
        views = json.loads(file["/entry/geometry/history"][()])
        assert [view["shift"] for view in views] == [0, 2], views
    await_growth(path, check)


def lists(path):
    with h5py.File(path, "r") as file:
        views = check_list(file)
        assert [view["positions"] for view in views] == ["positions", "positions_2", "positions_2", "positions"]
        assert "positions_2" in file["/entry/geometry"] and "positions_3" not in file["/entry/geometry"]


def long_history(path):
    with h5py.File(path, "r") as file:
        views = json.loads(file["/entry/geometry/history"][()])
        versions = [view["version"] for view in views]
        assert versions[0] == 1 and versions[-1] == 1001 and len(versions) > 150, versions
        assert versions[1:] == list(range(versions[1], 1002))


# ---- stalls ----

def stalled(path):
    with h5py.File(path, "r") as file:
        status = file["/entry/frames/status"][()]
        assert np.flatnonzero(status).tolist() == [444] and status[444] == 8, np.flatnonzero(status)
        assert json.loads(file["/entry/statistics"][()])["stalled"] == 1


# ---- arrays, and results that came later ----

def probe(frames, layer=0):
    """Of each frame the sum of its first 8 pixels, -1 for none; the sums of the first 8 pixels over the frames."""
    first = np.array([image(index, layer).reshape(-1)[:8] if index >= 0 else np.zeros(8) for index in np.ravel(frames)])
    sums = np.where(np.ravel(frames) >= 0, first.sum(axis=1), -1)
    return sums, first.sum(axis=0)


def check_probe(results, name, frames, factor, layer=0, first_frame=None, other=False):
    """A probe product of test_recorded_structures that saw these frames, by position."""
    shape = np.shape(frames)
    sums, pixels_summed = probe(frames, layer)
    there = (sums >= 0).reshape(shape)
    sums = sums.reshape(shape)
    profile = (pixels_summed[:7] * factor).astype("<u8") if other else pixels_summed[:5] * float(factor)
    expected = {
        "u": np.where(there, sums * float(factor), np.nan) if other else np.where(there, sums * factor, 0).astype("<u8"),
        "f": np.where(there, sums / factor, np.nan),
        "profile": profile,
        "table": (pixels_summed[:6] * factor).astype("<u8").reshape(2, 3),
    }
    for suffix, values in expected.items():
        group = results[f"{name}_{suffix}"]
        data = group["data"]
        same(f"{name}_{suffix}", data[()], values)
        assert data.attrs["description"] == f"factor {factor}"
        assert data.attrs["units"] == ("1/nm" if suffix == "f" else "counts")
        assert group.attrs["NX_class"] == b"NXdata" and group.attrs["signal"] == "data"
        for axis, n in zip(group.attrs["axes"], values.shape):
            same(axis, group[axis][()], np.arange(n, dtype="<f8"))
        if suffix in ("profile", "table"):
            assert list(data.attrs["dims"]) == list(group.attrs["axes"]) == ["index_0", "index_1"][:data.ndim]
        assert data.attrs.get("first_frame") == first_frame


def arrays(path):
    with h5py.File(path, "r") as file:
        frames = np.arange(12).reshape(2, 6)
        check_probe(file["/entry/results/counter1"], "probe", frames, 3, layer=1)
        for name in ("counter0", "counter1"):
            pattern = file[f"/entry/results/{name}/sum"]
            assert list(pattern.attrs["axes"]) == list(pattern["data"].attrs["dims"]) == ["y", "x"]
            same("y", pattern["y"][()], np.arange(H, dtype="<f8"))
            assert pattern["data"].attrs["units"] and pattern["data"].attrs["description"]
        assert "probe_u" not in file["/entry/results/counter0"]


def staying_reader(path):
    """Has the growing file open until its run is over, and finds in it what was there."""
    with h5py.File(path, "r", libver="latest", swmr=True) as file:
        data, measured = file["/entry/data/data"], file["/entry/results/measured/data"]
        with open(os.path.join(os.path.dirname(path), "reader.there"), "w"):
            pass
        deadline = time.monotonic() + 60
        while os.path.exists(path) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert os.path.exists(path.removesuffix(".partial"))
        data.id.refresh()
        measured.id.refresh()
        same("data", data[()], pixels(np.arange(12), (2, 6)))
        same("measured", measured[()], np.ones((2, 6), "u1"))


def late_results(path):
    with h5py.File(path, "r") as file:
        frames = np.arange(12).reshape(2, 6)
        first_line, second_line = frames.copy(), frames.copy()
        first_line[1], second_line[0] = -1, -1
        results = file["/entry/results"]
        check_probe(results, "kept", first_line, 2)
        check_probe(results, "same", second_line, 11, first_frame=6)
        check_probe(results, "other", second_line, 13, first_frame=6, other=True)
        check_probe(results, "new", second_line, 7, first_frame=6)
        assert "unused_u" not in results
        # What has the name of a result that is still computed does not take its place.
        check_maps(file, frames, (2, 6))
        same("data", file["/entry/data/data"][()], pixels(frames, (2, 6)))
        check_frames(file, rows_of(frames))
        check_facts(file, path, ["scan_y", "scan_x", "y", "x"], "complete")


def late_stack(path):
    with h5py.File(path, "r") as file:
        check_probe(file["/entry/results/counter1"], "new", np.array([-1, -1, -1, 3, 4]), 7, layer=1, first_frame=3)


main({**globals(), "list": list_})
