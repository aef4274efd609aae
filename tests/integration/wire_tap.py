"""A tap on the data socket between detector and daemon: what really went over the wire is the truth of export and recovery."""
import re
import socket
import threading

PREFIX = re.compile(rb"MPX,(\d{10}),")


class WireTap:
    """Passes on what the detector sends to whoever connects, and keeps it. Stands in for the detector: it has its command port and a data port."""

    def __init__(self, detector):
        self.command_port = detector.command_port
        self.target = detector.data_port
        self.bytes = bytearray()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.data_port = self.listener.getsockname()[1]
        self.open = []
        self.connected = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                source = socket.create_connection(("127.0.0.1", self.target), 10)
            except OSError:
                client.close()
                continue
            source.settimeout(None)
            self.open += [client, source]
            self.connected.set()
            threading.Thread(target=self._pump, args=(source, client, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(client, source, False), daemon=True).start()

    def _pump(self, source, sink, keep):
        try:
            while data := source.recv(1 << 20):
                if keep:
                    self.bytes += data
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def wait_connected(self, seconds=30):
        """A detector sends nothing to a client that is not there yet."""
        assert self.connected.wait(seconds), "nobody connected to the tap"

    def close(self):
        self.listener.close()
        for end in self.open:
            end.close()

    def messages(self):
        """The bodies of all whole messages so far."""
        found, at, data = [], 0, bytes(self.bytes)
        while match := PREFIX.match(data, at):
            end = match.end() + int(match[1]) - 1
            if end > len(data):
                break
            found.append(data[match.end():end])
            at = end
        return found

    def forget(self):
        self.bytes.clear()

    def hdr(self):
        """The first acquisition header, None if there was none."""
        return next((body for body in self.messages() if body.startswith(b"HDR")), None)

    def frames(self):
        return [body for body in self.messages() if body.startswith(b"MQ1")]
