"""Analysis of maps on request (com, icom, map_profile, map_correlation, map_drift), against numpy and against what was put
into the frames: a file of patterns, one spot each, whose place is the gradient of a known potential."""
import json
import sys
import unittest

import numpy as np

from fake_detector import frame
from harness import TOP, ControlError, SystemTest, lighter, run_ctl, wait_for

PLAIN = True

SCAN = (24, 20)
SIDE = 32  # of a frame, pixels
ROTATION, FLIP = 25.0, True
DRIFT = (1.4, -2.3)  # from the first pass to the second, positions
PERIOD = 5.3  # of the wave in the counts, along a line of the scan


def atoms():
    rng = np.random.default_rng(4)
    return rng.uniform(-3, np.array(SCAN) + 3, (30, 2)), rng.uniform(0.5, 1.5, 30)


def potential(y, x):
    """Blobs, and its gradient along y and x; positions of the scan."""
    total, along_y, along_x, width = 0.0, 0.0, 0.0, 1.8
    for (at_y, at_x), height in zip(*atoms()):
        blob = height * np.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / (2 * width ** 2))
        total, along_y, along_x = total + blob, along_y - blob * (y - at_y) / width ** 2, along_x - blob * (x - at_x) / width ** 2
    return total, along_y, along_x


def spot(y, x, counts):
    """A pattern whose centre of mass is (y, x), to the rounding of its counts."""
    pixels = np.zeros((SIDE, SIDE), np.uint16)
    row, column = int(y), int(x)
    for i, part_y in ((row, row + 1 - y), (row + 1, y - row)):
        for j, part_x in ((column, column + 1 - x), (column + 1, x - column)):
            pixels[i, j] = round(counts * part_y * part_x)
    return pixels


def patterns():
    """Two passes, the second with the specimen moved. C = F R(-angle) C', and a descan plane."""
    angle = np.radians(ROTATION)
    frames = []
    for dy, dx in ((0, 0), DRIFT):
        for y, x in np.ndindex(SCAN):
            value, along_y, along_x = potential(y - dy, x - dx)
            back_x = along_x * np.cos(angle) + along_y * np.sin(angle)
            back_y = -along_x * np.sin(angle) + along_y * np.cos(angle)
            counts = 4000 + 8000 * value + 1500 * np.cos(2 * np.pi * x / PERIOD)
            frames.append(spot(15.2 + 0.05 * y - 0.02 * x - back_y, 16.1 + 0.03 * x + back_x, min(counts, 60000)))
    return frames


def fit(com_y, com_x, n_terms):
    """Least squares with three steps in which positions beyond twice the rms are left out; the fitted shift and terms."""
    v, u = np.mgrid[:com_y.shape[0], :com_y.shape[1]].astype(float)
    v, u = (v - v.mean()).ravel(), (u - u.mean()).ravel()
    terms = np.stack([np.ones_like(v), v, u, v * v, v * u, u * u][:n_terms], axis=1)
    maps = np.stack([com_y.ravel(), com_x.ravel()], axis=1)
    measured = np.isfinite(maps).all(axis=1)
    used = measured
    for step in range(4):
        solution = np.linalg.lstsq(terms[used], maps[used], rcond=None)[0]
        residuals = np.abs(maps - terms @ solution)
        if step < 3:
            limits = 2 * np.sqrt((residuals[used] ** 2).mean(axis=0))
            used = measured & (residuals <= limits).all(axis=1)
    fitted = (terms @ solution).reshape(*com_y.shape, 2)
    return fitted[..., 0], fitted[..., 1], solution


def turned(com_y, com_x, rotation, flip):
    angle, y = np.radians(rotation), -com_y if flip else com_y
    return com_x * np.sin(angle) + y * np.cos(angle), com_x * np.cos(angle) - y * np.sin(angle)


def curl_rms(com_y, com_x):
    curl = np.gradient(com_y, axis=1) - np.gradient(com_x, axis=0)
    return np.sqrt((curl[1:-1, 1:-1] ** 2).mean())


