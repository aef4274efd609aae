"""A strain series as a paper has it: four scans whose fraction of Bragg patterns falls, one reference for all, and whether
reflections sit on one of the film's two phases; against what the simulator planted."""
import json
import unittest

import numpy as np

from bragg_scans import SETTINGS
from harness import SystemTest, lighter

SLOW = True
PLAIN = True

SCAN = lighter((24, 32), (16, 16))
FAR = {"name": "far", "shape": "annulus", "inner": 60, "outer": 110}
STRAINS = (0, 4, 8, 12)
# What is planted in the dim and in the bright phase, at each strain.
PLANTED = {"planted": ((0.25, 0.75), (0.15, 0.55), (0.08, 0.35), (0.03, 0.15)),
           "even": ((0.5, 0.5), (0.35, 0.35), (0.2, 0.2), (0.08, 0.08))}


class StrainSeries(SystemTest):
    """Every film comes in a detector of its own, all at the same ports."""

    def begin(self):
        self.truth_file = self.directory / "truth.json"
        self.simulator = None
        self.show(fractions=(0.3, 0.3), seed=99)
        self.daemon = self.start_daemon(self.simulator, {**SETTINGS, "virtual_detectors": [FAR]})
        control = self.control(self.daemon)
        control.wait_state("idle")
        return control

    def show(self, fractions, seed, *options):
        ports = {}
        if self.simulator:
            ports = {"command_port": self.simulator.command_port, "data_port": self.simulator.data_port}
            self.simulator.stop()
        self.simulator = self.start_simulator(
            "--synthetic", "glass", "--scan", "%dx%d" % SCAN, "--fps", lighter("4000", "200"), "--bank", SCAN[0] * SCAN[1],
            "--counts", "2", "--speckle", "0.03", "--phase-intensity", "1.4", "--br-fraction", "%g,%g" % fractions,
            "--seed", seed, "--truth", self.truth_file, *options, **ports)

    def measure(self, control, **labels):
        control.wait_state("idle")  # another detector may just have come
        summary = control.wait_finished(control("start", scan=list(SCAN), **({"labels": labels} if labels else {}))["id"])
        self.assertEqual(summary["reason"], "complete", summary)
        return summary

    def truth(self):
        patterns = json.loads(self.truth_file.read_text())["patterns"]
        return (np.array([pattern["class"] != "none" for pattern in patterns]).reshape(SCAN),
                np.array([pattern["phase"] for pattern in patterns]).reshape(SCAN))

    def measure_series(self, control, film, first_seed):
        truth = {}
        for i, strain in enumerate(STRAINS):
            self.show(PLANTED[film][i], first_seed + i)
            self.measure(control, strain=strain, film=film)
            truth[str(strain)] = self.truth()
        return truth

    def check_fractions(self, series, truth):
        self.assertEqual([row["value"] for row in series["rows"]], [str(strain) for strain in STRAINS])
        fractions = [row["fraction"] for row in series["rows"]]
        self.assertEqual(fractions, sorted(fractions, reverse=True), "the fractions fall")
        for row in series["rows"]:
            made = truth[row["value"]][0].mean()
            low, high = row["interval"]
            self.assertTrue(low <= made <= high, f"strain {row['value']}: {made} is not in {row['interval']}")
            self.assertAlmostEqual(row["fraction"], made, delta=0.02, msg=row)
            self.assertEqual(row["flags"], [], row)

    def test_fractions_fall_intervals_cover_the_truth_and_only_a_planted_phase_is_found(self):
        control = self.begin()
        self.measure(control)
        control("bragg_reference", action="measure", name="film", use=True)
        truth = {film: self.measure_series(control, film, 10 * number) for number, film in enumerate(PLANTED, 1)}
        phase = {"map": "far", "threshold": "otsu"}
        for film in PLANTED:
            series = control("bragg_series", label="strain", where={"film": film}, phase=phase)["series"]
            self.check_fractions(series, truth[film])
            self.assertEqual(series["warnings"], [])
            for scan in series["scans"]:
                self.check_table(scan["table"], truth[film][scan["value"]])
            found = series["phase"]
            self.assertEqual((found["scans"], found["scans_shifted"], found["shifts"]), (4, 4, 1999))
            if film == "planted":
                self.assertLess(found["p_toroidal"], 0.01)
                self.assertLess(found["p"], 1e-6)
                self.assertGreater(found["odds_ratio_interval"][0], 2)
            else:
                self.assertGreater(found["p_toroidal"], 0.05)
                self.assertTrue(found["odds_ratio_interval"][0] < 1.5 and found["odds_ratio_interval"][1] > 0.67, found)

        # Without `where` both films are in the rows, two scans each.
        both = control("bragg_series", label="strain")["series"]
        self.assertEqual([(row["scans"], row["method"]) for row in both["rows"]], [(2, "clustered")] * 4)
        self.assertIsNone(both["phase"])

    def test_a_series_is_compared_at_the_dose_of_its_lowest_scan(self):
        """The film is the same; at four times the dose reflections are found that are too weak for the lower one."""
        weak = ("--phase-intensity", "1", "--br-contrast", "1", "--speckle", "0")
        control = self.begin()
        self.show((0.4, 0.4), 5, *weak, "--counts", "4")
        self.measure(control)
        control("bragg_reference", action="measure", name="film", use=True)
        for counts in (4, 1):
            self.show((0.4, 0.4), 5, *weak, "--counts", counts)
            self.measure(control, dose=counts)
        truth = self.truth()[0].mean()
        low, high = control("bragg_series", label="dose")["series"]["rows"]
        self.assertEqual((low["flags"], high["flags"]), (["dose"], ["dose"]))
        self.assertGreater(high["fraction"], truth - 0.02)
        self.assertLess(low["fraction"], truth - 0.1)
        thinned = control("bragg_series", label="dose", thin=True)["series"]
        self.assertEqual(thinned["warnings"], [])
        self.assertEqual(thinned["rows"][0]["fraction"], low["fraction"])
        self.assertAlmostEqual(thinned["rows"][1]["fraction"], low["fraction"], delta=0.05)
        high, low = thinned["scans"]
        self.assertAlmostEqual(high["keep"], 0.25, delta=0.02)
        self.assertIsNone(low["keep"])
        for scan in (high, low):
            self.assertLessEqual(scan["contrast"]["count"], scan["n"] - scan["none"])
        self.assertAlmostEqual(high["dose"], low["dose"], 6)
        self.assertEqual(control("bragg_series", label="dose", thin=True)["series"]["rows"], thinned["rows"])
        phase = control("bragg_series", label="dose", thin=True, phase={"map": "far"})["series"]
        self.assertEqual(sum(row[0] for row in phase["scans"][0]["table"]), round(high["fraction"] * high["n"]))

    def check_table(self, table, truth):
        """The table is that of the truth but for a few positions that are classed or thresholded wrong."""
        reflections, bright = truth
        made = np.array([[(reflections & (bright == 1)).sum(), (~reflections & (bright == 1)).sum()],
                         [(reflections & (bright == 0)).sum(), (~reflections & (bright == 0)).sum()]])
        self.assertEqual(np.sum(table), reflections.size)
        self.assertLessEqual(np.abs(np.array(table) - made).max(), 0.03 * reflections.size, (table, made))


if __name__ == "__main__":
    unittest.main()
