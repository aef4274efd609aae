"""What a user does on the way from a film to a paper's table, by merlinctl and by the Python client, against the daemon."""
import csv
import io
import json
import sys
import unittest

import numpy as np

from bragg_scans import BraggScans
from harness import TOP, run_ctl

sys.path.insert(0, str(TOP / "clients" / "python"))
from merlind import Merlind, MerlindError  # noqa: E402

SLOW = True
PLAIN = True

SCAN = (16, 16)
FAR = {"name": "far", "shape": "annulus", "inner": 60, "outer": 100}


class Words(BraggScans):
    def begin(self, **settings):
        return super().begin(scan=SCAN, **{"virtual_detectors": [FAR], "analysis.radial_profile": "true",
                                           "analysis.centre": [128, 128], **settings})

    def ctl(self, *words, expect=0):
        done = run_ctl(self.daemon, *words)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done.stdout if expect == 0 else done.stderr

    def json(self, *words):
        return json.loads(self.ctl(*words, "--json"))

    def test_merlinctl_goes_from_the_scan_to_the_table_of_a_series(self):
        control = self.begin()
        shape = "%dx%d" % SCAN
        self.ctl("start", "--scan", shape, "--label", "strain=0", "--label", "film=a", "--wait")
        first = control("run")
        self.assertEqual(first["labels"], {"strain": 0, "film": "a"})
        self.assertIn("no reference is kept", self.ctl("bragg", "references"))
        self.assertIn("annulus", self.ctl("bragg", "propose"))
        self.assertIn(f"frames of run {first['id']}", self.ctl("bragg", "measure", "film", "area=[0,0,16,16]", "use=true"))
        self.assertEqual([one["name"] for one in self.json("bragg", "references")["references"]], ["film"])
        self.assertIn("film", self.ctl("bragg", "settings"))
        self.ctl("start", "--scan", shape, "--label", "strain=8", "--label", "film=b", "--wait")

        # The earlier run, the newest, and both.
        self.assertEqual(self.json("bragg", "--run", first["id"])["run"], first["id"])
        picture = self.directory / "classes.svg"
        self.ctl("bragg", "--run", first["id"], "--svg", picture)
        self.assertIn("two-beam", picture.read_text())
        rows = list(csv.DictReader(io.StringIO(self.ctl("bragg", "series", "strain", "--csv"))))
        self.assertEqual([(row["what"], row["name"]) for row in rows[:2]], [("row", "0"), ("row", "8")])
        table = self.ctl("bragg", "series", "strain", 'phase={"map":"far","threshold":"otsu"}')
        for word in ("strain", "1 scan", "odds ratio", "toroidal shifts", "as if patterns were independent"):
            self.assertIn(word, table)
        self.assertEqual(len(self.json("bragg", "series", "strain", 'where={"film":"b"}')["series"]["scans"]), 1)
        self.assertIn("no scan", self.ctl("bragg", "series", "stress", expect=3))

        # Whether the classes can be believed.
        rates = self.json("bragg", "injection-test", "contrasts=[8]", "frames=100", "--run", first["id"])
        self.assertEqual((rates["run"], rates["rates"][0]["contrast"]), (first["id"], 8))
        self.assertIn("100", self.ctl("bragg", "injection-test", "contrasts=[8]", "frames=100"))
        self.assertIn("patterns of glass", self.ctl("bragg", "null-test", "area=[0,0,4,4]"))
        self.assertIn("(null test) and a true one", self.ctl("bragg"))
        self.assertNotIn("are corrected", self.ctl("bragg", "null-test", "area=[0,0,4,4]", "glass=false"))
        self.assertNotIn("null test", self.ctl("bragg"))
        labels = self.directory / "labels.csv"
        labels.write_text("y,x,class\n# mine\n0,0,none\n4; 4; two-beam\n5, 5, on_axis\n")
        self.assertIn("of 3 patterns, kappa", self.ctl("bragg", "labels", labels))
        phase = self.json("bragg", "phase", "far", "otsu", "--run", first["id"])
        self.assertEqual((phase["phase"]["name"], phase["phase"]["threshold"]["rule"], phase["run"]), ("far", "otsu", first["id"]))
        self.assertEqual(self.json("bragg", "phase", "far", "400")["phase"]["threshold"]["level"], 400)
        self.assertIn("otsu", self.ctl("bragg", "live-phase", "far", "otsu"))
        self.assertEqual(self.json("bragg", "settings")["settings"]["phase"], {"map": "far", "threshold": "otsu"})
        self.assertIsNone(self.json("bragg", "live-phase", "none")["settings"]["phase"])

        # Mean patterns of phases.
        sums = self.directory / "sums.npy"
        self.ctl("analyse", "label-patterns", "classes=true", 'phase={"map":"far"}', "-o", sums)
        self.assertEqual(np.load(sums).shape[1:], (256, 256))
        self.assertIn("removed", self.ctl("bragg", "remove", "film"))

    def test_merlinctl_refuses_what_is_wrong_before_it_asks(self):
        control = self.begin()
        self.measure(control, SCAN)
        labels = self.directory / "labels.csv"
        labels.write_text("0,0,none\n1,1,glass\n")
        for words, sentence in ((("nothing",), "neither KEY=VALUE nor"), (("use",), "NAME"), (("series", "a", "b"), "KEY=VALUE"),
                                (("labels", labels), "labels.csv:2"), (("labels", self.directory / "no.csv"), "No such file"),
                                (("phase",), "MAP"), (("live-phase",), "live-phase MAP"), (("series", "strain", "--run", "x"), "--run"), (("propose", "--csv"), "--csv"),
                                (("null-test", "--svg", "a.svg"), "--svg")):
            with self.subTest(words):
                self.assertIn(sentence, self.ctl("bragg", *words, expect=64))

    def test_settings_of_a_reference_in_use_are_not_changed_beside_it(self):
        control = self.begin()
        self.measure(control, SCAN)
        control("bragg_reference", action="measure", name="film", use=True)
        self.assertIn("is that of the reference film", self.ctl("bragg", "settings", "alpha=0.02", expect=2))
        self.ctl("bragg", "settings", "reference=null", "alpha=0.02")
        self.assertEqual(self.json("bragg", "settings")["settings"]["alpha"], 0.02)

    def test_python_goes_the_same_way(self):
        self.begin()
        m = self.enterContext(Merlind(self.daemon.control))
        first = m.start(SCAN, wait=True, labels={"strain": 0})
        self.assertEqual(m.bragg_references(), [])
        self.assertEqual(m.bragg_measure("film", area=(0, 0, 16, 16), use=True)["run"], first["id"])
        self.assertEqual([one["name"] for one in m.bragg_references()], ["film"])
        self.assertIn("annulus", m.bragg_propose()["settings"])
        m.start(SCAN, wait=True, labels={"strain": 8})
        self.assertEqual(m.bragg(first["id"])["run"], first["id"])
        self.assertEqual(m.map("bragg/class", first["id"]).shape, SCAN)
        self.assertEqual(m.bragg(phase=("far", "otsu"), pass_=0, tile=(4, 4))["phase"]["threshold"]["rule"], "otsu")
        series = m.bragg_series("strain", phase="far")
        self.assertEqual([row["value"] for row in series["rows"]], ["0", "8"])
        self.assertEqual(series["phase"]["scans"], 2)
        self.assertEqual(m.bragg_injection_test(np.array([8.0]), frames=100)[0]["contrast"], 8)
        self.assertEqual(m.bragg_null_test((0, 0, 4, 4))["n"], 16)
        self.assertEqual(m.bragg_labels([(0, 0, "none"), (np.int64(1), 1, "two_beam")])["classes"]["n"], 2)
        sums = m.label_patterns(phase="far", run=first["id"])
        self.assertEqual((sums["names"], sums["sum"].shape), (["", "outside", "in"], (3, 256, 256)))
        self.assertEqual(m.label_profiles(classes=True)["names"][1], "none")
        self.assertEqual(m.bragg_settings()["reference"], "film")
        self.assertIsNone(m.bragg_settings(reference=None)["reference"])
        self.assertEqual(m.bragg_use("film")["reference"], "film")
        m.bragg_remove("film")
        with self.assertRaises(MerlindError) as refused:
            m.bragg_use("film")
        self.assertEqual(refused.exception.code, "no_data")


if __name__ == "__main__":
    unittest.main()
