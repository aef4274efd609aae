#!/usr/bin/python3
"""Measures what the frame stream costs; bench.sh frames calls this after the build.

Whole runs of merlind, recorded to memory (/dev/shm), with the detectors of bench.py and merlin-sim --fps max (synthetic glass):

    off            without a frame stream
    nobody         with one (decoded) that nobody pulls from
    stuck          the same with a puller that never reads
    farm           the same with two pullers, programs of their own that take messages and drop them
    compressed, stream2, stream2_bslz4   the same farm, in these formats

One run of each after the other, then the next round. Of each the highest rate and the least CPU time of merlind over the rounds, and the
share of the frames that the farm has taken, the median; all at once on one machine, so that a farm takes CPU time from the sender too.
"""
import argparse
import contextlib
import json
import subprocess
import sys

from bench import FORMATS, Failure
from bench_turns import recorded_run, table, take_turns

READER = """
import sys, zmq
socket = zmq.Context().socket(zmq.PULL)
socket.linger, socket.rcvhwm = 0, int(sys.argv[2])
socket.connect(sys.argv[1])
print("there", flush=True)
while True:
    socket.recv_multipart(copy=False)
"""
SLEEPER = READER.replace("    socket.recv_multipart(copy=False)", "    sys.stdin.read()")


@contextlib.contextmanager
def pullers(client, program, n):
    status = client("status")
    hwm = "64" if status["frame_stream"]["format"].startswith("stream2") else "2"  # images, chunks
    started = [subprocess.Popen([sys.executable, "-c", program, status["endpoints"]["frames"], hwm], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
               for _ in range(n)]
    try:
        for puller in started:
            puller.stdout.readline()
        while client("status")["frame_stream"]["pullers"] < n:
            pass
        yield
    finally:
        for puller in started:
            puller.kill()
            puller.communicate()


# name: (format, None: no stream; what the pullers do; how many)
CELLS = {
    "off": (None, READER, 0),
    "nobody": ("decoded", READER, 0),
    "stuck": ("decoded", SLEEPER, 1),
    "farm": ("decoded", READER, 2),
    "compressed": ("compressed", READER, 2),
    "stream2": ("stream2", READER, 2),
    "stream2_bslz4": ("stream2_bslz4", READER, 2),
}


def measure(form, cell, gigabytes):
    stream, program, n = CELLS[cell]
    settings = {"frames.enabled": stream is not None, "frames.format": stream or "decoded", "frames.endpoint": "tcp://127.0.0.1:0"}
    run, summary = recorded_run(form, gigabytes, {k: json.dumps(v) for k, v in settings.items()},
                                (lambda client: pullers(client, program, n)) if stream else None)
    counts = summary["frames"]
    return {"frames_per_s": run["frames_per_s"], "mb_per_s": run["mb_per_s"], "cpu_s_per_gb": run["cpu_s_per_gb"], "lost": run["lost"],
            "unrecorded": counts["unrecorded"], "taken": 1 - counts["unstreamed"] / counts["received"] if n and program is READER else 0}


def parse():
    parser = argparse.ArgumentParser(prog="bench.sh frames", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--runs", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--gigabytes", type=float, default=1, help="pixel data per run (default 1)")
    parser.add_argument("--formats", default="u8_256,u16_256", help="some of " + ",".join(FORMATS) + " (default u8_256,u16_256)")
    parser.add_argument("--cells", default=",".join(CELLS), help="some of " + ",".join(CELLS))
    arguments = parser.parse_args()
    arguments.formats, arguments.cells = arguments.formats.split(","), arguments.cells.split(",")
    for names, allowed in ((arguments.formats, FORMATS), (arguments.cells, CELLS)):
        for name in names:
            if name not in allowed:
                parser.error(f"'{name}' is none of {', '.join(allowed)}")
    return arguments


def main():
    arguments = parse()
    try:
        result = take_turns(arguments.formats, arguments.cells, arguments.runs,
                            lambda form, cell: measure(form, cell, arguments.gigabytes), "taken")
    except Failure as failure:
        print(f"bench.sh frames: {failure}", file=sys.stderr)
        return 1
    print(json.dumps(result)) if arguments.json else table(result, "taken", ".0%")
    return 0


if __name__ == "__main__":
    sys.exit(main())
