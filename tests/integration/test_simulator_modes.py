"""merlin-sim as its clients see it: counters, colour and formats, as they are set on it."""
import pathlib
import tempfile
import unittest

import numpy as np

from simulator_client import Frame, SimulatorTest, hdr_values


class Modes(SimulatorTest):
    """What a client's settings make of synthetic frames."""

    def take(self, data, commands, messages):
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        data.message()
        frames = [Frame(data.message()) for _ in range(messages)]
        commands.wait_status(0)
        return frames

    def test_fileformat_and_depth_select_the_next_frames(self):
        self.start("--synthetic", "glass", "--scan", "1x2", "--layout", "2x2G", "--gap", 3, "--fps", 1000)
        data, commands = self.both()
        for depth, raw, kind, width, size in ((6, 0, "U08", 515, 515 * 515), (12, 2, "R64", 1024, 524288),
                                              (1, 2, "R64", 1024, 32768), (24, 2, "R64", 2048, 1048576),
                                              (12, 0, "U16", 515, 2 * 515 * 515)):
            self.assertEqual(commands.set("COUNTERDEPTH", depth), 0)
            self.assertEqual(commands.set("FILEFORMAT", raw), 0)
            self.assertEqual((commands.get("IMAGEX"), commands.get("IMAGEY")), ("515", "515"))
            frame = self.take(data, commands, 2)[0]
            self.assertEqual((frame.type, frame.width, frame.depth, len(frame.body) - frame.offset),
                             (kind, width, depth, size))
            self.assertEqual(frame.fields[7], "  2x2G")

    def test_reset_goes_back_to_the_command_line(self):
        self.start("--synthetic", "glass", "--scan", "1x2", "--rows", 32)
        data, commands = self.both()
        self.assertEqual(commands.get("TCPCONNECTED"), "1")
        self.assertEqual(commands.set("COUNTERDEPTH", 12), 0)
        self.assertEqual(commands.cmd("RESET"), 0)
        with self.assertRaises(ConnectionError):  # the link has been dropped: a new one is safe
            data.exactly(1)
        data, commands = self.both()
        self.assertEqual(commands.get("COUNTERDEPTH"), "6")
        frame = self.take(data, commands, 2)[0]
        self.assertEqual((frame.type, frame.width, frame.height), ("U08", 256, 32))

    def test_both_counters_are_two_messages_of_one_number(self):
        self.start("--synthetic", "glass", "--scan", "1x3", "--counts", 2, "--fps", 1000)
        data, commands = self.both()
        self.assertEqual(commands.set("ENABLECOUNTER1", 2), 0)
        frames = self.take(data, commands, 6)
        self.assertEqual([frame.fields[11] for frame in frames], ["1", "0"] * 3)
        self.assertEqual({frame.fields[12] for frame in frames}, {"1"})
        self.assertEqual([frame.number for frame in frames], [1, 1, 2, 2, 3, 3])
        for upper, lower in zip(frames[::2], frames[1::2]):
            full = lower.pixels == 63
            np.testing.assert_array_equal(upper.pixels[~full], lower.pixels[~full] // 2)
            self.assertTrue((upper.pixels[full] >= 31).all())
        self.assertEqual(self.started(), 3)
        self.assertEqual(self.done()[0], 3)

    def test_colour_is_four_layers_of_half_size(self):
        self.start("--synthetic", "glass", "--scan", "1x2", "--counts", 2, "--fps", "max", "--number-layers")
        data, commands = self.both()
        whole = self.take(data, commands, 2)
        self.assertEqual(commands.set("COLOURMODE", 1), 0)
        layers = self.take(data, commands, 8)
        self.assertEqual([frame.fields[11] for frame in layers], list("0123") * 2)
        self.assertEqual([frame.number for frame in layers], list(range(1, 9)))
        for i, frame in enumerate(layers):
            np.testing.assert_array_equal(frame.pixels, whole[i // 4].pixels[i % 4 // 2::2, i % 2::2])
        self.assertEqual(commands.set("FILEFORMAT", 2), 3)
        self.assertEqual(commands.get("FILEFORMAT"), "0")

    def test_acquisition_header_tells_the_mode(self):
        self.start("--synthetic", "glass", "--scan", "1x1", "--fps", 1000)
        data, commands = self.both()
        for settings, messages, mode, counters, depth in (
                ({"CONTINUOUSRW": 1}, 1, "SPM", "Alternating", "6"),
                ({"CONTINUOUSRW": 0}, 1, "SPM", "Counter 0", "6"),
                ({"ENABLECOUNTER1": 1, "COUNTERDEPTH": 24}, 1, "SPM", "Counter 1", "24"),
                ({"COUNTERDEPTH": 12, "ENABLECOUNTER1": 2}, 2, "SPM", "Counter 0, Counter 1", "12"),
                ({"COLOURMODE": 1}, 8, "CM", "Counter 0, Counter 1", "12"),
                ({"ENABLECOUNTER1": 0}, 4, "CM", "Counter 0", "12"),
                ({"CHARGESUMMING": 1}, 4, "CSCM", "Counter 0", "12"),
                ({"COLOURMODE": 0}, 1, "CSM", "Counter 0", "12")):
            for name, value in settings.items():
                self.assertEqual(commands.set(name, value), 0)
            self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
            values = hdr_values(data.message())
            self.assertEqual((values["Chip Mode"], values["Active Counters"], values["Counter Depth"]), (mode, counters, depth))
            frames = [Frame(data.message()) for _ in range(messages)]
            self.assertEqual({frame.depth for frame in frames}, {int(depth)})
            commands.wait_status(0)
            self.assertTrue(data.silent(0.02))

    def test_raw_frames_of_continuous_mode_name_the_counters_in_turn(self):
        self.start("--synthetic", "glass", "--scan", "1x4", "--format", "raw", "--fps", 1000)
        data, commands = self.both()
        frames = self.take(data, commands, 4)
        self.assertEqual([frame.fields[11] for frame in frames], ["0", "1", "0", "1"])
        self.assertEqual({frame.fields[12] for frame in frames}, {"0"})
        self.assertEqual(commands.set("CONTINUOUSRW", 0), 0)
        self.assertEqual({frame.fields[11] for frame in self.take(data, commands, 4)}, {"0"})

    def test_modes_are_busy_while_acquiring(self):
        self.start("--synthetic", "glass", "--scan", "1x2")
        data, commands = self.both()
        self.assertEqual(commands.set("TRIGGERSTART", 5), 0)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        self.assertEqual(commands.set("COUNTERDEPTH", 12), 1)
        self.assertEqual(commands.set("FILEFORMAT", 2), 1)

    def test_dump_holds_what_is_sent(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "dump.npy"
            _, bodies = self.acquire("--synthetic", "glass", "--scan", "2x2", "--layout", "Nx1", "--depth", 12, "--fps", "max",
                                     "--dump", path)
            frames = [Frame(body) for body in bodies]
            self.assertEqual((frames[0].width, frames[0].height, frames[0].fields[7]), (1024, 256, "   Nx1"))
            np.testing.assert_array_equal(np.load(path), [frame.pixels for frame in frames])


if __name__ == "__main__":
    unittest.main()
