"""merlin-sim as its clients see it: the way of a scan over the specimen."""
import json
import pathlib
import tempfile
import unittest

import numpy as np

from simulator_client import Frame, SimulatorTest, hdr_values


class Way(SimulatorTest):
    """The way over the scan: what each frame shows, by the images that the simulator holds for the positions."""

    def take(self, *arguments, passes=1, count=None, **settings):
        """(frames, images by position) of one acquisition."""
        with tempfile.TemporaryDirectory() as folder:
            dump = pathlib.Path(folder) / "dump.npy"
            self.start("--synthetic", "glass", "--fps", "max", "--counts", 2, "--dump", dump, *arguments)
            data, commands = self.both()
            for name, value in settings.items():
                self.assertEqual(commands.set(name, value), 0)
            if count is None:
                count = passes * int(commands.get("NUMFRAMESTOACQUIRE"))
            self.assertEqual(commands.set("NUMFRAMESTOACQUIRE", count), 0)
            self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
            data.message()
            frames = [Frame(data.message()) for _ in range(count)]
            return frames, np.load(dump)

    def shown(self, frames, images):
        """The position of each frame, None where it shows none."""
        places = {image.tobytes(): place for place, image in enumerate(images)}
        self.assertEqual(len(places), len(images), "images that are alike prove nothing")
        flat = np.ones_like(images[0]).tobytes()
        return [None if frame.pixels.tobytes() == flat else places[frame.pixels.tobytes()] for frame in frames]

    def test_flyback_frames_are_flat_and_the_scan_is_whole_without_them(self):
        frames, images = self.take("--scan", "2x3", "--flyback", 2, "--skip-start", 1, "--skip-end", 1)
        self.assertEqual(self.shown(frames, images), [None, 0, 1, 2, None, None, 3, 4, 5, None, None, None])

    def test_flyback_of_every_layer_and_form_is_flat(self):
        self.start("--synthetic", "glass", "--fps", "max", "--counts", 2, "--scan", "1x1", "--flyback", 1, "--layout", "2x2G")
        data, commands = self.both()
        self.assertEqual(commands.set("ENABLECOUNTER1", 2), 0)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        data.message()
        frames = [Frame(data.message()) for _ in range(4)]
        for frame in frames[2:]:
            self.assertEqual((frame.pixels[:256, :256].min(), frame.pixels[258:, 258:].max()), (1, 1))
            self.assertFalse(frame.pixels[256:258].any())

    def test_serpentine_lines_run_backwards_in_time(self):
        frames, images = self.take("--scan", "3x3", "--serpentine", passes=2)
        self.assertEqual(self.shown(frames, images), 2 * [0, 1, 2, 5, 4, 3, 6, 7, 8])

    def test_passes_repeat_and_the_specimen_may_drift(self):
        frames, images = self.take("--scan", "3x4", passes=2)
        self.assertEqual(self.shown(frames, images), 2 * list(range(12)))
        frames, images = self.take("--scan", "3x4", "--drift", "1,-2", passes=3)
        shown = np.array(self.shown(frames, images)).reshape(3, 3, 4)
        truth = np.arange(12).reshape(3, 4)
        for number, image in enumerate(shown):
            np.testing.assert_array_equal(image, np.roll(truth, (number, -2 * number), axis=(0, 1)))

    def test_endless_goes_round_a_bank_that_is_smaller_than_the_scan(self):
        with tempfile.TemporaryDirectory() as folder:
            dump = pathlib.Path(folder) / "dump.npy"
            self.start("--synthetic", "glass", "--fps", "max", "--counts", 2, "--scan", "3x2", "--bank", 4, "--dump", dump)
            data, commands = self.both()
            self.assertEqual(commands.set("NUMFRAMESTOACQUIRE", 0), 0)
            self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
            self.assertEqual(hdr_values(data.message())["Frames in Acquisition"], "0")
            frames = [Frame(data.message()) for _ in range(20)]
            self.assertEqual(commands.get("DETECTORSTATUS"), "1")
            self.assertEqual(commands.cmd("STOPACQUISITION"), 0)
            idle = False
            while not (data.silent(0.05) and idle):  # until it has stopped, there is more to read
                if not data.silent(0.001):
                    data.socket.recv(1 << 20)
                idle = commands.get("DETECTORSTATUS") == "0"
            images = np.load(dump)
        self.assertEqual(self.started(), 0)
        self.assertGreaterEqual(self.done()[0], 20)
        self.assertEqual(self.shown(frames, images), (3 * [0, 1, 2, 3, 0, 1] + [0, 1]))

    def test_first_frames_of_lines_and_flyback_are_exposed_longer(self):
        frames, _ = self.take("--scan", "2x3", "--flyback", 1, "--line-exposure", 1.5, "--flyback-exposure", 2, passes=2)
        self.assertEqual([frame.exposure_ns for frame in frames], 4 * [1_500_000, 1_000_000, 1_000_000, 2_000_000])
        self.assertEqual([frame.shutter for frame in frames], 4 * [0.0015, 0.001, 0.001, 0.002])
        for frame, following in zip(frames, frames[1:]):  # no dead time
            self.assertEqual(following.time_ns - frame.time_ns, frame.exposure_ns)

    def test_truth_tells_the_way(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "truth.json"
            self.start("--synthetic", "glass", "--scan", "2x3", "--truth", path, "--serpentine", "--flyback", 2, "--skip-start", 1,
                       "--skip-end", 4, "--drift", "1,-1")
            truth = json.loads(path.read_text())
        self.assertEqual((truth["order"], truth["skip"], truth["drift"]),
                         ("serpentine", {"start": 1, "line": 2, "end": 4}, [1, -1]))


if __name__ == "__main__":
    unittest.main()
