"""How far Bragg classes can be trusted: held against a person, against glass, and against reflections that were put in."""
import unittest

from bragg_scans import COUNTED, BraggScans, rounded
from harness import ControlError, wait_for

SLOW = True


class Trust(BraggScans):
    def test_classes_are_held_against_a_persons_labels_and_against_glass(self):
        control = self.begin("--br-fraction", "0")
        self.measure(control)
        test = control("bragg_null_test", area=[0, 0, 10, 20])
        self.assertEqual((test["n"], test["alpha"]), (200, 0.01))
        self.assertLessEqual(test["found"], 6)
        self.assertEqual(test["rate"], test["found"] / 200)
        said = "too few patterns" if test["interval"][1] > 0.02 else "false alarms are"
        self.assertTrue(test["verdict"].startswith(said), test)
        self.daemon.stop()
        self.simulator.stop()

        control = self.begin()
        self.measure(control)
        test = control("bragg_null_test")
        self.assertGreater(test["interval"][0], 0.02)
        self.assertTrue(test["verdict"].startswith("more false alarms than twice alpha"), test)
        found, names = control.array("map", "bragg/class")[0]["data"], list(COUNTED)
        labels = [[y, x, names[min(found[y, x], 4)]] for y in range(10) for x in range(10)]
        agreed = control("bragg_labels", labels=labels)
        self.assertEqual((agreed["classes"]["n"], agreed["classes"]["kappa"]), (100, 1))
        for label in labels[:50]:
            label[2] = "none"
        agreed = control("bragg_labels", labels=labels)
        self.assertEqual(sum(sum(row) for row in agreed["bragg"]["confusion"]), 100)
        self.assertLess(agreed["bragg"]["kappa"], 1)
        with self.assertRaises(ControlError) as refused:
            control("bragg_labels", labels=[[99, 0, "none"]])
        self.assertEqual(refused.exception.field, "args.labels")

    def test_a_named_part_of_glass_tells_the_false_alarms_that_fractions_are_corrected_for(self):
        scan, area = (12, 16), [1, 2, 4, 14]
        control = self.begin(scan=scan)
        results = self.results(self.daemon, ("bragg/",))
        run = self.start_in_bursts(control, scan, 96, labels={"strain": 4})
        self.burst(control)
        wait_for(lambda: control.status()["frames"]["analysed"] == 96, 60, "half of the frames")
        with self.assertRaises(ControlError) as refused:
            control("bragg", rates={"fpr": "measure", "tpr": 0.95})
        self.assertEqual((refused.exception.code, refused.exception.field), ("no_data", "args.rates"))
        test = control("bragg_null_test", area=area)
        self.assertEqual((test["n"], test["rate"]), (0, None), "classes begin later")
        header = results.wait("bragg/summary/", lambda header: header["glass"] is not None)[0]
        self.assertEqual((header["glass"]["area"], header["glass"]["pass"]), (area, 0))
        self.burst(control)
        summary = control.wait_finished(run)

        # Counted in the final classes, in the file as by request; any reflection, and those that the headline counts.
        found = self.recorded(summary)
        statistics = found["statistics"]
        n, of_any, strong = 36, (found["class"][1:4, 2:14] > 0).sum(), (found["strongest"][1:4, 2:14] >= 2).sum()
        glass, headline = statistics["glass"], statistics["headline"]
        self.assertEqual([glass["false_positive"][name] for name in ("contrast", "n", "found")], [0, n, of_any])
        self.assertEqual([headline["false_positive"][name] for name in ("contrast", "n", "found")], [2, n, strong])
        self.assertIn("named glass", headline["why"])
        self.assertIn(f"{of_any} of {n} patterns of the part that is named as glass", " ".join(statistics["warnings"]))
        corrected = headline["corrected"]
        rates = corrected["rates"]
        self.assertEqual((rates["fpr_from"], rates["tpr_from"]), ("null_test", "injection_test"))
        self.assertAlmostEqual(rates["fpr"], strong / n, 4)
        self.assertGreater(rates["fpr_error"], 0)
        self.assertAlmostEqual(corrected["fraction"], max(0, (headline["fraction"] - rates["fpr"]) / (rates["tpr"] - rates["fpr"])), 4)
        exact = control("bragg", contrast_rates={"fpr": rates["fpr"], "tpr": rates["tpr"]})["headline"]["corrected"]
        self.assertEqual((exact["rates"]["fpr_from"], exact["rates"]["tpr_from"]), ("given", "given"))
        self.assertLess(exact["interval"][1], corrected["interval"][1])
        asked = control("bragg")
        for name in ("glass", "headline"):
            self.assertEqual(rounded(asked[name]), rounded(statistics[name]), name)
        any_rate = control("bragg", rates={"fpr": "measure", "tpr": 0.95})["corrected"]["rates"]
        self.assertEqual((any_rate["fpr_from"], rounded(any_rate["fpr"])), ("null_test", rounded(of_any / n)))
        row = control("bragg_series", label="strain", rates={"fpr": "measure", "tpr": 0.95})["series"]["rows"][0]
        self.assertEqual(rounded(row["headline"]["corrected"]["rates"]), rounded(rates))
        self.assertEqual(rounded(row["corrected"]["rates"]["fpr"]), rounded(of_any / n))

        # It is a setting: a test alone takes it away. The file stays as it is.
        control("bragg_null_test", area=area, glass=False)
        asked = control("bragg")
        self.assertEqual((asked["glass"], asked["headline"]["false_positive"], asked["headline"]["corrected"]), (None, None, None))
        self.assertIsNone(control("bragg_series", label="strain")["series"]["rows"][0]["headline"]["corrected"])

    def test_injected_reflections_are_found_the_more_the_higher_their_contrast(self):
        control = self.begin()
        with self.assertRaises(ControlError):
            control("bragg_injection_test")
        self.measure(control)
        test = control("bragg_injection_test", contrasts=[0, 8])
        rates = test["rates"]
        self.assert_overdispersion(test, 1)
        self.assertGreater(min(rate["n"] for rate in rates), 50)
        self.assertLess(rates[0]["tpr"], 0.05)
        self.assertGreater(rates[1]["tpr"], 0.95)
        again = control("bragg_injection_test", contrasts=[0, 8])["rates"]
        self.assertEqual(again, rates)

        # At the end of the run that was done with contrast 2, and the headline tells it; a rate that is asked for takes its place.
        headline = control("bragg")["headline"]
        self.assertEqual(headline["true_positive"]["contrast"], 2)
        self.assertIsNone(headline["corrected"])
        headline = control("bragg", contrast_rates={"fpr": 0.001, "fpr_error": 0.001, "tpr": "measure"})["headline"]
        corrected = headline["corrected"]
        self.assertAlmostEqual(corrected["rates"]["tpr"], headline["true_positive"]["tpr"], 4)
        self.assertAlmostEqual(corrected["fraction"], (headline["fraction"] - 0.001) / (corrected["rates"]["tpr"] - 0.001), 4)
        headline = control("bragg", min_contrast=5)["headline"]
        self.assertEqual((headline["min_contrast"], headline["true_positive"]), (5, None))
        self.assertIn("was not measured", headline["why"])

        # The fraction of strong reflections is told with the rate at which they are found in this run.
        strong = control("bragg", min_contrast=8, contrast_rates={"fpr": 0, "tpr": "measure"})["contrast"]
        self.assertAlmostEqual(strong["corrected"]["rates"]["tpr"], rates[1]["tpr"], delta=0.05)
        self.assertGreater(strong["corrected"]["rates"]["tpr_error"], 0)
        self.assertAlmostEqual(strong["corrected"]["fraction"], strong["fraction"] / strong["corrected"]["rates"]["tpr"], 4)
        for wrong, code in (({"min_contrast": 0.001, "contrast_rates": {"fpr": 0.2, "tpr": "measure"}}, "no_data"),
                            ({"contrast_rates": {"fpr": 0, "tpr": "guess"}}, "bad_value")):
            with self.assertRaises(ControlError) as refused:
                control("bragg", **wrong)
            self.assertEqual((refused.exception.code, refused.exception.field), (code, "args.contrast_rates"))

    def test_injected_reflections_share_their_charge_as_the_detector_does(self):
        scan = (12, 16)
        control = self.begin("--charge-sharing", "--br-fraction", "0", scan=scan, **{"bragg.overdispersion": 2})
        self.measure(control, scan)
        test = control("bragg_injection_test", contrasts=[4, 8])
        self.assert_overdispersion(test, 2)

    def assert_overdispersion(self, test, expected):
        """The counts that were put into n disks have a variance that is known to 1 in the root of n / 2."""
        n = sum(rate["n"] for rate in test["rates"] if rate["contrast"] > 0)
        self.assertAlmostEqual(test["overdispersion"] / expected, 1, delta=3 * (2 / n) ** 0.5)


if __name__ == "__main__":
    unittest.main()
