#!/usr/bin/python3
"""Counts the cases of a `meson test` run from its testlog.json: meson_results.py LOG [--json FILE].

A cmocka program counts once for every case that it names, any other program once. Output of programs that failed is printed.
"""
import json
import re
import sys

CASE = re.compile(r"^\[\s*(OK|FAILED|SKIPPED)\s*\] (\S+)$", re.MULTILINE)


def cases(entry):
    """(passed, failed names, skipped names) of one program."""
    name = entry["name"]
    text = (entry.get("stdout") or "") + "\n" + (entry.get("stderr") or "")
    by_kind = {"OK": set(), "FAILED": set(), "SKIPPED": set()}
    for kind, case in CASE.findall(text):
        by_kind[kind].add(f"{name}: {case}")
    if entry["result"] in ("OK", "EXPECTEDFAIL"):
        return max(len(by_kind["OK"]), 0 if by_kind["SKIPPED"] else 1), [], sorted(by_kind["SKIPPED"])
    if entry["result"] == "SKIP":
        return 0, [], [name]
    failed = sorted(by_kind["FAILED"]) or [f"{name} ({entry['result']}, {entry.get('returncode')})"]
    return len(by_kind["OK"] - by_kind["FAILED"]), failed, sorted(by_kind["SKIPPED"])


def main():
    passed, failed, skipped = 0, [], []
    with open(sys.argv[1]) as log:
        entries = [json.loads(line) for line in log if line.strip()]
    for entry in entries:
        ok, bad, left_out = cases(entry)
        passed, failed, skipped = passed + ok, failed + bad, skipped + [[name, ""] for name in left_out]
        if bad:
            print(f"--- {entry['name']}: {entry['result']}\n{entry.get('stdout') or ''}\n{entry.get('stderr') or ''}")
    if len(sys.argv) > 3 and sys.argv[2] == "--json":
        with open(sys.argv[3], "w") as out:
            json.dump({"passed": passed, "failed": failed, "skipped": skipped}, out)
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped ({len(entries)} programs)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