def integrated(com_y, com_x, border, high_pass=0):
    ny, nx = com_y.shape
    com_y, com_x = np.nan_to_num(com_y), np.nan_to_num(com_x)
    if border == "mirror":
        com_y, com_x = np.vstack([com_y, -com_y[::-1]]), np.vstack([com_x, com_x[::-1]])
        com_y, com_x = np.hstack([com_y, com_y[:, ::-1]]), np.hstack([com_x, -com_x[:, ::-1]])
    qy, qx = np.meshgrid(*(np.fft.fftfreq(n) for n in com_y.shape), indexing="ij")
    squared = qy ** 2 + qx ** 2
    squared[0, 0] = 1
    phi = (qy * np.fft.fft2(com_y) + qx * np.fft.fft2(com_x)) / (2j * np.pi * squared)
    phi[0, 0] = 0
    if high_pass:
        phi *= 1 - 2.0 ** -(squared / high_pass ** 2)
    return np.fft.ifft2(phi).real[:ny, :nx]


def summed(com_y, com_x, radius):
    """riCOM as its definition has it."""
    y, x = np.mgrid[:com_y.shape[0], :com_y.shape[1]]
    phi = np.zeros(com_y.shape)
    for p, q in zip(*np.nonzero(np.isfinite(com_y))):
        squared = (y - p) ** 2 + (x - q) ** 2
        near = (squared > 0) & (squared <= radius ** 2)
        phi[near] += (com_y[p, q] * (y - p) + com_x[p, q] * (x - q))[near] / squared[near]
    return np.where(np.isfinite(com_y), phi / (2 * np.pi), np.nan)


def bilinear(array, y, x):
    row, column = int(np.floor(y)), int(np.floor(x))
    row, column = min(row, array.shape[0] - 2), min(column, array.shape[1] - 2)
    v, u = y - row, x - column
    return ((1 - v) * ((1 - u) * array[row, column] + u * array[row, column + 1])
            + v * ((1 - u) * array[row + 1, column] + u * array[row + 1, column + 1]))


