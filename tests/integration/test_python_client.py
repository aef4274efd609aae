"""clients/python/merlind and its example against a stand-in for the daemon."""
import inspect
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest
import unittest.mock

import numpy as np

from fake_merlind import FakeMerlind, Refusal

PLAIN = True

CLIENT = pathlib.Path(__file__).resolve().parents[2] / "clients" / "python"
sys.path.insert(0, str(CLIENT))

from merlind import Merlind, MerlindError, Update  # noqa: E402
from merlind.messages import label_arguments, map_values, put_rows  # noqa: E402


class AgainstDaemon(unittest.TestCase):
    def connect(self, **habits):
        self.daemon = self.enterContext(FakeMerlind(**habits))
        self.addCleanup(lambda: self.assertEqual(self.daemon.complaints, []))
        return self.enterContext(Merlind(self.daemon.endpoint))


class Requests(AgainstDaemon):
    def test_start_and_wait_gives_the_summary(self):
        summary = self.connect().start(scan=(8, 6), wait=True)
        self.assertEqual((summary["state"], summary["reason"], summary["frames"]["placed"]), ("finished", "complete", 48))
        self.assertEqual(self.daemon.arguments_of("start"), {"mode": "active", "scan": [8, 6]})

    def test_every_option_reaches_the_daemon(self):
        m = self.connect()
        m.start((4, 4), passive=True, trigger="soft", skip={"line": 2}, parameters={"GAIN": 1}, recording=False)
        self.assertEqual(self.daemon.arguments_of("start"), {
            "mode": "passive", "scan": [4, 4], "trigger": "soft", "skip": {"line": 2}, "parameters": {"GAIN": 1}, "recording": False})

        m.start((4, 4), order="serpentine", repeats=3, preset="soft", flyback="exposure")
        self.assertEqual(self.daemon.arguments_of("start"), {
            "mode": "active", "scan": [4, 4], "order": "serpentine", "repeats": 3, "preset": "soft", "flyback": "exposure"})
        m.start(positions=np.array([[0, 1], [2, 0]], "<u2"))
        self.assertEqual(self.daemon.arguments_of("start"), {"mode": "active", "positions": [[0, 1], [2, 0]]})

    def test_geometry_and_nudge(self):
        m = self.connect()
        m.start((4, 6))
        self.assertEqual(m.geometry()["scan"], [4, 6])
        self.assertEqual(m.nudge(np.int64(-3))["shift"], -3)
        self.assertEqual(self.daemon.arguments_of("geometry"), {"nudge": -3})
        self.assertEqual(m.geometry(scan=(2, 12), skip={"line": 1}, shift=0)["scan"], [2, 12])
        self.assertEqual(self.daemon.arguments_of("geometry"), {"scan": [2, 12], "skip": {"line": 1}, "shift": 0})

    def test_view_and_the_recording_of_its_next_pass(self):
        m = self.connect()
        m.view((8, 8), preset="line-trigger", skip={"line": 2})
        self.assertEqual(self.daemon.arguments_of("start"), {"mode": "view", "scan": [8, 8], "preset": "line-trigger", "skip": {"line": 2}})
        self.assertEqual(m.record_next_pass()["state"], "armed")
        m.view((8, 8))
        self.assertEqual(m.record_next_pass(wait=True)["reason"], "complete")

    def test_a_detector_that_is_slow_to_set_up_is_waited_for(self):
        m = self.connect(slow_start=1.5)
        m.timeout = 1
        self.assertEqual(m.start((4, 4))["state"], "arming")

    def test_a_refusal_is_an_exception_with_code_message_and_field(self):
        m = self.connect(start_refusal=Refusal("bad_value", "a scan has at least one line", "args.scan"))
        with self.assertRaises(MerlindError) as caught:
            m.start((4, 4))
        self.assertEqual((caught.exception.code, caught.exception.message, caught.exception.field),
                         ("bad_value", "a scan has at least one line", "args.scan"))

    def test_wait_gives_up_in_time_and_stays_with_its_run(self):
        m = self.connect(never_ends=True)
        m.start((4, 4))
        with self.assertRaises(TimeoutError):
            m.wait(timeout=1)
        asked = [r["args"] for r in self.daemon.requests if r["cmd"] == "run"]
        self.assertEqual(asked[0], {})
        self.assertEqual(asked[1], {"id": self.daemon.run["id"]})

    def test_nobody_answers(self):
        with tempfile.TemporaryDirectory() as folder, Merlind(f"ipc://{folder}/nobody", timeout=0.1) as m:
            with self.assertRaisesRegex(MerlindError, "is merlind running"):
                m.status()

    def test_one_that_is_there_and_takes_long_is_no_daemon_that_is_gone(self):
        m = self.connect(silent=("status", "bragg"))
        m.timeout = 0.2
        with self.assertRaisesRegex(MerlindError, "merlind is there, and has not answered status in 0.2 s") as caught:
            m.status()
        self.assertEqual(caught.exception.code, "timeout")
        self.daemon.silent = ("bragg", "ping")
        with self.assertRaisesRegex(MerlindError, "is merlind running"), unittest.mock.patch("merlind.connection.SILENCE", 0.3):
            m.bragg(timeout=3600)

    def test_numbers_and_arrays_of_numpy_and_paths_are_taken_as_they_are(self):
        m = self.connect()
        m.start(np.array([4, 4]), labels={"strain": np.float32(8), "scan": np.int64(2)}, directory=pathlib.Path("/data"),
                parameters={"GAIN": np.uint8(1)}, scans=np.int64(2), drift="adf")
        self.assertEqual(self.daemon.arguments_of("start"), {
            "mode": "active", "scan": [4, 4], "labels": {"strain": 8, "scan": 2}, "directory": "/data", "parameters": {"GAIN": 1},
            "series": {"scans": 2, "drift": "adf"}})
        with self.assertRaisesRegex(ValueError, "NaN"):
            m.start((4, 4), labels={"strain": np.nan})
        with self.assertRaises(TypeError):
            m.start((4, 4), labels={"strain": 8 + 1j})

    def test_drift_without_a_number_of_scans_is_not_passed_over(self):
        m = self.connect()
        m.start((4, 4), drift="adf")
        self.assertEqual(self.daemon.requests[-1]["args"]["series"], {"drift": "adf"})  # which merlind refuses
        self.assertEqual(len(self.daemon.complaints), 1)
        self.daemon.complaints.clear()

    def test_what_is_masked_is_no_value_of_a_map_and_no_label(self):
        masked = np.ma.masked_equal(np.arange(4, dtype="<u8").reshape(2, 2), 3)
        np.testing.assert_array_equal(map_values(masked), [[0, 1], [2, np.nan]])
        self.assertEqual(map_values(masked[:1]).dtype, np.dtype("<u8"))
        self.assertEqual(map_values(np.ones((2, 2), ">f2")).dtype, np.dtype("<f8"))
        self.assertEqual(map_values(np.ones((2, 2), ">f4")).dtype, np.dtype("<f4"))
        with self.assertRaisesRegex(TypeError, "complex"):
            map_values(np.ones((2, 2)) * 1j)
        self.assertEqual(label_arguments(masked, None, None, False, None, None), {"labels": [[0, 1], [2, 0]]})

    def test_an_answer_to_an_earlier_request_is_passed_over(self):
        self.assertEqual(self.connect(stale_reply_first=True).status()["version"], "0.1.0")

    def test_parameters(self):
        m = self.connect()
        self.assertEqual(m.get("TEMPERATURE"), "21.5")
        self.assertEqual(m.set("HVBIAS", np.float64(90.5)), "90.5")
        self.assertEqual(m.get("HVBIAS"), "90.5")
        self.assertEqual(m.stop(), {"state": "idle"})

    def test_map_is_masked_where_nothing_is_measured_and_may_be_changed(self):
        m = self.connect(lose=3)
        m.start((8, 6), wait=True)
        image = m.map("adf")
        self.assertEqual(image.dtype, np.uint64)
        np.testing.assert_array_equal(image.mask, self.daemon.measured == 0)
        np.testing.assert_array_equal(image.compressed(), self.daemon.map.reshape(-1)[3:])
        image[0] = 1

    def test_patterns(self):
        m = self.connect(image=(5, 7))
        m.start((4, 4), wait=True)
        np.testing.assert_array_equal(m.pattern(), np.arange(35).reshape(5, 7))
        self.assertEqual(m.pattern("latest").shape, (5, 7))
        np.testing.assert_array_equal(m.profile("radial"), np.linspace(0, 1, 9))

    def test_a_map_of_two_passes(self):
        m = self.connect()
        m.start((4, 5), wait=True)
        image = m.map("passes")
        self.assertEqual((image.shape, image.count()), ((2, 4, 5), 20))


