"""What the integration tests share: the programs under test, a control client, a results subscriber, and judges that
read .mib files without any of our C code.

Programs are taken from $MERLIND_BUILD (default: build/ at the top). $MERLIND_TEST_SCALE multiplies every time-out
(sanitizer builds are slow), $MERLIND_SANITIZER (`address`, `thread`) tells that one is in use.
"""
import contextlib
import ctypes
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import h5py
import hdf5plugin  # noqa: F401 (its import registers the Blosc filter)
import numpy as np
import zmq

import file_page
import schema_check

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MERLIND_BUILD") or TOP / "build").resolve()
REAL_MIB = pathlib.Path(os.environ.get("MERLIND_REAL_MIB") or TOP.parent / "shared" / "real-mib")
SCALE = float(os.environ.get("MERLIND_TEST_SCALE") or 1)
SANITIZER = os.environ.get("MERLIND_SANITIZER", "")

PAGE = file_page.Page()
MERLIND = BUILD / "daemon" / "merlind"
MERLIN_SIM = BUILD / "detector" / "sim" / "merlin-sim"
MERLINCTL = BUILD / "clients" / "ctl" / "merlinctl"

SANITIZER_REPORT = re.compile(r"(AddressSanitizer|ThreadSanitizer|LeakSanitizer|runtime error:|SUMMARY: \w+Sanitizer)")
# A report whose first frames are those of HDF5, which believes what a damaged file says.
IN_THE_LIBRARY = re.compile(r"==ERROR: AddressSanitizer.*\n(?:.*\n){0,4}.*libhdf5")


def timeout(seconds):
    """A time-out for this build: sanitizers make everything slower."""
    return seconds * SCALE


def lighter(normal, with_sanitizer):
    """A size for this build: a sanitizer's run is made smaller, never left out."""
    return with_sanitizer if SANITIZER else normal


def wait_for(condition, seconds, what):
    """Polls condition() until it is true and returns its value; fails with `what` (text or callable) after the time."""
    end = time.monotonic() + timeout(seconds)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout(seconds):g} s in vain for {what() if callable(what) else what}")
        time.sleep(0.01)


# ------------------------------------------------------------------------------------------------ programs under test


_LIBC = ctypes.CDLL(None)  # opened here: between fork and exec other threads' locks stay as they were


def _die_with_parent():
    _LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: nothing outlives a killed test run


class Program:
    """A child process whose stdout and stderr are collected line by line as they come. `prefix`: a command that becomes it."""

    def __init__(self, arguments, environment=None, cwd=None, prefix=()):
        self.arguments = [str(argument) for argument in (*prefix, *arguments)]
        self.name = pathlib.Path(arguments[0]).name
        self.out, self.err = [], []
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            self.arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            errors="replace", cwd=cwd, env={**os.environ, **(environment or {})}, preexec_fn=_die_with_parent)
        self.readers = [threading.Thread(target=self._collect, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))]
        for reader in self.readers:
            reader.start()

    def _collect(self, stream, lines):
        for line in stream:
            with self.changed:
                lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def running(self):
        return self.process.poll() is None

    def wait_line(self, pattern, seconds=30, stream="out"):
        """The match of `pattern` in the first line that has it; fails when the program ends without one."""
        lines, end = getattr(self, stream), time.monotonic() + timeout(seconds)
        reader, seen = self.readers[0 if stream == "out" else 1], 0
        with self.changed:
            while True:
                for line in lines[seen:]:
                    match = re.search(pattern, line)
                    if match:
                        return match
                seen = len(lines)
                if not reader.is_alive() and seen == len(lines):
                    raise AssertionError(f"{self.name} ended without saying {pattern!r}\n{self.report()}")
                if time.monotonic() > end:
                    raise AssertionError(f"{self.name} did not say {pattern!r} in time\n{self.report()}")
                self.changed.wait(0.1)

    def send_signal(self, number):
        if self.running():
            self.process.send_signal(number)

    def wait(self, seconds=30):
        """Exit code, once all its output is collected."""
        try:
            code = self.process.wait(timeout(seconds))
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            self.kill()
            raise AssertionError(f"{self.name} did not end in {timeout(seconds):g} s\n{self.report()}") from None
        for reader in self.readers:
            reader.join(5)
        return code

    def kill(self):
        self.send_signal(signal.SIGKILL)
        self.process.wait()
        for reader in self.readers:
            reader.join(5)

    def stderr_text(self):
        with self.changed:
            return "\n".join(self.err)

    def check_clean(self):
        """No sanitizer has reported anything."""
        if SANITIZER_REPORT.search(self.stderr_text()):
            raise AssertionError(f"{self.name}: a sanitizer reports\n{self.report()}")

    def stop(self, number=signal.SIGTERM, expected=(0,), seconds=30):
        """Ends the program by a signal and checks that it ended as it should."""
        self.send_signal(number)
        code = self.wait(seconds)
        self.check_clean()
        if code not in expected:
            raise AssertionError(f"{self.name} ended with {code}, not {expected}\n{self.report()}")
        return code

    def report(self):
        def tail(lines):
            return "\n".join("    " + line for line in lines[-120:])
        with self.changed:
            return (f"  command: {' '.join(self.arguments)}\n  exit code: {self.process.poll()}\n"
                    f"  stdout:\n{tail(self.out)}\n  stderr:\n{tail(self.err)}")


