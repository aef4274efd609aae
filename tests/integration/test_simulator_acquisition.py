"""merlin-sim as its clients see it: how an acquisition begins, goes on and ends, and what a slow reader does to it."""
import datetime
import time
import unittest

import numpy as np

from simulator_client import PATIENCE, Frame, SimulatorTest, hdr_values, mpx


class Acquisition(SimulatorTest):
    def test_header_is_2063_bytes_and_comes_at_start_not_at_trigger(self):
        self.start("--synthetic", "glass", "--scan", "8x4")
        data, commands = self.both()
        self.assertEqual(commands.set("TRIGGERSTART", 5), 0)
        self.assertTrue(data.silent(0.05))
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        wire = data.exactly(2063)
        self.assertEqual(wire[:15], b"MPX,0000002049,")
        values = hdr_values(wire[15:])
        self.assertEqual(values["Frames in Acquisition"], "32")
        self.assertEqual(values["Counter Depth"], "6")
        self.assertEqual((values["ScanX"], values["ScanY"]), ("4", "8"))
        self.assertTrue(data.silent(0.05))

    def test_header_says_what_was_set(self):
        self.start("--synthetic", "glass", "--bank", 64)
        data, commands = self.both()
        for name, value in (("NUMFRAMESTOACQUIRE", 6), ("NUMFRAMESPERTRIGGER", 3), ("TRIGGERSTART", 2)):
            self.assertEqual(commands.set(name, value), 0)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        values = hdr_values(data.message())
        self.assertEqual(values["Frames in Acquisition"], "6")
        self.assertEqual(values["Frames per Trigger"], "3")
        self.assertEqual(values["Trigger Start"], "Negative")
        self.assertNotIn("ScanX", values)
        self.assertEqual([Frame(data.message()).number for _ in range(6)], [1, 2, 3, 4, 5, 6])

    def test_no_header_without_acquisition_headers(self):
        self.start("--synthetic", "glass", "--bank", 64)
        data, commands = self.both()
        commands.set("NUMFRAMESTOACQUIRE", 2)
        self.assertEqual(commands.set("USEACQUISITIONHEADERS", 0), 0)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        self.assertEqual([Frame(data.message()).number for _ in range(2)], [1, 2])

    def test_either_socket_may_connect_first(self):
        self.start("--synthetic", "glass", "--bank", 64, "--fps", "max")
        for order in (("data", "commands"), ("commands", "data")):
            connections = {name: getattr(self, name)() for name in order}
            data, commands = connections["data"], connections["commands"]
            commands.set("NUMFRAMESTOACQUIRE", 3)
            self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
            self.assertTrue(data.message().startswith(b"HDR,"))
            self.assertEqual([Frame(data.message()).number for _ in range(3)], [1, 2, 3])
            commands.wait_status(0)
            data.close()
            commands.close()

    def test_without_data_client_frames_are_lost(self):
        self.start("--synthetic", "glass", "--bank", 64, "--fps", 1000)
        commands = self.commands()
        commands.set("NUMFRAMESTOACQUIRE", 10)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        self.assertEqual(self.started(), 10)
        self.assertEqual(self.done(), (0, 0, 0))
        commands.wait_status(0)
        self.assertTrue(self.data().silent(0.05))

    def test_data_link_may_drop_and_come_back(self):
        self.start("--synthetic", "glass", "--bank", 64, "--fps", 500)
        data, commands = self.both()
        commands.set("NUMFRAMESTOACQUIRE", 0)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        self.assertEqual(self.started(), 0)
        data.message()
        data.message()
        data.close()
        again = self.data()
        self.assertGreater(Frame(again.message()).number, 1)
        commands.cmd("STOPACQUISITION")
        commands.wait_status(0)

    def test_second_data_client_is_refused(self):
        self.start("--synthetic", "glass", "--bank", 64)
        data, commands = self.both()
        self.assertEqual(commands.get("TCPCONNECTED"), "1")
        with self.assertRaises(ConnectionError):
            self.data().message()
        commands.set("NUMFRAMESTOACQUIRE", 1)
        commands.cmd("STARTACQUISITION")
        self.assertTrue(data.message().startswith(b"HDR,"))

    def test_stop_sends_what_is_buffered_and_nothing_more(self):
        self.start("--synthetic", "glass", "--bank", 64, "--fps", 1000)
        data, commands = self.both(receive_buffer=65536)
        commands.set("NUMFRAMESTOACQUIRE", 0)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        time.sleep(0.5)  # far more frames than the sockets hold
        self.assertEqual(commands.cmd("STOPACQUISITION"), 0)
        self.assertEqual(commands.get("DETECTORSTATUS"), "1")
        data.message()
        numbers = []
        while commands.get("DETECTORSTATUS") != "0" or not data.silent(0.05):
            numbers.append(Frame(data.message()).number)
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        self.started()
        self.assertEqual(self.done()[0], len(numbers))
        self.assertGreater(len(numbers), 250)

    def test_abort_throws_the_buffer_away_and_keeps_the_stream_whole(self):
        self.start("--synthetic", "glass", "--bank", 64, "--fps", 1000)
        data, commands = self.both(receive_buffer=65536)
        commands.set("NUMFRAMESTOACQUIRE", 0)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        time.sleep(0.5)
        self.assertEqual(commands.cmd("ABORT"), 0)
        self.assertEqual(commands.get("DETECTORSTATUS"), "0")
        self.started()
        sent = self.done()[0]
        self.assertEqual(commands.set("NUMFRAMESTOACQUIRE", 2), 0)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        self.assertTrue(data.message().startswith(b"HDR,"))
        numbers = []
        while not (body := data.message()).startswith(b"HDR,"):
            numbers.append(Frame(body).number)
        self.assertEqual(numbers, list(range(1, sent + 1)))
        self.assertEqual([Frame(data.message()).number for _ in range(2)], [1, 2])

    def test_soft_triggers_release_bursts(self):
        self.start("--synthetic", "glass", "--bank", 64, "--fps", 2000)
        data, commands = self.both()
        for name, value in (("NUMFRAMESTOACQUIRE", 8), ("NUMFRAMESPERTRIGGER", 3), ("TRIGGERSTART", 5)):
            self.assertEqual(commands.set(name, value), 0)
        self.assertEqual(commands.cmd("SOFTTRIGGER"), 0)  # before the start: ignored
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        self.assertEqual(commands.get("DETECTORSTATUS"), "4")
        data.message()
        for burst in ([1, 2, 3], [4, 5, 6], [7, 8]):
            self.assertTrue(data.silent(0.02))
            self.assertEqual(commands.cmd("SOFTTRIGGER"), 0)
            self.assertEqual([Frame(data.message()).number for _ in burst], burst)
        commands.wait_status(0)
        self.started()
        self.assertEqual(self.done()[0], 8)

    def test_external_triggers_begin_after_the_delay(self):
        self.start("--synthetic", "glass", "--bank", 64, "--fps", "max", "--trigger-delay", 300)
        data, commands = self.both()
        commands.set("NUMFRAMESTOACQUIRE", 4)
        commands.set("TRIGGERSTART", 1)
        # Asked in one go, so that it is armed still, however slow we are.
        commands.socket.sendall(mpx(b"CMD,STARTACQUISITION") + mpx(b"GET,DETECTORSTATUS"))
        self.assertEqual([commands.message(), commands.message()], [b"CMD,STARTACQUISITION,0", b"GET,DETECTORSTATUS,4,0"])
        data.message()
        self.assertEqual([Frame(data.message()).number for _ in range(4)], [1, 2, 3, 4])
        commands.wait_status(0)

    def test_old_servers_say_busy_when_armed(self):
        self.start("--synthetic", "glass", "--bank", 64, "--old-status")
        commands = self.commands()
        commands.set("TRIGGERSTART", 5)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        self.assertEqual(commands.get("DETECTORSTATUS"), "1")

    def test_once_exits_when_everything_is_read(self):
        self.start("--synthetic", "glass", "--scan", "16x16", "--fps", "max", "--once")
        data, commands = self.both()
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        data.message()
        for number in range(1, 257):
            self.assertEqual(Frame(data.message()).number, number)
        self.assertEqual(self.process.wait(PATIENCE), 0)

    def test_times_in_headers_follow_the_period(self):
        self.start("--synthetic", "glass", "--bank", 64, "--fps", 4000)
        data, commands = self.both()
        commands.set("NUMFRAMESTOACQUIRE", 200)
        before = time.time_ns()
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        data.message()
        frames = [Frame(data.message()) for _ in range(200)]
        self.assertEqual(set(np.diff([frame.time_ns for frame in frames])), {250_000})
        self.assertEqual({frame.exposure_ns for frame in frames}, {250_000})
        self.assertEqual({frame.shutter for frame in frames}, {0.00025})
        self.assertTrue(before <= frames[0].time_ns <= time.time_ns())
        local = datetime.datetime.fromisoformat(frames[0].local_time).astimezone()
        self.assertEqual(int(local.timestamp()), frames[0].time_ns // 10**9)

    def test_client_sets_the_period(self):
        self.start("--synthetic", "glass", "--bank", 64)
        data, commands = self.both()
        for name, value in (("NUMFRAMESTOACQUIRE", 5), ("ACQUISITIONTIME", 2), ("ACQUISITIONPERIOD", 2)):
            self.assertEqual(commands.set(name, value), 0)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        data.message()
        frames = [Frame(data.message()) for _ in range(5)]
        self.assertEqual(set(np.diff([frame.time_ns for frame in frames])), {2_000_000})
        self.assertEqual({frame.exposure_ns for frame in frames}, {2_000_000})


class Stalls(SimulatorTest):
    def slow_read(self, continuous):
        self.start("--synthetic", "glass", "--bank", 64, "--fps", 2000, "--buffer", 50)
        data, commands = self.both(receive_buffer=65536)
        commands.set("NUMFRAMESTOACQUIRE", 600)
        commands.set("CONTINUOUSRW", continuous)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        time.sleep(0.6)  # 1,200 frames' time: the sockets hold fewer than that, and the buffer 50
        data.message()
        frames = [Frame(data.message()) for _ in range(600)]
        self.started()
        return frames, self.done()

    def test_slow_reader_lengthens_exposures(self):
        frames, (sent, stalls, lengthened) = self.slow_read(continuous=1)
        self.assertEqual(sent, 600)
        self.assertGreaterEqual(stalls, 1)
        self.assertEqual([frame.number for frame in frames], list(range(1, 601)))
        long = [frame for frame in frames if frame.exposure_ns > 500_000]
        self.assertEqual(len(long), lengthened)
        self.assertEqual(lengthened, stalls)
        for frame, following in zip(frames, frames[1:]):  # no dead time
            self.assertEqual(following.time_ns - frame.time_ns, frame.exposure_ns)

    def test_slow_reader_lengthens_gaps_without_continuous_mode(self):
        frames, (sent, stalls, lengthened) = self.slow_read(continuous=0)
        self.assertEqual((sent, lengthened), (600, 0))
        self.assertEqual({frame.exposure_ns for frame in frames}, {500_000})
        gaps = np.diff([frame.time_ns for frame in frames])
        self.assertEqual(np.count_nonzero(gaps > 500_000), stalls)
        self.assertGreaterEqual(stalls, 1)

    def test_quick_reader_causes_none(self):
        self.start("--synthetic", "glass", "--bank", 64, "--fps", 2000, "--buffer", 1200)
        data, commands = self.both()
        commands.set("NUMFRAMESTOACQUIRE", 1000)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        for _ in range(1001):
            data.message()
        self.started()
        self.assertEqual(self.done(), (1000, 0, 0))

    def test_no_buffer_no_stalls(self):
        self.start("--synthetic", "glass", "--bank", 64, "--fps", 2000)
        data, commands = self.both(receive_buffer=65536)
        commands.set("NUMFRAMESTOACQUIRE", 600)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        time.sleep(0.6)
        data.message()
        times = [Frame(data.message()).time_ns for _ in range(600)]
        self.assertEqual(set(np.diff(times)), {500_000})
        self.started()
        self.assertEqual(self.done(), (600, 0, 0))


if __name__ == "__main__":
    unittest.main()
