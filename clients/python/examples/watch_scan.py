#!/usr/bin/env python3
"""Starts a scan and saves, or shows, one of its maps while it grows.

    watch_scan.py --scan 64x64 --map adf -o adf.npy
    watch_scan.py --scan 64x64 --map com_x --plot

Exit status: 0 the scan is complete, 1 it ended otherwise, 2 it could not be started.
"""
import argparse
import os
import sys

import numpy as np

try:
    from merlind import Merlind, MerlindError
except ImportError:  # not installed: take the module that lies beside this folder
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    from merlind import Merlind, MerlindError


def scan_shape(text):
    ny, _, nx = text.lower().partition("x")
    return int(ny), int(nx)


def save(path, image):
    """Whoever reads the file while the scan runs never sees half of one. Not measured: 0, or NaN of a float map."""
    with open(path + ".part", "wb") as out:
        np.save(out, image.filled(np.nan if image.dtype.kind == "f" else 0))
    os.replace(path + ".part", path)


def make_plot(name):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(num=f"merlind: {name}")

    def show(image):
        axes.clear()
        axes.imshow(image)
        axes.set_title(f"{name}, {image.count()} of {image.size} positions")
        plt.pause(0.01)

    return show, plt.show


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scan", type=scan_shape, required=True, metavar="NYxNX", help="lines x positions per line")
    parser.add_argument("--map", required=True, metavar="NAME", help="which map, such as adf or com_x")
    parser.add_argument("-o", "--output", metavar="FILE.npy", help="save the map here after each update")
    parser.add_argument("--plot", action="store_true", help="show the map (matplotlib)")
    parser.add_argument("-e", "--endpoint", default="tcp://127.0.0.1:6350", help="merlind's control endpoint")
    arguments = parser.parse_args()
    if not arguments.output and not arguments.plot:
        parser.error("give -o FILE.npy, --plot or both")

    show, hold = make_plot(arguments.map) if arguments.plot else (None, None)
    with Merlind(arguments.endpoint) as merlind:
        run_id = merlind.start(scan=arguments.scan)["id"]
        for image in merlind.maps(arguments.map, run_id):
            print(f"\r{image.count()} of {image.size} positions", end="", file=sys.stderr, flush=True)
            if arguments.output:
                save(arguments.output, image)
            if show:
                show(image)
        summary = merlind.wait(run_id)
    print(file=sys.stderr)
    print(f"{summary['reason']}: {summary['file'] or 'not recorded'}")
    if hold:
        hold()
    return 0 if summary["reason"] == "complete" else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MerlindError as error:
        sys.exit(print(f"watch_scan.py: {error}", file=sys.stderr) or 2)
