"""merlinctl bragg against a stand-in for the daemon: the table, as CSV and JSON, and the pictures of the map of classes."""
import copy
import csv
import io
import json
import pathlib
import tempfile
import xml.etree.ElementTree

import numpy as np

from test_merlinctl import AgainstDaemon

EXAMPLE = pathlib.Path(__file__).resolve().parents[1] / "data" / "messages" / "result-bragg.example.json"
COLOURS = {0: 0xdddddd, 1: 0x56b4e9, 2: 0x0072b2, 3: 0xd55e00, 4: 0xf0e442, 254: 0xffffff, 255: 0x000000}


class Bragg(AgainstDaemon):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.example = self.daemon()
        self.example.statistics = json.loads(EXAMPLE.read_text())

    def answer(self, **changes):
        """The example with members changed."""
        statistics = copy.deepcopy(json.loads(EXAMPLE.read_text()))
        statistics.update(changes)
        self.example.statistics = statistics
        return statistics

    def table(self, *words):
        return self.ctl(self.example, "bragg", *words).stdout

    def test_json_is_what_the_daemon_says(self):
        told = json.loads(self.ctl(self.example, "bragg", "--json").stdout)
        self.assertEqual(told["n"], 551)
        self.assertEqual(set(told), set(self.example.statistics))
        for name in ("none", "two_beam", "three_beam", "on_axis", "multiple", "fraction", "wilson", "clopper_pearson"):
            np.testing.assert_allclose(told[name], self.example.statistics[name], rtol=1e-11, err_msg=name)

    def test_table_for_a_person(self):
        s = self.answer(n=100, none=60, two_beam=25, three_beam=10, on_axis=4, multiple=1, fraction=0.4, wilson=[0.309, 0.498],
                        clopper_pearson=[0.303, 0.503], excluded=1234, not_analysed=0)
        s["headline"].update(count=35, fraction=0.35, interval=[0.181, 0.57])
        lines = self.table().splitlines()
        self.assertEqual(lines[0], "Bragg reflections of contrast at least 2 in 35 of 100 patterns: 35.0 % (18.1 to 57.0 %)")
        cells = {tuple(line.split()) for line in lines}
        for row in ("none 60 60.0 %", "two-beam 25 25.0 %", "three-beam 10 10.0 %", "on-axis 4 4.0 %", "multiple 1 1.0 %",
                    "with reflections 40 40.0 %",
                    "found of such 90.0 % (86.6 to 92.8 %), 360 of 400 put into patterns",
                    "false alarms of such 0.5 % (0.1 to 1.8 %), 2 of 400 patterns of glass",
                    "corrected 24.3 % (17.9 to 32.2 %), for a false positive rate of 0.1 % and a true one of 90.0 %",
                    "8 242 of contrast at least 2 22.0 % 10.0 to 41.5 %, found 90.0 %, corrected 24.3 % (11.0 to 46.1 %)",
                    "excluded 1,234", "Wilson 30.9 to 49.8 % as if patterns were independent",
                    "Clopper-Pearson 30.3 to 50.3 % as if patterns were independent"):
            self.assertIn(tuple(row.split()), cells)
        text = "\n".join(lines)
        self.assertNotIn("not analysed", text)
        for word in ("design effect", "contrast at least 2", "reflections and phase: adf above 7", "odds ratio", "toroidal shifts",
                     "strain", "2 scans", "! dose", "warning:"):
            self.assertIn(word, text)

    def test_what_is_not_known_is_left_out_or_a_dash(self):
        s = self.answer(n=0, none=0, two_beam=0, three_beam=0, on_axis=0, multiple=0, fraction=None, wilson=[0, 1], block_bootstrap=None,
                        corrected=None, contrast=None, phase=None, areas=[], reflections=None, warnings=[], provisional=True)
        s["headline"].update(min_contrast=None, count=0, fraction=None, interval=[0, 1], true_positive=None, false_positive=None, corrected=None)
        s["tiles"]["tiles"] = []
        del s["series"]
        text = self.table()
        self.assertIn("Bragg reflections of any contrast in 0 of 0 patterns: - (0.0 to 100.0 %), provisional", text)
        self.assertRegex(text, "found of such +not measured")
        for word in ("nan", "bootstrap", "corrected", "phase", "area", "warning", "strain"):
            self.assertNotIn(word, text)

    def test_words_reach_the_daemon(self):
        self.table("block=4", "tile=[5,5]", 'phase={"map":"adf","threshold":"otsu"}')
        self.assertEqual(self.example.arguments_of("bragg"),
                         {"block": 4, "tile": [5, 5], "phase": {"map": "adf", "threshold": "otsu"}})
        done = self.ctl(self.example, "bragg", "block", expect=64)
        self.assertIn("KEY=VALUE", done.stderr)

    def test_csv_has_a_line_for_everything(self):
        s = self.answer()
        s["areas"][0]["name"] = 'left, "upper"'
        rows = list(csv.DictReader(io.StringIO(self.table("--csv"))))
        self.assertEqual([r["what"] for r in rows], ["scan", "area"] + ["tile"] * 6 + ["row"] * 2 + ["series scan"] * 3)
        scan, area, tile = rows[0], rows[1], rows[7]
        self.assertEqual(scan["name"], s["run"])
        self.assertEqual([int(scan[c]) for c in ("n", "none", "two_beam", "three_beam", "on_axis", "multiple")],
                         [s[c] for c in ("n", "none", "two_beam", "three_beam", "on_axis", "multiple")])
        self.assertAlmostEqual(float(scan["low"]), s["effective_size"]["interval"][0], 5)
        self.assertAlmostEqual(float(scan["design_effect"]), s["effective_size"]["design_effect"], 3)
        self.assertEqual(scan["interval"], "effective_size")
        self.assertEqual((area["name"], area["interval"], area["design_effect"]), ('left, "upper"', "wilson", ""))
        self.assertEqual((tile["name"], int(tile["n"])), ("1/2", s["tiles"]["tiles"][5]["n"]))
        self.assertEqual([r["name"] for r in rows[8:]], ["0", "8", "first", "second", "third"])
        self.assertEqual(rows[9]["interval"], "clustered")
        self.assertEqual([float(rows[9][c]) for c in ("min_contrast", "contrast_tpr")], [2, 0.9])
        headline = s["series"]["rows"][1]["headline"]
        told = [*headline["interval"], headline["corrected"]["fraction"], *headline["corrected"]["interval"]]
        np.testing.assert_allclose([float(rows[9]["contrast_" + c]) for c in ("low", "high", "corrected", "corrected_low", "corrected_high")],
                                   told, rtol=1e-5)
        self.assertAlmostEqual(float(scan["contrast_fraction"]), s["contrast"]["fraction"], 5)
        self.assertEqual(tile["min_contrast"], "")

    def classes(self):
        rng = np.random.default_rng(1)
        self.example.classes = rng.choice(np.array(list(COLOURS), "|u1"), (20, 30))
        return self.example.classes

    def test_png_shows_each_position_in_the_colour_of_its_class(self):
        import matplotlib.image
        classes, path = self.classes(), self.folder / "map.png"
        self.assertIn("Bragg reflections", self.table("--png", path))
        pixels = (matplotlib.image.imread(path)[:, :, :3] * 255).round().astype(int)
        colours = (pixels[:, :, 0] << 16) + (pixels[:, :, 1] << 8) + pixels[:, :, 2]
        square = 18  # 30 of them are 540 pixels
        expected = np.vectorize(COLOURS.get)(classes)
        np.testing.assert_array_equal(colours[:20 * square, :30 * square], np.kron(expected, np.ones((square, square), int)))
        legend = colours[20 * square:]
        for value, colour in COLOURS.items():
            self.assertIn(colour, legend, f"class {value} is not in the legend")
        self.assertGreater((legend == 0x222222).sum(), 1000, "the legend has no text")

    def test_svg_shows_the_same_with_numbers(self):
        classes, path = self.classes(), self.folder / "map.svg"
        self.table("--svg", path)
        space = "{http://www.w3.org/2000/svg}"
        root = xml.etree.ElementTree.parse(path).getroot()
        drawn = np.zeros(classes.shape, int) - 1
        for rect in root.iter(space + "rect"):
            if "stroke" not in rect.attrib:
                y, x, width = (int(rect.get(k)) for k in ("y", "x", "width"))
                drawn[y, x:x + width] = int(rect.get("fill")[1:], 16)
        np.testing.assert_array_equal(drawn, np.vectorize(COLOURS.get)(classes))
        text = [t.text for t in root.iter(space + "text")]
        n = (classes < 5).sum()
        self.assertEqual(text[1], f"two-beam {(classes == 1).sum()} ({100 * (classes == 1).sum() / n:.1f} %)")
        self.assertEqual(text[5:], [f"excluded {(classes == 254).sum()}", f"not analysed {(classes == 255).sum()}"])

    def test_refusals(self):
        self.example.statistics = None
        done = self.ctl(self.example, "bragg", expect=3)
        self.assertIn("bragg.enabled", done.stderr)
        self.answer()
        done = self.ctl(self.example, "bragg", "--png", self.folder / "map.png", expect=3)
        self.assertIn("there is no map", done.stderr)
        self.classes()
        self.ctl(self.example, "bragg", "--svg", self.folder / "no" / "map.svg", expect=73)
        self.ctl(self.example, "bragg", "--csv", "--json", expect=64)
        self.ctl(self.example, "status", "--csv", expect=64)


if __name__ == "__main__":
    import unittest
    unittest.main()
