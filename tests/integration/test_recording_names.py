"""What files of recordings are called and where they lie, and what becomes of those that nobody wants."""
import json
import os
import pathlib
import unittest

import h5py

from file_tool import ToolTest
from harness import ControlError, run_ctl, wait_for

NAME = "{date}/{sample}_{run:04}"


class NamesTest(ToolTest):
    def setUp(self):
        super().setUp()
        self.simulator = self.start_simulator("--synthetic", "glass", "--scan", "4x4", "--fps", 500)
        self.other = self.directory / "other"
        self.other.mkdir()

    def begin(self, **settings):
        self.daemon = self.start_daemon(self.simulator, {"recording.roots": [str(self.other)], **settings})
        control = self.control(self.daemon)
        control.wait_state("idle")
        return control

    def scan(self, control, **arguments):
        summary = self.run_scan(control, (4, 4), **arguments)
        self.assertEqual((summary["reason"], summary["recording"]["error"]), ("complete", ""), summary)
        return summary

    def file(self, control, **arguments):
        return pathlib.Path(self.scan(control, **arguments)["file"])

    def parts(self, path):
        return path.relative_to(self.recordings).parts


class Names(NamesTest):
    def test_the_template_of_the_configuration(self):
        control = self.begin(**{"recording.name": json.dumps(NAME)})
        names = [self.parts(self.file(control, labels={"sample": sample})) for sample in ("Zr50 #3", "Zr50 #3", "other")]
        date = names[0][0]
        self.assertRegex(date, r"^\d{8}$")
        self.assertEqual(names, [(date, "Zr50__3_0001.h5"), (date, "Zr50__3_0002.h5"), (date, "other_0001.h5")])
        self.assertEqual(self.parts(self.file(control))[1], "no-sample_0001.h5")

    def test_a_template_of_the_run(self):
        control = self.begin()
        self.assertRegex(self.file(control).name, r"^merlin_\d{8}-\d{6}_001\.h5$")
        self.assertEqual(self.parts(self.file(control, name="{strain}/run", labels={"strain": 8})), ("8", "run.h5"))
        self.assertEqual(self.parts(self.file(control, name="{strain}/run", labels={"strain": 8})), ("8", "run_2.h5"))

    def test_numbers_that_were_taken_are_never_taken_again(self):
        control = self.begin()
        (self.recordings / "a_7.h5").write_text("precious")
        (self.recordings / "a_9.h5.partial").write_text("precious too")
        self.assertEqual(self.file(control, name="a_{run}").name, "a_10.h5")
        control("recording_discard")
        self.assertEqual(self.file(control, name="a_{run}").name, "a_11.h5")
        self.assertEqual((self.recordings / "a_7.h5").read_text(), "precious")

    def test_nothing_leads_out_of_the_directory(self):
        control = self.begin()
        for name in ("../x", "/tmp/x", "a/../../x", "a//b", "", ".x", "x/", "a\\b", "a\nb", "{", "{sample", "{sample}}", "{../x}", "x" * 200, "a/.trash"):
            with self.subTest(name=name), self.assertRaises(ControlError) as refused:
                control("start", scan=[4, 4], name=name)
            self.assertEqual((refused.exception.code, refused.exception.field), ("bad_value", "args.name"))
        for label in ("../../x", "/etc/x", "..", ".", ".trash", "a/b", "é" * 100):
            with self.subTest(label=label):
                path = self.file(control, name="{sample}/{sample}_{run}", labels={"sample": label})
                self.assertEqual(len(self.parts(path)), 2, path)
                self.assertFalse(any(part.startswith(".") for part in self.parts(path)), path)
                self.assertTrue(path.resolve().is_relative_to(self.recordings.resolve()))

    def test_links_do_not_lead_out_of_the_directory(self):
        control = self.begin()
        (self.recordings / "link").symlink_to(self.other)
        summary = self.run_scan(control, (4, 4), name="link/x")
        self.assertEqual(summary["recording"]["state"], "failed")
        self.assertIn("cannot make the folder", summary["recording"]["error"])
        self.assertEqual(list(self.other.iterdir()), [])

    def test_what_a_crash_left_in_a_folder_is_found(self):
        folder = self.recordings / "20261129" / "deep"
        folder.mkdir(parents=True)
        (folder / "a.h5.partial").write_text("half")
        control = self.begin()
        self.assertEqual(control.status()["recording"]["leftovers"], [str(folder / "a.h5.partial")])

    def test_another_directory_for_a_run(self):
        control = self.begin()
        inner = self.other / "inner"
        inner.mkdir()
        for directory in (self.other, inner, self.recordings):
            self.assertEqual(self.file(control, directory=str(directory)).parent, directory)
        (self.recordings / "out").symlink_to("/tmp")
        for directory, code in ((self.directory, "forbidden"), ("/", "forbidden"), (f"{self.other}/..", "forbidden"), (self.recordings / "out", "forbidden"),
                                (f"{self.other}x", "forbidden"), ("/nowhere", "forbidden"), (self.other / "no", "recording")):
            with self.subTest(directory=directory), self.assertRaises(ControlError) as refused:
                control("start", scan=[4, 4], directory=str(directory))
            self.assertEqual((refused.exception.code, refused.exception.field), (code, "args.directory"))
        with self.assertRaises(ControlError) as refused:
            control("start", scan=[4, 4], directory="relative")
        self.assertEqual(refused.exception.code, "bad_value")


