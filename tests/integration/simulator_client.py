"""How the tests of merlin-sim talk to it: real sockets, and their own reading of frames and headers."""

import datetime
import os
import pathlib
import re
import socket
import subprocess
import time
import unittest

import numpy as np

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MERLIND_BUILD", REPOSITORY / "build"))
SIMULATOR = BUILD / "detector" / "sim" / "merlin-sim"
REAL_MIB = pathlib.Path(os.environ.get("MERLIND_REAL_MIB", REPOSITORY.parent / "shared" / "real-mib"))
PATIENCE = 30  # seconds before a test gives up; nothing is timed


def real_files():
    return sorted(REAL_MIB.glob("*.mib")) if REAL_MIB.is_dir() else []


def real_file(name):
    path = REAL_MIB / name
    if not path.exists():
        raise unittest.SkipTest(f"{path} is not there (set MERLIND_REAL_MIB)")
    return path


def mpx(body):
    return b"MPX,%010d," % (len(body) + 1) + body


class Connection:
    """One socket on which MPX messages arrive."""

    def __init__(self, port, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise

    def close(self):
        self.socket.close()

    def exactly(self, size):
        pieces = []
        while size > 0:
            piece = self.socket.recv(min(size, 1 << 20))
            if not piece:
                raise ConnectionError("the simulator closed the connection")
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def message(self):
        prefix = self.exactly(15)
        if not re.fullmatch(rb"MPX,[0-9]{10},", prefix):
            raise AssertionError(f"no MPX prefix: {prefix!r}")
        return self.exactly(int(prefix[4:14]) - 1)

    def silent(self, seconds):
        """True when nothing arrives for so long."""
        self.socket.settimeout(seconds)
        try:
            return not self.socket.recv(1, socket.MSG_PEEK)
        except socket.timeout:
            return True
        finally:
            self.socket.settimeout(PATIENCE)


class Commands(Connection):
    def reply(self, body):
        self.socket.sendall(mpx(body.encode()))
        return self.message().decode()

    def get(self, name):
        reply = self.reply(f"GET,{name}")
        head = f"GET,{name},"
        assert reply.startswith(head), reply
        value, code = reply[len(head):].rsplit(",", 1)
        assert code == "0", reply
        return value

    def set(self, name, value):
        reply = self.reply(f"SET,{name},{value}")
        assert reply.startswith(f"SET,{name},"), reply
        return int(reply.rsplit(",", 1)[1])

    def cmd(self, name):
        reply = self.reply(f"CMD,{name}")
        assert reply.startswith(f"CMD,{name},"), reply
        return int(reply.rsplit(",", 1)[1])

    def wait_status(self, *wanted):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            status = int(self.get("DETECTORSTATUS"))
            if status in wanted:
                return status
            time.sleep(0.002)
        raise AssertionError(f"DETECTORSTATUS is {status}, not one of {wanted}")


class Frame:
    """A frame message taken apart by its commas."""

    def __init__(self, body):
        fields = body[:16384].split(b"\0", 1)[0].decode().split(",")
        assert fields[0] == "MQ1", fields[0]
        self.body = body
        self.fields = fields
        self.number = int(fields[1])
        self.offset = int(fields[2])
        self.width, self.height = int(fields[4]), int(fields[5])
        self.type = fields[6]
        self.local_time = fields[9]
        self.shutter = float(fields[10])
        mq1a = fields.index("MQ1A")
        self.utc = fields[mq1a + 1]
        self.exposure_ns = int(fields[mq1a + 2].rstrip("nsS"))
        self.depth = int(fields[mq1a + 3])
        self.text_size = len(body[: self.offset].rstrip(b"\0"))

    @property
    def time_ns(self):
        seconds, fraction = self.utc.rstrip("Z").split(".")
        when = datetime.datetime.fromisoformat(seconds).replace(tzinfo=datetime.timezone.utc)
        return int(when.timestamp()) * 10**9 + int(fraction)

    @property
    def pixels(self):
        dtype = {"U08": ">u1", "U16": ">u2", "U32": ">u4"}[self.type]
        return np.frombuffer(self.body, dtype, offset=self.offset).reshape(self.height, self.width)


def hdr_values(body):
    lines = body.decode("latin-1").rstrip(" ").split("\r\n")
    assert lines[0] == "HDR,\t" and lines[-1] == "End\t", (lines[0], lines[-1])
    return {re.split(r" *\(|:", key)[0]: value for key, value in
            (line.split("\t", 1) for line in lines[1:-1])}


class SimulatorTest(unittest.TestCase):
    def setUp(self):
        if not SIMULATOR.exists():
            self.skipTest(f"{SIMULATOR} is not built (set MERLIND_BUILD)")

    def start(self, *arguments):
        process = subprocess.Popen(
            [SIMULATOR, "--command-port", "0", "--data-port", "0", *map(str, arguments)],
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.finish, process)
        ready = process.stdout.readline()
        match = re.fullmatch(r"ready command=(\d+) data=(\d+)\n", ready)
        self.assertTrue(match, ready)
        self.process = process
        self.command_port, self.data_port = map(int, match.groups())

    def finish(self, process):
        process.terminate()
        try:
            status = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        process.stdout.close()
        self.assertEqual(status, 0)

    def line(self, pattern):
        text = self.process.stdout.readline()
        match = re.fullmatch(pattern + r"\n", text)
        self.assertTrue(match, text)
        return tuple(map(int, match.groups()))

    def started(self):
        return self.line(r"started frames=(\d+)")[0]

    def done(self):
        return self.line(r"done frames=(\d+) stalls=(\d+) lengthened=(\d+)")

    def commands(self):
        connection = Commands(self.command_port)
        self.addCleanup(connection.close)
        return connection

    def data(self, **options):
        connection = Connection(self.data_port, **options)
        self.addCleanup(connection.close)
        return connection

    def both(self, **options):
        return self.data(**options), self.commands()

    def acquire(self, *arguments, count=None):
        """Starts a simulator, takes one acquisition of `count` frames (default: as many as it says)."""
        self.start(*arguments)
        data, commands = self.both()
        self.assertEqual(commands.cmd("STARTACQUISITION"), 0)
        hdr = data.message()
        frames = self.started()
        return hdr, [data.message() for _ in range(frames if count is None else count)]