_port_locks = []


def lasting_port():
    """A free TCP port which nobody else takes while its user is away, as a detector is that is switched off and on.

    It lies below those that the kernel gives to connections and to whoever asks for any. An abstract Unix socket of its
    name, kept until this process ends, tells the tests beside this one that it is spoken for.
    """
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(min(10000, lowest // 2), lowest)
        lock = socket.socket(socket.AF_UNIX)
        try:
            lock.bind(f"\0merlind-test-port-{port}")
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            lock.close()
            continue
        _port_locks.append(lock)
        return port


class Simulator(Program):
    """merlin-sim; Simulator(FILE, "--fps", "1000") or Simulator("--synthetic", "glass"). Its ports stay free when it has ended."""

    def __init__(self, *arguments, command_port=None, data_port=None, prefix=()):
        ports = [lasting_port() if port is None else port for port in (command_port, data_port)]
        super().__init__([MERLIN_SIM, *arguments, "--command-port", ports[0], "--data-port", ports[1]], prefix=prefix)
        match = self.wait_line(r"^ready command=(\d+) data=(\d+)$", 120)
        self.command_port, self.data_port = int(match[1]), int(match[2])


def yaml_flow(value):
    """A configuration value in YAML's flow form (JSON is one)."""
    return value if isinstance(value, str) else json.dumps(value)


class Daemon(Program):
    """merlind with a recording directory of its own, a small ring and two workers.

    `detector` is anything with command_port and data_port. Further settings: {"scan.shape": [4, 2], ...}.
    """

    def __init__(self, detector, directory, settings=None, wait_ready=True, environment=None, configuration=None,
                 prefix=()):
        self.directory = pathlib.Path(directory)
        self.settings = {
            "detector.host": "127.0.0.1",
            "control.endpoint": "tcp://127.0.0.1:0",
            "results.endpoint": "tcp://127.0.0.1:0",
            "web.listen": "127.0.0.1:0",
            "ring.size": "64MiB",
            "workers": 2,
            "recording.directory": str(self.directory),
        }
        if detector is not None:
            self.settings["detector.command_port"] = detector.command_port
            self.settings["detector.data_port"] = detector.data_port
        self.settings.update(settings or {})
        options = [part for key, value in self.settings.items() for part in ("-o", f"{key}={yaml_flow(value)}")]
        file = ["--config", str(configuration)] if configuration else []
        super().__init__([MERLIND, *file, *options], environment, prefix=prefix)
        if wait_ready:
            match = self.wait_line(r"^ready control=(\S+) results=(\S+)(?: web=(\S+))?$", 120)
            self.control, self.results, self.web = match[1], match[2], match[3]


def run_ctl(daemon, *arguments, seconds=60):
    """Runs merlinctl to its end; returns the finished subprocess (stdout and stderr as text)."""
    endpoint = daemon if isinstance(daemon, str) else daemon.control
    done = subprocess.run([str(MERLINCTL), "-e", endpoint, *[str(a) for a in arguments]], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=timeout(seconds), preexec_fn=_die_with_parent)
    if SANITIZER_REPORT.search(done.stderr):
        raise AssertionError(f"merlinctl: a sanitizer reports\n{done.stderr}")
    return done


# ------------------------------------------------------------------------------------------------- talking to merlind


class ControlError(Exception):
    """A request that merlind refused."""

    def __init__(self, error):
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.code, self.message, self.field = error.get("code"), error.get("message", ""), error.get("field")


class Control:
    """A client of the control socket. Every reply is held against the schemas."""

    def __init__(self, endpoint):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(endpoint)
        self.next_id = 0
        self.lease = None  # a token to show with every request

    def close(self):
        self.socket.close()
        self.context.term()

    def send(self, command, _parts=(), **arguments):
        self.next_id += 1
        body = {"id": self.next_id, "cmd": command, "args": arguments, **({"lease": self.lease} if self.lease else {})}
        self.socket.send_multipart([json.dumps(body).encode(), *_parts])
        return self.next_id

    def receive(self, seconds=30):
        """The next reply as (JSON, raw parts)."""
        if not self.socket.poll(timeout(seconds) * 1000):
            raise AssertionError(f"no reply from merlind within {timeout(seconds):g} s")
        parts = self.socket.recv_multipart()
        if parts[0] == b"":  # a reply may carry the empty frame of a REQ socket
            parts = parts[1:]
        return json.loads(parts[0]), parts[1:]

    def request(self, command, seconds=30, _parts=(), **arguments):
        """(result, raw parts); ControlError when refused. _parts: binary ones of the request."""
        sent = self.send(command, _parts, **arguments)
        while True:
            reply, parts = self.receive(seconds)
            if reply.get("id") == sent:
                break
        schema_check.validate_reply(command, reply, parts)
        if not reply["ok"]:
            raise ControlError(reply["error"])
        return reply["result"], parts

    def __call__(self, command, **arguments):
        return self.request(command, **arguments)[0]

    def status(self):
        return self("status")

    def wait_state(self, *states, seconds=30):
        last = {}

        def reached():
            last.update(self.status())
            # Without the command link the daemon is idle too: it could follow a run, but not start one.
            usable = last["state"] != "idle" or last["detector"]["command"] == "connected"
            return last["state"] in states and usable
        wait_for(reached, seconds, lambda: f"state {' or '.join(states)}; the last status: {json.dumps(last)}")
        return dict(last)

    def wait_finished(self, run_id=None, seconds=60):
        """The summary of a run (default: the newest one) once it is finished."""
        arguments = {"id": run_id} if run_id else {}
        last = {}

        def finished():
            with contextlib.suppress(ControlError):  # passive runs are not known before their first frame
                last.update(self("run", **arguments))
            return last.get("state") == "finished"
        wait_for(finished, seconds, lambda: f"the end of the run; the last summary: {json.dumps(last)}")
        return dict(last)

    def put(self, name, array, **arguments):
        """maps_put of an array, args as they follow from it unless they are given."""
        array = np.ascontiguousarray(array)
        return self.request("maps_put", _parts=[array.tobytes()], **{
            "name": name, "dtype": array.dtype.str, "shape": list(array.shape), **arguments})[0]

    def array(self, command, name):
        """A map or pattern as ({part name: array}, result)."""
        result, parts = self.request(command, name=name)
        return arrays(result["parts"], parts), result


def arrays(descriptions, parts):
    """The raw parts of a message as numpy arrays by name."""
    assert len(descriptions) == len(parts), f"{len(parts)} raw parts, {len(descriptions)} described"
    result = {}
    for described, raw in zip(descriptions, parts):
        assert described.get("nbytes", len(raw)) == len(raw), f"{described} has {len(raw)} bytes"
        result[described["name"]] = np.frombuffer(raw, described["dtype"]).reshape(described["shape"])
    return result


class Results:
    """A subscriber that collects everything published, (topic, header, {name: array}), and holds it against the schemas.

    It subscribes to the status last, which comes every second: with the first one all its subscriptions have arrived.
    """

    def __init__(self, endpoint, topics=("",)):
        self.endpoint, self.topics = endpoint, topics
        self.messages, self.error, self.joined = [], None, False
        self.changed = threading.Condition()
        self.stopping = False
        self.thread = threading.Thread(target=self._collect, daemon=True)
        self.thread.start()

    def _collect(self):
        context = zmq.Context()
        socket = context.socket(zmq.SUB)
        socket.linger = 0
        socket.rcvhwm = 0
        wants_status = any("status/".startswith(topic) for topic in self.topics)
        for topic in (*self.topics, *([] if wants_status else ["status/"])):
            socket.subscribe(topic)
        socket.connect(self.endpoint)
        try:
            while not self.stopping:
                if socket.poll(50):
                    topic, header, *parts = socket.recv_multipart()
                    topic, header = topic.decode(), json.loads(header)
                    message = (topic, header, arrays(header["parts"], parts))
                    schema_check.validate_published(topic, header, parts)
                    with self.changed:
                        if wants_status or topic != "status/":
                            self.messages.append(message)
                        self.joined = self.joined or topic == "status/"
                        self.changed.notify_all()
        except BaseException as error:  # handed to whoever calls close()
            self.error = error
        finally:
            socket.close()
            context.term()

    def of(self, topic):
        with self.changed:
            return [message for message in self.messages if message[0] == topic]

    def wait(self, topic, predicate=lambda header: True, seconds=30):
        """The first message (header, arrays) of a topic whose header fits."""
        def found():
            if self.error:
                raise AssertionError(f"the subscriber failed: {self.error!r}") from self.error
            return next(((h, a) for _, h, a in self.of(topic) if predicate(h)), None)
        return wait_for(found, seconds, lambda: f"a message of {topic}; topics seen: "
                                                f"{sorted({m[0] for m in self.messages})}")

    def wait_joined(self):
        """From now on nothing of its topics is missed."""
        wait_for(lambda: self.joined or self.error, 30, "the subscriptions to arrive")

    def close(self):
        self.stopping = True
        self.thread.join(timeout(10))
        if self.error:
            raise AssertionError(f"the subscriber failed: {self.error!r}") from self.error


# --------------------------------------------------------------------------------------- a second client of a detector


class CommandClient:
    """A plain client of Merlin's command socket, as another program of the laboratory would be."""

    def __init__(self, port, host="127.0.0.1"):
        import socket
        self.socket = socket.create_connection((host, port), timeout(10))
        self.buffer = b""

    def close(self):
        self.socket.close()

    def command(self, *words):
        """Sends CMD/GET/SET words and returns the reply's fields after the name: [value..., code]."""
        body = ",".join(str(word) for word in words).encode()
        self.socket.sendall(b"MPX,%010d,%s" % (len(body) + 1, body))
        reply = self._reply().decode("latin-1").split(",")
        assert reply[0] == words[0] and reply[1].upper() == words[1].upper(), f"asked {words}, got {reply}"
        return reply[2:]

    def _reply(self):
        prefix = self._take(15)
        assert prefix.startswith(b"MPX,"), prefix
        return self._take(int(prefix[4:14]) - 1)

    def _take(self, size):
        while len(self.buffer) < size:
            data = self.socket.recv(65536)
            if not data:
                raise AssertionError("the detector closed the command socket")
            self.buffer += data
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def set(self, name, value):
        assert self.command("SET", name, value) == ["0"], f"SET {name} {value} refused"

    def start(self, frames):
        """An acquisition of so many frames under internal trigger."""
        self.set("NUMFRAMESTOACQUIRE", frames)
        self.set("TRIGGERSTART", 0)
        assert self.command("CMD", "STARTACQUISITION") == ["0"]

    def status(self):
        return int(self.command("GET", "DETECTORSTATUS")[0])


# ---------------------------------------------------------------------------------------------------------- the judges


def read_mib(path):
    """(frames [n, y, x], headers) of a processed (U08, U16, U32) .mib file, by numpy alone."""
    data = pathlib.Path(path).read_bytes()
    frames, headers, at = [], [], 0
    while at < len(data):
        fields = data[at:at + 384].split(b"\0")[0].decode("latin-1").split(",")
        assert fields[0] == "MQ1", f"{path}: no MQ1 at byte {at}"
        offset, width, height = int(fields[2]), int(fields[4]), int(fields[5])
        kind = fields[6].strip()
        dtype = {"U08": ">u1", "U16": ">u2", "U32": ">u4"}[kind]
        size = width * height * np.dtype(dtype).itemsize
        frames.append(np.frombuffer(data, dtype, width * height, at + offset).reshape(height, width))
        headers.append(data[at:at + offset].split(b"\0")[0].decode("latin-1"))
        at += offset + size
    return np.stack(frames).astype(np.dtype(dtype).newbyteorder("=")), headers


def disk_mask(shape, centre, inner, outer):
    """Pixels whose centre's distance from `centre` [y, x] is in [inner, outer]; a disk has inner 0."""
    y, x = np.mgrid[:shape[0], :shape[1]].astype(float)
    squared = (y - centre[0]) ** 2 + (x - centre[1]) ** 2
    return (squared >= inner ** 2) & (squared <= outer ** 2)


def centre_of_mass(frame):
    """(y, x) in pixels; NaN for an empty frame."""
    counts = frame.astype(np.uint64)
    total = int(counts.sum())
    if total == 0:
        return float("nan"), float("nan")
    y = sum(int(n) * i for i, n in enumerate(counts.sum(axis=1)))
    x = sum(int(n) * i for i, n in enumerate(counts.sum(axis=0)))
    return y / total, x / total


@contextlib.contextmanager
def open_recording(path, **options):
    with h5py.File(path, "r", **options) as file:
        yield file


def file_statistics(file):
    """The run's summary as the file tells it."""
    text = file["/entry/statistics"][()]
    text = text.decode() if isinstance(text, bytes) else str(text)
    return json.loads(text.rstrip("\0 "))


FINAL_COUNTS = ("expected", "received", "placed", "skipped", "duplicate", "surplus", "rejected", "missing", "lost",
                "recorded", "unrecorded", "extra_recorded", "extra_unrecorded", "analysed", "deferred",
                "not_analysed")


class SystemTest(unittest.TestCase):
    """Base of the integration tests: ends every program it started and checks that each ended well."""

    maxDiff = None
    follows_the_page = True  # merlind-file(5), in all that its files hold

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="merlind-test-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.addCleanup(self._check_files)
        self.recordings = self.directory / "recordings"
        self.recordings.mkdir()

    def _check_files(self):
        """Files that the test has made are as merlind-file(5) says (some of them: who makes a hundred makes them alike)."""
        for path in sorted(self.directory.rglob("*.h5"))[:4]:
            if self.follows_the_page and not path.is_symlink() and h5py.is_hdf5(path):
                with open_recording(path) as file:
                    self.assertEqual(PAGE.faults(file), [], path.name)

    def _stop(self, program, expected):
        try:
            if program.running():
                program.stop(expected=expected)
            program.check_clean()
        finally:
            program.kill()

    def _explain(self, program):
        """When the test has failed, says what the program said."""
        result = self._outcome.result
        failed = any(test is self for test, _ in result.failures + result.errors)
        if failed:
            print(f"--- {program.name}\n{program.report()}")

    def start_simulator(self, *arguments, **options):
        simulator = Simulator(*arguments, **options)
        self.addCleanup(self._explain, simulator)
        self.addCleanup(self._stop, simulator, (0,))
        return simulator

    def start_daemon(self, detector, settings=None, expected=(0,), **options):
        daemon = Daemon(detector, options.pop("directory", self.recordings), settings, **options)
        self.addCleanup(self._explain, daemon)
        self.addCleanup(self._stop, daemon, expected)
        return daemon

    def control(self, daemon):
        control = Control(daemon.control)
        self.addCleanup(control.close)
        return control

    def results(self, daemon, topics=("",)):
        results = Results(daemon.results, topics)
        self.addCleanup(results.close)
        results.wait_joined()
        return results

    def real_file(self, name):
        path = REAL_MIB / name
        if not path.exists():
            self.skipTest(f"the real file {name} is not in {REAL_MIB}")
        return path

    def run_scan(self, control, shape, seconds=60, **arguments):
        """One active run from start to its end; returns the summary."""
        control.wait_state("idle")
        started = control("start", scan=list(shape), **arguments)
        return control.wait_finished(started["id"], seconds)

    def start_in_bursts(self, control, shape, frames, parameters=(), **arguments):
        """The id of a run whose simulator sends so many frames at each burst() and waits between them: what is to be done
        in the middle of a scan finds it there, however long it takes."""
        scan = {"scan": list(shape)} if shape else {}
        return control("start", **scan, preset="soft", parameters={"NUMFRAMESPERTRIGGER": frames, **dict(parameters)},
                       **arguments)["id"]

    def burst(self, control):
        control("command", name="SOFTTRIGGER")

    def assert_accounts(self, frames):
        """The identities of schemas/protocol.md for a finished run."""
        f = frames
        self.assertEqual(f["received"], f["placed"] + f["skipped"] + f["duplicate"] + f["surplus"], f)
        if f["expected"]:
            self.assertEqual(f["expected"], f["placed"] + f["missing"], f)
        self.assertEqual(f["placed"], f["recorded"] + f["unrecorded"], f)
        self.assertEqual(f["skipped"] + f["duplicate"] + f["surplus"], f["extra_recorded"] + f["extra_unrecorded"], f)
        self.assertEqual(f["placed"], f["analysed"] + f["deferred"] + f["not_analysed"], f)
        self.assertEqual(f["lost"], f["missing"], f)

    def assert_counts(self, frames, **expected):
        self.assertEqual({name: frames[name] for name in expected}, expected, frames)
