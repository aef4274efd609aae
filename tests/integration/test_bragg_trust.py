"""How far Bragg classes can be trusted: held against a person, against glass, and against reflections that were put in."""
import unittest

from bragg_scans import COUNTED, BraggScans
from harness import ControlError

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

    def test_injected_reflections_are_found_the_more_the_higher_their_contrast(self):
        control = self.begin()
        with self.assertRaises(ControlError):
            control("bragg_injection_test")
        self.measure(control)
        rates = control("bragg_injection_test", contrasts=[0, 8])["rates"]
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


if __name__ == "__main__":
    unittest.main()
