#!/usr/bin/python3
"""Checks the dashboard and the alerts of docs/monitoring: every figure that they name is one of docs/metrics.md, whose table is what merlind prints.

With promtool (Debian package prometheus) also whether the expressions are right, and what the alerts say to series of known values. Prints what is wrong
and exits 1 if anything is.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).parents[1]
FOLDER = TOP / "docs/monitoring"


def figures() -> dict[str, str]:
    """Type by name."""
    return dict(re.findall(r"^\| `(merlind_\w+)` \| (\w+) \|", (TOP / "docs/metrics.md").read_text(), re.M))


def expressions(item) -> list[str]:
    """Of a dashboard: the values of "expr" and "query", wherever they are."""
    if isinstance(item, dict):
        own = [value for key, value in item.items() if key in ("expr", "query") and isinstance(value, str)]
        return own + [e for value in item.values() for e in expressions(value)]
    return [e for value in item for e in expressions(value)] if isinstance(item, list) else []


def unknown(text: str, known: dict[str, str]) -> set[str]:
    """The figures that the text names and that are not there; of a histogram only its parts are."""
    names = {name + part for name, kind in known.items() for part in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))}
    return set(re.findall(r"\bmerlind_\w+", text)) - names


def promtool(*arguments: str) -> list[str]:
    done = subprocess.run(["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True)
    return [] if done.returncode == 0 else [f"promtool {' '.join(arguments)}:\n{done.stdout}{done.stderr}"]


def main() -> int:
    known, wrong = figures(), []
    dashboard = expressions(json.loads((FOLDER / "merlind-dashboard.json").read_text()))
    alerts = re.findall(r"^ *expr: (.+)$", (FOLDER / "merlind-alerts.yaml").read_text(), re.M)
    for name, texts in (("merlind-dashboard.json", dashboard), ("merlind-alerts.yaml", alerts)):
        missing = set().union(*(unknown(text, known) for text in texts))
        wrong += [f"{name} names {figure}, which merlind does not have" for figure in sorted(missing)]
    if shutil.which("promtool"):
        wrong += promtool("check", "rules", "merlind-alerts.yaml") + promtool("test", "rules", "merlind-alerts.test.yaml")
    print("\n".join(wrong) or f"{len(dashboard)} expressions of the dashboard and {len(alerts)} alerts are right")
    return 1 if wrong or not known or not dashboard or not alerts else 0


if __name__ == "__main__":
    sys.exit(main())
