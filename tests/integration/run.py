#!/usr/bin/python3
"""Runs the integration tests: test_*.py (unittest) and check_*.sh beside this file.

    run.py [--json FILE] [--long] [--jobs N] [NAME...]

NAME selects what has it in its name (test_first_light, check_unit, a test's own name). Files run N at a time (default: two more than there are
CPUs), each in a process of its own, for most of a test is waiting. A file may say, in a line of its own: `SLOW = True`, it begins before the others;
`PARTS = 3`, so many processes share its tests; `ALONE = True`, it comes last, with no other beside it; `PLAIN = True`, it is not for sanitizers.
Under a sanitizer those tests run that sanitizers.txt tells (reach.py makes it), all with --long; a test that is named runs in any case.
A line is printed for every test with its time and that of the processors it used; the output of a test is shown only when it fails. --json writes {"passed",
"failed": [name...], "skipped": [[name, why]...]}. --long sets MERLIND_TEST_LONG=1. A check_*.sh passes by exit code 0 and is skipped by 77
(its last line says why).
"""
import argparse
import contextlib
import faulthandler
import functools
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import harness  # noqa: E402, F401 (what nearly every test needs; the forks have it then)
import schema_check  # noqa: E402
from programs import SCALE, die_with_parent  # noqa: E402

TEST_TIME = 240 * SCALE  # s; a test that takes longer hangs (the table of formats takes over a minute)


@functools.cache
def sanitized():
    """{test: the sanitizers under which it runs} as sanitizers.txt has it."""
    lines = [line.split() for line in (HERE / "sanitizers.txt").read_text().splitlines() if not line.startswith("#")]
    return {name: {address, thread} for address, thread, name in lines}


def chosen(test):
    """Whether a test that nobody has named runs: all do without a sanitizer."""
    sanitizer = os.environ.get("MERLIND_SANITIZER")
    if not sanitizer or os.environ.get("MERLIND_TEST_LONG"):
        return True
    return sanitizer in sanitized().get(test, {"address"})


class Tally:
    def __init__(self):
        self.passed, self.failed, self.skipped = [], [], []

    def counts(self):
        return {"passed": len(self.passed), "failed": [name for name, _ in self.failed], "skipped": self.skipped}

    def note(self, kind, name, took, more=""):
        getattr(self, {"ok": "passed", "FAIL": "failed", "skip": "skipped"}[kind]).append((name, more))
        print(f"  {kind:4s} {name} ({took}){': ' + more if more and kind == 'skip' else ''}", flush=True)


class Took:
    """As text, how long ago it was made, and how long processors have worked since for this process and for its children that have ended."""

    def __init__(self):
        self.wall, self.cpu = time.monotonic(), self.processors()

    @staticmethod
    def processors():
        used = os.times()
        return used.user + used.system + used.children_user + used.children_system

    def __str__(self):
        return f"{time.monotonic() - self.wall:.1f} s, {self.processors() - self.cpu:.1f} of a processor"