class Fate(NamesTest):
    def trash(self, control):
        return {entry["file"]: entry for entry in control("recordings_discarded")["files"]}

    def test_a_run_that_nobody_keeps_goes_to_the_trash_and_comes_back(self):
        control = self.begin()
        summary = self.scan(control, recording="ask", name="x/{run}")
        path = pathlib.Path(summary["file"])
        self.assertEqual(path, self.recordings / ".trash" / "x" / "1.h5")
        self.assertEqual(summary["recording"]["fate"], "ask")
        self.run_tool("verify", path)
        entry = self.trash(control)[str(path)]
        self.assertEqual(entry["bytes"], path.stat().st_size)
        self.assertAlmostEqual(entry["kept_until"][0] - entry["discarded"][0], 24 * 3600, delta=1)
        kept = control("recording_keep")
        self.assertEqual(kept, {"run": summary["id"], "fate": "keep", "file": str(self.recordings / "x" / "1.h5")})
        self.assertEqual(control("run", id=summary["id"])["file"], kept["file"])
        self.assertEqual(self.trash(control), {})
        self.run_tool("verify", kept["file"])

    def test_a_run_is_kept_when_somebody_says_so_while_it_goes_on(self):
        slow = self.start_simulator("--synthetic", "glass", "--scan", "4x4", "--fps", 20)
        self.simulator = slow
        control = self.begin()
        run = control("start", scan=[4, 4], recording="ask")["id"]
        wait_for(lambda: control.status()["recording"]["state"] == "active", 30, "the file")
        self.assertEqual(control.status()["recording"]["fate"], "ask")
        self.assertEqual(control("recording_keep")["fate"], "keep")
        summary = control.wait_finished(run)
        self.assertEqual((os.path.dirname(summary["file"]), summary["recording"]["fate"]), (str(self.recordings), "keep"))

    def test_links_beside_a_file_go_with_it_and_overwrite_nothing(self):
        control = self.begin(**{"recording.links": True})
        (self.recordings / "same.nxs").write_text("mine")
        path = self.file(control, name="same")
        self.assertEqual(os.readlink(path.with_suffix(".hspy")), "same.h5")
        self.assertEqual((self.recordings / "same.nxs").read_text(), "mine")
        control("recording_discard")
        self.assertFalse(path.with_suffix(".hspy").is_symlink())
        self.assertTrue((self.recordings / ".trash" / "same.hspy").exists())
        self.assertEqual((self.recordings / "same.nxs").read_text(), "mine")
        control("recording_keep")
        self.assertEqual(os.readlink(path.with_suffix(".hspy")), "same.h5")
        with h5py.File(path.with_suffix(".hspy")) as file:
            self.assertEqual(file.attrs["file_format"], "HyperSpy")

    def test_files_outlive_the_daemon_in_the_trash_and_are_not_overwritten(self):
        control = self.begin()
        path = self.file(control, name="same")
        first = control("recording_discard")["file"]
        second = self.file(control, name="same")
        self.assertEqual((first, second), (str(self.recordings / ".trash" / "same.h5"), path))
        (self.recordings / "same.nxs").symlink_to("same.h5")
        self.assertEqual(control("recording_discard")["file"], str(self.recordings / ".trash" / "same_2.h5"))
        self.assertEqual(os.readlink(self.recordings / ".trash" / "same_2.nxs"), "same_2.h5")
        self.daemon.stop()
        path.write_text("precious")
        control = self.begin()
        self.assertEqual(set(self.trash(control)), {first, str(self.recordings / ".trash" / "same_2.h5")})
        self.assertEqual(control("recording_keep", file=first)["file"], str(self.recordings / "same_2.h5"))
        self.assertEqual(path.read_text(), "precious")

    def test_only_what_is_in_the_trash_comes_out_of_it(self):
        control = self.begin()
        path = self.file(control)
        for file in (str(path), "/etc/passwd", f"{self.recordings}/.trash/../{path.name}", f"{self.recordings}/.trash/none.h5", "x"):
            with self.subTest(file=file), self.assertRaises(ControlError):
                control("recording_keep", file=file)
        self.assertTrue(path.exists())
        with self.assertRaises(ControlError) as refused:
            control("recording_discard", run="no such run")
        self.assertEqual((refused.exception.code, refused.exception.field), ("no_data", "args.run"))

    def test_what_was_discarded_goes_when_its_time_is_over(self):
        control = self.begin(**{"recording.trash_hours": 0.0005})
        kept = self.file(control)
        path = self.file(control, recording="ask", name="a/b/{run}")
        wait_for(lambda: not path.exists(), 30, "the file to go")
        self.assertTrue(kept.exists())
        wait_for(lambda: not (self.recordings / ".trash" / "a").exists(), 30, "its folders to go")

    def test_words_of_merlinctl(self):
        control = self.begin()
        done = run_ctl(self.daemon, "start", "--scan", "4x4", "--wait", "--ask", "--name", "{sample}_{run}", "--label", "sample=glass", "--directory",
                       str(self.other))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(str(self.other / ".trash" / "glass_1.h5"), done.stdout)
        done = run_ctl(self.daemon, "discarded")
        self.assertIn("glass_1.h5", done.stdout)
        done = run_ctl(self.daemon, "keep", str(self.other / ".trash" / "glass_1.h5"))
        self.assertIn(str(self.other / "glass_1.h5"), done.stdout)
        self.assertTrue((self.other / "glass_1.h5").exists())
        done = run_ctl(self.daemon, "discard")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse((self.other / "glass_1.h5").exists())
        self.assertIn("nothing is discarded", run_ctl(self.daemon, "keep").stdout + run_ctl(self.daemon, "discarded").stdout)


if __name__ == "__main__":
    unittest.main()
