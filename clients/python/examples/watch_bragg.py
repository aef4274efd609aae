#!/usr/bin/env python3
"""Scans until the fraction of patterns with Bragg reflections is known well enough, then stops.

    watch_bragg.py --scan 256x256 --width 0.02

The interval is the daemon's own (its headline: the effective sample size is taken into account). Bragg reflections must be
enabled in the daemon.
"""
import argparse
import sys
import time

from merlind import Merlind, MerlindError


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scan", default="256x256")
    parser.add_argument("--width", type=float, default=0.02, help="of the interval that is narrow enough")
    options = parser.parse_args()
    ny, nx = map(int, options.scan.split("x"))
    with Merlind() as m:
        run = m.start((ny, nx))["id"]
        while m.run(run)["state"] != "finished":
            time.sleep(0.5)
            try:
                headline = m.request("bragg")[0]["headline"]
            except MerlindError as error:
                if error.code != "no_data":  # still learning
                    raise
                continue
            if headline["fraction"] is None:
                continue
            low, high = headline["interval"]
            print(f"{headline['fraction']:.4f} ({low:.4f} to {high:.4f})", flush=True)
            if high - low < options.width:
                m.stop()
                break
        summary = m.wait(run)
    print(f"{summary['reason']}: {summary['frames']['received']} frames in {summary['file']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
