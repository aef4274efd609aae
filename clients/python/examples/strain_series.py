#!/usr/bin/env python3
"""A series of scans at several strains, written to a CSV file: how many patterns hold Bragg reflections at each.

    strain_series.py --specimen PdSi-3 --scan 64x64 --scans 3 -o strain.csv 0 2 4 8

Before each strain it asks for it (Return goes on), or calls --stage with the strain added.
"""
import argparse
import csv
import shlex
import subprocess
import sys

from merlind import Merlind

COLUMNS = ("value", "scans", "n", "fraction", "low", "high", "method", "dose")


def measure(m, options, strain):
    ny, nx = map(int, options.scan.split("x"))
    m.start((ny, nx), labels={"specimen": options.specimen, "strain": strain}, scans=options.scans, drift=options.drift)
    rows = m.series(wait=True)
    whole = sum(row.get("reason") == "complete" for row in rows)
    print(f"strain {strain:g}: {whole} of {options.scans} scans complete", flush=True)
    return whole == options.scans


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--specimen", required=True)
    parser.add_argument("--scan", default="64x64")
    parser.add_argument("--scans", type=int, default=1, help="at each strain")
    parser.add_argument("--drift", help="the map whose drift from scan to scan is measured")
    parser.add_argument("--stage", help="the command that sets the strain")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("strain", type=float, nargs="+", help="per cent")
    options = parser.parse_args()
    with Merlind() as m, m.holding_control(f"strain series of {options.specimen}"):
        for strain in options.strain:
            if options.stage:
                subprocess.run([*shlex.split(options.stage), f"{strain:g}"], check=True)
            else:
                input(f"set {strain:g} per cent and press Return ")
            if not measure(m, options, strain):
                return 1
        table = m.request("bragg_series", label="strain")[0]["series"]
    with open(options.output, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        for row in table["rows"]:
            writer.writerow({**row, "low": row["interval"][0], "high": row["interval"][1]})
    print(f"{len(table['rows'])} strains in {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
