"""Every form in which frames may come, through simulator, socket, decoder, file and maps, against the images that the simulator holds.

The table is layout x rows x numbering of layers (what the simulator is started with) times format x depth x counters x colour (what the daemon sets
on it). One daemon follows all the detectors, which listen at the same ports one after the other.

The simulator's encoders are written from the protocol notes and not from the decoder; tests/unit/sim holds them against the tables there.
"""
import dataclasses
import itertools
import unittest

import numpy as np

from harness import SystemTest, disk_mask, lighter, open_recording

SLOW = True
PARTS = 2
PLAIN = True

SCAN = (2, 3)
FRAMES = SCAN[0] * SCAN[1]
DETECTORS = [{"name": "bright", "shape": "disk", "radius": 20.25}, {"name": "halo", "shape": "annulus", "inner": 20.5, "outer": 45}]
LAYOUTS = {"1x1": ["--layout", "1x1"], "2x2": ["--layout", "2x2"], "2x2G, gap 2": ["--layout", "2x2G", "--gap", 2],
           "2x2G, gap 3": ["--layout", "2x2G", "--gap", 3], "Nx1": ["--layout", "Nx1"]}
ROWS = (32, 64, 128, 256)
PUBLISHED = ("bright", "com_y")  # what is subscribed to, of every layer; all maps are asked for
LAYER_NAMES = ("", "counter0/", "counter1/", *(f"layer{i}/" for i in range(8)))


@dataclasses.dataclass(frozen=True)
class Mode:
    """What is set on the detector."""
    depth: int
    raw: bool = False
    both: bool = False
    colour: bool = False

    @property
    def parameters(self):
        continuous = self.depth < 24 and not self.both
        return {"COUNTERDEPTH": self.depth, "FILEFORMAT": 2 if self.raw else 0, "ENABLECOUNTER1": 2 if self.both else 0,
                "COLOURMODE": int(self.colour), "CONTINUOUSRW": int(continuous)}

    @property
    def layers(self):
        """[(name, place among the messages of an exposure)]; counter 1 is sent before counter 0."""
        if self.colour:
            return [(f"layer{i}", i) for i in range(8 if self.both else 4)]
        return [("counter0", 1), ("counter1", 0)] if self.both else [("", 0)]

    def __str__(self):
        return (f"{'raw' if self.raw else 'processed'} {self.depth} bit{', both counters' if self.both else ''}"
                f"{', colour' if self.colour else ''}")


def modes(layout):
    """Those that a Merlin has and whose form somebody knows; colour first, for there is no raw form of it to go through."""
    colour = not layout.startswith("2x2G")
    raw = layout != "Nx1"
    for depth in (1, 6, 12, 24):
        if colour:
            yield Mode(depth, colour=True)
    for depth in (1, 6, 12):
        if colour:
            yield Mode(depth, colour=True, both=True)
    for is_raw in (False, True)[:1 + raw]:
        for depth in (1, 6, 12):
            yield Mode(depth, is_raw, both=True)
        for depth in (1, 6, 12, 24):
            yield Mode(depth, is_raw)


def centres(images):
    """[n, (y, x)]: sum(i n) / sum(n), from integers."""
    images = images.astype(np.uint64)
    total = images.sum(axis=(1, 2))
    y = (images.sum(axis=2) * np.arange(images.shape[1], dtype=np.uint64)).sum(axis=1)
    x = (images.sum(axis=1) * np.arange(images.shape[2], dtype=np.uint64)).sum(axis=1)
    return np.stack([y / total, x / total], axis=1)


def expected_maps(images):
    centre = [(n - 1) / 2 for n in images.shape[1:]]
    masks = {"bright": disk_mask(images.shape[1:], centre, 0, 20.25), "halo": disk_mask(images.shape[1:], centre, 20.5, 45)}
    maps = {name: images[:, mask].sum(axis=1, dtype=np.uint64) for name, mask in masks.items()}
    com = centres(images)
    maps.update(com_y=com[:, 0], com_x=com[:, 1])
    return {name: values.reshape(SCAN) for name, values in maps.items()}


