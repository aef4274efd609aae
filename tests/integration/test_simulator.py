#!/usr/bin/python3
"""merlin-sim as its clients see it: real sockets, real files.

Run with `/usr/bin/python3 tests/integration/test_simulator.py`. The program is looked for in $MERLIND_BUILD (default
<repository>/build), real Merlin files in $MERLIND_REAL_MIB (default <repository>/../shared/real-mib); tests that need them are
skipped without them.
"""

import datetime
import json
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import numpy as np

from simulator_client import PATIENCE, REAL_MIB, SIMULATOR, Frame, SimulatorTest, hdr_values, mpx, real_file, real_files

PLAIN = True


class CommandProtocol(SimulatorTest):
    def test_answers_get_with_value_and_code(self):
        self.start("--synthetic", "glass", "--bank", "16")
        commands = self.commands()
        self.assertEqual(commands.reply("GET,SOFTWAREVERSION"), "GET,SOFTWAREVERSION,1.6.1.217,0")
        self.assertEqual(commands.reply("GET,DETECTORSTATUS"), "GET,DETECTORSTATUS,0,0")
        self.assertEqual(commands.get("IMAGEX"), "256")
        self.assertEqual(commands.get("NUMFRAMESTOACQUIRE"), "4096")
        self.assertEqual(commands.get("CHIPTEMPS").count(","), 3)

    def test_floats_come_back_with_six_decimals(self):
        self.start("--synthetic", "glass", "--bank", "16")
        commands = self.commands()
        self.assertEqual(commands.set("ACQUISITIONTIME", "2.5"), 0)
        self.assertEqual(commands.get("ACQUISITIONTIME"), "2.500000")
        self.assertEqual(commands.get("THRESHOLD0"), "20.000000")

    def test_names_are_case_insensitive(self):
        self.start("--synthetic", "glass", "--bank", "16")
        commands = self.commands()
        self.assertEqual(commands.reply("SET,TriggerStart,5"), "SET,TriggerStart,0")
        self.assertEqual(commands.get("TRIGGERSTART"), "5")
        self.assertEqual(commands.get("triggerstart"), "5")

    def test_status_codes(self):
        self.start("--synthetic", "glass", "--bank", "16")
        commands = self.commands()
        self.assertEqual(commands.reply("GET,NONSENSE"), "GET,NONSENSE,,2")
        self.assertEqual(commands.set("NONSENSE", 1), 2)
        self.assertEqual(commands.cmd("NONSENSE"), 2)
        self.assertEqual(commands.set("SOFTWAREVERSION", 1), 2)
        self.assertEqual(commands.set("DETECTORSTATUS", 1), 2)
        self.assertEqual(commands.set("TRIGGERSTART", 11), 3)
        self.assertEqual(commands.set("COUNTERDEPTH", 8), 3)
        self.assertEqual(commands.set("CONTINUOUSRW", 0.5), 3)
        self.assertEqual(commands.set("HVBIAS", "many"), 3)
        self.assertEqual(commands.set("NUMFRAMESTOACQUIRE", 42949672950), 0)
        self.assertEqual(commands.get("NUMFRAMESTOACQUIRE"), "42949672950")
        self.assertEqual(commands.set("NUMFRAMESTOACQUIRE", 42949672951), 3)
        self.assertEqual(commands.get("NUMFRAMESTOACQUIRE"), "42949672950")

    def test_settings_that_exclude_each_other_are_reset_silently(self):
        self.start("--synthetic", "glass", "--bank", "16")
        commands = self.commands()
        self.assertEqual(commands.set("ENABLECOUNTER1", 2), 0)
        self.assertEqual(commands.get("CONTINUOUSRW"), "0")
        self.assertEqual(commands.set("CONTINUOUSRW", 1), 0)
        self.assertEqual(commands.get("ENABLECOUNTER1"), "0")
        self.assertEqual(commands.set("COUNTERDEPTH", 24), 0)
        self.assertEqual(commands.get("CONTINUOUSRW"), "0")
        self.assertEqual(commands.set("CONTINUOUSRW", 1), 0)
        self.assertEqual(commands.get("CONTINUOUSRW"), "0")

    def test_continuous_frame_time_is_at_least_the_readout(self):
        self.start("--synthetic", "glass", "--bank", "16")
        commands = self.commands()
        self.assertEqual(commands.set("ACQUISITIONTIME", 0.01), 0)
        self.assertEqual(commands.get("ACQUISITIONTIME"), "0.273067")  # 6 bit at 180 MHz

    def test_tolerates_what_clients_in_the_field_send(self):
        self.start("--synthetic", "glass", "--bank", "16")
        commands = self.commands()
        get = b"GET,SOFTWAREVERSION"
        expected = b"GET,SOFTWAREVERSION,1.6.1.217,0"
        for noise in (b"\n", b"\r\n", b"\0", b"\0\0\r\n\n"):
            commands.socket.sendall(mpx(get) + noise)
        commands.socket.sendall(b"MPX,%d," % (len(get) + 1) + get)  # length not padded
        commands.socket.sendall(b"stray" + mpx(get))
        commands.socket.sendall(mpx(get + b",0"))  # LiberTEM-live's dummy value
        commands.socket.sendall(mpx(get) * 3)
        for _ in range(4 + 3 + 3):
            self.assertEqual(commands.message(), expected)

    def test_commands_may_arrive_in_pieces(self):
        self.start("--synthetic", "glass", "--bank", "16")
        commands = self.commands()
        for byte in mpx(b"GET,SOFTWAREVERSION"):
            commands.socket.sendall(bytes([byte]))
            time.sleep(0.001)
        self.assertEqual(commands.message(), b"GET,SOFTWAREVERSION,1.6.1.217,0")

    def test_survives_garbage(self):
        self.start("--synthetic", "glass", "--bank", "16")
        commands = self.commands()
        commands.socket.sendall(b"MPX,9999999999,GET" + bytes(range(256)) * 100 + b"MPX,," + b"MPX,0000000000,")
        self.assertEqual(commands.get("SOFTWAREVERSION"), "1.6.1.217")

    def test_third_command_client_is_refused_and_a_place_becomes_free(self):
        self.start("--synthetic", "glass", "--bank", "16")
        first, second = self.commands(), self.commands()
        self.assertEqual(first.get("ERRORCODE"), "0")
        self.assertEqual(second.get("ERRORCODE"), "0")
        with self.assertRaises(OSError):
            self.commands().get("ERRORCODE")
        first.close()
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.assertEqual(self.commands().get("ERRORCODE"), "0")
                break
            except OSError:
                self.assertLess(time.monotonic(), deadline)

    def test_acquisition_parameters_are_busy_while_acquiring(self):
        self.start("--synthetic", "glass", "--fps", 1000)
        commands = self.commands()
        self.assertEqual(commands.set("TRIGGERSTART", 5), 0)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        self.assertEqual(commands.set("NUMFRAMESTOACQUIRE", 1), 1)
        self.assertEqual(commands.set("ACQUISITIONTIME", 1), 1)
        self.assertEqual(commands.set("FILEENABLE", 1), 0)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 1)
        self.assertEqual(commands.cmd("ABORT"), 0)
        self.assertEqual(commands.set("NUMFRAMESTOACQUIRE", 1), 0)

    def test_reset_restores_defaults_and_drops_connections(self):
        self.start("--synthetic", "glass", "--bank", "16")
        data, commands = self.both()
        self.assertEqual(commands.set("NUMFRAMESTOACQUIRE", 3), 0)
        self.assertEqual(commands.cmd("RESET"), 0)
        for connection in (data, commands):
            with self.assertRaises(ConnectionError):
                connection.message()
        self.assertEqual(self.commands().get("NUMFRAMESTOACQUIRE"), "4096")

    def test_tells_whether_a_data_client_is_there(self):
        self.start("--synthetic", "glass", "--bank", "16")
        commands = self.commands()
        self.assertEqual(commands.get("TCPCONNECTED"), "0")
        data = self.data()
        self.assertEqual(commands.get("TCPCONNECTED"), "1")
        data.close()
        deadline = time.monotonic() + PATIENCE
        while commands.get("TCPCONNECTED") != "0":
            self.assertLess(time.monotonic(), deadline)

    def test_standby_and_clear_error(self):
        self.start("--synthetic", "glass", "--bank", "16")
        commands = self.commands()
        self.assertEqual(commands.cmd("CLEARERROR"), 0)
        self.assertEqual(commands.cmd("STANDBY"), 0)
        self.assertEqual(commands.get("DETECTORSTATUS"), "2")
        self.assertEqual(commands.cmd("STARTACQUISITION"), 1)
        self.assertEqual(commands.cmd("RESTART"), 0)
        self.assertEqual(commands.get("DETECTORSTATUS"), "0")


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
        self.start("--synthetic", "glass")
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
        self.start("--synthetic", "glass")
        data, commands = self.both()
        commands.set("NUMFRAMESTOACQUIRE", 2)
        self.assertEqual(commands.set("USEACQUISITIONHEADERS", 0), 0)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        self.assertEqual([Frame(data.message()).number for _ in range(2)], [1, 2])

    def test_either_socket_may_connect_first(self):
        self.start("--synthetic", "glass", "--fps", "max")
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
        self.start("--synthetic", "glass", "--fps", 1000)
        commands = self.commands()
        commands.set("NUMFRAMESTOACQUIRE", 10)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        self.assertEqual(self.started(), 10)
        self.assertEqual(self.done(), (0, 0, 0))
        commands.wait_status(0)
        self.assertTrue(self.data().silent(0.05))

    def test_data_link_may_drop_and_come_back(self):
        self.start("--synthetic", "glass", "--fps", 500)
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
        self.start("--synthetic", "glass")
        data, commands = self.both()
        self.assertEqual(commands.get("TCPCONNECTED"), "1")
        with self.assertRaises(ConnectionError):
            self.data().message()
        commands.set("NUMFRAMESTOACQUIRE", 1)
        commands.cmd("STARTACQUISITION")
        self.assertTrue(data.message().startswith(b"HDR,"))

    def test_stop_sends_what_is_buffered_and_nothing_more(self):
        self.start("--synthetic", "glass", "--fps", 1000)
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
        self.start("--synthetic", "glass", "--fps", 1000)
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
        self.start("--synthetic", "glass", "--fps", 2000)
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
        self.start("--synthetic", "glass", "--fps", "max", "--trigger-delay", 300)
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
        self.start("--synthetic", "glass", "--old-status")
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
        self.start("--synthetic", "glass", "--fps", 4000)
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
        self.start("--synthetic", "glass")
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
        self.start("--synthetic", "glass", "--fps", 2000, "--buffer", 50)
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
        self.start("--synthetic", "glass", "--fps", 2000, "--buffer", 1200)
        data, commands = self.both()
        commands.set("NUMFRAMESTOACQUIRE", 1000)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        for _ in range(1001):
            data.message()
        self.started()
        self.assertEqual(self.done(), (1000, 0, 0))

    def test_no_buffer_no_stalls(self):
        self.start("--synthetic", "glass", "--fps", 2000)
        data, commands = self.both(receive_buffer=65536)
        commands.set("NUMFRAMESTOACQUIRE", 600)
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        time.sleep(0.6)
        data.message()
        times = [Frame(data.message()).time_ns for _ in range(600)]
        self.assertEqual(set(np.diff(times)), {500_000})
        self.started()
        self.assertEqual(self.done(), (600, 0, 0))


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


