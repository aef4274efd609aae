"""Holds what test_bragg_statistics_json has written against schemas/bragg.json. Usage: check_bragg_statistics.py FILE"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "integration"))
import schema_check  # noqa: E402


def no_constant(name):
    raise AssertionError(f"{name} is no JSON")


schema_check.validate("bragg", json.loads(pathlib.Path(sys.argv[1]).read_text(), parse_constant=no_constant))
