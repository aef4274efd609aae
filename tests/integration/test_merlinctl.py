"""merlinctl against a stand-in for the daemon: what it sends, what it says, and its exit codes.

The binary is taken from $MERLIND_BUILD (default: build/ in the repository).
"""
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import tempfile
import time
import unittest

import numpy as np

from fake_merlind import FakeMerlind, Refusal

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
MERLINCTL = pathlib.Path(os.environ.get("MERLIND_BUILD", REPOSITORY / "build")).resolve() / "clients" / "ctl" / "merlinctl"
ENVIRONMENT = dict(os.environ, TZ="UTC", LC_ALL="C")


def run_merlinctl(*arguments, **more):
    return subprocess.run([MERLINCTL, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                          env=ENVIRONMENT, **more)


class AgainstDaemon(unittest.TestCase):
    """Starts a stand-in with the given habits and checks at the end that nobody broke the protocol."""

    def daemon(self, **habits):
        daemon = self.enterContext(FakeMerlind(**habits))
        self.addCleanup(lambda: self.assertEqual(daemon.complaints, []))
        return daemon

    def ctl(self, daemon, *arguments, expect=0):
        done = run_merlinctl("-e", daemon.endpoint, *arguments)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done


class Start(AgainstDaemon):
    def test_wait_json_prints_one_object_and_nothing_else(self):
        daemon = self.daemon()
        done = self.ctl(daemon, "start", "--scan", "16x8", "--wait", "--json")
        self.assertEqual(done.stdout.count("\n"), 1)
        self.assertEqual(done.stderr, "")
        summary = json.loads(done.stdout)
        self.assertEqual(summary, daemon.run)
        self.assertEqual((summary["state"], summary["reason"], summary["file"]), ("finished", "complete", "/data/run.h5"))
        self.assertEqual(summary["frames"]["recorded"], 128)
        self.assertEqual(daemon.arguments_of("start"), {"mode": "active", "scan": [16, 8]})
        self.assertEqual({r["args"]["id"] for r in daemon.requests if r["cmd"] == "run"}, {summary["id"]})

    def test_every_option_reaches_the_daemon(self):
        daemon = self.daemon()
        self.ctl(daemon, "--scan", "4x6", "--passive", "start", "--trigger", "rising-ttl", "--skip-start", "1", "--skip-line", "0",
                 "--skip-end", "3", "--set", "GAIN=1", "--set", "ACQUISITIONTIME=0.10000000000000001", "--no-record")
        self.assertEqual(daemon.arguments_of("start"), {
            "mode": "passive", "scan": [4, 6], "trigger": "rising-ttl", "skip": {"start": 1, "line": 0, "end": 3},
            "parameters": {"GAIN": "1", "ACQUISITIONTIME": "0.10000000000000001"}, "recording": False})
        self.ctl(daemon, "start", "--record", "--skip-line", "2")
        self.assertEqual(daemon.arguments_of("start"), {"mode": "active", "skip": {"line": 2}, "recording": True})

    def test_geometry_reaches_the_daemon(self):
        daemon = self.daemon()
        self.ctl(daemon, "start", "--scan", "4x6", "--order", "serpentine", "--repeats", "3")
        self.assertEqual(daemon.arguments_of("start"), {"mode": "active", "scan": [4, 6], "order": "serpentine", "repeats": 3})
        self.ctl(daemon, "start", "--flyback", "--set", "NUMFRAMESTOACQUIRE=0")
        self.assertEqual(daemon.arguments_of("start"), {"mode": "active", "flyback": "exposure", "parameters": {"NUMFRAMESTOACQUIRE": "0"}})

    def test_without_wait_it_tells_the_run(self):
        daemon = self.daemon()
        done = self.ctl(daemon, "start", "--scan", "4x4")
        self.assertIn(daemon.run["id"], done.stdout)
        self.assertIn("/data/run.h5", done.stdout)
        answer = json.loads(self.ctl(daemon, "start", "--scan", "4x4", "--json").stdout)
        self.assertEqual(answer, {"id": daemon.run["id"], "state": "arming", "expected": 16, "file": "/data/run.h5"})

    def test_a_detector_that_is_slow_to_set_up_is_waited_for(self):
        self.ctl(self.daemon(slow_start=1.5), "--timeout", "1", "start", "--scan", "4x4", "--wait")

    def test_exit_1_for_a_short_run(self):
        summary = json.loads(self.ctl(self.daemon(lose=3), "start", "--scan", "4x4", "--wait", "--json", expect=1).stdout)
        self.assertEqual((summary["reason"], summary["frames"]["lost"]), ("short", 3))

    def test_exit_1_when_frames_are_missing_whatever_the_reason_says(self):
        self.ctl(self.daemon(lose=3, lost_reason="complete"), "start", "--scan", "4x4", "--wait", expect=1)

    def test_exit_1_when_frames_are_not_in_the_closed_file(self):
        done = self.ctl(self.daemon(unrecorded=2), "start", "--scan", "4x4", "--wait", expect=1)
        self.assertIn("2 frames are NOT in the file", done.stdout)

    def test_exit_1_when_recording_was_insisted_on_and_is_off(self):
        daemon = self.daemon(recording_end="off")
        self.ctl(daemon, "start", "--scan", "4x4", "--wait", "--record", expect=1)

    def test_exit_1_for_a_stopped_run(self):
        self.ctl(self.daemon(end_reason="stopped"), "start", "--scan", "4x4", "--wait", expect=1)

    def test_exit_1_when_recording_failed(self):
        done = self.ctl(self.daemon(recording_end="failed"), "start", "--scan", "4x4", "--wait", expect=1)
        self.assertIn("no space left in /data", done.stdout)

    def test_exit_0_for_a_complete_run_that_was_not_to_be_recorded(self):
        done = self.ctl(self.daemon(), "start", "--scan", "4x4", "--wait", "--no-record")
        self.assertIn("not recorded", done.stdout)

    def test_exit_3_when_refused_with_the_sentence_and_the_field(self):
        daemon = self.daemon(start_refusal=Refusal("busy", "a run is going on; stop it first", "args.scan"))
        done = self.ctl(daemon, "start", "--scan", "4x4", "--wait", "--json", expect=3)
        self.assertIn("a run is going on; stop it first", done.stderr)
        self.assertIn("args.scan", done.stderr)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "busy")

    def test_summary_for_a_person(self):
        done = self.ctl(self.daemon(lose=1), "start", "--scan", "64x64", "--wait", expect=1)
        self.assertRegex(done.stdout, r"(?m)^short: 1 frames are missing$")
        self.assertIn("4,095 of 4,096, 1 lost", done.stdout)
        self.assertIn("/data/run.h5\n", done.stdout)
        self.assertIn("(2.0 : 1)", done.stdout)

    def test_reasons_to_doubt_a_run_are_told_when_it_starts_and_ends_and_in_the_status(self):
        doubt = "virtual detector \"m\": mask file m.npy: it cannot be opened; it is left out of this run"
        daemon = self.daemon(warnings=[doubt])
        for command in (["start", "--scan", "4x4"], ["run", "--wait"], ["status"]):
            self.assertRegex(self.ctl(daemon, *command).stdout, f"(?m)^ *warning +{re.escape(doubt)}$")


