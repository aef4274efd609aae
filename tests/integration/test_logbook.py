"""What people and programs tell while scans are made: notes, series over time; and what a file says of its run beside the frames."""
import json
import time
import unittest

import h5py
import numpy as np

from file_tool import ToolTest
from harness import CommandClient, ControlError, file_statistics, run_ctl, wait_for

KNOWN = {"calibration.kv": 200, "calibration.camera_length": 200, "calibration.scan_step": 2.0}


class Logbook(ToolTest):
    def setUp(self):
        super().setUp()
        self.simulator = self.start_simulator("--synthetic", "glass", "--scan", "10x10", "--fps", 200)

    def begin(self, **settings):
        self.daemon = self.start_daemon(self.simulator, {"recording.flush": 0.1, **settings})
        control = self.control(self.daemon)
        control.wait_state("idle")
        return control

    def begin_scan(self, control, **arguments):
        """A run of 10 x 10 that has the first half of its frames, of which some are recorded."""
        run = self.start_in_bursts(control, (10, 10), 50, **arguments)
        self.burst(control)
        wait_for(lambda: control("run", id=run)["frames"]["recorded"] > 0, 30, "a frame")
        return run

    @staticmethod
    def texts(column):
        return [text.rstrip(b"\0").decode() for text in column[...]]

    def test_notes_go_to_the_run_that_goes_on_or_to_the_next(self):
        control = self.begin()
        self.assertIsNone(control("note", text="before", author="é")["run"])
        run = self.begin_scan(control)
        told = control("note", text="during", time=[1700000000, 5])
        self.assertEqual(told, {"time": [1700000000, 5], "run": run})
        growing = control("run", id=run)["file"]

        def seen():
            with h5py.File(growing, "r", libver="latest", swmr=True) as file:
                return self.texts(file["/entry/notes/text"]) == ["before", "during"]
        wait_for(seen, 30, "the notes in the growing file")
        self.burst(control)
        first = control.wait_finished(run)["file"]
        done = run_ctl(self.daemon, "note", "after", "me")
        self.assertIn("for the next run", done.stdout)
        second = self.run_scan(control, (2, 2))["file"]
        with h5py.File(first) as file, h5py.File(second) as other:
            self.assertEqual(self.texts(file["/entry/notes/author"]), ["é", ""])
            self.assertEqual(file["/entry/notes/time_ns"][1], 1700000000000000005)
            self.assertEqual(self.texts(other["/entry/notes/text"]), ["after"])
            self.assertEqual(self.texts(other["/entry/notes/author"]), ["me"])

    def test_series_are_stored_as_told_and_interpolated_at_each_frame(self):
        control = self.begin()
        control("samples_put", name="before", unit="K", value=300)
        run = self.begin_scan(control)
        now = time.time()
        times = [[int(now + i), int((now + i) % 1 * 1e9)] for i in (-20, 20)]
        control("samples_put", name="load", unit="uN", value=[100, 500], time=times)
        done = run_ctl(self.daemon, "samples", "later", "7.5", "pA")
        self.assertIn(run, done.stdout)
        self.burst(control)
        summary = control.wait_finished(run)
        with h5py.File(summary["file"]) as file:
            series = file["/entry/series"]
            names = json.loads(series["log/names"][()].rstrip(b"\0"))
            self.assertEqual(names, [{"name": "before", "unit": "K"}, {"name": "load", "unit": "uN"}, {"name": "later", "unit": "pA"}])
            np.testing.assert_array_equal(series["log/series"][...], [0, 1, 1, 2])
            np.testing.assert_array_equal(series["load/value"][...], [100, 500])
            self.assertEqual(series["load"].attrs["units"], "uN")
            np.testing.assert_array_equal(series["before/frames"][...], np.full(100, 300))
            np.testing.assert_array_equal(series["later/frames"][...], np.full(100, 7.5))
            frames = file["/entry/frames"]
            load, stamps = series["load/frames"][...], frames["timestamp_ns"][...].astype(float)
            # 10 uN a second, whatever the detector's clock says that it is.
            np.testing.assert_allclose(np.diff(load), np.diff(stamps) / 1e9 * 10, atol=1e-3)
            began = summary["started"][0] + summary["started"][1] / 1e9
            self.assertAlmostEqual(load[0], 100 + 10 * (began - now + 20), delta=0.2)
        self.run_tool("verify", summary["file"])
        self.assertIn("load", self.run_tool("info", summary["file"]))

    def test_what_is_no_note_or_sample_is_refused(self):
        control = self.begin()
        for command, arguments, field in (
                ("note", {"text": ""}, "args.text"), ("note", {"text": "x" * 1024}, "args.text"), ("note", {}, "args.text"),
                ("note", {"text": "x", "author": 1}, "args.author"), ("note", {"text": "x", "time": [1]}, "args.time"),
                ("samples_put", {"name": "a b", "unit": "", "value": 1}, "args.name"), ("samples_put", {"name": "a", "value": 1}, "args.unit"),
                ("samples_put", {"name": "a", "unit": "", "value": "1"}, "args.value"), ("samples_put", {"name": "a", "unit": "", "value": [1, 2]}, "args.value"),
                ("samples_put", {"name": "a", "unit": "", "value": [1, 2], "time": [[1, 2]]}, "args.value"),
                ("samples_put", {"name": "a", "unit": "x" * 32, "value": 1}, "args.name")):
            with self.subTest(command=command, arguments=arguments), self.assertRaises(ControlError) as refused:
                control(command, **arguments)
            self.assertEqual((refused.exception.code, refused.exception.field), ("bad_value", field))
        control("samples_put", name="a", unit="mm", value=1)
        with self.assertRaises(ControlError) as refused:
            control("samples_put", name="a", unit="nm", value=1)
        self.assertIn("mm", refused.exception.message)
        for i in range(63):
            control("samples_put", name=f"s{i}", unit="", value=i)
        with self.assertRaises(ControlError):
            control("samples_put", name="one_too_many", unit="", value=0)
        self.assertEqual(len(control("samples")["series"]), 64)

    def test_a_run_warns_of_what_is_not_known_and_tells_the_dose_where_it_is(self):
        control = self.begin()
        summary = self.run_scan(control, (2, 2))
        self.assertEqual(summary["warnings"], ["not known: kV, camera length, convergence angle (disk_radius_px), scan step, beam current; tell them with "
                                               "calibration, or the current as it changes with samples_put of beam_current"])
        self.assertIsNone(summary["dose"])
        control("calibration", kv=200, camera_length_mm=100, scan_step_nm=2, disk_radius_px=10, counts_per_electron=1.25)
        control("samples_put", name="beam_current", unit="pA", value=50)
        summary = self.run_scan(control, (5, 5))
        self.assertEqual(summary["warnings"], [])
        with h5py.File(summary["file"]) as file:
            electrons = file["/entry/data/data"][...].sum(dtype=float) / 25 / 1.25
            stored = file_statistics(file)["dose"]
        self.assertEqual(summary["dose"]["source"], "counts")
        self.assertAlmostEqual(summary["dose"]["electrons"], electrons, delta=1e-6 * electrons)
        self.assertAlmostEqual(summary["dose"]["e_per_nm2"], electrons / 4, delta=1e-6 * electrons)
        self.assertAlmostEqual(stored["e_per_nm2"], electrons / 4, delta=1e-6 * electrons)
        self.assertIn("e/nm^2", self.run_tool("info", summary["file"]))

    def assert_beam(self, summary, current, source):
        """The dose of the beam, from the exposures in the file."""
        with h5py.File(summary["file"]) as file:
            exposures = file["/entry/frames/exposure_ns"][...]
            stored = file_statistics(file)["dose"]
        electrons = current * 1e-12 * exposures.mean() * 1e-9 / 1.602176634e-19
        self.assertGreater(electrons, 0)
        for beam in (summary["dose"]["beam"], stored["beam"]):
            self.assertEqual(beam["source"], source)
            np.testing.assert_allclose([beam[name] for name in ("current_pa", "exposure_s", "electrons", "e_per_nm2")],
                                       [current, exposures.mean() * 1e-9, electrons, electrons / 4], rtol=1e-6)
        self.assertIn(f"from {current:.4g} pA ({source})", self.run_tool("info", summary["file"]))

    def test_a_beam_current_gives_the_dose_too(self):
        control = self.begin(**KNOWN, **{"calibration.beam_current": 40})
        summary = self.run_scan(control, (5, 5))
        self.assertNotIn("beam current", str(summary["warnings"]))
        self.assertEqual(summary["dose"]["source"], "beam_current")
        self.assertEqual(summary["dose"]["e_per_nm2"], summary["dose"]["beam"]["e_per_nm2"])
        self.assert_beam(summary, 40, "calibration")
        control("calibration", beam_current_pa=70)
        self.assert_beam(self.run_scan(control, (5, 5), recording=True), 70, "calibration")
        # Told as it changes, in another unit: that comes first.
        now = time.time()
        control("samples_put", name="beam_current", unit="nA", value=[0.05, 0.05], time=[[int(now - 5), 0], [int(now), 0]])
        summary = self.run_scan(control, (5, 5))
        self.assert_beam(summary, 50, "series")
        live = self.run_scan(control, (5, 5), recording=False)
        self.assertAlmostEqual(live["dose"]["beam"]["current_pa"], 50, places=6)

    def test_the_file_tells_configuration_versions_sample_and_every_version_of_the_settings(self):
        control = self.begin(**KNOWN)
        run = self.begin_scan(control, labels={"sample": "Zr50", "strain": 8})
        version = control("virtual_detector", name="late", shape="disk", radius=9)["version"]
        self.burst(control)
        summary = control.wait_finished(run)
        with h5py.File(summary["file"]) as file:
            entry = file["/entry"]
            self.assertIn("scan_step: 2", entry["configuration"][()].decode())
            self.assertEqual(json.loads(entry["versions"][()])["hdf5"], h5py.version.hdf5_version)
            self.assertEqual(entry["sample/name"][()], b"Zr50")
            later = json.loads(entry[f"settings/{version}"][()])
            self.assertIn("late", [product["name"] for product in later["products"]])
            used = entry["frames/settings_version"][...]
            self.assertEqual(set(used), {1, version})
            self.assertEqual(int(np.flatnonzero(used == version)[0]), later["first_frame"])
            self.assertIn("acquisition_header_crc32c", entry["instrument/detector"])
        self.run_tool("verify", summary["file"])

    def test_the_file_tells_what_the_detector_was_set_to_when_it_was_armed(self):
        control = self.begin()
        summary = self.run_scan(control, (3, 4), parameters={"THRESHOLD0": 25.5, "COUNTERDEPTH": 12})
        with h5py.File(summary["file"]) as file:
            parameters = json.loads(file["/entry/instrument/detector/parameters"][()])
        self.assertEqual((float(parameters["THRESHOLD0"]), parameters["COUNTERDEPTH"], parameters["NUMFRAMESTOACQUIRE"]), (25.5, "12", "12"))
        detector = CommandClient(self.simulator.command_port)
        self.addCleanup(detector.close)
        for name in ("ACQUISITIONTIME", "ACQUISITIONPERIOD", "THRESHOLD0"):
            self.assertEqual(float(parameters[name]), float(detector.command("GET", name)[0]), name)
        run = control("start", mode="passive", scan=[3, 4])["id"]
        detector.command("CMD", "STARTACQUISITION")
        with h5py.File(control.wait_finished(run)["file"]) as file:
            self.assertNotIn("parameters", file["/entry/instrument/detector"])


if __name__ == "__main__":
    unittest.main()
