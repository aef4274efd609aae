#!/usr/bin/python3
"""How long a result and an answer take: ./bench.sh latency [--json] [--lines N]

A detector in this program sends frames of 256 x 256 (8 bits) at 1,000 a second. For every line of the scan: the time from its last
frame's last byte until the line of a map is with a subscriber, at 10 and at 100 updates a second and with results.immediate. At the
same time `status` is asked for 100 times a second, and once more by 50 clients that ask 1,000 times a second in all, beside a
subscriber that never reads. And how long the detector is not armed between two scans of a series (10 x 10, with the simulator).
Median and 99th percentile, ms, and what they are to be at most; sending and receiving in Python are part of it.
"""
import argparse
import json
import pathlib
import sys
import tempfile
import threading
import time

import numpy as np
import zmq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from fake_detector import FakeDetector, frame, hdr  # noqa: E402
from harness import Control, Daemon, Simulator  # noqa: E402

NX, FPS = 100, 1000
WAYS = {"map_rate 10": {"results.map_rate": 10}, "map_rate 100": {"results.map_rate": 100}, "immediate": {"results.immediate": True}}
# ms: the tick plus 20 at the 99th percentile, a median of 5 with immediate, answers within 20, 0.5 s between scans.
TARGETS = {"map_rate 10": ("p99_ms", 120), "map_rate 100": ("p99_ms", 30), "immediate": ("median_ms", 5), "status": ("p99_ms", 20),
           "series gap": ("p99_ms", 500)}
CLIENTS, ASKED_PER_CLIENT = 50, 20  # a second
VIRTUAL = [{"name": "bf", "shape": "disk", "radius": 20}]


def summary(seconds):
    values = 1000 * np.sort(np.asarray(seconds))
    return {"n": len(values), "median_ms": round(float(np.median(values)), 3), "p99_ms": round(float(np.quantile(values, 0.99)), 3)}


class Rows(threading.Thread):
    """Notes when a line of a map first came with all its positions."""

    def __init__(self, endpoint):
        super().__init__(daemon=True)
        self.endpoint, self.seen, self.ends = endpoint, {}, threading.Event()

    def run(self):
        context = zmq.Context()
        socket = context.socket(zmq.SUB)
        socket.linger = 0
        socket.subscribe("map/bf/")
        socket.connect(self.endpoint)
        while not self.ends.is_set():
            if not socket.poll(50):
                continue
            _, header, _, measured = socket.recv_multipart()
            now, (first, count) = time.monotonic(), json.loads(header)["rows"]
            whole = np.frombuffer(measured, "u1").reshape(count, NX).all(axis=1)
            for row in first + np.flatnonzero(whole):
                self.seen.setdefault(int(row), now)
        context.destroy(0)


def rows_and_status(settings, lines):
    sent = {}
    messages = [frame(number + 1, np.full((256, 256), 1, np.uint8)) for number in range(NX)]

    def stream(send):
        send(hdr(lines * NX))
        due = time.monotonic()
        for number in range(lines * NX):
            due += 1 / FPS
            time.sleep(max(0, due - time.monotonic()))
            body = messages[number % NX]
            send(body.replace(b"MQ1,%06d," % (number % NX + 1), b"MQ1,%06d," % (number + 1), 1))
            if number % NX == NX - 1:
                sent[number // NX] = time.monotonic()

    detector = FakeDetector(stream)
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(detector, folder, {"virtual_detectors": VIRTUAL, **settings})
        control, rows = Control(daemon.control), Rows(daemon.results)
        control.wait_state("idle")
        rows.start()
        time.sleep(0.3)
        answers, run = [], control("start", scan=[lines, NX], recording=False)["id"]
        while control("run", id=run)["state"] != "finished":
            before = time.monotonic()
            control("status")
            answers.append(time.monotonic() - before)
            time.sleep(0.01)
        time.sleep(0.3)
        rows.ends.set()
        rows.join()
        control.close()
        daemon.stop()
    detector.close()
    return [rows.seen[row] - at for row, at in sent.items() if row in rows.seen], answers


class Client(threading.Thread):
    """Asks for the status as often as it should; how long each answer took, s."""

    def __init__(self, endpoint, ends):
        super().__init__(daemon=True)
        self.endpoint, self.ends, self.took = endpoint, ends, []

    def run(self):
        context = zmq.Context()
        socket = context.socket(zmq.REQ)
        socket.linger = 0
        socket.connect(self.endpoint)
        due = time.monotonic()
        while not self.ends.is_set():
            before = time.monotonic()
            socket.send(b'{"cmd": "status"}')
            socket.recv()
            self.took.append(time.monotonic() - before)
            due += 1 / ASKED_PER_CLIENT
            time.sleep(max(0, due - time.monotonic()))
        context.destroy(0)


def crowd(lines):
    """Answers to many clients during a scan with the simulator, beside a subscriber that never reads."""
    simulator, ends = Simulator("--synthetic", "glass", "--bank", "50", "--fps", str(FPS)), threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(simulator, folder, {"virtual_detectors": VIRTUAL})
        control = Control(daemon.control)
        control.wait_state("idle")
        context = zmq.Context()
        stuck = context.socket(zmq.SUB)
        stuck.rcvhwm, stuck.rcvbuf = 1, 4096
        stuck.subscribe("")
        stuck.connect(daemon.results)
        clients = [Client(daemon.control, ends) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        run = control("start", scan=[lines, NX])["id"]
        summary = control.wait_finished(run, 600)
        ends.set()
        for client in clients:
            client.join()
        context.destroy(0)
        control.close()
        daemon.stop()
    simulator.stop()
    if summary["reason"] != "complete" or summary["frames"]["stalled"]:
        print(f"note: the scan among {CLIENTS} clients ended {summary['reason']}, {summary['frames']['stalled']} stalls", file=sys.stderr)
    return [took for client in clients for took in client.took]


def gaps(scans):
    simulator = Simulator("--synthetic", "glass", "--bank", "50", "--fps", "1000")
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(simulator, folder, {"virtual_detectors": VIRTUAL})
        control = Control(daemon.control)
        control.wait_state("idle")
        control("start", scan=[10, 10], series={"scans": scans, "drift": "bf"})
        while control("series")["going_on"]:
            time.sleep(0.05)
        found = [row["gap_s"] for row in control("series")["rows"][1:]]
        control.close()
        daemon.stop()
    simulator.stop()
    return found


def main():
    parser = argparse.ArgumentParser(prog="bench.sh latency", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--lines", type=int, default=100, help="of the scan, 100 positions each (default 100)")
    arguments = parser.parse_args()
    result, answers = {}, []
    for way, settings in WAYS.items():
        rows, some = rows_and_status(settings, arguments.lines)
        result[way], answers = summary(rows), answers + some
    result["status"] = summary(answers)
    result["50 clients"] = summary(crowd(arguments.lines))
    result["series gap"] = summary(gaps(20))
    if arguments.json:
        print(json.dumps(result))
    else:
        for name, entry in result.items():
            which, most = TARGETS.get(name, (None, None))
            target = f"   at most {most} ms ({which.split('_')[0]}): {'yes' if entry[which] <= most else 'NO'}" if which else ""
            print(f"{name:14s} median {entry['median_ms']:8.2f} ms   99 % {entry['p99_ms']:8.2f} ms   n {entry['n']:6d}{target}")


if __name__ == "__main__":
    main()
