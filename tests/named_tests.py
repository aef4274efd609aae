#!/usr/bin/python3
"""Checks that every row of the tables of faults in docs/reliability.md names a test that is there: `module.Class.test`, a unit test, or a line of the
service's scenario.

Prints what is wrong and exits 1 if anything is.
"""
import ast
import functools
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).parents[1]


@functools.cache
def integration_tests(module: str) -> set[str]:
    path = TOP / "tests/integration" / f"{module}.py"
    if not path.exists():
        return set()
    return {f"{module}.{item.name}.{test.name}" for item in ast.parse(path.read_text()).body if isinstance(item, ast.ClassDef)
            for test in item.body if isinstance(test, ast.FunctionDef)}


def scenario_lines() -> set[str]:
    return set(re.findall(r'^check "(.+?)"', (TOP / "tests/service/scenario.sh").read_text(), re.M))


def unit_tests() -> set[str]:
    return {path.stem.removeprefix("test_") for path in (TOP / "tests/unit").rglob("test_*.c")}


def is_there(test: str) -> bool:
    """Of the last cell of a row."""
    if match := re.fullmatch(r"`((test_\w+)\.\w+\.\w+)`", test):
        return match[1] in integration_tests(match[2])
    if match := re.fullmatch(r"unit test `(\w+)`", test):
        return match[1] in unit_tests()
    if match := re.fullmatch(r"\*service\*: (.+)", test):
        return match[1] in scenario_lines()
    return False


def last_cells(text: str) -> list[str]:
    """Of the rows of every table whose last column is the test."""
    cells, inside = [], False
    for line in text.splitlines():
        if not line.startswith("|"):
            inside = False
        elif line.endswith("| test |"):
            inside = True
        elif inside and not line.startswith("|---"):
            cells.append(line.strip("|").rsplit("|", 1)[-1].strip())
    return cells


def main() -> int:
    named = last_cells((TOP / "docs/reliability.md").read_text())
    missing = [test for test in named if not is_there(test)]
    print("\n".join(f"docs/reliability.md: a row names {test or 'no test'}, which is not there" for test in missing) or
          f"the tests of all {len(named)} rows are there")
    return 1 if missing or len(named) < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