class Published(AgainstDaemon):
    def run_in_background(self, looks, listens=None):
        """Looks at the run now and then, which moves it on; once somebody listens without a pause."""
        ending = threading.Event()

        def look():
            with Merlind(self.daemon.endpoint) as other:
                for _ in range(looks):
                    if ending.wait(0 if listens and listens.is_set() else 0.05):
                        return
                    other.run()

        thread = threading.Thread(target=look)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(ending.set)

    def test_updates_of_a_topic(self):
        m = self.connect(rows_per_look=2)
        updates = m.updates("map/adf", timeout=30)
        m.start((2000, 5))
        self.run_in_background(1000)
        update = next(updates)
        self.assertEqual(update.topic, "map/adf/")
        first, count = update.header["rows"]
        np.testing.assert_array_equal(update.arrays["data"], self.daemon.map[first:first + count])
        self.assertFalse(update.arrays["data"].flags.writeable)

    def test_a_topic_that_there_is_not_is_refused(self):
        with self.assertRaisesRegex(ValueError, "no topic 'maps/adf'"):
            self.connect().updates("maps/adf")

    def test_updates_end_after_silence(self):
        self.assertEqual(list(self.connect().updates(timeout=0.1)), [])

    def test_maps_grow_and_end_with_the_final_one(self):
        m = self.connect(rows_per_look=2)
        run_id = m.start((400, 5))["id"]
        counts, listens = [], threading.Event()
        self.run_in_background(1000, listens)
        for image in m.maps("adf", run_id):
            listens.set()
            counts.append(image.count())
            np.testing.assert_array_equal(image.compressed(), self.daemon.map[~image.mask])
        self.assertGreater(len(counts), 2)
        self.assertEqual(counts, sorted(counts))
        self.assertEqual(counts[-1], 2000)

    def test_maps_of_a_run_that_was_over_before_we_listened(self):
        m = self.connect()
        m.start((8, 8), wait=True)
        self.assertEqual([image.count() for image in m.maps("adf")], [64])

    def test_rows_find_their_place(self):
        def update(rows, shape, data, measured):
            return Update("map/x/", {"rows": rows, "shape": shape},
                          {"data": np.array(data, "<u8"), "measured": np.array(measured, "|u1")})

        grown = put_rows(None, update([1, 2], [4, 2], [[1, 2], [3, 0]], [[1, 1], [1, 0]]))
        self.assertEqual(grown.tolist(), [[None, None], [1, 2], [3, None], [None, None]])
        grown = put_rows(grown, update([2, 1], [4, 2], [[5, 6]], [[1, 1]]))
        self.assertEqual(grown.tolist(), [[None, None], [1, 2], [5, 6], [None, None]])
        stack = put_rows(None, update([0, 1], [1, 2], [[1, 2]], [[1, 1]]))
        stack = put_rows(stack, update([0, 1], [1, 3], [[1, 2, 3]], [[1, 1, 1]]))
        self.assertEqual(stack.tolist(), [[1, 2, 3]])
        passes = put_rows(None, update([1, 2], [2, 2, 2], [[1, 2], [3, 4]], [[1, 1], [1, 0]]))
        passes = put_rows(passes, update([0, 1], [2, 2, 2], [[7, 8]], [[1, 1]]))
        self.assertEqual(passes.tolist(), [[[7, 8], [1, 2]], [[3, None], [None, None]]])

    def test_a_map_begins_anew_with_another_geometry(self):
        m = self.connect(never_ends=True)
        run_id, ending = m.start((3, 2))["id"], threading.Event()

        def publish():
            while not ending.wait(0.05):
                for version, row, value in ((1, 0, 5), (2, 1, 6)):
                    rows = np.full((1, 2), value, "<u8"), np.ones((1, 2), "|u1")
                    parts = [{"name": n, "dtype": a.dtype.str, "shape": [1, 2], "dims": ["scan_y", "scan_x"], "units": "", "nbytes": a.nbytes,
                              "encoding": "raw"} for n, a in zip(("data", "measured"), rows)]
                    self.daemon.publish("map/adf/", parts, rows, name="adf", rows=[row, 1], shape=[3, 2], key=False, geometry=version)

        thread = threading.Thread(target=publish)
        maps = m.maps("adf", run_id)
        thread.start()
        try:
            seen = [next(maps).tolist() for _ in range(4)]
        finally:
            ending.set()
            thread.join()
        for image in seen:
            self.assertIn(image, ([[5, 5], [None, None], [None, None]], [[None, None], [6, 6], [None, None]]))


