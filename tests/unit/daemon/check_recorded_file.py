"""Reads a file that test_recorder has recorded, with h5py and the Blosc filter of hdf5plugin, and compares it with
what numpy makes of the same formulas. Usage: check_recorded_file.py WHAT FILE"""
import json
import sys
import time

import h5py
import hdf5plugin  # noqa: F401 (registers the filter)
import numpy as np

H, W = 10, 12
HEADER = b"HDR,\t\r\nCounter Depth (number):\t12\r\nEnd\t\0\0\0\0"


def image(index, layer=0):
    i = np.arange(H * W, dtype=np.uint64)
    key = int(index) + layer * 501
    pixels = np.where((key * 31 + i * 7) % 4 == 0, (key + i) % 4000, 0)
    return pixels.astype("<u2").reshape(H, W)


def same(name, got, expected):
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.dtype == expected.dtype, f"{name}: {got.dtype} instead of {expected.dtype}"
    assert got.shape == expected.shape, f"{name}: {got.shape} instead of {expected.shape}"
    assert np.array_equal(got, expected, equal_nan=got.dtype.kind == "f"), f"{name}:\n{got}\ninstead of\n{expected}"


def centre_of_mass(pattern):
    y, x = np.mgrid[0:H, 0:W]
    total = pattern.sum(dtype=np.uint64)
    if total == 0:
        return np.nan, np.nan
    return float((y * pattern).sum()) / float(total), float((x * pattern).sum()) / float(total)


def axes_of(shape):
    return ["frame"] if len(shape) == 1 else ["repeat", "scan_y", "scan_x"][-len(shape):]


def check_maps(file, frame_of, shape, group="/entry/results", layer=0):
    """frame_of: the frame index of each position, -1 where none was analysed."""
    results = file[group]
    maps = {"all": np.zeros(shape, "<u8"), "com_y": np.full(shape, np.nan), "com_x": np.full(shape, np.nan),
            "measured": np.zeros(shape, "u1")}
    total = np.zeros((H, W), "<u8")
    for position, index in np.ndenumerate(np.asarray(frame_of).reshape(shape)):
        if index < 0:
            continue
        pattern = image(index, layer)
        total += pattern
        maps["all"][position] = pattern.sum()
        maps["com_y"][position], maps["com_x"][position] = centre_of_mass(pattern)
        maps["measured"][position] = 1
    for name, expected in maps.items():
        same(name, results[name]["data"][()], expected)
        group = results[name]
        assert group.attrs["NX_class"] == b"NXdata" and group.attrs["signal"] == "data"
        assert list(group.attrs["axes"]) == axes_of(shape)
        for axis, n in zip(group.attrs["axes"], shape):
            same(axis, group[axis][()], np.arange(n, dtype="<f8"))
        assert isinstance(group["data"].attrs["units"], str)
        assert group["data"].attrs["description"]
    same("sum", results["sum/data"][()], total)


def check_frames(file, rows, layers=1):
    """rows: {index * layers + layer: (position, status)}; others never came."""
    frames = file["/entry/frames"]
    n = max(rows) + 1
    layer = np.full(n, 255, "u1")
    number, timestamp, exposure = (np.zeros(n, "<u8") for _ in range(3))
    position, status = np.full(n, -3, "<i8"), np.ones(n, "u1")
    for row, (place, bits) in rows.items():
        if place == -3:
            continue
        index = row // layers
        number[row] = index + 1
        timestamp[row] = 1700000000000000000 + index * 1000
        exposure[row] = 500000 + index
        position[row], status[row], layer[row] = place, bits, row % layers
    same("number", frames["number"][()], number)
    same("position", frames["position"][()], position)
    same("timestamp_ns", frames["timestamp_ns"][()], timestamp)
    same("exposure_ns", frames["exposure_ns"][()], exposure)
    same("status", frames["status"][()], status)
    if layers > 1:
        same("layer", frames["layer"][()], layer)
    assert ("layer" in frames) == (layers > 1)


