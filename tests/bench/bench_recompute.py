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
import sys
import threading
import time

from bench import FORMATS, Client, Failure
from bench_turns import recorded_run, table, take_turns


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

    run, summary = recorded_run(form, gigabytes, {"recording.recompute_wait": 0}, moved if again else None)
    return {**run, "unrecorded": summary["frames"]["unrecorded"], "chunks": movers[0].chunks if again else 0}


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
    try:
        result = take_turns(arguments.formats, ("off", "again"), arguments.runs,
                            lambda form, cell: measure(form, cell == "again", arguments.gigabytes), "chunks")
    except Failure as failure:
        print(f"bench.sh recompute: {failure}", file=sys.stderr)
        return 1
    print(json.dumps(result)) if arguments.json else table(result, "chunks", ".0f")
    return 0 if all(told["lost"] == 0 for cells in result.values() for told in cells.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