class Shipped(AgainstDaemon):
    def run_python(self, *arguments, **more):
        return subprocess.run([sys.executable, "-B", *map(str, arguments)], capture_output=True, text=True, timeout=120,
                              env=dict(os.environ, MPLBACKEND="Agg", PYTHONPATH=str(CLIENT)), **more)

    def test_watch_scan_saves_the_map(self):
        self.connect()
        with tempfile.TemporaryDirectory() as folder:
            done = self.run_python(CLIENT / "examples" / "watch_scan.py", "-e", self.daemon.endpoint, "--scan", "32x8", "--map", "adf",
                                   "-o", f"{folder}/map.npy", "--plot")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout, "complete: /data/run.h5\n")
            np.testing.assert_array_equal(np.load(f"{folder}/map.npy"), self.daemon.map)
            self.assertEqual(os.listdir(folder), ["map.npy"])

    def test_watch_scan_exit_codes(self):
        script = CLIENT / "examples" / "watch_scan.py"
        self.connect(lose=1)
        with tempfile.TemporaryDirectory() as folder:
            words = ("--scan", "8x8", "--map", "adf", "-o", f"{folder}/x.npy")
            self.assertEqual(self.run_python(script, "-e", self.daemon.endpoint, *words).returncode, 1)
            self.daemon.start_refusal = Refusal("busy", "a run is going on")
            done = self.run_python(script, "-e", self.daemon.endpoint, *words)
            self.assertEqual((done.returncode, done.stderr), (2, "watch_scan.py: a run is going on (busy)\n"))

    def test_the_lines_of_the_docstring_run(self):
        self.connect()
        text = (CLIENT / "merlind" / "__init__.py").read_text()
        lines = [line[4:] for line in text.split('"""')[1].splitlines() if line.startswith("    ")]
        code = "\n".join(lines).replace("Merlind()", f"Merlind({self.daemon.endpoint!r})")
        self.assertIn("imshow", code)
        with tempfile.TemporaryDirectory() as folder:
            done = self.run_python("-c", code, cwd=folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(os.listdir(folder), ["adf.png"])

    def test_it_is_small_files_and_needs_little(self):
        files = sorted((CLIENT / "merlind").glob("*.py"))
        self.assertGreater(len(files), 8)
        for file in files:
            lines = file.read_text().splitlines()
            self.assertLess(len(lines), 200, file)
            imported = {line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))}
            self.assertLessEqual(imported - sys.stdlib_module_names, {"numpy", "zmq", "merlind"}, file)

    def test_every_public_name_has_a_docstring_and_types(self):
        import merlind
        from merlind.aio import AsyncMerlind
        for owner in (merlind.Merlind, merlind.LivePlot, AsyncMerlind):
            for name, member in inspect.getmembers(owner, inspect.isfunction):
                if not name.startswith("_"):
                    self.assertTrue(member.__doc__, f"{owner.__name__}.{name}")
                    self.assertIn("return", member.__annotations__, f"{owner.__name__}.{name}")
        self.assertTrue((CLIENT / "merlind" / "py.typed").exists())


if __name__ == "__main__":
    unittest.main()
