"""merlin-sim as its clients see it: its command protocol, as the clients in the field speak it."""
import time
import unittest

from simulator_client import PATIENCE, SimulatorTest, mpx


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
        self.start("--synthetic", "glass", "--bank", 64, "--fps", 1000)
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


if __name__ == "__main__":
    unittest.main()