def check_extra(file, expected):
    extra = file["/entry/extra"]
    same("extra/frame", extra["frame"][()], np.array([index for index, _ in expected], "<u8"))
    same("extra/reason", extra["reason"][()], np.array([reason for _, reason in expected], "u1"))
    pixels = np.array([image(index) for index, _ in expected], "<u2").reshape(-1, H, W)
    same("extra/data", extra["data"][()], pixels)


def check_data_group(data, axes):
    assert data.attrs["NX_class"] == b"NXdata" and data.attrs["signal"] == "data"
    assert list(data.attrs["axes"]) == axes and data.attrs["interpretation"] == "image"
    for axis, n in zip(axes, data["data"].shape):
        same(axis, data[axis][()], np.arange(n, dtype="<f8"))
        assert isinstance(data[axis].attrs["units"], str) and data[axis].attrs["long_name"]


def check_facts(file, path, axes, reason, layers=1):
    assert file.attrs["NX_class"] == b"NXroot" and file.attrs["default"] == "entry"
    assert file.attrs["creator"] == "merlind"
    assert isinstance(file.attrs["creator_version"], str) and file.attrs["merlind_format_version"] == "2"
    entry = file["entry"]
    assert entry.attrs["NX_class"] == b"NXentry" and entry.attrs["default"] == "data"
    assert len(entry["entry_identifier"][()]) == 36
    started, ended = entry["start_time"][()].decode(), entry["end_time"][()].decode()
    parsed = [np.datetime64(text[:26]) for text in (started, ended)]
    assert parsed[1] - parsed[0] == np.timedelta64(5, "s"), (started, ended)
    assert entry["end_reason"][()].decode() == reason, entry["end_reason"][()]
    statistics = json.loads(entry["statistics"][()])
    assert statistics["state"] == "finished" and statistics["recording"]["state"] == "closed"
    assert statistics["file"] == path, statistics
    check_data_group(entry["data"], axes)
    assert ("layer" in entry["data"].attrs) == (layers > 1)
    detector = entry["instrument/detector"]
    assert detector.attrs["NX_class"] == b"NXdetector"
    assert detector.attrs["layout_published"] == "true"
    assert detector["n_layers"][()] == layers
    assert detector["counter_depth"][()] == 12 and detector["pixel_type"][()] == b"U16"
    assert detector["layout"][()] == b"1x1" and detector["row_order"][()]
    header = detector["acquisition_header"]
    assert header.dtype.itemsize == len(HEADER) and header[()] == HEADER.rstrip(b"\0")
    settings = json.loads(entry["settings/1"][()])
    assert settings["virtual_detectors"][0]["name"] == "all", settings
    assert settings["layers"] == layers and settings["find_lines"] is False and settings["detector_gap"] == 3, settings
    history = json.loads(entry["geometry/history"][()])
    stored = {**settings["scan"], "scan": settings["scan"]["shape"]}
    assert {key: history[0][key] for key in ("order", "scan", "repeats", "skip", "shift")} == \
        {key: stored[key] for key in ("order", "scan", "repeats", "skip", "shift")}, (history, settings)
    assert history[0]["version"] == 1 and history[0]["frame"] == 0


def check_filter(dataset, chunk):
    assert dataset.chunks == chunk, dataset.chunks
    plist = dataset.id.get_create_plist()
    assert plist.get_nfilters() == 1
    code, flags, values, _ = plist.get_filter(0)
    raw = int(np.prod(chunk)) * 2
    assert code == 32001 and flags == 0 and values == (2, 2, 2, raw, 1, 2, 1), (code, flags, values)


