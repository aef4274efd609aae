"""Opens a recorded file with programs that people use, by the lines that the README gives, and compares pixels and axes.

    reader_checks.py READER DIRECTORY

DIRECTORY has NAME.h5, its links NAME.hspy and NAME.nxs, and sent.npy, what the detector sent. Run by test_readers.py with the Python that has
the reader: Debian's, or that of a virtual environment. Imports of a reader are done where it is used.
"""
import pathlib
import re
import sys

import h5py
import hdf5plugin  # noqa: F401 (its import registers the Blosc filter)
import numpy as np

TOP = pathlib.Path(__file__).resolve().parents[2]
# What test_readers.py tells the daemon, and what axes must be of it: (name, first, step, units).
STEP, PIXEL, KV, SHAPE, SIDE = 2.5, 0.05, 200, (6, 8), 256
AXES = [("scan_y", 0, STEP, "nm"), ("scan_x", 0, STEP, "nm"), ("y", -127.5 * PIXEL, PIXEL, "1/nm"), ("x", -127.5 * PIXEL, PIXEL, "1/nm")]


def readme_line(reader):
    """The Python line that the README gives for a reader, NAME replaced."""
    found = re.search(rf"^\| {re.escape(reader)} \| `([^`]+)`", (TOP / "README.md").read_text(), re.MULTILINE)
    assert found, f"README.md has no line for {reader}"
    return found[1]


def opened(reader, **names):
    return eval(readme_line(reader), names)  # the line as it is written is what is tested


def sent():
    return np.load("sent.npy").reshape(SHAPE + (SIDE, SIDE))


def check_pixels(data):
    np.testing.assert_array_equal(np.asarray(data), sent())


def check_axes(axes):
    """[(name, first, step, units)]"""
    assert [(name, units) for name, _, _, units in axes] == [(name, units) for name, _, _, units in AXES], axes
    np.testing.assert_allclose([axis[1:3] for axis in axes], [axis[1:3] for axis in AXES], rtol=1e-9, atol=1e-12)


def check_signal(signal):
    check_pixels(signal.data)
    manager = signal.axes_manager
    assert (manager.navigation_dimension, manager.signal_dimension) == (2, 2), manager
    check_axes([(axis.name, axis.offset, axis.scale, axis.units) for axis in manager._axes])


def check_h5py():
    data = opened("h5py", h5py=h5py)
    check_pixels(data)
    group = data.parent
    axes = [group[name] for name in group.attrs["axes"]]
    check_axes([(axis.attrs["name"], axis[0], axis[1] - axis[0], axis.attrs["units"]) for axis in axes])


def check_hyperspy():
    import hyperspy.api as hs
    lazy = opened("HyperSpy, pyxem", hs=hs)
    assert lazy._lazy and lazy.data.chunks[1][0] > 0
    lazy.compute()
    check_signal(lazy)
    check_signal(hs.load("NAME.hspy"))
    assert lazy.metadata.Acquisition_instrument.TEM.beam_energy == KV
    check_signal(opened("HyperSpy, as NeXus", hs=hs))


def check_pyxem():
    import hyperspy.api as hs
    import pyxem
    signal = opened("HyperSpy, pyxem", hs=hs)
    assert isinstance(signal, pyxem.signals.ElectronDiffraction2D), type(signal)
    assert signal.beam_energy == KV
    signal.compute()
    check_signal(signal)


def check_rosettasciio():
    import rsciio.hspy
    import rsciio.nexus
    for reader in ("RosettaSciIO", "RosettaSciIO, as NeXus"):
        signals = opened(reader, rsciio=rsciio)
        assert len(signals) == 1, signals
        check_pixels(signals[0]["data"])
        check_axes([(axis["name"], axis["offset"], axis["scale"], axis["units"]) for axis in signals[0]["axes"]])
        assert [axis["navigate"] for axis in signals[0]["axes"]] == [True, True, False, False]


def check_py4dstem():
    import emdfile
    import py4DSTEM
    for cube in (opened("py4DSTEM", py4DSTEM=py4DSTEM), emdfile.read("NAME.h5")):
        assert type(cube).__name__ == "DataCube", type(cube)
        check_pixels(cube.data)
        calibration = cube.calibration
        assert (calibration.get_Q_pixel_units(), calibration.get_R_pixel_units()) == ("A^-1", "nm")
        np.testing.assert_allclose((calibration.get_Q_pixel_size(), calibration.get_R_pixel_size()), (PIXEL / 10, STEP))
    with h5py.File("NAME.h5") as file:
        group = file["/entry/data"]
        dims = [group[f"dim{i}"] for i in range(4)]
        check_axes([(dim.attrs["name"], dim[0], dim[1] - dim[0], dim.attrs["units"]) for dim in dims])


def check_libertem():
    import libertem.api as lt
    with lt.Context.make_with("inline") as ctx:
        dataset = opened("LiberTEM", ctx=ctx)
        assert tuple(dataset.shape) == SHAPE + (SIDE, SIDE), dataset.shape
        total = ctx.run(ctx.create_sum_analysis(dataset=dataset)).intensity.raw_data
        np.testing.assert_array_equal(total, sent().sum(axis=(0, 1)))
        for y, x in ((0, 0), (3, 5), (5, 7)):
            pattern = ctx.run(ctx.create_pick_analysis(dataset=dataset, y=y, x=x)).intensity.raw_data
            np.testing.assert_array_equal(pattern, sent()[y, x])


def check_dask():
    import dask.array as da
    data = opened("Dask", da=da, patterns=h5py.File("NAME.h5")["/entry/data/data"])
    check_pixels(data.compute())


def check_silx():
    """The plot that `silx view` and h5web show first: the chain of @default, and what their readers of NXdata make of it."""
    import silx.io
    from silx.io.nxdata import NXdata, get_default
    with silx.io.open("NAME.nxs") as file:
        default = get_default(file)
        assert default is not None and default.is_valid, default and default.issues
        assert default.group.name == "/entry/data" and default.is_image and default.interpretation == "image"
        check_pixels(default.signal[()])
        assert list(default.axes_dataset_names) == [axis[0] for axis in AXES], default.axes_dataset_names
        check_axes([(axis.name.split("/")[-1], axis[0], axis[1] - axis[0], axis.attrs["units"]) for axis in default.axes])
        for name, group in file["/entry/results"].items():
            if group.attrs.get("NX_class") == "NXdata":
                assert NXdata(group).is_valid, (name, NXdata(group).issues)


if __name__ == "__main__":
    chosen = globals()["check_" + sys.argv[1]]
    import os
    os.chdir(sys.argv[2])
    chosen()