class LineResult(unittest.TestResult):
    """Tells the tally about each test as it ends."""

    def __init__(self, tally):
        super().__init__()
        self.tally, self.outcome = tally, None

    def startTest(self, test):
        super().startTest(test)
        self.took, self.outcome, self.output = Took(), ("ok", ""), io.StringIO()
        self.redirect = contextlib.redirect_stdout(self.output)
        self.redirect.__enter__()
        signal.alarm(int(TEST_TIME))

    def stopTest(self, test):
        signal.alarm(0)
        self.redirect.__exit__(None, None, None)
        kind, more = self.outcome
        self.tally.note(kind, short_name(test), self.took, more if kind == "skip" else "")
        if kind == "FAIL":
            print(indent(more), indent(self.output.getvalue()), sep="\n", flush=True)
        super().stopTest(test)

    def _failed(self, test, error):
        before = self.outcome[1] + "\n" if self.outcome[0] == "FAIL" else ""
        self.outcome = ("FAIL", before + self._exc_info_to_string(error, test))

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self._failed(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        if not hasattr(test, "_testMethodName"):  # a class or module that could not be set up
            self.tally.note("FAIL", str(test), "0 s")
            print(indent(self._exc_info_to_string(error, test)), flush=True)
            return
        self._failed(test, error)

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self._failed(test, error)

    def addSkip(self, test, reason):
        if self.outcome[0] == "ok":
            self.outcome = ("skip", reason)

    def addUnexpectedSuccess(self, test):
        self.outcome = ("FAIL", "passed though it is marked as an expected failure")


def short_name(test):
    return test.id() if isinstance(test, unittest.TestCase) else str(test)


def indent(text):
    return "\n".join("      | " + line for line in text.rstrip().splitlines())


def on_alarm(number, frame):
    faulthandler.dump_traceback()
    raise AssertionError(f"the test hung for {TEST_TIME:g} s")


def every_test(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from every_test(item)
        else:
            yield item


def run_python_file(tally, path, wanted, part, parts):
    suite = unittest.defaultTestLoader.discover(str(HERE), pattern=path.name)
    tests = [test for test in every_test(suite) if wanted(test.id())]
    unittest.TestSuite(tests[part::parts]).run(LineResult(tally))


def run_shell_file(tally, script):
    took = Took()
    process = subprocess.Popen(["bash", str(script)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
    try:
        output, _ = process.communicate(timeout=TEST_TIME)
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, code = (process.communicate()[0] or "") + f"\nhung for {TEST_TIME:g} s", -1
    lines = output.strip().splitlines() or [""]
    kind = {0: "ok", 77: "skip"}.get(code, "FAIL")
    tally.note(kind, script.stem, took, lines[-1] if kind == "skip" else "")
    if kind == "FAIL":
        print(indent(output + f"\nexit code {code}"), flush=True)


def run_file(path, names, part=0, parts=1):
    """Runs one file, or its part of so many, in this process. Returns its tally."""
    tally, took = Tally(), Took()
    if path.suffix == ".sh":
        run_shell_file(tally, path)
    else:
        run_python_file(tally, path, lambda test: any(name in test for name in names) if names else chosen(test), part, parts)
    if tally.passed or tally.failed or tally.skipped:
        print(f"  -- {path.stem}: {took}", flush=True)
    return tally


class Child:
    """One file, or its part of so many, in a process of its own: a fork, which need not import again what this one has."""

    def __init__(self, path, names, part=0, parts=1):
        self.path = path
        self.output, self.counts = tempfile.TemporaryFile("w+", errors="replace"), tempfile.TemporaryFile("w+")
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                die_with_parent()
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(self.output.fileno(), 1)
                os.dup2(self.output.fileno(), 2)
                json.dump(run_file(path, names, part, parts).counts(), self.counts)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                for stream in (self.counts, sys.stdout, sys.stderr):
                    stream.flush()
                os._exit(code)

    def result(self, status):
        """(output, counts), once it has ended with this status."""
        with self.output, self.counts:
            self.output.seek(0)
            self.counts.seek(0)
            if status == 0:
                return self.output.read(), json.load(self.counts)
            return (f"{self.output.read()}  FAIL {self.path.name}: its process ended with {os.waitstatus_to_exitcode(status)}\n",
                    {"passed": 0, "failed": [self.path.name], "skipped": []})


def run_children(waiting, jobs):
    """Runs files, [(path, names, part, parts)], so many at a time. Yields (output, counts) of each as it ends."""
    running = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            child = Child(*waiting.pop(0))
            running[child.pid] = child
        pid, status = os.wait()
        yield running.pop(pid).result(status)


def says(path, word):
    return bool(re.search(rf"^{word} = True\b", path.read_text(), re.MULTILINE))


def parts_of(path):
    said = re.search(r"^PARTS = (\d+)$", path.read_text(), re.MULTILINE)
    return int(said[1]) if said else 1


def chosen_files(names):
    """(those that may run side by side, those that want to be alone)"""
    files = sorted(HERE.glob("test_*.py"))
    sanitizer = os.environ.get("MERLIND_SANITIZER")
    if not sanitizer:  # what is installed does not depend on the sanitizer
        files += sorted(path for path in HERE.glob("check_*.sh"))
    if names:
        files = [path for path in files if path.suffix == ".py" or any(name in path.stem for name in names)]
    elif sanitizer and not os.environ.get("MERLIND_TEST_LONG"):
        some = {test.split(".")[0] for test in sanitized() if chosen(test)}
        files = [path for path in files if not says(path, "PLAIN") and (sanitizer == "address" or path.stem in some)]
    alone = [path for path in files if says(path, "ALONE")]
    together = [path for path in files if path not in alone]
    return sorted(together, key=lambda path: not says(path, "SLOW")), alone


def run_all(names, jobs):
    """Runs what is chosen. Returns the counts."""
    total = {"passed": 0, "failed": [], "skipped": []}

    def add(output, counts):
        print(output, end="", flush=True)
        for key in total:
            total[key] += counts[key]

    together, alone = chosen_files(names)
    schema_check.prepare()
    for done in run_children([(path, names, part, parts_of(path)) for path in together for part in range(parts_of(path))], jobs):
        add(*done)
    for done in run_children([(path, names) for path in alone], 1):
        add(*done)
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)) + 2)
    parser.add_argument("--file", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    if arguments.long:
        os.environ["MERLIND_TEST_LONG"] = "1"
    signal.signal(signal.SIGALRM, on_alarm)
    build = pathlib.Path(os.environ.get("MERLIND_BUILD") or HERE.parents[1] / "build")
    if not (build / "daemon" / "merlind").exists():
        print(f"run.py: there is no merlind in {build}: build it first (ninja -C {build}), or set MERLIND_BUILD")
        return 2
    if arguments.file:
        counts = run_file(arguments.file, arguments.names).counts()
    else:
        counts = run_all(arguments.names, arguments.jobs)
        print(f"{counts['passed']} passed, {len(counts['failed'])} failed, {len(counts['skipped'])} skipped")
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(counts))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
