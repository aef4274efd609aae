#!/usr/bin/python3
"""The output of bench_kernels, from stdin, as the tables of docs/kernels.md."""
import json
import sys

DOSES = ("0.05", "0.3", "1", "10")
ISAS = ("avx512", "avx2", "plain")


def cell(value, dose):
    value = value.get(dose) if isinstance(value, dict) else value
    return "" if value is None else f"{value:.1f}" if value >= 9.95 else f"{value:.2f}"


def rows(form):
    isas = [isa for isa in ISAS if isa in form]
    for name in form[isas[0]]:
        first = form[isas[0]][name]
        for dose in DOSES if isinstance(first, dict) else ("any",):
            # What does not depend on the dose, and all plain code, is measured at 0.3.
            yield name, dose, [cell(form[isa][name], dose) if isa != "plain" or dose in ("any", "0.3") else "" for isa in isas]


def main():
    told = json.load(sys.stdin)
    for name, form in told.items():
        if name == "unit":
            continue
        isas = [isa for isa in ISAS if isa in form]
        print(f"\n### {name} (reading the frame once: {form['frame_sum']:.1f})\n")
        print("| | counts per pixel | " + " | ".join(isas) + " |")
        print("|---|---|" + "---|" * len(isas))
        for product, dose, values in rows(form):
            print(f"| {product} | {dose} | " + " | ".join(values) + " |")


if __name__ == "__main__":
    main()