class MapAnalysis(SystemTest):
    def begin(self, *simulator_options, source=None, **settings):
        simulator = self.start_simulator(*(source or (self.file(), "--fps", "2000")), *simulator_options)
        self.daemon = self.start_daemon(simulator, {
            "recording.enabled": False, "virtual_detectors": [
                {"name": "all", "shape": "disk", "radius": 100},
                {"name": "top", "shape": "rectangle", "centre": [7.5, 15.5], "size": [16, 32]},
                {"name": "below", "shape": "rectangle", "centre": [23.5, 15.5], "size": [16, 32]}], **settings})
        self.client = self.control(self.daemon)
        return self.client

    def file(self):
        path = self.directory / "spots.mib"
        path.write_bytes(b"".join(frame(i + 1, one)[15:] for i, one in enumerate(patterns())))
        return path

    def measure(self, **arguments):
        self.begin()
        return self.run_scan(self.client, SCAN, **arguments)

    def map(self, name):
        """As floats, NaN where nothing was measured."""
        parts, _ = self.client.array("map", name)
        return np.where(parts["measured"] == 1, parts["data"].astype(float), np.nan)

    def ask(self, command, **arguments):
        result, parts = self.client.request(command, **arguments)
        return {one["name"]: np.frombuffer(raw, one["dtype"]).reshape(one["shape"])
                for one, raw in zip(result["parts"], parts)}, result

    def refused(self, command, code, field, **arguments):
        with self.assertRaises(ControlError) as refused:
            self.client(command, **arguments)
        self.assertEqual((refused.exception.code, refused.exception.field), (code, field), refused.exception.message)
        return refused.exception.message

    # ---- centre of mass

    def test_descan_is_the_least_squares_of_the_maps(self):
        self.measure()
        com_y, com_x = self.map("com_y"), self.map("com_x")
        for model, n_terms in (("constant", 1), ("plane", 3), ("parabola", 6)):
            fitted_y, fitted_x, terms = fit(com_y, com_x, n_terms)
            maps, result = self.ask("com", descan=model)
            np.testing.assert_allclose(result["descan"]["y"], terms[:, 0], rtol=1e-6, atol=1e-9, err_msg=model)
            np.testing.assert_allclose(result["descan"]["x"], terms[:, 1], rtol=1e-6, atol=1e-9, err_msg=model)
            np.testing.assert_allclose(maps["com_y"], com_y - fitted_y, atol=1e-8)
            np.testing.assert_allclose(maps["com_x"], com_x - fitted_x, atol=1e-8)
            np.testing.assert_allclose(maps["magnitude"], np.hypot(maps["com_y"], maps["com_x"]), rtol=1e-12)
            np.testing.assert_allclose(maps["azimuth"], np.degrees(np.arctan2(maps["com_y"], maps["com_x"])), rtol=1e-12)
            self.assertEqual(result["measured"], com_y.size)
            self.assertLess(result["descan"]["used"], com_y.size)
            self.assertTrue(all(error > 0 for error in result["descan"]["y_error"]))
        maps, result = self.ask("com", descan="none")
        np.testing.assert_allclose(maps["com_y"], com_y - (SIDE - 1) / 2, rtol=1e-12)
        # What one run's fit was can be taken from another's maps.
        plane, result = self.ask("com", descan="plane")
        again, result = self.ask("com", descan=result["descan"])
        self.assertEqual(result["descan"]["model"], "given")
        np.testing.assert_allclose(again["com_x"], plane["com_x"], atol=1e-6)  # JSON has nine digits

    def test_rotation_and_flip_are_found_and_applied(self):
        self.measure()
        com_y, com_x = self.map("com_y"), self.map("com_x")
        found, result = self.ask("com", descan="plane", rotation="auto")
        transform = result["transform"]
        self.assertTrue(transform["found"])
        self.assertTrue(transform["polarity_sure"], transform)
        self.assertIs(transform["flip"], FLIP)
        self.assertAlmostEqual(transform["rotation"], ROTATION, delta=2)
        self.assertLess(abs(transform["rotation"] - ROTATION), 5 * transform["rotation_error"] + 0.5)
        self.assertLess(transform["curl_rms"], 0.5 * transform["curl_rms_other_flip"])
        self.assertAlmostEqual(transform["curl_rms"], curl_rms(found["com_y"], found["com_x"]), places=7)
        fitted_y, fitted_x, _ = fit(com_y, com_x, 3)
        at = [curl_rms(*turned(com_y - fitted_y, com_x - fitted_x, transform["rotation"] + step, True)) for step in (-1, 0, 1)]
        self.assertLess(at[1], min(at[0], at[2]))
        # The gradient that was put in comes out, and the same by hand.
        y, x = np.mgrid[:SCAN[0], :SCAN[1]].astype(float)
        truth = potential(y, x)
        self.assertGreater(np.corrcoef(found["com_y"].ravel(), truth[1].ravel())[0, 1], 0.98)
        self.assertGreater(np.corrcoef(found["com_x"].ravel(), truth[2].ravel())[0, 1], 0.98)
        given, result = self.ask("com", descan="plane", rotation=ROTATION, flip=FLIP)
        self.assertFalse(result["transform"]["found"])
        expected = turned(com_y - fitted_y, com_x - fitted_x, ROTATION, FLIP)
        np.testing.assert_allclose(given["com_y"], expected[0], atol=1e-8)
        np.testing.assert_allclose(given["com_x"], expected[1], atol=1e-8)

    def test_icom_equals_numpy_and_shows_the_potential(self):
        self.measure()
        shift = {"descan": "plane", "rotation": ROTATION, "flip": FLIP}
        com, _ = self.ask("com", **shift)
        for arguments in ({}, {"border": "periodic"}, {"high_pass": 0.05}, {"border": "periodic", "high_pass": 0.1}):
            maps, result = self.ask("icom", **shift, **arguments)
            self.assertEqual((result["method"], result["unmeasured"]["positions"]), ("icom", 0))
            expected = integrated(com["com_y"], com["com_x"], result["border"], result["high_pass"])
            np.testing.assert_allclose(maps["icom"], expected, atol=1e-9, err_msg=str(arguments))
        truth = potential(*np.mgrid[:SCAN[0], :SCAN[1]].astype(float))[0]
        known = {"centre": [0, 0], "y": [15.2, 0.05, -0.02], "x": [16.1, 0, 0.03]}
        maps, _ = self.ask("icom", descan=known, rotation=ROTATION, flip=FLIP)
        self.assertGreater(np.corrcoef(maps["icom"].ravel(), truth.ravel())[0, 1], 0.97)
        self.assertAlmostEqual(np.polyfit(truth.ravel(), maps["icom"].ravel(), 1)[0], 1, delta=0.1)
        maps, result = self.ask("icom", radius=6, **shift)
        self.assertEqual((result["method"], result["radius"], result["border"]), ("ricom", 6, None))
        np.testing.assert_allclose(maps["icom"], summed(com["com_y"], com["com_x"], 6), atol=1e-9)

    def test_a_scan_that_grows_is_integrated_by_ricom(self):
        self.begin(source=(self.file(), "--fps", "2000"))
        self.client.wait_state("idle")
        run = self.start_in_bursts(self.client, SCAN, SCAN[0] * SCAN[1] // 2)
        self.burst(self.client)
        wait_for(lambda: self.client.status()["frames"]["analysed"] >= 90, 30, "90 frames")
        maps, result = self.ask("icom")
        self.assertEqual((result["method"], result["radius"]), ("ricom", 16))
        self.assertEqual(np.isnan(maps["icom"]).sum(), result["unmeasured"]["positions"])
        self.assertTrue(0 < result["unmeasured"]["positions"] < SCAN[0] * SCAN[1])
        self.client("stop")
        self.client.wait_finished(run)
        com, result = self.ask("com")
        hole = np.isnan(com["com_y"])
        np.testing.assert_array_equal(hole, np.isnan(self.map("com_y")))
        self.assertEqual(result["measured"], (~hole).sum())
        maps, _ = self.ask("icom", method="ricom", radius=4)
        np.testing.assert_allclose(maps["icom"], summed(com["com_y"], com["com_x"], 4), atol=1e-9)
        maps, result = self.ask("icom")  # what is over does not grow
        expected = integrated(com["com_y"], com["com_x"], "mirror")
        self.assertEqual(result["method"], "icom")
        np.testing.assert_allclose(maps["icom"], np.where(hole, np.nan, expected), atol=1e-9)

    def test_dpc_is_made_of_the_quadrants_and_integrated(self):
        self.measure()
        self.client("virtual_detector", name="four", shape="segmented", outer=14, sectors=4, start_angle=-30)
        self.run_scan(self.client, SCAN)
        a, b, c, d = (self.map(f"four_{i}") for i in (1, 2, 3, 4))
        along, across, middle = (a - c) / (a + b + c + d), (b - d) / (a + b + c + d), np.radians(15)
        dpc_y, dpc_x = along * np.sin(middle) + across * np.cos(middle), along * np.cos(middle) - across * np.sin(middle)
        maps, result = self.ask("com", dpc="four", descan="none")
        self.assertEqual((result["dpc"], result["parts"][0]["units"]), ("four", ""))
        np.testing.assert_allclose(maps["com_y"], dpc_y, atol=1e-12)
        np.testing.assert_allclose(maps["com_x"], dpc_x, atol=1e-12)
        fitted_y, fitted_x, _ = fit(dpc_y, dpc_x, 3)
        turned_y, turned_x = turned(dpc_y - fitted_y, dpc_x - fitted_x, ROTATION, FLIP)
        phi = integrated(turned_y, turned_x, "mirror")
        maps, _ = self.ask("icom", dpc="four", descan="plane", rotation=ROTATION, flip=FLIP)
        np.testing.assert_allclose(maps["icom"], phi, atol=1e-8)
        self.client("live_icom", enabled=True)
        self.client("live_icom", dpc="four", descan="plane", rotation=ROTATION, flip=FLIP)
        wait_for(lambda: np.allclose(self.map("icom"), phi, atol=1e-8), 20, "the live map of iDPC")
        self.assertEqual(self.client.array("map", "icom")[1]["units"], "positions")
        self.refused("com", "no_data", "args.dpc", dpc="top")

    def test_each_layer_has_its_own_shift(self):
        self.begin(source=("--synthetic", "glass", "--scan", "8x8", "--bank", "64", "--fps", lighter("500", "100")))
        self.run_scan(self.client, (8, 8), parameters={"ENABLECOUNTER1": 2})
        for arguments, layer in (({"layer": "counter1"}, "counter1"), ({"layer": "counter0"}, "counter0"), ({}, "counter0")):
            maps, result = self.ask("com", descan="none", **arguments)
            self.assertEqual(result["layer"], layer)
            np.testing.assert_allclose(maps["com_x"], self.map(f"{layer}/com_x") - 127.5, rtol=1e-12)
        self.refused("com", "no_data", "args.layer", layer="counter2")
        self.refused("com", "bad_value", "args.layer", layer=1)

    # ---- lines, pairs of maps

    def test_a_profile_is_the_mean_across_its_line_and_tells_the_period(self):
        self.measure()
        array = self.map("all")
        line, result = self.ask("map_profile", name="all", **{"from": [3, 1], "to": [9, 16.5]}, width=3)
        along = np.array([6, 15.5]) / np.hypot(6, 15.5)
        n = line["profile"].size
        self.assertEqual(n, int(np.ceil(np.hypot(6, 15.5))) + 1)
        self.assertAlmostEqual(result["spacing"], np.hypot(6, 15.5) / (n - 1))
        across = np.array([along[1], -along[0]])
        expected = [[bilinear(array, *(np.array([3, 1]) + i * result["spacing"] * along + w * across)) for w in (-1, 0, 1)]
                    for i in range(n)]
        np.testing.assert_allclose(line["profile"], np.mean(expected, axis=1), rtol=1e-9)
        np.testing.assert_allclose(line["error"], np.std(expected, axis=1, ddof=1) / np.sqrt(3), rtol=1e-6)
        np.testing.assert_array_equal(line["count"], 3)
        nearest, _ = self.ask("map_profile", name="all", **{"from": [5, 0], "to": [5, 19]}, interpolation="nearest")
        np.testing.assert_array_equal(nearest["profile"], array[5])
        outside, _ = self.ask("map_profile", name="all", **{"from": [5, -4], "to": [5, 19]})
        self.assertTrue(np.isnan(outside["profile"][:4]).all())
        np.testing.assert_array_equal(outside["count"][:4], 0)
        _, short = self.ask("map_profile", name="all", **{"from": [5, 0], "to": [5, 6]})
        self.assertIsNone(short["period"])
        self.assertIn("12", short["detail"])

    def test_a_wave_has_the_period_that_was_put_in(self):
        wave = [spot(15.5, 15.5, 9000 + 4000 * np.cos(2 * np.pi * x / PERIOD) + 300 * np.sin(7.1 * y * y + 3.3 * x * x))
                for y, x in np.ndindex(12, 40)]
        path = self.directory / "wave.mib"
        path.write_bytes(b"".join(frame(i + 1, one)[15:] for i, one in enumerate(wave)))
        self.begin(source=(path, "--fps", "2000"))
        self.run_scan(self.client, (12, 40))
        _, result = self.ask("map_profile", name="all", **{"from": [5.5, 0], "to": [5.5, 39]}, width=8)
        period = result["period"]
        self.assertAlmostEqual(period["value"], PERIOD, delta=max(4 * period["error"], 0.005))
        self.assertLess(period["error"], 0.1)
        self.assertAlmostEqual(period["amplitude"], 4000, delta=200)
        self.assertGreater(period["explained"], 0.95)

    def test_correlation_and_regression_equal_numpy(self):
        self.measure()
        top, below, whole = (self.map(name) for name in ("top", "below", "all"))
        _, result = self.ask("map_correlation", a="top", b="all", block=4)
        self.assertAlmostEqual(result["r"], np.corrcoef(top.ravel(), whole.ravel())[0, 1], places=8)
        slope, offset = np.polyfit(top.ravel(), whole.ravel(), 1)
        self.assertAlmostEqual(result["slope"], slope, places=7)
        np.testing.assert_allclose([result["offset"], result["mean_a"], result["mean_b"]],
                                   [offset, top.mean(), whole.mean()], rtol=1e-7)
        self.assertEqual((result["n"], result["blocks"], result["block"]), (480, 30, 4))
        self.assertGreater(result["r_error"], 0)
        _, result = self.ask("map_correlation", a=["top", "below"], b="all")  # the two halves are all there is
        np.testing.assert_array_equal(top + below, whole)
        self.assertAlmostEqual(result["r"], 1, places=12)
        self.assertAlmostEqual(result["slope"], 1, places=9)
        self.assertEqual(result["a"], ["top", "below"])

    def test_drift_between_two_passes_is_that_of_the_specimen(self):
        self.measure(repeats=2)
        maps = self.map("all")
        self.assertEqual(maps.shape, (2, *SCAN))
        _, result = self.ask("map_correlation", a="all", **{"pass": 0}, pass_b=1)
        self.assertAlmostEqual(result["r"], np.corrcoef(maps[0].ravel(), maps[1].ravel())[0, 1], places=8)
        # The wave in the counts stays where it is: the drift is that of com_y.
        _, result = self.ask("map_drift", a="com_y", **{"pass": 0}, pass_b=1, smoothing=1.5)
        self.assertTrue(result["found"], result)
        self.assertAlmostEqual(result["drift"][0], DRIFT[0], delta=0.3)
        self.assertAlmostEqual(result["drift"][1], DRIFT[1], delta=0.3)
        _, back = self.ask("map_drift", a="com_y", **{"pass": 1}, pass_b=0, smoothing=1.5)
        np.testing.assert_allclose(back["drift"], -np.array(result["drift"]), atol=0.1)
        self.assertEqual((back["pass"], back["pass_b"]), (1, 0))
        newest, result = self.ask("com", descan="none")
        self.assertEqual(result["pass"], 1)
        np.testing.assert_allclose(newest["com_y"], self.map("com_y")[1] - (SIDE - 1) / 2, rtol=1e-12)
        self.refused("com", "bad_value", "args.pass", **{"pass": 2})
        self.refused("map_drift", "bad_value", "args.pass_b", a="all", pass_b=7)

    # ---- refusals

    def test_before_the_first_run_there_is_nothing_to_analyse(self):
        self.begin()
        line = {"from": [0, 0], "to": [1, 1]}
        for command, arguments in (("com", {}), ("icom", {}), ("map_profile", {"name": "all", **line}),
                                   ("map_correlation", {"a": "all", "b": "top"}), ("map_drift", {"a": "all", "b": "top"})):
            self.assertIn("start a scan", self.refused(command, "no_data", None, **arguments))

    def test_what_cannot_be_is_refused_with_a_remedy(self):
        summary = self.measure()
        line = {"from": [0, 0], "to": [5, 5]}
        for command, code, field, arguments in (
                ("com", "bad_value", "args.descan", {"descan": "cubic"}),
                ("com", "bad_value", "args.descan", {"descan": {"centre": [0, 0], "y": [1, 2], "x": [1, 2]}}),
                ("com", "bad_value", "args.rotation", {"rotation": "left"}),
                ("com", "bad_value", "args.rotation", {"rotation": 1000}),
                ("com", "bad_value", "args.flip", {"flip": 1}),
                ("com", "bad_value", "args.flip", {"flip": "auto"}),
                ("com", "bad_value", "args.flip", {"rotation": "auto", "flip": True}),
                ("com", "bad_value", "args.pass", {"pass": -1}),
                ("com", "bad_value", "args.pass", {"pass": 1}),
                ("com", "bad_request", "args.border", {"border": "mirror"}),
                ("icom", "bad_value", "args.method", {"method": "sum"}),
                ("icom", "bad_value", "args.border", {"border": "zero"}),
                ("icom", "bad_value", "args.high_pass", {"high_pass": -1}),
                ("icom", "bad_value", "args.radius", {"radius": 1000}),
                ("icom", "bad_value", "args.radius", {"radius": 5, "method": "icom"}),
                ("icom", "bad_value", "args.border", {"radius": 5, "border": "mirror"}),
                ("map_profile", "no_data", "args.name", {"name": "nobody", **line}),
                ("map_profile", "bad_value", "args.name", line),
                ("map_profile", "bad_value", "args.from", {"name": "all", "to": [1, 1]}),
                ("map_profile", "bad_value", "args.to", {"name": "all", "from": [1, 1], "to": [1, 1]}),
                ("map_profile", "bad_value", "args.to", {"name": "all", "from": [1, 1], "to": [1, 1e6]}),
                ("map_profile", "bad_value", "args.width", {"name": "all", **line, "width": 0}),
                ("map_profile", "bad_value", "args.width", {"name": "all", "from": [0, 0], "to": [0, 60000], "width": 6000}),
                ("map_profile", "bad_value", "args.interpolation", {"name": "all", **line, "interpolation": "cubic"}),
                ("map_correlation", "bad_value", "args.a", {"b": "all"}),
                ("map_correlation", "bad_value", "args.b", {"a": "all", "b": "all"}),
                ("map_correlation", "bad_value", None, {"a": "all"}),
                ("map_correlation", "no_data", "args.b", {"a": "all", "b": ["all", "nobody"]}),
                ("map_correlation", "bad_value", "args.b", {"a": "all", "b": [1]}),
                ("map_correlation", "bad_value", "args.b", {"a": "all", "b": ["top"] * 17}),
                ("map_correlation", "bad_value", "args.block", {"a": "all", "b": "top", "block": 0}),
                ("map_drift", "bad_value", "args.smoothing", {"a": "all", "b": "top", "smoothing": 0}),
                ("map_drift", "bad_value", "args.run", {"a": "all", "b": "top", "run": 3}),
                ("map_drift", "no_data", "args.run", {"a": "all", "run": "00000000-0000-4000-8000-000000000000"})):
            with self.subTest(command, **arguments):
                self.assertGreater(len(self.refused(command, code, field, **arguments)), 20)
        self.assertTrue(self.client("map_drift", a="top", b="all", run=summary["id"])["run"])
        self.client("geometry", scan=[2000, 2000])
        self.assertIn("2^20", self.refused("com", "bad_value", None))
        self.client("geometry", scan=[4, 480 // 4])
        self.refused("map_drift", "bad_value", None, a="top", b="all")  # four lines are too few
        self.assertEqual(self.client("com")["shape"], [4, 120])

    # ---- the clients

    def test_merlinctl_has_all_of_them(self):
        self.measure(repeats=2)
        path = self.directory / "out.npy"

        def analyse(*words):
            done = run_ctl(self.daemon, "analyse", *words)
            self.assertEqual(done.returncode, 0, done.stderr)
            return json.loads(done.stdout)
        for name in ("com_y", "magnitude"):
            words = () if name == "com_y" else (f"part={name}",)
            self.assertTrue(analyse("com", "descan=plane", "rotation=auto", *words, "-o", path)["transform"]["found"])
            maps, _ = self.ask("com", descan="plane", rotation="auto")
            np.testing.assert_array_equal(np.load(path), maps[name])
        analyse("icom", "high_pass=0.1", "-o", path)
        np.testing.assert_array_equal(np.load(path), self.ask("icom", high_pass=0.1)[0]["icom"])
        analyse("profile", "name=all", "from=[5,0]", "to=[5,19]", "pass=0", "-o", path)
        np.testing.assert_array_equal(np.load(path), self.map("all")[0, 5])
        self.assertGreater(analyse("correlation", 'a=["top","below"]', "b=all")["r"], 0.999)
        self.assertTrue(analyse("drift", "a=com_y", "pass=0", "pass_b=1", "--json")["found"])
        for words, code in ((("strain",), 64), (("com", "descan"), 64), (("drift", "a=top", "b=all", "-o", path), 64),
                            (("com", "descan=cubic"), 2), (("com", "part=nothing", "-o", path), 64)):
            done = run_ctl(self.daemon, "analyse", *words)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertTrue(done.stderr)

    def test_python_has_all_of_them(self):
        sys.path.insert(0, str(TOP / "clients" / "python"))
        from merlind import Merlind, MerlindError
        self.measure(repeats=2)
        with Merlind(self.daemon.control) as m:
            maps, result = m.com(descan="plane", rotation="auto", pass_=0)
            self.assertEqual(maps["com_y"].shape, SCAN)
            self.assertTrue(result["transform"]["found"])
            icom, result = m.icom(descan=result["descan"], rotation=ROTATION, flip=True, pass_=0)
            self.assertEqual((icom.shape, result["descan"]["model"]), (SCAN, "given"))
            line, result = m.line_profile("all", (5, 0), (5, 19), width=2, pass_=0)
            np.testing.assert_allclose(line["distance"], np.arange(20))
            self.assertEqual(line["profile"].shape, (20,))
            self.assertGreater(m.correlation(["top", "below"], "all")["r"], 0.999)
            self.assertTrue(m.drift("com_y", pass_=0, pass_b=1)["found"])
            with self.assertRaises(MerlindError) as refused:
                m.drift("nobody", "all")
            self.assertEqual(refused.exception.field, "args.a")


if __name__ == "__main__":
    unittest.main()