def eventful_scan(path):
    with h5py.File(path, "r") as file:
        frame_of = [2 + y * 8 + x for y in range(4) for x in range(7)]
        missing = [7, 8, 9, 20]
        pixels = np.array([image(index) for index in frame_of], "<u2")
        pixels[missing + [15]] = 0
        data = file["/entry/data/data"]
        same("data", data[()], pixels.reshape(4, 7, H, W))
        check_filter(data, (1, 3, H, W))
        check_filter(file["/entry/extra/data"], (1, H, W))
        assert data.maxshape == (None, 7, H, W)
        assert data.id.get_num_chunks() == 12 - 2
        rows = {index: (position, 0) for position, index in enumerate(frame_of)}
        rows.update({frame_of[position]: (-3, 1) for position in missing})
        rows.update({0: (-1, 64), 1: (-1, 64), 34: (-2, 128), frame_of[15]: (15, 4), frame_of[3]: (3, 2)})
        check_frames(file, rows)
        check_extra(file, [(0, 64), (1, 64), (frame_of[15], 4), (frame_of[3], 2), (34, 128)])
        analysed = [-1 if position in missing else index for position, index in enumerate(frame_of)]
        check_maps(file, analysed, (4, 7))
        check_facts(file, path, ["scan_y", "scan_x", "y", "x"], "short")
        assert json.loads(file["/entry/settings/1"][()])["scan"] == {
            "shape": [4, 7], "order": "raster", "repeats": 1, "skip": {"start": 2, "line": 1, "end": 0}, "shift": 0}


def stack(path):
    with h5py.File(path, "r") as file:
        data = file["/entry/data/data"]
        same("data", data[()], np.array([image(index) for index in range(11)]))
        check_filter(data, (3, H, W))
        check_frames(file, {index: (index, 0) for index in range(11)})
        check_extra(file, [])
        check_maps(file, range(11), (11,))
        check_facts(file, path, ["frame", "y", "x"], "complete")


def whole(path):
    with h5py.File(path, "r") as file:
        pixels = np.array([image(index) for index in range(36)])
        same("data", file["/entry/data/data"][()], pixels.reshape(6, 6, H, W))
        check_frames(file, {index: (index, 0) for index in range(36)})
        check_maps(file, range(36), (6, 6))


def growing(path):
    """Three of six lines have been recorded; the writer is still there."""
    deadline = time.monotonic() + 60
    expected = np.array([image(index) for index in range(18)]).reshape(3, 6, H, W)
    with h5py.File(path, "r", libver="latest", swmr=True) as file:
        data, number = file["/entry/data/data"], file["/entry/frames/number"]
        measured, total = file["/entry/results/measured/data"], file["/entry/results/all/data"]
        while True:
            for dataset in (data, number, measured, total):
                dataset.id.refresh()
            if data[2, 5].any() and len(number) >= 18 and measured[()].sum() == 18:
                break
            assert time.monotonic() < deadline, "nothing to be seen"
            time.sleep(0.01)
        same("data", data[:3], expected)
        same("data", data[3:], np.zeros((3, 6, H, W), "<u2"))
        same("number", number[()], np.arange(1, 19, dtype="<u8"))
        same("all", total[:3], expected.sum(axis=(2, 3), dtype="<u8"))
        assert json.loads(file["/entry/statistics"][()])["state"] == "acquiring"


def broken_off(path, n_chunks):
    """A file whose disk was full: every chunk that counts as recorded can be read, with SWMR and without."""
    for mode in ({"libver": "latest", "swmr": True}, {}):
        with h5py.File(path, "r", **mode) as file:
            data = file["/entry/data/data"]
            assert data.id.get_num_chunks() >= int(n_chunks), (mode, data.id.get_num_chunks(), n_chunks)
            for row in range(int(n_chunks)):
                assert data[row].any()


def main(checks):
    if not h5py.h5z.filter_avail(32001):
        sys.exit("h5py has no Blosc filter: install hdf5-filter-plugin-blosc-serial")
    what, *arguments = sys.argv[1].split(":")
    checks[what.replace("-", "_")](sys.argv[2], *arguments)


if __name__ == "__main__":
    main(globals())
