"""merlin-sim as its clients see it: recorded files, sent again."""
import pathlib
import tempfile
import unittest

import numpy as np

from simulator_client import REAL_MIB, Frame, SimulatorTest, hdr_values, real_file, real_files


class Replay(SimulatorTest):
    def setUp(self):
        super().setUp()
        if not real_files():
            self.skipTest(f"no Merlin files in {REAL_MIB} (set MERLIND_REAL_MIB)")

    def test_every_file_is_sent_byte_for_byte(self):
        for path in real_files():
            with self.subTest(path.name):
                hdr, frames = self.acquire(path)
                self.assertEqual(b"".join(frames), path.read_bytes())
                self.assertEqual(self.done(), (len(frames), 0, 0))
                original = hdr_values(path.with_suffix(".hdr").read_bytes())
                sent = hdr_values(hdr)
                self.assertEqual(len(hdr), 2048)
                self.assertEqual(sent.pop("Frames in Acquisition"), str(len(frames)))
                original.pop("Frames in Acquisition")
                for told in ("Frames per Trigger", "Trigger Start", "Trigger Stop"):  # as they really are here
                    original.pop(told)
                    self.assertEqual(sent.pop(told), "1" if told == "Frames per Trigger" else "Internal")
                self.assertEqual(sent, original)

    def test_hdr_may_be_named_instead(self):
        path = real_file("Single_9_Frame_CounterDepth_6_Rows_256.mib")
        _, frames = self.acquire(path.with_suffix(".hdr"))
        self.assertEqual(b"".join(frames), path.read_bytes())

    def test_makes_a_header_where_there_is_none(self):
        path = real_file("Quad_1_Frame_CounterDepth_12_Rows_256.mib")
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "lonely.mib"
            copy.write_bytes(path.read_bytes())
            hdr, frames = self.acquire(copy)
        self.assertEqual(len(hdr), 2048)
        values = hdr_values(hdr)
        self.assertEqual((values["Counter Depth"], values["Assembly Size"]), ("12", "   2x2"))
        self.assertEqual(values["Frames in Acquisition"], "1")
        self.assertEqual(b"".join(frames), path.read_bytes())

    def test_each_acquisition_begins_again(self):
        path = real_file("Single_9_Frame_CounterDepth_1_Rows_256RAW.mib")
        self.start(path)
        data, commands = self.both()
        for _ in range(2):
            self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
            data.message()
            self.assertEqual(b"".join(data.message() for _ in range(9)), path.read_bytes())
            commands.wait_status(0)

    def test_short_run_when_the_file_runs_dry(self):
        self.start(real_file("Single_9_Frame_CounterDepth_6_Rows_256.mib"))
        data, commands = self.both()
        self.assertEqual(commands.get("NUMFRAMESTOACQUIRE"), "9")
        commands.set("NUMFRAMESTOACQUIRE", 20)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        self.assertEqual(hdr_values(data.message())["Frames in Acquisition"], "20")
        self.assertEqual([Frame(data.message()).number for _ in range(9)], list(range(1, 10)))
        commands.wait_status(0)
        self.assertTrue(data.silent(0.05))
        self.assertEqual(self.started(), 9)
        self.assertEqual(self.done()[0], 9)

    def test_fewer_frames_may_be_asked_for(self):
        path = real_file("Single_9_Frame_CounterDepth_6_Rows_256.mib")
        self.start(path)
        data, commands = self.both()
        commands.set("NUMFRAMESTOACQUIRE", 2)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        data.message()
        self.assertEqual(b"".join(data.message() for _ in range(2)), path.read_bytes()[: 2 * 65920])
        commands.wait_status(0)
        self.assertTrue(data.silent(0.05))

    def test_repeat_renumbers_and_gives_new_times(self):
        path = real_file("Single_9_Frame_CounterDepth_12_Rows_256.mib")
        stored = path.read_bytes()
        size = len(stored) // 9
        _, bodies = self.acquire(path, "--repeat", 3, "--fps", 2000)
        frames = [Frame(body) for body in bodies]
        self.assertEqual([frame.number for frame in frames], list(range(1, 28)))
        self.assertEqual(set(np.diff([frame.time_ns for frame in frames])), {500_000})
        self.assertEqual({frame.exposure_ns for frame in frames}, {500_000})
        self.assertEqual({frame.shutter for frame in frames}, {0.0005})
        for index, frame in enumerate(frames):
            original = Frame(stored[index % 9 * size: (index % 9 + 1) * size])
            self.assertEqual(len(frame.body), size)
            np.testing.assert_array_equal(frame.pixels, original.pixels)
            kept = [i for i in range(len(original.fields))
                    if i not in (1, 9, 10) and original.fields[i - 1] != "MQ1A" and original.fields[i - 2] != "MQ1A"]
            self.assertEqual([frame.fields[i] for i in kept], [original.fields[i] for i in kept])

    def test_number_grows_beyond_six_digits_without_wrapping(self):
        path = real_file("Single_9_Frame_CounterDepth_1_Rows_256RAW.mib")
        self.start(path, "--repeat", 0, "--fps", "max")
        data, commands = self.both()
        commands.set("NUMFRAMESTOACQUIRE", 1_000_001)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        data.message()
        size = 15 + 384 + 8192
        left = 999_990 * size
        scratch = bytearray(1 << 20)
        while left > 0:
            left -= data.socket.recv_into(scratch, min(left, len(scratch)))
        frames = [Frame(data.message()) for _ in range(11)]
        self.assertEqual([frame.number for frame in frames], list(range(999_991, 1_000_002)))
        self.assertEqual({len(frame.body) for frame in frames}, {size - 15})

    def test_scan_sets_number_and_header(self):
        self.start(real_file("001_4x2_6bit.mib"), "--scan", "2x4", "--fps", 1000)
        data, commands = self.both()
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        values = hdr_values(data.message())
        self.assertEqual((values["ScanX"], values["ScanY"], values["Frames in Acquisition"]), ("4", "2", "8"))
        self.assertEqual(len([data.message() for _ in range(8)]), 8)


if __name__ == "__main__":
    unittest.main()