class Synthetic(SimulatorTest):
    def frames(self, *arguments):
        _, bodies = self.acquire("--synthetic", "glass", "--fps", "max", *arguments)
        return [Frame(body) for body in bodies]

    def images(self, *arguments):
        return np.stack([frame.pixels for frame in self.frames(*arguments)])

    def test_headers_have_the_lengths_of_real_ones(self):
        self.start("--synthetic", "glass", "--depth", 1)
        data, commands = self.both()
        commands.cmd("STARTACQUISITION")
        data.message()
        frame = Frame(data.message())
        self.assertEqual((frame.offset, frame.text_size), (384, 342))
        frame = self.frames("--depth", 12, "--chips", 4, "--scan", "1x1")[0]
        self.assertEqual((frame.offset, frame.text_size), (768, 679))

    def test_depths_and_chips(self):
        for depth, pixel_type, size in ((1, "U08", 1), (6, "U08", 1), (12, "U16", 2), (24, "U32", 4)):
            for chips, side in ((1, 256), (4, 512)):
                with self.subTest(depth=depth, chips=chips):
                    arguments = ("--depth", depth, "--chips", chips, "--scan", "2x2", "--counts", 30)
                    frames = self.frames(*arguments)
                    self.assertEqual({frame.type for frame in frames}, {pixel_type})
                    self.assertEqual({frame.depth for frame in frames}, {depth})
                    self.assertEqual({frame.pixels.shape for frame in frames}, {(side, side)})
                    self.assertEqual(len(frames[0].body), frames[0].offset + side * side * size)
                    brightest = max(frame.pixels.max() for frame in frames)
                    if depth <= 6:
                        self.assertEqual(brightest, 2**depth - 1)
                    else:
                        self.assertGreater(brightest, 63)
                        self.assertLess(brightest, 2**depth)

    def test_deterministic_by_seed(self):
        first = self.images("--scan", "8x8", "--seed", 7)
        np.testing.assert_array_equal(first, self.images("--scan", "8x8", "--seed", 7))
        self.assertTrue((first != self.images("--scan", "8x8", "--seed", 8)).any())
        self.assertTrue((first[0] != first[1]).any())

    def test_bank_repeats(self):
        images = self.images("--scan", "4x8", "--bank", 8)
        np.testing.assert_array_equal(images[:8], images[8:16])
        np.testing.assert_array_equal(images[:8], images[24:])

    def test_halo_has_the_counts_that_were_asked_for(self):
        images = self.images("--scan", "16x16", "--counts", 0.5, "--br-fraction", 0, "--depth", 12)
        y, x = np.indices(images.shape[1:])
        radius = np.hypot(y - 128, x - 128)
        mean = images.mean(axis=0)
        ring = mean[np.abs(radius - 35.3) < 1].mean()
        self.assertAlmostEqual(ring, 0.5 * 1.05, delta=0.02)  # the mean of both layers
        half = mean[np.abs(radius - 35.3 - 4.7) < 1].mean()
        self.assertAlmostEqual(half / ring, 0.5, delta=0.06)
        self.assertGreater(mean[radius < 3].mean(), 10 * ring)
        outside = images[:, radius > 60].astype(float)
        self.assertAlmostEqual(outside.var() / outside.mean(), 1, delta=0.1)

    def test_truth_tells_where_reflections_are(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "truth.json"
            images = self.images("--scan", "24x16", "--br-fraction", 0.25, "--br-contrast", 10, "--counts", 1,
                                 "--depth", 12, "--truth", path)
            truth = json.loads(path.read_text())
        self.assertEqual((truth["scan"], truth["bank"]), ([24, 16], 384))
        patterns = truth["patterns"]
        self.assertEqual(sum(pattern["class"] != "none" for pattern in patterns), 96)
        self.assertGreaterEqual(len({pattern["class"] for pattern in patterns}), 3)
        y, x = np.indices(images.shape[1:])
        with_reflection, without = [], []
        for pattern, image in zip(patterns, images):
            self.assertIn(len(pattern["g"]), {"none": [0], "two-beam": [1], "three-beam": [2], "on-axis": [4, 6]}[pattern["class"]])
            cy, cx = pattern["centre"]
            for gy, gx in pattern["g"]:
                with_reflection.append(image[np.hypot(y - cy - gy, x - cx - gx) < 3].mean())
                self.assertAlmostEqual(np.hypot(gy, gx), 35.3, delta=0.09 * 35.3)
            if not pattern["g"]:
                without.append(image[np.abs(np.hypot(y - cy, x - cx) - 35.3) < 3].mean())
        self.assertGreater(min(with_reflection), 2 * max(without))
        self.assertAlmostEqual(np.mean(with_reflection), 11, delta=1)

    def test_truth_tells_what_was_planted_in_each_phase(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "truth.json"
            images = self.images("--scan", "16x24", "--counts", 0.2, "--br-fraction", "0.1,0.5", "--br-contrast", "20,80",
                                 "--br-classes", "1,1,1,1", "--second-ring", 30.6, "--speckle", 0.1, "--charge-sharing", "--descan", 3,
                                 "--dead", 0.001, "--depth", 12, "--truth", path)
            truth = json.loads(path.read_text())
        patterns = truth["patterns"]
        for phase, fraction in (0, 0.1), (1, 0.5):
            with_reflections = [pattern["class"] != "none" for pattern in patterns if pattern["phase"] == phase]
            self.assertEqual(sum(with_reflections), round(fraction * len(with_reflections)))
        self.assertEqual({pattern["class"] for pattern in patterns}, {"none", "two-beam", "three-beam", "on-axis", "multiple"})
        self.assertEqual((truth["ring_radius"], truth["charge_sharing"], truth["speckle"]), ([35.3, 30.6], True, 0.1))
        self.assertAlmostEqual(patterns[-1]["centre"][0] - patterns[0]["centre"][0], 3 * 15 / 16, delta=0.01)
        for y, x in truth["dead"]:
            self.assertEqual(images[:, y, x].max(), 0)
        y, x = np.indices(images.shape[1:])
        made, found = 0, 0
        for pattern, image in zip(patterns, images):
            self.assertEqual(len(pattern["disk_counts"]), len(pattern["g"]))
            cy, cx = pattern["centre"]
            for (gy, gx), counts, contrast in zip(pattern["g"], pattern["disk_counts"], pattern["contrasts"]):
                self.assertTrue(20 <= contrast <= 80)
                made += counts
                found += int(image[np.hypot(y - cy - gy, x - cx - gx) < 5.5].sum())
        self.assertAlmostEqual(found / made, 1, delta=0.06)  # the halo's own counts are few

    def test_counters_wrap_when_they_are_told_to(self):
        few = self.images("--scan", "2x2", "--counts", 20, "--depth", 12)
        clipped = self.images("--scan", "2x2", "--counts", 20, "--depth", 6)
        wrapped = self.images("--scan", "2x2", "--counts", 20, "--depth", 6, "--overflow", "wrap")
        self.assertGreater(few.max(), 63)
        np.testing.assert_array_equal(clipped, np.minimum(few, 63))
        np.testing.assert_array_equal(wrapped, few % 64)

    def test_reflections_come_in_clusters_and_layers_differ(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "truth.json"
            self.start("--synthetic", "glass", "--scan", "32x32", "--truth", path)
            patterns = json.loads(path.read_text())["patterns"]
        is_br = np.array([pattern["class"] != "none" for pattern in patterns]).reshape(32, 32)
        beside = (is_br[:, 1:] & is_br[:, :-1]).sum() / is_br[:, :-1].sum()
        self.assertGreater(beside, 2 * is_br.mean())
        self.assertEqual({pattern["phase"] for pattern in patterns}, {0, 1})


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


class Program(SimulatorTest):
    def run_simulator(self, *arguments):
        return subprocess.run([SIMULATOR, *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE)

    def test_port_in_use_is_named_with_the_way_out(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            for option in ("--command-port", "--data-port"):
                other = "--data-port" if option == "--command-port" else "--command-port"
                result = self.run_simulator("--synthetic", "glass", "--scan", "1x1", option, port, other, 0)
                self.assertEqual(result.returncode, 69)
                self.assertEqual(result.stdout, "")
                for word in (str(port), option, "merlin-sim", "Merlin"):
                    self.assertIn(word, result.stderr)

    def test_bad_options(self):
        for arguments in ([], ["--nonsense"], ["--fps", "fast", "--synthetic", "glass"], ["--synthetic", "steel"],
                          ["--depth", "8", "--synthetic", "glass"], ["a.mib", "--synthetic", "glass"],
                          ["--scan", "4", "--synthetic", "glass"], ["a.mib", "b.mib"],
                          ["--drift", "1", "--synthetic", "glass"], ["--line-exposure", "0.5", "--synthetic", "glass"],
                          ["a.mib", "--flyback", "1"], ["--command-port", "70000", "--synthetic", "glass"], ["--seed", "-1", "--synthetic", "glass"]):
            with self.subTest(arguments):
                result = self.run_simulator(*arguments)
                self.assertEqual(result.returncode, 64)
                self.assertEqual(result.stdout, "")
                self.assertIn("merlin-sim", result.stderr)

    def test_missing_file(self):
        result = self.run_simulator("/nonexistent/scan.mib")
        self.assertEqual(result.returncode, 66)
        self.assertIn("/nonexistent/scan.mib", result.stderr)

    def test_bad_file_is_named_with_the_offset(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "bad.mib"
            path.write_bytes(b"not a frame" * 100)
            result = self.run_simulator(path)
            self.assertEqual(result.returncode, 65)
            self.assertIn("offset 0", result.stderr)

    def test_file_that_was_cut_off(self):
        source = real_file("Single_9_Frame_CounterDepth_6_Rows_256.mib")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "cut.mib"
            path.write_bytes(source.read_bytes()[:100000])
            result = self.run_simulator(path)
            self.assertEqual(result.returncode, 65)
            self.assertIn("offset 65920", result.stderr)

    def test_help_and_version(self):
        result = self.run_simulator("--help")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("--synthetic glass", result.stdout)
        self.assertRegex(self.run_simulator("--version").stdout, r"^merlin-sim \d+\.\d+\.\d+\n$")

    def test_signals_end_it_cleanly_even_when_nobody_reads(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.start("--synthetic", "glass", "--fps", "max")
            data, commands = self.both()
            commands.set("NUMFRAMESTOACQUIRE", 0)
            self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
            self.process.send_signal(number)
            self.assertEqual(self.process.wait(PATIENCE), 0)


if __name__ == "__main__":
    unittest.main()
