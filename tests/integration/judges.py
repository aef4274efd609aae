"""Judges that read .mib files and recordings without any of our C code."""
import contextlib
import json
import pathlib

import h5py
import hdf5plugin  # noqa: F401 (its import registers the Blosc filter)
import numpy as np


def read_mib(path):
    """(frames [n, y, x], headers) of a processed (U08, U16, U32) .mib file, by numpy alone."""
    data = pathlib.Path(path).read_bytes()
    frames, headers, at = [], [], 0
    while at < len(data):
        fields = data[at:at + 384].split(b"\0")[0].decode("latin-1").split(",")
        assert fields[0] == "MQ1", f"{path}: no MQ1 at byte {at}"
        offset, width, height = int(fields[2]), int(fields[4]), int(fields[5])
        kind = fields[6].strip()
        dtype = {"U08": ">u1", "U16": ">u2", "U32": ">u4"}[kind]
        size = width * height * np.dtype(dtype).itemsize
        frames.append(np.frombuffer(data, dtype, width * height, at + offset).reshape(height, width))
        headers.append(data[at:at + offset].split(b"\0")[0].decode("latin-1"))
        at += offset + size
    return np.stack(frames).astype(np.dtype(dtype).newbyteorder("=")), headers


def disk_mask(shape, centre, inner, outer):
    """Pixels whose centre's distance from `centre` [y, x] is in [inner, outer]; a disk has inner 0."""
    y, x = np.mgrid[:shape[0], :shape[1]].astype(float)
    squared = (y - centre[0]) ** 2 + (x - centre[1]) ** 2
    return (squared >= inner ** 2) & (squared <= outer ** 2)


def centre_of_mass(frame):
    """(y, x) in pixels; NaN for an empty frame."""
    counts = frame.astype(np.uint64)
    total = int(counts.sum())
    if total == 0:
        return float("nan"), float("nan")
    y = sum(int(n) * i for i, n in enumerate(counts.sum(axis=1)))
    x = sum(int(n) * i for i, n in enumerate(counts.sum(axis=0)))
    return y / total, x / total


@contextlib.contextmanager
def open_recording(path, **options):
    with h5py.File(path, "r", **options) as file:
        yield file


def file_statistics(file):
    """The run's summary as the file tells it."""
    text = file["/entry/statistics"][()]
    text = text.decode() if isinstance(text, bytes) else str(text)
    return json.loads(text.rstrip("\0 "))
