"""A detector that sends exactly what a test wants, for the faults that merlin-sim does not have.

It answers every command with code 0, remembers what was SET, and when the acquisition is started calls the test's `stream`, a function
of the data connection that sends what it likes; when that returns, the detector is idle again.

What it answers can be bent: `status` is a DETECTORSTATUS of its own, `ignored` are commands that it takes without doing them, `codes` gives names a
status code other than 0, `on_set` may change what was SET, and `wire` turns the body of a reply into the bytes that are sent.
"""
import socket
import threading

DEFAULTS = {
    "SOFTWAREVERSION": "0.77.0.16",
    "NUMFRAMESTOACQUIRE": "1",
    "ACQUISITIONTIME": "1.000000",
    "ACQUISITIONPERIOD": "1.000000",
    "COUNTERDEPTH": "6",
    "CONTINUOUSRW": "0",
    "TRIGGERSTART": "0",
    "TRIGGERSTOP": "0",
    "NUMFRAMESPERTRIGGER": "1",
    "USEACQUISITIONHEADERS": "1",
    "IMAGEX": "256",
    "IMAGEY": "256",
}


def mpx(body):
    return b"MPX,%010d," % (len(body) + 1) + body


def hdr(frames, depth=6, more=()):
    """An acquisition header message."""
    lines = ["HDR,\t", f"Counter Depth (number):\t{depth}", f"Frames in Acquisition (Number):\t{frames}",
             "Frames per Trigger (Number):\t1", "Trigger Start (Positive, Negative, Internal):\tInternal", *more, "End\t"]
    return mpx("\r\n".join(lines).encode("latin-1").ljust(2048))


def frame(number, pixels, exposure_ns=1000000):
    """A frame message of a one-chip detector; pixels is a numpy array of u1, u2 or u4."""
    height, width = pixels.shape
    kind, depth = {1: ("U08", 6), 2: ("U16", 12), 4: ("U32", 24)}[pixels.dtype.itemsize]
    nanoseconds = (number - 1) * 1000000
    header = (f"MQ1,{number:06d},00384,01,{width:04d},{height:04d},{kind},   1x1,01,"
              f"2026-11-21 08:00:{nanoseconds / 1e9:09.6f},{exposure_ns / 1e9:.6f},0,0,0,"
              + "2.000000E+0," * 8 + "3RX," + "011," * 27
              + f"MQ1A,2026-11-21T08:00:{nanoseconds / 1e9:012.9f}Z,{exposure_ns}ns,{depth},")
    return mpx(header.encode().ljust(384, b"\0") + pixels.astype(pixels.dtype.newbyteorder(">")).tobytes())


class FakeDetector:
    def __init__(self, stream, started_by_command=True, wire=mpx):
        """`stream(send)` is called for each acquisition; send(bytes) returns False once the reader is gone."""
        self.wire = wire
        self.status = None
        self.ignored = set()
        self.codes = {}
        self.on_set = lambda parameters, name: None
        self.asked = []  # bodies of all that was received, in order
        self.stream = stream
        self.parameters = dict(DEFAULTS)
        self.busy = False
        self.stopped = threading.Event()  # STOPACQUISITION or ABORT came
        self.data = None
        self.data_connected = threading.Event()
        self.closing = False
        self.errors = []
        self.command_listener, self.command_port = self._listen()
        self.data_listener, self.data_port = self._listen()
        self.threads = []
        for target in (self._accept_commands, self._accept_data):
            self._thread(target)

    @staticmethod
    def _listen():
        listener = socket.create_server(("127.0.0.1", 0))
        return listener, listener.getsockname()[1]

    def _thread(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        thread.start()
        self.threads.append(thread)

    def close(self):
        self.closing = True
        for one in (self.command_listener, self.data_listener, self.data):
            if one is not None:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                one.close()

    def send(self, data):
        try:
            self.data.sendall(data)
            return True
        except OSError:
            return False

    def _accept_data(self):
        while not self.closing:
            try:
                self.data, _ = self.data_listener.accept()
            except OSError:
                return
            self.data_connected.set()

    def _accept_commands(self):
        while not self.closing:
            try:
                connection, _ = self.command_listener.accept()
            except OSError:
                return
            self._thread(self._serve, connection)

    def _serve(self, connection):
        buffer = b""
        while not self.closing:
            try:
                data = connection.recv(65536)
            except OSError:
                return
            if not data:
                return
            buffer += data
            while len(buffer) >= 15 and len(buffer) >= 14 + int(buffer[4:14]):
                end = 14 + int(buffer[4:14])
                body, buffer = buffer[15:end].decode("latin-1"), buffer[end:].lstrip(b"\0\r\n")
                self.asked.append(body)
                connection.sendall(self.wire(self._answer(body).encode("latin-1")))

    def sent(self, *kinds):
        """The bodies of that kind (GET, SET, CMD) that were received so far, without those that watch the status."""
        return [body for body in list(self.asked) if body.split(",")[0] in kinds and "DETECTORSTATUS" not in body]

    def _answer(self, body):
        kind, name, *rest = body.split(",")
        name = name.upper()
        if kind == "GET":
            value = self._status() if name == "DETECTORSTATUS" else self.parameters.get(name, "0")
            return f"GET,{name},{value},{self.codes.get(name, 0)}"
        if self.codes.get(name):
            return f"{kind},{name},{self.codes[name]}"
        if kind == "SET":
            self.parameters[name] = rest[0] if rest else ""
            self.on_set(self.parameters, name)
            return f"SET,{name},0"
        if name in self.ignored:
            pass
        elif name == "CLEARERROR" and self.status == 3:
            self.status = None
        elif name == "STARTACQUISITION" and not self.busy:
            self.start()
        elif name in ("STOPACQUISITION", "ABORT"):
            self.stopped.set()
            self.status = 3 if self.status == 3 else None
        return f"CMD,{name},0"

    def _status(self):
        return self.status if self.status is not None else int(self.busy)

    def start(self):
        """What STARTACQUISITION does; a test of passive runs calls it itself."""
        self.busy = True
        self.stopped.clear()
        self._thread(self._acquire)

    def _acquire(self):
        try:
            self.data_connected.wait(30)
            self.stream(self.send)
        except Exception as error:  # shown by the test
            self.errors.append(error)
        finally:
            self.busy = False
