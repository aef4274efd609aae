"""Clients of merlind's sockets and of the detector's: what the programs of a laboratory say to them, held against the schemas."""
import contextlib
import json
import socket
import threading

import numpy as np
import zmq

import schema_check
from programs import timeout, wait_for


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
        wait_for(finished, seconds, lambda: f"the end of the run; the last summary: {json.dumps(last)}", longest_pause=0.05)
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


class CommandClient:
    """A plain client of Merlin's command socket, as another program of the laboratory would be."""

    def __init__(self, port, host="127.0.0.1"):
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
