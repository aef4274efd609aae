"""Halo and strain in bins of positions: the truth that was put into the frames, within the errors that are told."""
import json
import pathlib
import sys
import unittest

import numpy as np

import fake_detector
from harness import ControlError, SystemTest, arrays, lighter, open_recording, run_ctl, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients" / "python"))
import merlind


SCAN = (6, 8)
SIDE = 128
RADIUS, WIDTH, CENTRE = 36.0, 4.0, (62.8, 64.4)
STRAIN = {"e_xx": 0.02, "e_yy": -0.008, "e_xy": 0.005}
MAPS = ("halo_k", "halo_fwhm", "e_xx", "e_yy", "e_xy")
FEW, GOOD = 2, 0  # in part reason


def halo(strain=None):
    """Mean counts of a frame. A specimen that is stretched along x has its ring shorter there: R = |(1 + e) q|."""
    e = strain or dict.fromkeys(STRAIN, 0.0)
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    y, x = y - CENTRE[0], x - CENTRE[1]
    r = np.hypot((1 + e["e_xx"]) * x + e["e_xy"] * y, e["e_xy"] * x + (1 + e["e_yy"]) * y)
    return 3 * np.exp(-0.5 * ((r - RADIUS) / WIDTH) ** 2) + np.exp(-r / 25)


def write_mib(path, mean_at, seed):
    random = np.random.default_rng(seed)
    with open(path, "wb") as file:
        for number, place in enumerate(np.ndindex(SCAN), 1):
            file.write(fake_detector.frame(number, np.minimum(random.poisson(mean_at(*place)), 63).astype(np.uint8))[15:])
    return path


class HaloMaps(SystemTest):
    def begin(self, mib, **settings):
        self.simulator = self.start_simulator(mib, "--fps", lighter("1000", "300"))
        self.daemon = self.start_daemon(self.simulator, settings)
        self.client = self.control(self.daemon)
        return self.client

    def change_specimen(self, mib):
        ports = {"command_port": self.simulator.command_port, "data_port": self.simulator.data_port}
        self.simulator.stop()
        self.client.wait_state("disconnected")
        self.simulator = self.start_simulator(mib, "--fps", lighter("1000", "300"), **ports)
        self.client.wait_state("idle")

    def maps(self, **arguments):
        result, parts = self.client.request("halo_maps", **arguments)
        return arrays(result["parts"], parts), result

    def film(self):
        """Left half still, right half strained; of the last two rows hardly any counts."""
        still, pulled = halo(), halo(STRAIN)
        return write_mib(self.directory / "film.mib", lambda y, x: (pulled if x >= 4 else still) * (0.002 if y >= 4 else 1), 3)

    def test_bins_have_the_strain_that_was_put_in_and_few_counts_have_none(self):
        control = self.begin(write_mib(self.directory / "still.mib", lambda y, x: halo(), 4),
                             **{"calibration.pixel_size_k": 0.1, "calibration.camera_length": 100})
        results = self.results(self.daemon, ("map/e_xx/", "event/"))
        self.run_scan(control, SCAN, recording=False)
        control("calibration_measure", what="halo", save_as="still", inner=24, outer=50, centre=list(CENTRE))
        self.change_specimen(self.film())
        summary = self.run_scan(control, SCAN)
        found, result = self.maps(reference="still", bin=2)
        strain = json.loads(run_ctl(self.daemon, "analyse", "halo-strain", "reference=still", "--json").stdout)
        self.assertLess(strain["strain"]["e_yy"], strain["strain"]["e_xx"])
        self.assertEqual(result["bins"], {"fitted": 8, "empty": 0, "few_counts": 4, "no_peak": 0, "no_fit": 0, "masked": 0})
        self.assertEqual((result["shape"], found["e_xx"].shape, result["left_out"], result["recorded"]), (list(SCAN), (3, 4), 0, "now"))
        np.testing.assert_array_equal(found["reason"], np.array([[GOOD] * 4] * 2 + [[FEW] * 4]))
        np.testing.assert_array_equal(found["frames"], 4)
        for name in MAPS:
            for one in (name, name + "_error"):
                np.testing.assert_array_equal(np.isnan(found[one]), found["reason"] == FEW)
        truths = {**{name: np.where(np.arange(4) >= 2, value, 0) for name, value in STRAIN.items()},
                  "halo_fwhm": np.full(4, 0.1 * WIDTH * np.sqrt(8 * np.log(2)))}
        for name, truth in truths.items():
            pulls = (found[name][:2] - truth) / found[name + "_error"][:2]
            self.assertLess(np.abs(pulls).max(), 4.5, (name, found[name]))
            self.assertLess((pulls ** 2).mean(), 4, name)
        self.assertLess(np.abs(found["halo_k"][:2, :2] - 0.1 * RADIUS).max(), 0.02)
        self.assertTrue((found["e_xx"][:2, 2:] > 10 * found["e_xx_error"][:2, 2:]).all())

        # Maps of the run like any other, a bin's value at all its positions, and in the file.
        parts, header = control.array("map", "e_xx")
        np.testing.assert_array_equal(parts["data"], np.kron(found["e_xx"], np.ones((2, 2))))
        np.testing.assert_array_equal(parts["measured"][4:], 0)
        self.assertEqual(control.array("map", "halo_k")[1]["units"], "nm^-1")
        self.assertEqual((header["provenance"]["origin"], header["provenance"]["reference"]["name"], header["provenance"]["bin"]),
                         ("computed", "still", 2))
        results.wait("map/e_xx/", lambda header: header["key"])
        events = results.wait("event/", lambda header: header["event"] == "sweep" and header["sweep"]["finished"])[0]
        self.assertEqual((events["sweep"]["what"], events["sweep"]["done"]), ("halo_maps", 12))

        def recorded():
            try:
                with open_recording(summary["file"]) as file:
                    data = file["/entry/results/e_xy/data"]
                    return np.array_equal(data[...], np.kron(found["e_xy"], np.ones((2, 2))), equal_nan=True) and \
                        json.loads(data.attrs["provenance"])["what"] == "halo_maps"
            except (OSError, KeyError):
                return False
        wait_for(recorded, 20, "the maps in the file")

        # Turned by 90 degrees x is y. Larger bins, smaller errors.
        turned, _ = self.maps(reference="still", bin=2, azimuth=90)
        np.testing.assert_allclose(turned["e_xx"], found["e_yy"], atol=1e-12)
        with merlind.Merlind(self.daemon.control) as client:
            coarse, result = client.halo_maps("still", bin=4)
            self.assertEqual(result["bins"]["fitted"], 2)
            self.assertLess(coarse["e_xx_error"][0, 1], 0.7 * found["e_xx_error"][0, 2])
            self.assertLess(abs(coarse["e_xx"][0, 1] - STRAIN["e_xx"]), 4 * coarse["e_xx_error"][0, 1])

    def test_what_cannot_be_done_is_refused(self):
        control = self.begin(self.film())

        def refused(code, field, **arguments):
            with self.assertRaises(ControlError) as caught:
                control("halo_maps", **arguments)
            self.assertEqual((caught.exception.code, caught.exception.field), (code, field), caught.exception)
        refused("no_data", None, reference="nobody")
        self.run_scan(control, SCAN, recording=False)
        refused("no_data", "args.reference", reference="nobody")
        control("calibration_measure", what="halo", save_as="still", inner=24, outer=50)
        refused("bad_value", "args.bin", reference="still", bin=0)
        refused("bad_value", "args.bin", reference="still", bin=1.5)
        refused("no_data", None, reference="still")  # not on the disk


if __name__ == "__main__":
    unittest.main()
