#!/usr/bin/python3
"""Checks that every test that docs/reliability.md names is there: `module.Class.test`, and lines of the service's scenario.

Prints those that are not and exits 1 if there are any.
"""
import ast
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).parents[1]


def tests_of(module: str) -> set[str]:
    path = TOP / "tests/integration" / f"{module}.py"
    if not path.exists():
        return set()
    return {f"{module}.{item.name}.{test.name}" for item in ast.parse(path.read_text()).body if isinstance(item, ast.ClassDef)
            for test in item.body if isinstance(test, ast.FunctionDef)}


def main() -> int:
    text = (TOP / "docs/reliability.md").read_text()
    named = re.findall(r"`(test_\w+)\.(\w+\.\w+)`", text)
    missing = [f"{module}.{rest}" for module, rest in named if f"{module}.{rest}" not in tests_of(module)]
    scenario = (TOP / "tests/service/scenario.sh").read_text()
    lines = re.findall(r"\*service\*: (.+?) \|", text)
    missing += [f"service: {line}" for line in lines if f'check "{line}"' not in scenario]
    print("\n".join(f"docs/reliability.md names {name}, which is not there" for name in missing) or
          f"{len(named) + len(lines)} tests are there")
    return 1 if missing or not named or not lines else 0


if __name__ == "__main__":
    sys.exit(main())