class FormatTest(SystemTest):
    """Runs with the truth of the simulator beside them."""

    def setUp(self):
        super().setUp()
        self.dump = self.directory / "truth.npy"

    def simulator(self, *arguments, **ports):
        return self.start_simulator("--synthetic", "glass", "--scan", f"{SCAN[0]}x{SCAN[1]}", "--fps", 2000, "--counts", 50, "--dump",
                                    self.dump, *arguments, **ports)

    def daemon(self, simulator, settings=None):
        daemon = self.start_daemon(simulator, {"virtual_detectors": DETECTORS, **(settings or {})})
        self.merlind, self.ask, self.published = daemon, self.control(daemon), self.results(
            daemon, [f"map/{layer}{name}/" for layer in LAYER_NAMES for name in PUBLISHED])
        return daemon

    def run_mode(self, layers, **arguments):
        """One run, held against the truth; the summary."""
        summary = self.run_scan(self.ask, SCAN, **arguments)
        self.assertEqual((summary["reason"], summary["detail"]), ("complete", ""), summary)
        images = FRAMES * len(layers)
        self.assert_accounts(summary["frames"])
        self.assert_counts(summary["frames"], expected=images, received=images, placed=images, recorded=images, analysed=images,
                           rejected=0, lost=0)
        self.check(summary, layers)
        return summary

    def check(self, summary, layers):
        truth = np.load(self.dump)
        self.assertEqual(len(truth), FRAMES * len(layers))
        self.assertEqual(tuple(summary["image"]), truth.shape[1:])
        self.assertEqual(summary.get("layers", []), [name for name, _ in layers if name])
        with open_recording(summary["file"]) as file:
            self.check_frames(file, len(layers))
            for i, (name, place) in enumerate(layers):
                images = truth[place::len(layers)]
                self.assertTrue(images.any(axis=(1, 2)).all(), "an empty truth proves nothing")
                self.check_layer(file, name, i, images)
                self.check_maps(summary, name, expected_maps(images))

    def check_frames(self, file, n):
        """One row for every message: exposure by exposure, in it layer by layer."""
        frames = file["/entry/frames"]
        self.assertEqual(frames["number"].shape, (FRAMES * n,))
        if n == 1:
            self.assertNotIn("layer", frames)
        else:
            np.testing.assert_array_equal(frames["layer"][...], np.tile(np.arange(n), FRAMES))
            self.assertEqual(file["/entry/instrument/detector/n_layers"][()], n)
        self.assertFalse((frames["status"][...] & 1).any(), "a frame is marked as missing")

    def check_layer(self, file, name, index, images):
        group = file["/entry/data" if index == 0 else f"/entry/data_{name}"]
        self.assertEqual(group["data"].shape, SCAN + images.shape[1:])
        self.assertEqual(group["data"].dtype, images.dtype)
        np.testing.assert_array_equal(group["data"][...].reshape(images.shape), images)
        if name:
            self.assertEqual(group.attrs["layer"], name)
        results = file["/entry/results"][name] if name else file["/entry/results"]
        np.testing.assert_array_equal(results["sum/data"][...], images.sum(axis=0, dtype=np.uint64))
        for map_name, values in expected_maps(images).items():
            np.testing.assert_array_equal(results[map_name]["data"][...], values)

    def check_maps(self, summary, layer, maps):
        """What the control socket hands out, and what was published last."""
        for name, values in maps.items():
            full = f"{layer}/{name}" if layer else name
            self.assertIn(full, summary["maps"])
            served, _ = self.ask.array("map", full)
            np.testing.assert_array_equal(served["data"], values)
            self.assertTrue(served["measured"].all())
            if name not in PUBLISHED:
                continue
            _, parts = self.published.wait(f"map/{full}/", lambda header: header["scan"] == summary["id"] and header["key"] and
                                           self.whole(header))
            np.testing.assert_array_equal(parts["data"], values)

    def whole(self, header):
        """Whether all was measured when this was sent; the message that `wait` looks at is the one with this header."""
        return next(parts["measured"].all() for _, other, parts in self.published.of(f"map/{header['name']}/") if other is header)


