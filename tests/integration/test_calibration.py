"""The calibration: set, measured in the newest run, used by what is computed, kept in the file with where it came from."""
import json
import pathlib
import sys
import unittest

import numpy as np

import fake_detector
from harness import ControlError, SystemTest, disk_mask, lighter, open_recording, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients" / "python"))
import merlind


SCAN = (8, 8)
SIDE = 256
WAVELENGTH = 2.50793e-3  # nm, 200 kV
GLASS = {"centre": 128.0, "radius": 35.3, "fwhm": 9.4}  # detector/sim/glass_pattern.h


def write_frames(path, frames):
    """Frames [n, y, x] of 6 bits."""
    with open(path, "wb") as file:
        for number, counts in enumerate(frames, 1):
            file.write(fake_detector.frame(number, counts.astype(np.uint8))[15:])  # without MPX,LENGTH,
    return path


def write_mib(path, mean, seed=1):
    """64 frames of 6 bits with Poisson counts about `mean` [y, x], or [64, y, x]."""
    shape = np.broadcast_shapes(np.shape(mean), (SCAN[0] * SCAN[1], 1, 1))
    return write_frames(path, np.minimum(np.random.default_rng(seed).poisson(mean, shape), 63))


def as_replied(value):
    """With the nine digits that a reply has."""
    if isinstance(value, dict):
        return {name: as_replied(one) for name, one in value.items()}
    if isinstance(value, list):
        return [as_replied(one) for one in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def radii(centre, matrix=((1, 0), (0, 1))):
    """Distance of every pixel from `centre` [y, x], after `matrix` in the order x, y."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    dy, dx = y - centre[0], x - centre[1]
    (xx, xy), (yx, yy) = matrix
    return np.hypot(xx * dx + xy * dy, yx * dx + yy * dy)


def halo(centre, matrix=((1, 0), (0, 1))):
    r = radii(centre, matrix)
    return 3 * np.exp(-0.5 * ((r - 40) / 4) ** 2) + np.exp(-r / 25)


class Calibration(SystemTest):
    def begin(self, *simulator_options, **settings):
        self.simulator = self.start_simulator(*(simulator_options or ("--synthetic", "glass", "--bank", "64")), "--fps",
                                              lighter("1000", "200"))
        self.daemon = self.start_daemon(self.simulator, settings)
        self.client = self.control(self.daemon)
        self.client.wait_state("idle")
        return self.client

    def scan(self, client):
        summary = self.run_scan(client, SCAN)
        self.assertEqual(summary["reason"], "complete", summary)
        with open_recording(summary["file"]) as file:
            data = file["/entry/data/data"]
            self.frames = data[:].reshape(-1, *data.shape[2:]).astype(np.uint64)
            text = file["/entry/settings/1"][()] if "/entry/settings/1" in file else file["/entry/settings"][()]
            self.settings = json.loads((text.decode() if isinstance(text, bytes) else str(text)).rstrip("\0 "))
        return summary

    def refused(self, client, command, code, field=None, **arguments):
        with self.assertRaises(ControlError) as refused:
            client(command, **arguments)
        self.assertEqual((refused.exception.code, refused.exception.field), (code, field), refused.exception)
        return refused.exception.message

    def values(self, client):
        return client("calibration")["calibration"]

    # ---- set ----

    def test_what_is_configured_and_set_is_told_with_its_source_and_stands_in_the_file(self):
        client = self.begin(**{"calibration.kv": 200, "calibration.scan_step": 0.5})
        known = self.values(client)
        self.assertEqual((known["kv"]["value"], known["kv"]["unit"], known["kv"]["source"]), (200, "kV", "configuration"))
        self.assertAlmostEqual(known["wavelength_nm"]["value"], WAVELENGTH, delta=1e-8)
        self.assertIsNone(known["pixel_size_k"])
        known = client("calibration", camera_length_mm=200, centre=[127, 129.5], ellipse={"ratio": 1.02, "angle": 30},
                       scan_rotation_deg=-12, counts_per_electron=1.4, disk_radius_px=5)["calibration"]
        k = 0.055 / (200 * WAVELENGTH)
        self.assertAlmostEqual(known["pixel_size_k"]["value"], k, delta=1e-6)
        self.assertEqual(known["pixel_size_k"]["source"], "camera length")
        self.assertAlmostEqual(known["convergence_mrad"]["value"], 5 * k * WAVELENGTH * 1000, delta=1e-6)
        self.assertEqual(known["centre"]["value"], [127, 129.5])
        self.assertEqual(known["ellipse"]["value"], {"ratio": 1.02, "angle": 30})
        self.assertEqual({known[name]["source"] for name in ("camera_length_mm", "centre", "ellipse", "scan_rotation_deg",
                                                             "counts_per_electron", "disk_radius_px")}, {"set"})
        self.assertEqual(self.values(client), known)
        self.scan(client)
        self.assertEqual(as_replied(self.settings["calibration"]), known)
        self.assertEqual(self.settings["analysis"]["centre"], [127, 129.5])
        self.assertAlmostEqual(self.settings["analysis"]["ellipse_ratio"], 1.02)

    def test_a_pixel_size_that_was_set_stays_until_it_is_forgotten(self):
        client = self.begin()
        client("calibration", kv=200, camera_length_mm=200, pixel_size_k=0.07)
        self.assertEqual(self.values(client)["pixel_size_k"]["source"], "set")
        client("calibration", camera_length_mm=100)
        self.assertEqual(self.values(client)["pixel_size_k"]["value"], 0.07)
        client("calibration", pixel_size_k=None)
        size = self.values(client)["pixel_size_k"]
        self.assertEqual(size["source"], "camera length")
        self.assertAlmostEqual(size["value"], 0.055 / (100 * WAVELENGTH), delta=1e-6)
        client("calibration", kv=None)
        known = self.values(client)
        self.assertEqual([known[name] for name in ("kv", "wavelength_nm", "pixel_size_k")], [None] * 3)

    def test_what_makes_no_sense_is_refused_and_changes_nothing(self):
        client = self.begin()
        before = self.values(client)
        for name, value in (("kv", 0), ("kv", "200"), ("pixel_size_k", -1), ("centre", [1]), ("centre", [1, "x"]),
                            ("ellipse", {"ratio": 0.9, "angle": 0}), ("ellipse", {"ratio": 1.1}), ("scan_step_nm", True),
                            ("bad_pixels", 3), ("bad_pixels", "/nowhere/mask.npy")):
            self.refused(client, "calibration", "bad_value", f"args.{name}", **{"camera_length_mm": 100, name: value})
        self.assertEqual(self.values(client), before)
        self.refused(client, "calibration_measure", "bad_value", "args.what", what="moon")
        self.refused(client, "calibration_measure", "no_data", what="halo")
        for what, member, value in (("halo", "d", [0.2, 0.1]), ("rings", "save_as", "gold"), ("vacuum", "even", True), ("gain", "inner", 3),
                                    ("bad_pixels", "width", 2)):
            self.refused(client, "calibration_measure", "bad_value", f"args.{member}", what=what, **{member: value})
        self.refused(client, "halo_strain", "no_data", reference="nobody")
        self.refused(client, "bad_pixels_save", "no_data", path="/tmp/mask.npy")
        self.refused(client, "bad_pixels_save", "bad_value", "args.path", path="mask.npy")

    # ---- use ----

    def test_a_band_in_k_takes_the_calibrated_pixel_size(self):
        bands = [{"name": "band", "shape": "k_band", "k_inner": 3, "k_outer": 5}]
        client = self.begin(**{"virtual_detectors": bands, "calibration.pixel_size_k": 0.1})
        self.scan(client)
        middle = ((SIDE - 1) / 2, (SIDE - 1) / 2)

        def expected(inner, outer):
            return self.frames[:, disk_mask((SIDE, SIDE), middle, inner, outer)].sum(axis=1).reshape(SCAN)
        np.testing.assert_array_equal(client.array("map", "band")[0]["data"], expected(30, 50))
        self.assertEqual(self.settings["virtual_detectors"][0]["pixel_size_k"], 0.1)
        client("calibration", pixel_size_k=0.2)
        self.scan(client)
        np.testing.assert_array_equal(client.array("map", "band")[0]["data"], expected(15, 25))
        # One that is added afterwards has the newest size, and one of its own stays with it.
        client("calibration", pixel_size_k=0.05)
        added = client("virtual_detector", name="late", shape="k_band", k_inner=1, k_outer=2)["detector"]
        self.assertEqual(added["pixel_size_k"], 0.05)
        own = client("virtual_detector", name="own", shape="k_band", k_inner=1, k_outer=2, pixel_size_k=0.04)["detector"]
        self.assertEqual(own["pixel_size_k"], 0.04)
        self.scan(client)
        np.testing.assert_array_equal(client.array("map", "late")[0]["data"], expected(20, 40))
        np.testing.assert_array_equal(client.array("map", "own")[0]["data"], expected(25, 50))

    def test_a_band_without_a_calibration_says_what_to_do(self):
        client = self.begin()
        self.scan(client)
        with self.assertRaises(ControlError) as refused:
            client("virtual_detector", name="band", shape="k_band", k_inner=1, k_outer=2)
        self.assertIn("calibrate", refused.exception.message)

    def check_rings(self, client, centre, ratio=1.0, angle=0.0):
        y, x = np.mgrid[:SIDE, :SIDE].astype(float)
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        along = (x - centre[1]) * cos + (y - centre[0]) * sin
        across = -(x - centre[1]) * sin + (y - centre[0]) * cos
        bins = np.floor(np.sqrt(along ** 2 / ratio + across ** 2 * ratio)).astype(int)
        expected = np.bincount(bins.ravel(), self.frames.sum(axis=0).ravel())
        measured = client.array("profile", "radial_sum")[0]["data"]
        if ratio == 1:
            np.testing.assert_array_equal(measured, expected[: measured.size])
        else:  # a pixel on the border of a bin may fall to either side
            np.testing.assert_allclose(measured[5:100], expected[5:100], rtol=0.02)

    def test_rings_are_around_the_calibrated_centre_unless_the_configuration_has_one(self):
        client = self.begin()
        client("calibration", centre=[100.25, 140.5])
        self.scan(client)
        self.check_rings(client, (100.25, 140.5))
        client("calibration", ellipse={"ratio": 1.2, "angle": 30})
        self.scan(client)
        self.check_rings(client, (100.25, 140.5), 1.2, 30)

    def test_a_configured_centre_wins(self):
        client = self.begin(**{"analysis.centre": [90, 91]})
        client("calibration", centre=[100.25, 140.5])
        self.scan(client)
        self.check_rings(client, (90, 91))

    # ---- measured ----

    def test_the_halo_is_measured_and_taken_over_only_when_asked(self):
        client = self.begin()
        client("calibration", pixel_size_k=0.1183)
        summary = self.scan(client)
        result = client("calibration_measure", what="halo")
        measured = result["halo"]
        self.assertFalse(result["applied"])
        self.assertIsNone(result["calibration"]["centre"])
        self.assertEqual((result["run"], result["frames"]), (summary["id"], SCAN[0] * SCAN[1]))
        np.testing.assert_allclose(measured["centre"], [GLASS["centre"]] * 2, atol=0.5)
        self.assertAlmostEqual(measured["radius_px"], GLASS["radius"], delta=1)
        self.assertAlmostEqual(measured["fwhm_px"], GLASS["fwhm"], delta=1.5)
        self.assertLess(measured["ellipse"]["ratio"], 1.05)
        self.assertAlmostEqual(measured["k"], 0.1183 * measured["radius_px"], delta=1e-6)
        self.assertGreater(measured["radius_error_px"], 0)
        result = client("calibration_measure", what="halo", apply=True, inner=20, outer=52)
        self.assertEqual(result["halo"]["window"], [20, 52])
        for name in ("centre", "ellipse"):
            self.assertEqual(result["calibration"][name]["source"], f"halo of run {summary['id']}")
        self.scan(client)
        centre = self.settings["analysis"]["centre"]
        np.testing.assert_allclose(centre, result["halo"]["centre"], atol=1e-6)
        self.refused(client, "calibration_measure", "bad_value", what="halo", inner=40, outer=41)
        self.refused(client, "calibration_measure", "bad_value", "args.apply", what="halo", apply=1)

    def test_rings_of_a_polycrystal_give_the_pixel_size(self):
        d, size = [0.2338, 0.2025, 0.1432, 0.1221, 0.1169, 0.10125], 0.1
        r = radii((127.5, 127.5))
        mean = 0.5 + sum(3 * np.exp(-0.5 * ((r - 1 / spacing / size) / 1.5) ** 2) for spacing in d)
        client = self.begin(write_mib(self.directory / "rings.mib", mean))
        summary = self.scan(client)
        self.refused(client, "calibration_measure", "bad_value", "args.d", what="rings")
        rings = client("calibration_measure", what="rings", d=d)["rings"]
        self.assertAlmostEqual(rings["pixel_size_k"], size, delta=2e-4)
        self.assertGreaterEqual(len(rings["assigned"]), 4)
        self.assertIsNone(self.values(client)["pixel_size_k"])
        known = client("calibration_measure", what="rings", d=d, apply=True)["calibration"]["pixel_size_k"]
        self.assertEqual(known["source"], f"rings of run {summary['id']}")
        self.assertGreater(known["error"], 0)
        self.refused(client, "calibration_measure", "no_data", what="rings", d=[0.9, 0.31, 0.17])

    def test_a_vacuum_reference_gives_disk_and_centre(self):
        centre, radius = (120.4, 131.7), 15.3
        fine = np.mean([radii((centre[0] - dy, centre[1] - dx)) <= radius
                        for dy in np.linspace(-0.4, 0.4, 5) for dx in np.linspace(-0.4, 0.4, 5)], axis=0)
        client = self.begin(write_mib(self.directory / "vacuum.mib", 0.01 + 5 * fine))
        client("calibration", kv=200, pixel_size_k=0.1)
        summary = self.scan(client)
        counts = float(self.frames.sum()) / len(self.frames)
        result = client("calibration_measure", what="vacuum", apply=True, current_pa=1, exposure_s=1e-3)
        disk, known = result["vacuum"], result["calibration"]
        np.testing.assert_allclose(disk["centre"], centre, atol=0.05)
        self.assertAlmostEqual(disk["radius_px"], radius, delta=0.1)
        self.assertAlmostEqual(disk["radius_mrad"], disk["radius_px"] * 0.1 * WAVELENGTH * 1000, delta=1e-3)
        self.assertLess(disk["axis_ratio"], 1.02)
        self.assertAlmostEqual(disk["counts_per_electron"], counts / (1e-15 / 1.602177e-19), delta=0.01)
        self.assertEqual(known["disk_radius_px"]["source"], f"vacuum of run {summary['id']}")
        self.assertAlmostEqual(known["convergence_mrad"]["value"], disk["radius_mrad"], delta=1e-6)
        self.refused(client, "calibration_measure", "bad_value", "args.exposure_s", what="vacuum", current_pa=1)

    def test_bad_pixels_are_found_kept_and_left_out(self):
        mean = np.full((SIDE, SIDE), 2.0)
        hot, dead, full = (10, 200), (100, 50), (30, 40)
        mean[hot], mean[dead], mean[full] = 30, 0, 1000
        near = {"name": "near", "shape": "rectangle", "centre": list(hot), "size": [5, 5]}
        client = self.begin(write_mib(self.directory / "even.mib", mean), virtual_detectors=[near])
        summary = self.scan(client)
        np.testing.assert_array_equal(client.array("map", "near")[0]["data"].ravel(),
                                      self.frames[:, 8:13, 198:203].sum(axis=(1, 2)))
        found = client("calibration_measure", what="bad_pixels", even=True)["bad_pixels"]
        self.assertEqual((found["dead"], sorted(found["hot"]), found["saturated"]), ([list(dead)], [list(hot), list(full)],
                                                                                      [list(full)]))
        self.assertIsNone(self.values(client)["bad_pixels"])
        known = client("calibration_measure", what="bad_pixels", even=True, apply=True)["calibration"]["bad_pixels"]
        self.assertEqual((known["n"], known["shape"], known["source"]), (3, [SIDE, SIDE], f"run {summary['id']}"))

        self.scan(client)
        self.assertEqual(sorted(map(tuple, self.settings["calibration"]["bad_pixels"]["pixels"])), sorted((hot, full, dead)))
        good = np.ones((SIDE, SIDE), bool)
        good[[hot[0], dead[0], full[0]], [hot[1], dead[1], full[1]]] = False
        bins = np.floor(radii((127.5, 127.5))).astype(int)
        total = self.frames.sum(axis=0)
        measured = client.array("profile", "radial_sum")[0]["data"]
        np.testing.assert_array_equal(measured, np.bincount(bins[good], total[good], minlength=measured.size)[: measured.size])
        np.testing.assert_array_equal(client.array("profile", "radial_area")[0]["data"],
                                      np.bincount(bins[good], minlength=measured.size)[: measured.size])
        maximum = client.array("pattern", "maximum")[0]["data"]
        self.assertFalse(maximum[~good].any())
        np.testing.assert_array_equal(maximum[good], self.frames.max(axis=0)[good])
        weights = np.zeros((SIDE, SIDE))
        weights[8:13, 198:203] = 1
        weights[9:12, 199:202] += 1 / 8  # the hot pixel's weight, on its eight neighbours
        weights[hot] = 0
        np.testing.assert_allclose(client.array("map", "near")[0]["data"].ravel(), (self.frames * weights).sum(axis=(1, 2)),
                                   rtol=1e-4)
        # They are known now, and can be kept.
        self.assertEqual(client("calibration_measure", what="bad_pixels", even=True)["bad_pixels"]["n_new"], 0)
        path = self.directory / "mask.npy"
        self.assertEqual(client("bad_pixels_save", path=str(path))["n"], 3)
        np.testing.assert_array_equal(np.load(path), ~good)
        self.assertIn("exists", self.refused(client, "bad_pixels_save", "bad_value", "args.path", path=str(path)))
        client("calibration", bad_pixels=None)
        self.assertIsNone(self.values(client)["bad_pixels"])
        self.assertEqual(client("calibration", bad_pixels=str(path))["calibration"]["bad_pixels"]["n"], 3)

    def test_a_configured_mask_is_used_by_detectors_added_later(self):
        mask = np.zeros((SIDE, SIDE), bool)
        mask[128, 128] = True
        path = self.directory / "mask.npy"
        np.save(path, mask)
        client = self.begin(**{"calibration.bad_pixels": str(path)})
        self.assertEqual(self.values(client)["bad_pixels"]["source"], "configuration")
        run = self.start_in_bursts(client, (32, 32), 512)
        self.burst(client)
        wait_for(lambda: client.status()["frames"]["analysed"] >= 50, 30, "frames")
        client("virtual_detector", name="spot", shape="point", centre=[128, 128])
        self.burst(client)
        summary = client.wait_finished(run)
        parts, _ = client.array("map", "spot")
        with open_recording(summary["file"]) as file:
            frames = file["/entry/data/data"][:].astype(float)
        neighbours = (frames[..., 127:130, 127:130].sum(axis=(2, 3)) - frames[..., 128, 128]) / 8
        there = parts["measured"] == 1
        self.assertGreater(np.count_nonzero(there), 10)
        np.testing.assert_allclose(parts["data"][there], neighbours[there], rtol=1e-4)

    def test_a_mask_of_another_size_is_not_used_and_the_log_says_so(self):
        path = self.directory / "small.npy"
        np.save(path, np.ones((64, 256), np.uint8))
        client = self.begin(**{"calibration.bad_pixels": str(path)})
        self.scan(client)
        self.check_rings(client, (127.5, 127.5))
        self.daemon.wait_line(r"mask of bad pixels .* is of 64 x 256 pixels and is not used for frames of 256 x 256", stream="err")

    def test_a_configured_mask_that_cannot_be_read_is_told_at_the_start(self):
        daemon = self.start_daemon(None, {"calibration.bad_pixels": str(self.directory / "none.npy")}, wait_ready=False)
        self.assertNotEqual(daemon.wait(), 0)
        self.assertIn("calibration.bad_pixels", daemon.stderr_text())

    # ---- strain ----

    def test_strain_of_a_halo_against_a_named_reference(self):
        exx, eyy, exy = 0.02, -0.006, 0.004
        still = write_mib(self.directory / "still.mib", halo((126.2, 129.4)))
        pulled = write_mib(self.directory / "pulled.mib", halo((126.2, 129.4), ((1 + exx, exy), (exy, 1 + eyy))), 2)
        with merlind.Merlind(self.begin(still) and self.daemon.control) as m:
            m.calibration(camera_length_mm=100)
            self.scan(self.client)
            kept = m.measure("halo", save_as="unstrained")
            np.testing.assert_allclose(kept["centre"], (126.2, 129.4), atol=0.1)
            self.assertEqual([one["name"] for one in self.client("calibration")["references"]], ["unstrained"])
            none = m.halo_strain("unstrained")
            np.testing.assert_allclose([none["strain"][name] for name in ("e_xx", "e_yy", "e_xy")], 0, atol=1e-12)
            ports = {"command_port": self.simulator.command_port, "data_port": self.simulator.data_port}
            self.simulator.stop()
            self.client.wait_state("disconnected")
            self.start_simulator(pulled, "--fps", lighter("1000", "200"), **ports)
            self.scan(self.client)
            result = m.halo_strain("unstrained")
            self.assertEqual(result["warnings"], [])
            for name, truth in (("e_xx", exx), ("e_yy", eyy), ("e_xy", exy)):
                self.assertLess(result["strain"][name + "_error"], 0.003)
                self.assertAlmostEqual(result["strain"][name], truth, delta=4 * result["strain"][name + "_error"], msg=name)
            self.assertAlmostEqual(m.halo_strain("unstrained", azimuth=90)["strain"]["e_xx"], result["strain"]["e_yy"], delta=1e-9)
            m.calibration(camera_length_mm=120)
            self.assertEqual(len(m.halo_strain("unstrained")["warnings"]), 1)
            with self.assertRaises(merlind.MerlindError) as refused:
                m.halo_strain("nobody")
            self.assertEqual((refused.exception.code, refused.exception.field), ("no_data", "args.reference"))

    def test_the_python_client_sets_and_measures(self):
        client = self.begin()
        with merlind.Merlind(self.daemon.control) as m:
            known = m.calibration(kv=np.float64(200), centre=(127.5, np.float64(128)), camera_length_mm=196)
            self.assertEqual(known["centre"]["value"], [127.5, 128])
            self.assertIsNone(m.calibration(centre=None)["centre"])
            self.scan(client)
            self.assertAlmostEqual(m.measure("halo", apply=True)["radius_px"], GLASS["radius"], delta=1)
            self.assertIn("halo of run", m.calibration()["centre"]["source"])
            with self.assertRaises(merlind.MerlindError):
                m.measure("rings", d=(0.9, 0.31, 0.17))
            self.assertEqual(m.measure("bad_pixels")["saturated"], [])


if __name__ == "__main__":
    unittest.main()