class Waiting(AgainstDaemon):
    def test_progress_goes_to_stderr_only_when_asked_for(self):
        done = self.ctl(self.daemon(rows_per_look=16), "start", "--scan", "64x64", "--wait", "--json", "--progress")
        json.loads(done.stdout)
        self.assertRegex(done.stderr, r"\[#+\.+\] +\d+ %  [\d,]+/4,096  5,000 frames/s 1 MB/s  ring 12 %  lost 0  0\.\d s left\n")

    def test_progress_in_a_log_says_nothing_twice(self):
        daemon = self.daemon(never_ends=True)
        with subprocess.Popen([MERLINCTL, "-e", daemon.endpoint, "start", "--scan", "4x4", "--wait", "--progress"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
            while [r["cmd"] for r in daemon.requests].count("status") < 4:  # twice a second, and a line would come once a second
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.communicate(timeout=30)[1].count("0/16  armed"), 1)

    def test_progress_is_drawn_on_a_terminal(self):
        daemon = self.daemon(rows_per_look=16)
        master, terminal = pty.openpty()
        with subprocess.Popen([MERLINCTL, "-e", daemon.endpoint, "start", "--scan", "64x64", "--wait", "--json"],
                              stdout=subprocess.PIPE, stderr=terminal, env=ENVIRONMENT) as process:
            os.close(terminal)
            out = process.stdout.read()
            process.wait()
        drawn = b""
        while select.select([master], [], [], 0)[0]:
            try:
                drawn += os.read(master, 65536)
            except OSError:  # the other side is closed and all is read
                break
        os.close(master)
        self.assertEqual(process.returncode, 0)
        json.loads(out)
        self.assertGreater(drawn.count(b"\r"), 2)
        self.assertTrue(drawn.endswith(b"\r\x1b[K"), drawn)

    def interrupted(self, *arguments, signal_number=signal.SIGINT):
        daemon = self.daemon(never_ends=True)
        with subprocess.Popen([MERLINCTL, "-e", daemon.endpoint, "start", "--scan", "4x4", "--wait", *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
            while not any(r["cmd"] == "run" for r in daemon.requests):
                self.assertIsNone(process.poll())
                time.sleep(0.01)
            process.send_signal(signal_number)
            out, err = process.communicate(timeout=30)
        self.assertNotIn("stop", [r["cmd"] for r in daemon.requests])
        return daemon, process.returncode, out, err

    def test_ctrl_c_leaves_the_run_alone_and_says_how_to_stop_it(self):
        daemon, code, out, err = self.interrupted("--json")
        self.assertEqual(code, 130)
        self.assertIn("the run goes on", err)
        self.assertIn("merlinctl stop", err)
        self.assertIn(daemon.run["id"], err)
        self.assertEqual(json.loads(out)["error"]["code"], "interrupted")

    def test_sigterm_does_the_same(self):
        self.assertEqual(self.interrupted(signal_number=signal.SIGTERM)[1], 143)

    def test_a_run_can_be_waited_for_again(self):
        daemon = self.daemon()
        self.ctl(daemon, "start", "--scan", "16x8")
        self.assertEqual(json.loads(self.ctl(daemon, "run", "--wait", "--json").stdout)["state"], "finished")

    def test_a_daemon_that_falls_silent_while_we_wait(self):
        daemon = self.daemon(silent=("run",))
        done = self.ctl(daemon, "start", "--scan", "4x4", "--wait", "--json", "--timeout", "1", expect=69)
        self.assertIn("while waiting for run " + daemon.run["id"], done.stderr)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "timeout")


class Geometry(AgainstDaemon):
    POSITIONS = [[3, 0], [65535, 2], [0, 7]]

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def test_positions_of_a_csv(self):
        daemon = self.daemon()
        for text in ("3,0\n65535,2\n0,7\n", "y, x\r\n3, 0\r\n\r\n# words\r\n65535; 2\r\n0\t7", "  3 0\n65535 , 2,\n0;7;\n"):
            with self.subTest(text):
                self.ctl(daemon, "start", "--positions", self.file("way.csv", text), "--scan", "8x8")
                self.assertEqual(daemon.arguments_of("start"), {"mode": "active", "scan": [8, 8], "positions": self.POSITIONS})

    def test_positions_of_a_npy(self):
        daemon, path = self.daemon(), self.folder / "way.NPY"
        for dtype in ("<u2", "<u4", "<u8", "<i4", "<i8"):
            for version in ((1, 0), (2, 0), (3, 0)):
                with self.subTest(dtype, version=version), open(path, "wb") as out:
                    np.lib.format.write_array(out, np.array(self.POSITIONS, dtype), version)
                    out.flush()
                    self.ctl(daemon, "start", "--positions", path)
                    self.assertEqual(daemon.arguments_of("start")["positions"], self.POSITIONS)

    def test_files_that_hold_no_positions(self):
        def npy(array):
            np.save(self.folder / "made.npy", array)
            return (self.folder / "made.npy").read_bytes()
        good = npy(np.array(self.POSITIONS))
        for name, content, words in (
                ("a.csv", "3,0\n3\n", 'a.csv:2: "3" is no position'), ("a.csv", "3,0\n3,x\n", "a.csv:2"), ("a.csv", "3,0,1\n", "a.csv:1"),
                ("a.csv", "3,0\n-1,0\n", "a.csv:2"), ("a.csv", "3,65536\n", "a.csv:1"), ("a.csv", "30\n", "a.csv:1"), ("a.csv", "3.0,1\n", "a.csv:1"),
                ("a.csv", "y,x\n", "holds no position"), ("a.csv", "", "holds no position"), ("a.csv", "3,0\ny,x\n", "a.csv:2"),
                ("a.npy", "", "is no .npy file"), ("a.npy", good[:60], "is no .npy file"), ("a.npy", good[:-1], "ends after 2 of 3"),
                ("a.npy", npy(np.zeros((3, 2))), "integers"), ("a.npy", npy(np.zeros((3, 3), int)), "integers"), ("a.npy", npy(np.zeros(6, int)), "integers"),
                ("a.npy", npy(np.asfortranarray(np.zeros((3, 2), int))), "in C order"), ("a.npy", npy(np.array([[-1, 0]])), "position 0"),
                ("a.npy", npy(np.array([[0, 65536]])), "position 0"), ("a.npy", npy(np.array([[0, 1 << 63]], "<u8")), "position 0"),
                ("a.npy", npy(np.array(self.POSITIONS, ">i8")), "little-endian"), ("a.npy", npy(np.zeros((0, 2), int)), "holds no position")):
            with self.subTest(name, content=content[:200]):
                done = run_merlinctl("start", "--positions", self.file(name, content))
                self.assertEqual(done.returncode, 64, done.stderr)
                self.assertIn(words, done.stderr)
        self.assertIn("cannot read", run_merlinctl("start", "--positions", self.folder / "none.csv").stderr)

    def test_nudges_in_both_directions(self):
        daemon = self.daemon()
        self.ctl(daemon, "start", "--scan", "16x8")
        for word, frames in (("+3", 3), ("-12", -12), ("4", 4), ("-0", 0)):
            self.ctl(daemon, "nudge", word)
            self.assertEqual(daemon.arguments_of("geometry"), {"nudge": frames})
        self.assertEqual(self.ctl(daemon, "nudge", "-3").stdout, "16 x 8, shifted by -8 (nudge)\n")
        said = json.loads(self.ctl(daemon, "nudge", "-3", "--json").stdout)
        self.assertEqual(said["geometry"]["shift"], -11)
        self.assertIn("seen as 16 x 8, shifted by -11", self.ctl(daemon, "status").stdout)
        self.assertIn("seen as   16 x 8, shifted by -11", self.ctl(daemon, "run").stdout)

    def test_geometry_is_told_and_changed(self):
        daemon = self.daemon()
        self.assertIn("start a scan first", self.ctl(daemon, "geometry", expect=3).stderr)
        self.ctl(daemon, "start", "--scan", "16x8")
        self.assertEqual(self.ctl(daemon, "geometry").stdout, "16 x 8 (request)\n")
        self.assertEqual(daemon.arguments_of("geometry"), {})
        out = self.ctl(daemon, "geometry", "--scan", "4x4", "--order", "serpentine", "--repeats", "2", "--skip-line", "1", "--skip-end", "2",
                       "--shift", "-7").stdout
        self.assertEqual(daemon.arguments_of("geometry"), {"scan": [4, 4], "order": "serpentine", "repeats": 2, "skip": {"line": 1, "end": 2},
                                                           "shift": -7})
        self.assertEqual(out, "4 x 4, serpentine, 2 passes, 1 frame after each line, 2 frames after each pass, shifted by -7 (request)\n")
        out = self.ctl(daemon, "geometry", "--positions", self.file("way.csv", "0,1\n2,3\n")).stdout
        self.assertIn("2 listed positions", out)

    def test_a_view_and_its_next_pass(self):
        daemon = self.daemon()
        self.assertIn("no view", self.ctl(daemon, "record", expect=3).stderr)
        self.ctl(daemon, "view", "16x8", "--preset", "line-trigger", "--order", "serpentine", "--skip-line", "2")
        self.assertEqual(daemon.arguments_of("start"), {"mode": "view", "scan": [16, 8], "preset": "line-trigger", "order": "serpentine",
                                                        "skip": {"line": 2}})
        self.assertIn("over and over", self.ctl(daemon, "geometry").stdout)
        self.assertIn("armed: run ", self.ctl(daemon, "record").stdout)
        self.ctl(daemon, "view")
        self.assertEqual(daemon.arguments_of("start"), {"mode": "view"})
        summary = json.loads(self.ctl(daemon, "record", "--wait", "--json").stdout)
        self.assertEqual((summary["id"], summary["reason"]), (daemon.run["id"], "complete"))


class Maps(AgainstDaemon):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def measured(self, **habits):
        daemon = self.daemon(**habits)
        self.ctl(daemon, "start", "--scan", "64x48", "--wait", "--json", expect=1 if habits.get("lose") else 0)
        return daemon

    def test_npy_holds_the_very_numbers(self):
        daemon, path = self.measured(), self.folder / "adf.npy"
        self.ctl(daemon, "map", "adf", "-o", path)
        loaded = np.load(path)
        self.assertEqual(loaded.dtype, np.dtype("<u8"))
        np.testing.assert_array_equal(loaded, daemon.map)
        self.assertEqual((path.stat().st_size - daemon.map.nbytes) % 64, 0, "numpy may map the numbers where they lie")
        self.assertEqual(os.listdir(self.folder), ["adf.npy"])
        umask = os.umask(0)
        os.umask(umask)
        self.assertEqual(path.stat().st_mode & 0o777, 0o666 & ~umask)

    def test_npy_of_every_type_and_shape(self):
        daemon, path = self.measured(), self.folder / "x.npy"
        for dtype in ("|u1", "<u2", "<u4", "<u8", "|i1", "<i2", "<i4", "<i8", "<f4", "<f8"):
            for shape in ((1, 1), (3, 5), (1, 1000), (7,)):
                array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
                self.override(daemon, array)
                with self.subTest(dtype=dtype, shape=shape):
                    self.ctl(daemon, "map", "x", "-o", path)
                    loaded = np.load(path)
                    self.assertEqual(loaded.dtype.str, dtype)
                    np.testing.assert_array_equal(loaded, array)

    def override(self, daemon, array, **changes):
        part = {"name": "data", "dtype": array.dtype.str, "shape": list(array.shape), "encoding": "raw", **changes}
        daemon.map_override = ({"name": "x", "run": None, "parts": [part], "units": ""}, [array.tobytes()])

    def picture(self, path):
        import matplotlib.image
        return (matplotlib.image.imread(path)[:, :, :3] * 255).round().astype(int)

    def test_png_is_grey_where_measured_and_marked_where_not(self):
        daemon, path = self.measured(lose=5), self.folder / "adf.png"
        self.ctl(daemon, "map", "adf", "-o", path)
        pixels = self.picture(path)
        self.assertEqual(pixels.shape, (64, 48, 3))
        grey = (pixels[:, :, 0] == pixels[:, :, 1]) & (pixels[:, :, 1] == pixels[:, :, 2])
        np.testing.assert_array_equal(grey, daemon.measured == 1)
        self.assertEqual(pixels[0, 5].tolist(), [0, 0, 0])
        self.assertEqual(pixels[63, 47].tolist(), [255, 255, 255])
        levels = pixels[:, :, 0].reshape(-1)[5:]
        self.assertTrue((np.diff(levels) >= 0).all())

    def test_png_contrast_leaves_out_the_last_thousandth(self):
        daemon, path = self.measured(), self.folder / "x.png"
        array = np.full((100, 100), 50.0)
        array[0, 0], array[0, 1], array[50:] = 1e9, -1e9, 150
        array[99, 99] = np.nan
        self.override(daemon, array)
        self.ctl(daemon, "map", "x", "-o", path)
        pixels = self.picture(path)
        self.assertEqual(pixels[10, 10].tolist(), [0, 0, 0])
        self.assertEqual(pixels[60, 60].tolist(), [255, 255, 255])
        self.assertNotEqual(pixels[99, 99, 0], pixels[99, 99, 2])

    def test_png_of_a_map_of_one_value_or_of_none(self):
        daemon = self.measured()
        self.override(daemon, np.full((3, 3), 7, "<u8"))
        self.ctl(daemon, "map", "x", "-o", self.folder / "one.png")
        self.assertEqual(len(np.unique(self.picture(self.folder / "one.png"))), 1)
        self.override(daemon, np.full((3, 3), np.nan))
        self.ctl(daemon, "map", "x", "-o", self.folder / "none.png")

    def test_summary_in_words_and_json(self):
        daemon = self.measured(lose=3)
        out = self.ctl(daemon, "map", "adf").stdout
        self.assertIn("adf  64 x 48  counts", out)
        self.assertIn("measured  99.9 %", out)
        self.assertIn("min       40", out)
        self.assertIn("max       30720", out)
        said = json.loads(self.ctl(daemon, "map", "adf", "--json").stdout)
        values = daemon.map.reshape(-1)[3:]
        self.assertEqual((said["min"], said["max"], said["shape"]), (values.min(), values.max(), [64, 48]))
        self.assertAlmostEqual(said["mean"], values.mean())
        self.assertAlmostEqual(said["measured_fraction"], 1 - 3 / (64 * 48))

    def test_list(self):
        daemon = self.measured()
        self.assertEqual(self.ctl(daemon, "map", "--list").stdout, "adf\n")
        self.assertEqual(json.loads(self.ctl(daemon, "--list", "map", "--json").stdout)["maps"], ["adf"])

    def test_patterns(self):
        daemon = self.measured(image=(6, 9))
        for name in ("sum", "latest"):
            self.ctl(daemon, "pattern", name, "-o", self.folder / "p.npy")
            np.testing.assert_array_equal(np.load(self.folder / "p.npy"), np.arange(54).reshape(6, 9))
            self.ctl(daemon, "pattern", "-o", self.folder / "p.PNG", name)
            self.assertEqual(self.picture(self.folder / "p.PNG").shape, (6, 9, 3))

    def test_patterns_of_layers_and_profiles(self):
        daemon = self.measured(image=(6, 9))
        self.ctl(daemon, "pattern", "counter1/sum", "-o", self.folder / "p.npy")
        self.assertEqual(np.load(self.folder / "p.npy").shape, (6, 9))
        self.assertIn("no pattern first", self.ctl(daemon, "pattern", "first", expect=3).stderr)
        self.ctl(daemon, "profile", "radial", "-o", self.folder / "r.npy")
        np.testing.assert_array_equal(np.load(self.folder / "r.npy"), np.linspace(0, 1, 9))
        self.assertIn("radial  9  counts", self.ctl(daemon, "profile", "radial").stdout)
        self.assertIn("take a .npy", self.ctl(daemon, "profile", "radial", "-o", self.folder / "r.png", expect=73).stderr)

    def test_passes_of_a_map_lie_below_each_other_in_a_picture(self):
        daemon = self.measured()
        self.ctl(daemon, "map", "passes", "-o", self.folder / "p.npy")
        self.assertEqual(np.load(self.folder / "p.npy").shape, (2, 64, 48))
        self.ctl(daemon, "map", "passes", "-o", self.folder / "p.png")
        pixels = self.picture(self.folder / "p.png")
        self.assertEqual(pixels.shape, (128, 48, 3))
        grey = (pixels[:, :, 0] == pixels[:, :, 1]) & (pixels[:, :, 1] == pixels[:, :, 2])
        self.assertTrue(grey[:64].all() and not grey[64:].any())

    def test_unknown_map_is_refused(self):
        done = self.ctl(self.measured(), "map", "bf", "-o", self.folder / "bf.npy", expect=3)
        self.assertIn("but adf", done.stderr)
        self.assertEqual(os.listdir(self.folder), [])

    def test_output_that_cannot_be_written(self):
        daemon = self.measured()
        for name in ("x.npy", "x.png"):
            done = self.ctl(daemon, "map", "adf", "-o", self.folder / "nowhere" / name, expect=73)
            self.assertIn("nowhere", done.stderr)
        os.symlink("/dev/full", self.folder / "full.npy")
        os.symlink("/dev/full", self.folder / "full.png")
        for name in ("full.npy", "full.png"):
            self.assertIn("No space left", self.ctl(daemon, "map", "adf", "-o", self.folder / name, expect=73).stderr)

    def test_lying_descriptions_are_refused(self):
        daemon, good = self.measured(), np.zeros((4, 4), "<u8")
        for lie in ({"shape": [4, 5]}, {"shape": [-4, -4]}, {"shape": [2**62, 2**62]}, {"shape": []}, {"shape": [1] * 9 + [16]},
                    {"shape": "16"}, {"dtype": ">u8"}, {"dtype": "<u3"}, {"dtype": "|O8"}, {"dtype": "<f2", "shape": [8, 8]}, {"dtype": ""},
                    {"encoding": "bslz4"}, {"name": "other"}, {"shape": [4, 4.5]}):
            self.override(daemon, good, **lie)
            with self.subTest(lie):
                self.ctl(daemon, "map", "x", "-o", self.folder / "x.npy", expect=76)
        self.assertEqual(os.listdir(self.folder), [])


class Smaller(AgainstDaemon):
    def test_status_in_words(self):
        daemon = self.daemon()
        self.assertIn("none yet", self.ctl(daemon, "status").stdout)
        self.ctl(daemon, "start", "--scan", "64x64")
        self.ctl(daemon, "run", "--json")
        out = self.ctl(daemon, "status").stdout
        for part in ("acquiring", "192.168.0.10: command connected, data disconnected", "connection refused", "256 of 4,096 frames (6 %)",
                     "5,000 frames/s", "12 % of 512 MiB full, at most 40 %", "FULL 2 times", "in /data, 123 GB free",
                     "3 frames outside of any run", daemon.results_endpoint, "maps adf", "/data/run.h5.partial"):
            self.assertIn(part, out)

    def test_status_json_is_what_the_daemon_says(self):
        daemon = self.daemon()
        said = json.loads(self.ctl(daemon, "--json", "status").stdout)
        self.assertLessEqual({"state", "frames", "ring", "recording"}, set(said))

    def test_get_and_set(self):
        daemon = self.daemon()
        self.assertEqual(self.ctl(daemon, "get", "TEMPERATURE").stdout, "21.5\n")
        for words in (("set", "HVBIAS", "90"), ("set", "HVBIAS=-90"), ("set", "HVBIAS", "--", "-90.50"), ("set", "HVBIAS", "a=b")):
            self.ctl(daemon, *words)
            wanted = words[-1].removeprefix("HVBIAS=")
            self.assertEqual(daemon.arguments_of("set"), {"name": "HVBIAS", "value": wanted})
        self.assertEqual(json.loads(self.ctl(daemon, "get", "HVBIAS", "--json").stdout), {"name": "HVBIAS", "value": "a=b"})
        self.assertIn("knows no parameter", self.ctl(daemon, "get", "NONE", expect=2).stderr)

    def test_run_stop_ping_shutdown(self):
        daemon = self.daemon()
        self.assertIn("no such run", self.ctl(daemon, "run", expect=3).stderr)
        self.ctl(daemon, "start", "--scan", "4x4")
        self.assertIn("complete", self.ctl(daemon, "run", daemon.run["id"]).stdout)
        self.assertEqual(daemon.arguments_of("run"), {"id": daemon.run["id"]})
        self.assertEqual(self.ctl(daemon, "stop").stdout, "finishing\n")
        self.assertEqual(self.ctl(daemon, "ping").stdout, "merlind 0.1.0, process 4711\n")
        self.ctl(daemon, "shutdown")
        self.assertEqual(daemon.requests[-1]["cmd"], "shutdown")

    def test_an_answer_to_an_earlier_request_is_passed_over(self):
        self.assertIn("process 4711", self.ctl(self.daemon(stale_reply_first=True), "ping").stdout)

    def test_something_else_that_answers(self):
        for reply in (b"", b"HTTP/1.1 400", b"[1]", b"\xff\xfe", b'{"id": 1}', b'{"id": 1, "ok": true}', b'{"id": 1, "ok": true, "result": 3}',
                      b'{"id": 1, "ok": false}', b'{"id": 1, "ok": false, "error": {"code": 3}}', b'{"id": 1, "ok": false, "error": "x"}'):
            with self.subTest(reply):
                done = self.ctl(self.daemon(raw_reply=reply), "status", "--json", expect=76)
                self.assertIn("does not speak merlind's protocol", done.stderr)
                self.assertEqual(json.loads(done.stdout)["error"]["code"], "protocol")

    def test_stdout_that_cannot_be_written(self):
        daemon = self.daemon()
        with open("/dev/full", "w") as full:
            done = subprocess.run([MERLINCTL, "-e", daemon.endpoint, "ping"], stdout=full, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        self.assertEqual(done.returncode, 73)
        self.assertIn("cannot write to stdout", done.stderr)


class WithoutDaemon(unittest.TestCase):
    def test_nobody_answers(self):
        with tempfile.TemporaryDirectory() as folder:
            endpoint = f"ipc://{folder}/nobody"
            for more in ((), ("--json",)):
                done = run_merlinctl("-e", endpoint, "status", "--timeout", "0.2", *more)
                self.assertEqual(done.returncode, 69)
                for part in (endpoint, "Is merlind running?", "systemctl start merlind", "-e ENDPOINT"):
                    self.assertIn(part, done.stderr)
                if more:
                    self.assertEqual(json.loads(done.stdout)["error"]["code"], "unreachable")

    def test_one_that_is_there_and_takes_long_is_no_daemon_that_is_gone(self):
        with FakeMerlind(silent=("status",)) as daemon:
            done = run_merlinctl("-e", daemon.endpoint, "status", "--timeout", "0.2", "--json")
        self.assertEqual(done.returncode, 69, done)
        self.assertIn('merlind is there, and has not answered "status" in 0.2 s', done.stderr)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "timeout")

    def test_wrong_usage_is_told_before_anything_is_sent(self):
        for words in ("", "strat", "status now", "get", "get A B", "set A", "set =1", "map", "map a b", "map --list a", "map a -o a.tif",
                      "map a -o .npy", "pattern", "pattern a b", "profile", "nudge", "nudge x", "nudge +", "nudge -", "nudge 1 2", "nudge --3", "nudge 1.5",
                      "view 4", "view 4x4 5", "view --wait", "view --passive", "view 4x4 --repeats 2", "record now", "geometry 4x4", "geometry --flyback",
                      "geometry --shift x", "geometry --wait", "start --shift 3", "start --repeats 0", "start --repeats x", "start --positions a.txt",
                      "start --order raster --positions a.csv", "run a b", "stop --scan 4x4", "status --wait", "pattern sum --list", "map --list -o a.npy",
                      "start --scan 4", "start --scan 0x4", "start --scan 4x", "start --scan x4", "start --scan -4x4", "start --scan 4x4x4",
                      "start --scan 4294967296x1", "start --skip-line -1", "start --skip-end x", "start --set A", "start --set =1",
                      "status --timeout 0", "status --timeout nan", "status --timeout x", "status --frob", "-e nonsense status", "start 4x4"):
            with self.subTest(words):
                done = run_merlinctl(*words.split())
                self.assertEqual(done.returncode, 64, done.stderr)
                self.assertIn("merlinctl: ", done.stderr)
                self.assertEqual(done.stdout, "")

    def test_empty_words(self):
        for words in (("",), ("set", ""), ("pattern", ""), ("start", "--scan", ""), ("nudge", ""), ("view", ""), ("start", "--positions", ""), ("status", "-e", ""), ("map", "x", "-o", "")):
            self.assertEqual(run_merlinctl(*words).returncode, 64, words)

    def test_arguments_that_are_not_utf8(self):
        for words in ((b"run", b"\xff"), (b"set", b"A", b"\xff"), (b"start", b"--trigger", b"\xff"), (b"start", b"--set", b"A=\xff")):
            done = subprocess.run([os.fsencode(MERLINCTL), *words], capture_output=True, env=ENVIRONMENT, timeout=60)
            self.assertEqual(done.returncode, 64)

    def test_help_and_version(self):
        self.assertRegex(run_merlinctl("--version").stdout, r"^merlinctl \d+\.\d+\.\d+\n$")
        text = run_merlinctl("--help").stdout
        for word in ("status", "start --scan", "stop", "view", "record", "nudge", "geometry", "get NAME", "set NAME", "map NAME", "pattern", "profile", "run", "ping", "shutdown"):
            self.assertIn(word, text)

    def test_the_man_page_knows_every_option(self):
        page = (REPOSITORY / "docs" / "man" / "merlinctl.1.scd").read_text().replace("\\", "")
        for option in re.findall(r"--[a-z-]+", run_merlinctl("--help").stdout):
            self.assertIn(option, page)


if __name__ == "__main__":
    unittest.main()