class Table(FormatTest):
    def follow(self, simulator, arguments):
        """Another detector at the same ports; the daemon goes over to it."""
        simulator.stop()
        self.ask.wait_state("disconnected")
        simulator = self.simulator(*arguments, command_port=simulator.command_port, data_port=simulator.data_port)
        self.ask.wait_state("idle")
        return simulator

    def go_through(self, layout, rows, numbering):
        """All modes of a layout; under a simulator of its own for each number of rows and each way to number layers."""
        simulator = None
        for row, (number, style) in itertools.product(rows, numbering.items()):
            arguments = [*LAYOUTS[layout], "--rows", row, *style]
            simulator = self.follow(simulator, arguments) if simulator else self.simulator(*arguments)
            if not hasattr(self, "ask"):
                self.daemon(simulator)
            for mode in modes(layout):
                if len(mode.layers) == 1 and style:
                    continue
                with self.subTest(f"{layout}, {row} rows, {mode}, {number}"):
                    self.run_mode(mode.layers, parameters=mode.parameters)
            self.published.messages.clear()

    def table_of(self, layout):
        self.go_through(layout, lighter(ROWS, ROWS[1::2]), {"layers of one number": [], "layers numbered on": ["--number-layers"]})

    def test_one_chip(self):
        self.table_of("1x1")

    def test_quad(self):
        self.table_of("2x2")

    def test_quad_with_a_gap_of_2(self):
        self.table_of("2x2G, gap 2")

    def test_quad_with_a_gap_of_3(self):
        self.table_of("2x2G, gap 3")

    def test_four_chips_in_a_row(self):
        self.table_of("Nx1")


class Single(FormatTest):
    """Forms that are no matter of the table: one daemon each."""

    def check_form(self, *arguments, settings=None):
        simulator = self.simulator(*arguments)
        daemon = self.daemon(simulator, settings)
        self.run_mode([("", 0)])
        daemon.stop()
        simulator.stop()

    def test_one_bit_processed_pixels_of_other_types(self):
        for kind, layout in itertools.product(("U01", "U01packed"), ("1x1", "2x2")):
            with self.subTest(kind=kind, layout=layout):
                self.check_form("--pixel-type", kind, "--depth", 1, "--layout", layout)

    def test_raw_with_the_gap_of_the_configuration(self):
        for gap, depth, rows in ((2, 1, 256), (3, 12, 32)):
            with self.subTest(gap=gap, depth=depth, rows=rows):
                self.check_form("--format", "raw", "--layout", "2x2G", "--gap", gap, "--depth", depth, "--rows", rows,
                                settings={"detector.gap": gap})

    def test_header_quirks(self):
        for style, form in itertools.product(("no-mq1a", "old"), (["--depth", 12], ["--chips", 4],
                                                                 ["--format", "raw", "--depth", 12])):
            with self.subTest(style=style, form=form):
                self.check_form("--header-style", style, *form)


class FormatOfTheRun(FormatTest):
    """A client selects the form of the next frames on the detector."""

    def test_settings_change_the_frames_of_the_next_run(self):
        self.daemon(self.simulator())
        for depth, dtype in ((12, np.uint16), (24, np.uint32), (6, np.uint8)):
            self.ask.wait_state("idle")
            self.ask("set", name="COUNTERDEPTH", value=depth)
            self.run_mode([("", 0)])
            self.assertEqual(np.load(self.dump).dtype, dtype)

    def test_layers_of_one_run_are_gone_in_the_next(self):
        self.daemon(self.simulator())
        for mode in (Mode(6, both=True), Mode(6), Mode(6, colour=True), Mode(12)):
            self.run_mode(mode.layers, parameters=mode.parameters)


if __name__ == "__main__":
    unittest.main()
