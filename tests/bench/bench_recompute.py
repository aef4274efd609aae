#!/usr/bin/python3
"""Measures what computing again costs a run that goes on; bench.sh recompute calls this after the build.

Whole runs of merlind, recorded to memory (/dev/shm), with the detectors of bench.py and merlin-sim --fps max (synthetic glass):

    off      nothing is computed again
    again    from the start on a detector is moved and computed again over all frames so far, once more as soon as that is done

One run of each after the other, then the next round. Of each the highest rate and the least CPU time of merlind over the rounds, and how
many chunks were computed again, the median. Nothing is held back: there is no CPU time to spare, and what computing again takes of it shows.
"""
import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import threading
import time

from bench import FORMATS, Client, Failure, run_of_pipeline, scan_of


class Mover(threading.Thread):
    """Moves a detector and has it computed again, over and over."""

    def __init__(self, endpoints):
        super().__init__()
        self.endpoints, self.over, self.chunks = endpoints, threading.Event(), 0

    def run(self):
        client = Client(self.endpoints["control"], self.endpoints["results"])
        try:
            radius = 20
            while not self.over.is_set():
                time.sleep(0.01)
                with contextlib.suppress(Failure):  # there is no file yet, or no more
                    radius = 20 + (radius - 19) % 60
                    if client("status")["state"] == "acquiring":
                        client("virtual_detector", name="moved", shape="disk", radius=radius)
                        client("recompute", name="moved")
                        self.chunks += self.wait(client)
        finally:
            client.close()

    def wait(self, client):
        """Returns how many chunks were done."""
        done = 0
        while not self.over.is_set():
            progress = client("status")["recompute"]
            if progress is None or progress["finished"]:
                return progress["done"] if progress else done
            done = progress["done"]
            time.sleep(0.01)
        return done


def measure(form, again, gigabytes):
    movers = []

    @contextlib.contextmanager
    def moved(client):
        movers.append(Mover(client("status")["endpoints"]))
        movers[0].start()
        try:
            yield
        finally:
            movers[0].over.set()
            movers[0].join()

    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="merlind-bench-", dir=memory) as directory:
        run, summary = run_of_pipeline(form, scan_of(form, gigabytes), directory, {"recording.recompute_wait": 0},
                                       moved if again else lambda client: contextlib.nullcontext())
    return {**run, "unrecorded": summary["frames"]["unrecorded"], "chunks": movers[0].chunks if again else 0}


def best_of(runs):
    return {"frames_per_s": max(run["frames_per_s"] for run in runs), "mb_per_s": max(run["mb_per_s"] for run in runs),
            "cpu_s_per_gb": min(run["cpu_s_per_gb"] for run in runs), "chunks": statistics.median(run["chunks"] for run in runs),
            "lost": sum(run["lost"] + run["unrecorded"] for run in runs), "runs": len(runs)}


def table(result):
    print(f"{'format':8s} {'':6s} {'frames/s':>9s} {'MB/s':>6s} {'CPU s/GB':>9s} {'chunks':>7s} {'lost':>5s}")
    for form, cells in result.items():
        for cell, told in cells.items():
            print(f"{form:8s} {cell:6s} {told['frames_per_s']:9.0f} {told['mb_per_s']:6.0f} {told['cpu_s_per_gb']:9.3f} {told['chunks']:7.0f} {told['lost']:5d}")


def parse():
    parser = argparse.ArgumentParser(prog="bench.sh recompute", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--runs", type=int, default=3, help="rounds (default 3)")
    parser.add_argument("--gigabytes", type=float, default=2, help="pixel data per run (default 2)")
    parser.add_argument("--formats", default="u8_256", help="some of " + ",".join(FORMATS) + " (default u8_256)")
    arguments = parser.parse_args()
    arguments.formats = arguments.formats.split(",")
    for form in arguments.formats:
        if form not in FORMATS:
            parser.error(f"'{form}' is none of {', '.join(FORMATS)}")
    return arguments


def main():
    arguments = parse()
    runs = {form: {"off": [], "again": []} for form in arguments.formats}
    try:
        for _ in range(arguments.runs):
            for form in arguments.formats:
                for cell, several in runs[form].items():
                    several.append(measure(form, cell == "again", arguments.gigabytes))
    except Failure as failure:
        print(f"bench.sh recompute: {failure}", file=sys.stderr)
        return 1
    result = {form: {cell: best_of(several) for cell, several in cells.items()} for form, cells in runs.items()}
    print(json.dumps(result)) if arguments.json else table(result)
    return 0 if all(told["lost"] == 0 for cells in result.values() for told in cells.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
