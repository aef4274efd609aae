#!/usr/bin/python3
"""Runs the integration tests: test_*.py (unittest) and check_*.sh beside this file, one after the other.

    run.py [--json FILE] [--long] [NAME...]

NAME selects what has it in its name (test_first_light, check_install, a test's own name). A line is printed for every
test with its time; the output of a test is shown only when it fails. --json writes {"passed", "failed", "skipped": [[name,
why]...]}. --long sets MERLIND_TEST_LONG=1. A check_*.sh passes by exit code 0 and is skipped by 77 (its last line says why).
"""
import argparse
import contextlib
import faulthandler
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
SCALE = float(os.environ.get("MERLIND_TEST_SCALE") or 1)
TEST_TIME = 120 * SCALE  # s; a test that takes longer hangs


class Tally:
    def __init__(self):
        self.passed, self.failed, self.skipped = [], [], []

    def note(self, kind, name, seconds, more=""):
        getattr(self, {"ok": "passed", "FAIL": "failed", "skip": "skipped"}[kind]).append((name, more))
        print(f"  {kind:4s} {name} ({seconds:.1f} s){': ' + more if more and kind == 'skip' else ''}", flush=True)


class LineResult(unittest.TestResult):
    """Tells the tally about each test as it ends."""

    def __init__(self, tally):
        super().__init__()
        self.tally, self.outcome = tally, None

    def startTest(self, test):
        super().startTest(test)
        self.began, self.outcome, self.output = time.monotonic(), ("ok", ""), io.StringIO()
        self.redirect = contextlib.redirect_stdout(self.output)
        self.redirect.__enter__()
        signal.alarm(int(TEST_TIME))

    def stopTest(self, test):
        signal.alarm(0)
        self.redirect.__exit__(None, None, None)
        kind, more = self.outcome
        self.tally.note(kind, short_name(test), time.monotonic() - self.began, more if kind == "skip" else "")
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
            self.tally.note("FAIL", str(test), 0)
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


def run_python(tally, wanted):
    suite = unittest.defaultTestLoader.discover(str(HERE), pattern="test_*.py")
    result = LineResult(tally)
    chosen = unittest.TestSuite(test for test in every_test(suite) if wanted(test.id()))
    chosen.run(result)


def run_shell(tally, wanted):
    for script in sorted(HERE.glob("check_*.sh")):
        if not wanted(script.stem):
            continue
        began = time.monotonic()
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
        tally.note(kind, script.stem, time.monotonic() - began, lines[-1] if kind == "skip" else "")
        if kind == "FAIL":
            print(indent(output + f"\nexit code {code}"), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    if arguments.long:
        os.environ["MERLIND_TEST_LONG"] = "1"
    signal.signal(signal.SIGALRM, on_alarm)

    def wanted(name):
        return not arguments.names or any(part in name for part in arguments.names)

    build = pathlib.Path(os.environ.get("MERLIND_BUILD") or HERE.parents[1] / "build")
    if not (build / "daemon" / "merlind").exists():
        print(f"run.py: there is no merlind in {build}: build it first (ninja -C {build}), or set MERLIND_BUILD")
        return 2
    tally = Tally()
    run_python(tally, wanted)
    if not os.environ.get("MERLIND_SANITIZER"):  # what is installed does not depend on the sanitizer
        run_shell(tally, wanted)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(
            {"passed": len(tally.passed), "failed": [name for name, _ in tally.failed], "skipped": tally.skipped}))
    print(f"{len(tally.passed)} passed, {len(tally.failed)} failed, {len(tally.skipped)} skipped")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
