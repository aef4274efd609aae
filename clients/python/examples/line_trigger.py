#!/usr/bin/env python3
"""A scan whose lines are triggered by the scan generator: it is told to go when the detector is armed, not before.

    line_trigger.py 64x64 --generator "scangen start 64 64"

Exit status: 0 the scan is complete, 1 it is not.
"""
import argparse
import shlex
import subprocess
import sys

from merlind import Merlind


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scan", help="lines x positions per line, 64x64")
    parser.add_argument("--generator", required=True, help="the command that starts the scan generator")
    parser.add_argument("--preset", default="line-trigger")
    options = parser.parse_args()
    ny, nx = map(int, options.scan.split("x"))

    def armed(begun):
        print(f"armed for {begun['expected']} frames", flush=True)
        subprocess.Popen(shlex.split(options.generator))

    with Merlind() as m:
        summary = m.start((ny, nx), wait=True, preset=options.preset, armed=armed)
    print(f"{summary['reason']}: {summary['file']}")
    return 0 if summary["reason"] == "complete" else 1


if __name__ == "__main__":
    sys.exit(main())
