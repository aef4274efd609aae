#!/usr/bin/python3
"""Makes tests/integration/sanitizers.txt anew: which integration tests run under which sanitizer, by what they reach in the programs.

    CC=clang-14 meson setup build-reach --buildtype=plain -Db_lundef=false -Dbench=false \\
      '-Dc_args=-O1 -fsanitize=builtin -fsanitize-coverage=trace-pc-guard' '-Dc_link_args=-fsanitize=builtin -fsanitize-coverage=trace-pc-guard'
    ninja -C build-reach
    MERLIND_BUILD=build-reach MERLIND_SANITIZER=address tests/integration/reach.py measure DIRECTORY [NAME...]
    tests/integration/reach.py choose DIRECTORY >tests/integration/sanitizers.txt

`measure` runs one test after the other and keeps in DIRECTORY which edges of the programs' control flow each has passed, and what it cost; what is
there already is not measured again. It may run several times at once with different NAMEs. `choose` takes, test by test, the one that adds most
edges for its cost, until ADDRESS of all edges that any test passes are passed; the last few in a hundred would take longer than all others
together. So it does for the thread sanitizer, among the tests in which threads meet. A test that failed or was skipped is not in the list.
"""
import json
import os
import pathlib
import signal
import struct
import sys
import time
import unittest

import run

ADDRESS = 0.97  # of the edges
THREAD = 0.98
# The tests in which merlind's threads meet.
THREADED = ("test_accounting.", "test_first_light.", "test_live_detectors.", "test_recording_faults.", "test_view.", "test_overload.",
            "test_service.Ending.", "test_service.Requests.", "test_web_live.Live.", "test_web.Metrics.",
            "test_frame_stream.FrameStream.test_two_pullers", "test_frame_stream.FrameStream.test_stream2_messages",
            "test_web_hostile.Hostile.test_viewer_that_never_reads", "test_bragg_settings.Settings.test_a_kept",
            "test_bragg_classes.Classes.test_a_run_that_learns", "test_bragg_classes.Classes.test_live_and_final",
            "test_bragg_settings.Settings.test_settings_that_change")
# Those of them that end the threads or let one wait for another, which no count of edges tells.
ALWAYS = ("test_accounting.Accounting.test_complete_run", "test_service.Ending.test_sigterm_drains", "test_service.Ending.test_shutdown_request",
          "test_service.Ending.test_watchdog_hears_nothing", "test_overload.Overload.test_analysis_that_is_too_slow",
          "test_frame_stream.FrameStream.test_two_pullers")


def in_child(test, directory):
    """Runs one test in a process of its own, whose programs leave their edges in the directory. Returns what it cost."""
    directory.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.environ["UBSAN_OPTIONS"] = f"coverage=1:coverage_dir={directory}"
        output = open(directory / "log", "w")
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        signal.alarm(int(run.TEST_TIME))
        result = unittest.TextTestRunner(stream=output).run(unittest.TestSuite([test]))
        output.flush()
        os._exit(1 if not result.wasSuccessful() else 2 if result.skipped else 0)
    _, status, usage = os.wait4(child, 0)
    return {"id": test.id(), "code": os.waitstatus_to_exitcode(status), "cpu": usage.ru_utime + usage.ru_stime, "wall": time.monotonic() - began}


def measure(directory, names):
    tests = [test for path in sorted(run.HERE.glob("test_*.py")) if not run.says(path, "PLAIN")
             for test in run.every_test(unittest.defaultTestLoader.discover(str(run.HERE), pattern=path.name))
             if not names or any(name in test.id() for name in names)]
    known = {row["id"] for row in measured(directory)}
    for test in tests:
        if test.id() not in known:
            row = in_child(test, directory / "edges" / test.id())
            with open(directory / f"results.{os.getpid()}.jsonl", "a") as results:
                results.write(json.dumps(row) + "\n")
            print(f"{row['code']} {row['cpu']:5.1f} s {row['id']}", flush=True)


def measured(directory):
    return [json.loads(line) for path in sorted(directory.glob("results.*.jsonl")) for line in path.read_text().splitlines()]


def edges_of(directory):
    """{(program, address)}: a .sancov file is eight bytes of magic, then addresses of eight bytes."""
    edges = set()
    for path in directory.glob("*.sancov"):
        addresses = path.read_bytes()[8:]
        edges.update((path.name.split(".")[0], address) for address, in struct.iter_unpack("<Q", addresses[:len(addresses) // 8 * 8]))
    return edges


def cost(row):
    """Seconds of a processor; most of a wait is another test's time, but not all of it."""
    return max(0.1, row["cpu"] + 0.1 * min(row["wall"], 20))


def cheapest(rows, edges, share, first=()):
    """Names of the tests that together pass this share of all edges, `first` among them."""
    left = set().union(*(edges[row["id"]] for row in rows))
    enough = (1 - share) * len(left)
    chosen = {row["id"] for row in rows if row["id"].startswith(tuple(first))} if first else set()
    left.difference_update(*(edges[name] for name in chosen))
    while len(left) > enough:
        best = max(rows, key=lambda row: len(edges[row["id"]] & left) / cost(row))["id"]
        chosen.add(best)
        left -= edges[best]
    return chosen


def choose(directory):
    files = {path.stem for path in run.HERE.glob("test_*.py") if not run.says(path, "PLAIN")}
    rows = sorted((row for row in measured(directory) if row["code"] == 0 and row["id"].split(".")[0] in files), key=lambda row: row["id"])
    edges = {row["id"]: edges_of(directory / "edges" / row["id"]) for row in rows}
    address = cheapest(rows, edges, ADDRESS)
    thread = cheapest([row for row in rows if row["id"].startswith(THREADED)], edges, THREAD, ALWAYS)
    print("# Which integration tests run under which sanitizer without --long; made by reach.py, which says how. A test that is not here runs under\n"
          "# the address sanitizer and not under the thread sanitizer. address, thread, test:")
    for row in rows:
        print("address" if row["id"] in address else "-", "thread" if row["id"] in thread else "-", row["id"])
    for name, chosen in (("address", address), ("thread", thread)):
        print(f"{name}: {len(chosen)} of {len(rows)} tests, {sum(row['cpu'] for row in rows if row['id'] in chosen):.0f} of "
              f"{sum(row['cpu'] for row in rows):.0f} s of a processor", file=sys.stderr)


if __name__ == "__main__":
    action, place, *wanted = sys.argv[1:]
    pathlib.Path(place).mkdir(parents=True, exist_ok=True)
    measure(pathlib.Path(place).resolve(), wanted) if action == "measure" else choose(pathlib.Path(place))
