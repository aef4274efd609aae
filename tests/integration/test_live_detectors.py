"""Virtual detectors that are added, moved and removed while a scan runs, and recomputed from the frames on disk."""
import functools
import pathlib
import sys
import unittest

import numpy as np

from harness import ControlError, SystemTest, disk_mask, lighter, open_recording, run_ctl, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients" / "python"))
import merlind


SCAN = (32, 32)


class LiveDetectors(SystemTest):
    def begin(self, *simulator_options, scan=SCAN, **settings):
        self.simulator = self.start_simulator("--synthetic", "glass", "--scan", "%dx%d" % scan, "--bank", "64", "--fps",
                                              lighter("800", "150"), *simulator_options)
        self.daemon = self.start_daemon(self.simulator, {
            "virtual_detectors": [{"name": "bf", "shape": "disk", "radius": 20}], "recording.flush": 0.2, **settings})
        self.daemon_control = self.control(self.daemon)
        self.daemon_control.wait_state("idle")
        return self.daemon_control

    def wait_analysed(self, control, n):
        wait_for(lambda: control.status()["frames"]["analysed"] >= n, 60, f"{n} analysed frames")

    def wait_recomputed(self, results):
        return results.wait("event/", lambda header: header["event"] == "recompute" and header["recompute"]["finished"])

    def frames(self, summary, layer="data"):
        with open_recording(summary["file"]) as file:
            return file[f"/entry/{layer}/data"][:].astype(np.uint64)

    def expected(self, frames, inner, outer, centre=None):
        height, width = frames.shape[-2:]
        mask = disk_mask((height, width), centre or ((height - 1) / 2, (width - 1) / 2), inner, outer)
        return frames[..., mask].sum(axis=-1)

    def test_a_moved_detector_changes_from_the_frame_that_the_map_names_and_recomputes_to_the_whole_map(self):
        control = self.begin()
        results = self.results(self.daemon, ("event/",))
        run = self.start_in_bursts(control, SCAN, SCAN[0] * SCAN[1] // 2)
        self.burst(control)
        self.wait_analysed(control, 200)
        before = control("virtual_detectors")["detectors"]
        self.assertEqual([detector["name"] for detector in before], ["bf"])
        control("virtual_detector", name="bf", shape="annulus", inner=30, outer=60)
        self.burst(control)
        wait_for(lambda: control.array("map", "bf")[1]["since"], 30, "a frame of the moved detector")
        summary = control.wait_finished(run)
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_accounts(summary["frames"])
        truth = self.expected(self.frames(summary), 30, 60)

        parts, header = control.array("map", "bf")
        since = header["since"] - 1
        self.assertGreater(since, 150)
        self.assertLess(since, SCAN[0] * SCAN[1])
        measured = parts["measured"].ravel() == 1
        np.testing.assert_array_equal(measured, np.arange(measured.size) >= since)
        np.testing.assert_array_equal(parts["data"].ravel()[since:], truth.ravel()[since:])

        control("recompute")
        self.wait_recomputed(results)
        parts, _ = control.array("map", "bf")
        self.assertTrue(parts["measured"].all())
        np.testing.assert_array_equal(parts["data"], truth)

    def test_a_new_detector_is_recomputed_while_the_scan_goes_on_and_the_file_waits_for_it(self):
        """What is computed again takes longer than the rest of the scan."""
        scan = (16, 16)
        control = self.begin("--fps", lighter("400", "100"), scan=scan,
                             **{"debug.analysis_delay_us": lighter(5000, 20000)})
        results = self.results(self.daemon, ("event/",))
        run = self.start_in_bursts(control, scan, 128)
        self.burst(control)
        self.wait_analysed(control, 120)
        control("virtual_detector", name="fan", shape="segmented", inner=5, outer=60, sectors=8)
        control("recompute", name="fan")
        self.burst(control)
        summary = control.wait_finished(run)
        self.wait_recomputed(results)
        self.assertEqual(summary["reason"], "complete")
        total = self.expected(self.frames(summary), 5, 60)
        maps = [control.array("map", f"fan_{i}")[0] for i in range(1, 9)]
        self.assertTrue(all(one["measured"].all() for one in maps))
        np.testing.assert_array_equal(sum(one["data"].astype(np.uint64) for one in maps), total)
        with open_recording(summary["file"]) as file:
            stored = [file[f"/entry/results/fan_{i}/data"] for i in range(1, 9)]
            np.testing.assert_array_equal(sum(one[:] for one in stored), total)
            self.assertEqual({(one.attrs["recomputed"], one.attrs["not_recomputed"]) for one in stored},
                             {(stored[0].attrs["first_frame"], 0)})
        # It stays for the next run, and the file has it from the start.
        self.assertIn("fan_8", self.run_scan(control, scan)["maps"])

    def test_a_run_waits_only_so_long_for_what_is_computed_again_and_its_file_says_what_it_lacks(self):
        """Five detectors to compute again, each slow: the run is over long before."""
        scan = (16, 16)
        control = self.begin("--fps", lighter("400", "100"), scan=scan,
                             **{"debug.analysis_delay_us": lighter(5000, 20000), "recording.recompute_wait": 0.2})
        results = self.results(self.daemon, ("event/",))
        run = self.start_in_bursts(control, scan, 128)
        self.burst(control)
        self.wait_analysed(control, 100)
        for i in range(5):
            control("virtual_detector", name=f"late_{i}", shape="annulus", inner=5 * i, outer=60)
        control("recompute")
        self.burst(control)
        summary = control.wait_finished(run)
        self.assertIsNotNone(control.status()["recompute"], "the run waited to the end")
        self.assertIn("recording.recompute_wait is 0.2 s", self.daemon.stderr_text())
        with open_recording(summary["file"]) as file:
            late = [dict(file[f"/entry/results/late_{i}/data"].attrs) for i in range(5)]
        for one in late:
            self.assertEqual(one["recomputed"] + one["not_recomputed"], one["first_frame"])
            self.assertGreater(one["not_recomputed"], 0)
        # What is looked at live becomes whole all the same.
        self.wait_recomputed(results)
        parts, _ = control.array("map", "late_3")
        np.testing.assert_array_equal(parts["data"], self.expected(self.frames(summary), 15, 60))

    def test_frames_that_cannot_be_read_again_are_told_to_who_waits_for_the_result(self):
        control = self.begin(scan=(8, 8))
        summary = self.run_scan(control, (8, 8))
        with open_recording(summary["file"]) as file:
            chunk = file["/entry/data/data"].id.get_chunk_info(0)
        with open(summary["file"], "r+b") as file:
            file.seek(chunk.byte_offset)
            file.write(bytes(chunk.size))
        control("virtual_detector", name="late", shape="disk", radius=11)
        done = run_ctl(self.daemon, "recompute", "late", "--wait")
        self.assertEqual(done.returncode, 70, done.stderr)
        progress = control.status()["recompute"]
        self.assertTrue(progress["finished"] and progress["error"] in done.stderr, (progress, done.stderr))
        with merlind.Merlind(self.daemon.control) as client, self.assertRaises(merlind.MerlindError) as told:
            client.recompute("late")
        self.assertIn(progress["error"], str(told.exception))

    def test_merlinctl_and_the_python_client_move_detectors_too(self):
        control = self.begin(scan=(8, 8))
        summary = self.run_scan(control, (8, 8))
        frames = self.frames(summary)
        ctl = functools.partial(run_ctl, self.daemon)
        self.assertEqual(ctl("detector", "bf", "shape=annulus", "inner=3", "outer=25", "centre=[100,90.5]").returncode, 0)
        self.assertIn('"outer": 25', ctl("detectors").stdout)
        self.assertEqual(ctl("recompute", "bf", "--wait").returncode, 0)
        np.testing.assert_array_equal(control.array("map", "bf")[0]["data"], self.expected(frames, 3, 25, (100, 90.5)))
        self.assertNotEqual(ctl("detector", "bf", "shape=disk", "radius").returncode, 0)
        slope = np.outer(np.arange(256), np.ones(256))
        np.save(self.directory / "slope.npy", slope.astype("<i2"))
        np.save(self.directory / "line.npy", slope[0])
        self.assertEqual(ctl("detector", "slope", "shape=mask", f"weights={self.directory}/slope.npy").returncode, 0)
        self.assertEqual(ctl("recompute", "slope", "--wait").returncode, 0)
        np.testing.assert_array_equal(control.array("map", "slope")[0]["data"], (frames * slope.astype(np.uint64)).sum(axis=(2, 3)))
        for wrong in ("line.npy", "nothing.npy"):
            done = ctl("detector", "slope", "shape=mask", f"weights={self.directory}/{wrong}")
            self.assertTrue(done.returncode != 0 and wrong in done.stderr, done)
        self.assertEqual(ctl("remove-detector", "slope").returncode, 0)
        self.assertEqual(ctl("remove-detector", "bf").returncode, 0)
        with merlind.Merlind(self.daemon.control) as client:
            client.set_detector("bf", "disk", radius=11)
            client.recompute()
            np.testing.assert_array_equal(client.map("bf").filled(0), self.expected(frames, 0, 11))
            self.assertEqual([detector["name"] for detector in client.detectors()], ["bf"])
            client.remove_detector("bf")
            self.assertEqual(client.detectors(), [])
            weights = np.outer(np.arange(256), np.ones(256))
            client.set_detector("slope", "mask", weights=weights)
            client.recompute()
            np.testing.assert_array_equal(client.map("slope").filled(0), (frames * weights.astype(np.uint64)).sum(axis=(2, 3)))
            middles, unit = client.rings()
            self.assertEqual((middles[0], middles.size, unit), (0.5, client.profile().size, "px"))
            with self.assertRaises(merlind.MerlindError) as refused:  # whose reply has no number
                client.request("map", name=2 ** 70)
            self.assertEqual(refused.exception.code, "bad_request")

    def test_a_removed_detector_is_gone_and_its_name_free(self):
        control = self.begin()
        started = control("start", scan=list(SCAN))
        self.wait_analysed(control, 50)
        control("virtual_detector_remove", name="bf")
        with self.assertRaises(ControlError) as refused:
            control("map", name="bf")
        self.assertEqual(refused.exception.code, "no_data")
        control("virtual_detector", name="bf", shape="point", centre=[10, 12])
        with self.assertRaises(ControlError) as refused:
            control("virtual_detector", name="com_x", shape="point", centre=[10, 12])
        self.assertEqual(refused.exception.code, "bad_value")
        with self.assertRaises(ControlError):
            control("virtual_detector_remove", name="nobody")
        self.assertEqual(control.wait_finished(started["id"])["reason"], "complete")

    def test_weights_can_be_sent(self):
        control = self.begin(scan=(8, 8))
        weights = np.zeros((256, 256))
        weights[3, 5], weights[128, 128], weights[200, 7] = 1, 0.5, -2
        with self.assertRaises(ControlError) as refused:
            control("virtual_detector", name="mine", shape="mask")
        self.assertEqual(refused.exception.code, "bad_value")
        control("virtual_detector", name="mine", shape="mask", weights=weights.tolist())
        told = next(one for one in control("virtual_detectors")["detectors"] if one["name"] == "mine")
        control("virtual_detector", **told)  # keeps its weights
        summary = self.run_scan(control, (8, 8))
        frames = self.frames(summary).astype(float)
        parts, _ = control.array("map", "mine")
        np.testing.assert_allclose(parts["data"], (frames * weights).sum(axis=(2, 3)), rtol=1e-5)

    def refused(self, control, code, field, command="virtual_detector", **arguments):
        with self.assertRaises(ControlError) as caught:
            control(command, **arguments)
        self.assertEqual((caught.exception.code, caught.exception.field), (code, field), caught.exception)

    def test_a_refusal_names_the_key_at_fault(self):
        control = self.begin()
        disk = {"name": "new", "shape": "disk", "radius": 9}
        for field, wrong in (("name", {"name": "a/b"}), ("name", {"name": "com_y"}), ("name", {"name": "omega_error"}),
                             ("shape", {"shape": "disc"}), ("radius", {"radius": -1}), ("radius", {"radius": "9 px"}),
                             ("centre", {"centre": [1]}), ("centre", {"centre": [1, None]}), ("edge", {"edge": "soft"}), ("mode", {"mode": 1}),
                             ("angles", {"angles": [0, 90]}), ("mask", {"shape": "mask", "radius": None, "mask": "/nothing.npy"}),
                             ("outer", {"shape": "annulus", "radius": None, "inner": 9, "outer": 8}),
                             ("outer", {"shape": "annulus", "radius": None, "inner": 9}), ("weights", {"weights": [[1]]})):
            keys = {key: value for key, value in {**disk, **wrong}.items() if value is not None}
            self.refused(control, "bad_value", "args." + field, **keys)
        control("virtual_detector", name="quad", shape="segmented", outer=9, sectors=4)
        self.refused(control, "bad_value", "args.name", name="quad_3", shape="point", centre=[1, 1])  # a map of quad
        self.refused(control, "no_data", "args.name", "virtual_detector_remove", name="nobody")
        self.run_scan(control, (8, 8))
        self.refused(control, "no_data", "args.name", "recompute", name="nobody")
        self.refused(control, "bad_value", None, **disk, centre=[500, 500])  # of the run there is now, no pixel is in it
        self.assertEqual([one["name"] for one in control("virtual_detectors")["detectors"]], ["bf", "quad"])

    def test_one_detector_too_many_is_refused_and_no_run_computes_it(self):
        control = self.begin()
        self.run_scan(control, (8, 8))
        for i in range(255):
            control("virtual_detector", name=f"point_{i}", shape="point", centre=[i, i])
        self.refused(control, "bad_value", None, name="one_more", shape="point", centre=[1, 1])
        self.assertNotIn("one_more", control("run")["maps"])
        control("virtual_detector", name="point_254", shape="point", centre=[1, 1])

    def test_what_does_not_fit_the_frames_is_left_out_and_the_scan_is_recorded_all_the_same(self):
        """Nobody knows the frames before they come."""
        control = self.begin(**{"analysis.variance": True})
        control("virtual_detector", name="small", shape="mask", weights=[[1, 2], [3, 4]])
        control("virtual_detector", name="band", shape="k_band", k_inner=1, k_outer=2)
        control("virtual_detector", name="beside", shape="disk", radius=9, centre=[500, 500])
        summary = self.run_scan(control, (8, 8), parameters={"COUNTERDEPTH": 1})
        self.assertEqual((summary["reason"], summary["frames"]["recorded"]), ("complete", 64), summary)
        self.assertEqual([name for name in ("bf", "small", "band", "beside", "com_y") if name in summary["maps"]], ["bf", "com_y"])
        for why in ('"small": its mask has 2 x 2 weights', '"beside": no pixel counts in it, of frames of 256 x 256', '"band": a band in nm^-1 needs to know k per pixel', "no variance of 1-bit frames"):
            self.assertEqual(sum(why in warning for warning in summary["warnings"]), 1, summary["warnings"])
        np.testing.assert_array_equal(control.array("map", "bf")[0]["data"], self.expected(self.frames(summary), 0, 20))
        # Once it can be had, it is there from the next run on.
        control("calibration", pixel_size_k=0.05)
        summary = self.run_scan(control, (8, 8))
        np.testing.assert_array_equal(control.array("map", "band")[0]["data"], self.expected(self.frames(summary), 20, 40))

    def test_what_cannot_be_recomputed_says_why(self):
        control = self.begin(**{"recording.enabled": False})
        with self.assertRaises(ControlError) as refused:
            control("recompute")
        self.assertEqual(refused.exception.code, "no_data")
        self.run_scan(control, SCAN)
        with self.assertRaises(ControlError) as refused:
            control("recompute")
        self.assertIn("nothing to compute again", str(refused.exception))
        control("virtual_detector", name="bf", shape="disk", radius=7)
        with self.assertRaises(ControlError) as refused:
            control("recompute")
        self.assertIn("not recorded", str(refused.exception))

    def test_both_counters_have_a_moved_detector_each(self):
        control = self.begin(scan=(8, 8))
        results = self.results(self.daemon, ("event/",))
        summary = self.run_scan(control, (8, 8), parameters={"ENABLECOUNTER1": 2})
        self.assertEqual(summary["layers"], ["counter0", "counter1"])
        control("virtual_detector", name="bf", shape="disk", radius=9)
        control("recompute")
        self.wait_recomputed(results)
        for name, layer in (("counter0/bf", "data"), ("counter1/bf", "data_counter1")):
            parts, _ = control.array("map", name)
            np.testing.assert_array_equal(parts["data"], self.expected(self.frames(summary, layer), 0, 9), name)


if __name__ == "__main__":
    unittest.main()
