#!/usr/bin/env python3
"""A focus series: a small unrecorded scan at every defocus, and the one at which a map is sharpest.

    focus_series.py --map bf --lens "microscope defocus" -- -40 -20 0 20 40

Sharpness is the variance of the differences of neighbours over the variance of the map: what blurs the image lowers it.
"""
import argparse
import shlex
import subprocess
import sys

import numpy as np

from merlind import Merlind


def sharpness(image):
    """Of a map [ny, nx], masked where nothing was measured; no units."""
    values = np.asarray(image.filled(np.nan) if image.dtype.kind == "f" else image.astype(float).filled(np.nan))
    differences = np.nanvar(np.diff(values, axis=0)) + np.nanvar(np.diff(values, axis=1))
    return float(differences / np.nanvar(values)) if np.nanvar(values) > 0 else 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--map", default="bf")
    parser.add_argument("--scan", default="32x32")
    parser.add_argument("--lens", help="the command that sets the defocus, which is added to it")
    parser.add_argument("defocus", type=float, nargs="+", help="nm")
    options = parser.parse_args()
    ny, nx = map(int, options.scan.split("x"))
    found = {}
    with Merlind() as m, m.holding_control("focus series"):
        for defocus in options.defocus:
            if options.lens:
                subprocess.run([*shlex.split(options.lens), f"{defocus:g}"], check=True)
            m.start((ny, nx), wait=True, recording=False, labels={"defocus": defocus})
            found[defocus] = sharpness(m.map(options.map))
            print(f"{defocus:8.1f} nm  {found[defocus]:.4f}", flush=True)
    print(f"sharpest at {max(found, key=found.get):g} nm")
    return 0


if __name__ == "__main__":
    sys.exit(main())
