"""merlin-file reshape of real runs. Beside the judge of reshape_judge.py the simulator's dump of the images, in the order of positions, is the truth."""
import os
import unittest

import numpy as np

from harness import lighter, open_recording, wait_for
from reshape_judge import FileTest, Geometry

SHAPE = (8, 10)
DETECTORS = [{"name": "all", "shape": "disk", "radius": 1000}, {"name": "halo", "shape": "annulus", "inner": 10, "outer": 40}]
FPS = lighter("2000", "400")


class RealRuns(FileTest):
    def begin(self, *arguments, fps=FPS, **settings):
        self.dump = self.directory / "dump.npy"
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "%dx%d" % SHAPE, "--rows", "32", "--counts", "1",
                                         "--fps", fps, "--dump", self.dump, *arguments)
        self.daemon = self.start_daemon(simulator, {"virtual_detectors": DETECTORS, **settings})
        self.client = self.control(self.daemon)
        self.client.wait_state("idle")

    def finish(self, run):
        """The path of a run's file."""
        summary = self.client.wait_finished(run)
        self.assertEqual(summary["recording"]["state"], "closed", summary)
        return self.recordings / os.path.basename(summary["file"])

    def assert_truth(self, path, shown=None):
        """The pixels and the map of sums are the specimen's, in the order of positions."""
        truth = np.load(self.dump)
        with open_recording(path) as file:
            data = file["entry/data/data"][...]
            np.testing.assert_array_equal(data.reshape(truth.shape), truth)
            if shown is not None:
                sums = truth.sum(axis=(1, 2), dtype=np.uint64)
                np.testing.assert_array_equal(file["entry/results/all/data"][...].ravel(), np.where(shown, sums, 0))
                np.testing.assert_array_equal(file["entry/results/measured/data"][...].ravel(), shown)

    def test_nudged_run_is_moved_to_where_the_operator_saw_it(self):
        self.begin()
        run = self.start_in_bursts(self.client, SHAPE, 40)
        self.burst(self.client)
        for nudge in (3, -5):
            wait_for(lambda: self.client("run", id=run)["frames"]["analysed"] >= 10, 30, "frames")
            self.client("geometry", nudge=nudge)
        self.burst(self.client)
        path = self.finish(run)
        stored = Geometry(SHAPE)
        self.assertEqual([g["shift"] for g in self.info(path)["history"]], [0, 3, -2])
        for arguments, shift in ((["--last"], -2), (["--shift", 3], 3)):
            new, told = self.reshape(path, *arguments, "--force")
            self.judge(path, new, stored, Geometry(SHAPE, shift=shift), told)
            truth = np.load(self.dump)
            with open_recording(new) as file:
                data = file["entry/data/data"][...].reshape(truth.shape)
                if shift > 0:
                    np.testing.assert_array_equal(data[:-shift], truth[shift:])
                else:
                    np.testing.assert_array_equal(data[-shift:], truth[:shift])
                served, _ = self.client.array("map", "halo")
                if shift == -2:
                    np.testing.assert_array_equal(file["entry/results/halo/data"][...], served["data"])
        self.assertEqual(self.info(new)["stored_as"], 3)

    def test_wrong_skips_and_a_misread_order_are_put_right(self):
        """A serpentine with flyback and frames before it, recorded as one long raster."""
        self.begin("--serpentine", "--flyback", "2", "--skip-start", "3")
        run = self.client("start", scan=[9, 11])["id"]  # 99 frames, as the detector sends
        path = self.finish(run)
        new, told = self.reshape(path, "--scan", "8x10", "--skip-start", 3, "--skip-line", 2, "--order", "serpentine")
        self.judge(path, new, Geometry((9, 11)), Geometry(SHAPE, "serpentine", start=3, line=2), told)
        self.assert_truth(new, np.ones(80, bool))
        self.assertEqual(told["extra"], 3 + 16)

    def test_skipped_frames_come_back(self):
        """The flyback that was left out did not exist."""
        self.begin()
        run = self.client("start", scan=[8, 9], skip={"start": 0, "line": 1, "end": 0})["id"]
        path = self.finish(run)
        new, told = self.reshape(path, "--scan", "8x10", "--skip-line", 0)
        self.judge(path, new, Geometry((8, 9), line=1), Geometry(SHAPE), told)
        self.assert_truth(new, np.arange(80) % 10 < 9)  # what was skipped was not analysed
        self.assertEqual((told["placed"], told["extra"], told["empty"]), (80, 0, 0))

    def test_stack_becomes_a_scan(self):
        self.begin("--skip-start", "1")
        run = self.client("start", flyback="exposure", parameters={"NUMFRAMESTOACQUIRE": 81})["id"]
        path = self.finish(run)
        with open_recording(path) as file:
            self.assertEqual(file["entry/data/data"].shape[0], 81)
        new, told = self.reshape(path, "--scan", "8x10", "--shift", 1)
        self.judge(path, new, Geometry(), Geometry(SHAPE, shift=1), told)
        self.assert_truth(new, np.ones(80, bool))

    def test_both_counters(self):
        self.begin()
        run = self.client("start", scan=[5, 16], parameters={"ENABLECOUNTER1": 2, "CONTINUOUSRW": 0})["id"]
        path = self.finish(run)
        self.assertEqual(self.info(path)["layers"], ["counter0", "counter1"])
        new, told = self.reshape(path, "--scan", "8x10")
        self.judge(path, new, Geometry((5, 16)), Geometry(SHAPE), told)
        self.assertEqual((told["placed"], told["empty"]), (160, 0))

    def test_passes_and_lists(self):
        self.begin()
        positions = np.stack(np.divmod(np.random.default_rng(1).permutation(80), 10), axis=1)
        run = self.client("start", scan=list(SHAPE), positions=positions.tolist())["id"]
        path = self.finish(run)
        new, told = self.reshape(path, "--order", "raster")
        self.judge(path, new, Geometry(SHAPE, "list", positions=positions), Geometry(SHAPE), told)
        self.assert_truth(new, np.ones(80, bool))
        run = self.client("start", scan=[4, 10], repeats=2)["id"]
        path = self.finish(run)
        new, told = self.reshape(path, "--scan", "8x10", "--repeats", 1, name="one.h5")
        self.judge(path, new, Geometry((4, 10), repeats=2), Geometry(SHAPE), told)
        self.assert_truth(new, np.ones(80, bool))

    def test_all_that_is_known_of_the_instrument_and_all_results_are_carried_over(self):
        """The judge holds every group against the original; that these are among them is looked at here."""
        self.begin(**{"analysis.variance": True, "analysis.icom.enabled": True})
        bad, gain = np.zeros((32, 256), bool), np.linspace(0.5, 1.5, 32 * 256, dtype=np.float32).reshape(32, 256)
        bad[[3, 20], [7, 255]] = True
        np.save(self.directory / "bad.npy", bad)
        np.save(self.directory / "gain.npy", gain)
        self.client("calibration", bad_pixels=str(self.directory / "bad.npy"), gain=str(self.directory / "gain.npy"), kv=200,
                    camera_length_mm=185, scan_step_nm=2.5)
        run = self.start_in_bursts(self.client, SHAPE, 40, labels={"strain": 0.02})
        self.burst(self.client)
        wait_for(lambda: self.client.status()["frames"]["analysed"] >= 10, 30, "frames")
        self.client.put("mine", np.arange(80.0).reshape(SHAPE), units="nm")
        self.burst(self.client)
        path = self.finish(run)
        new, told = self.reshape(path, "--shift", 2)
        self.judge(path, new, Geometry(SHAPE), Geometry(SHAPE, shift=2), told)
        with open_recording(new) as file:
            detector = file["entry/instrument/detector"]
            np.testing.assert_array_equal(detector["pixel_mask"], np.where(bad, 256, 0))
            np.testing.assert_array_equal(detector["flatfield"], gain)
            self.assertEqual((detector["pixel_mask_applied"][()], detector["flatfield_applied"][()]), (0, 0))
            results = file["entry/results"]
            for name in ("all", "halo", "com_x", "icom", "measured", "saturated", "mine", "variance", "v_image", "omega_error", "saturation",
                         "sum", "radial_mean", "radial_profile"):
                self.assertIn(name, results)

    def test_run_with_dropped_doubled_and_late_frames(self):
        self.begin("--fault", "drop:7,30", "--fault", "duplicate:12", "--fault", "reorder:41,by=20")
        run = self.client("start", scan=list(SHAPE))["id"]
        path = self.finish(run)
        new, told = self.reshape(path, "--shift", 1)
        self.judge(path, new, Geometry(SHAPE), Geometry(SHAPE, shift=1), told)
        self.assertEqual((told["placed"], told["lost"]), (77, 0))

    def test_growing_file_has_its_info_and_is_not_moved(self):
        self.begin()
        run = self.start_in_bursts(self.client, SHAPE, 40)
        self.burst(self.client)
        wait_for(lambda: self.client("run", id=run)["frames"]["recorded"] > 0, 30, "frames in the file")
        partial = next(self.recordings.glob("*.partial"))

        def frames():
            told = self.info(partial)
            self.assertTrue(told["growing"])
            return told["frames"]["came"]
        wait_for(lambda: frames() > 0, 20, "the first flush")
        self.assertIn("not yet", self.run_tool("info", partial))
        text = self.run_tool("reshape", partial, "-o", self.directory / "new.h5", "--shift", 1, status=75)
        self.assertIn("still being written", text)
        self.client("stop")
        self.client.wait_finished(run)


if __name__ == "__main__":
    unittest.main()
