"""The schemas hold: they take every kept message, refuse the wrong ones, and are themselves what they ought to be."""
import collections
import functools
import itertools
import json
import pathlib
import unittest

import jsonschema

import schema_check

PLAIN = True

LEFT_OUT = object()
MESSAGES = pathlib.Path(__file__).resolve().parents[1] / "data" / "messages"


def kind_of(path):
    """result-start.example.json -> result/start"""
    kind = path.name.split(".")[0]
    family, dash, name = kind.partition("-")
    return f"{family}/{name}" if dash else kind


def objects_of(schema, path="#"):
    """Every schema inside a schema that describes the members of an object, with its place."""
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            yield path, schema
        for key, value in schema.items():
            yield from objects_of(value, f"{path}/{key}")
    elif isinstance(schema, list):
        for i, value in enumerate(schema):
            yield from objects_of(value, f"{path}/{i}")


def places_of(message, path=()):
    """The path of every value in a message."""
    for key, value in message.items() if isinstance(message, dict) else enumerate(message) if isinstance(message, list) else ():
        yield (*path, key)
        yield from places_of(value, (*path, key))


def spoilt(message, path, value):
    """The message with another value in this place; LEFT_OUT: with none."""
    copy = json.loads(json.dumps(message))
    *way, last = path
    inner = functools.reduce(lambda outer, key: outer[key], way, copy)
    if value is LEFT_OUT:
        del inner[last]
    else:
        inner[last] = value
    return copy


class Schemas(unittest.TestCase):
    def test_every_kept_message_is_valid(self):
        paths = sorted(MESSAGES.glob("*.json"))
        self.assertGreater(len(paths), 40)
        for path in paths:
            with self.subTest(path.name):
                schema_check.validate(kind_of(path), json.loads(path.read_text()))

    def test_every_wrong_message_is_refused(self):
        paths = sorted((MESSAGES / "wrong").glob("*.json"))
        self.assertGreater(len(paths), 25)
        for path in paths:
            with self.subTest(path.name):
                self.assertTrue(schema_check.errors(kind_of(path), json.loads(path.read_text())))

    def test_both_judges_say_the_same_of_every_message_right_wrong_or_spoilt(self):
        """What fastjsonschema lets pass jsonschema does not see any more."""
        verdicts = collections.Counter()
        values = itertools.cycle((LEFT_OUT, None, "", "word", -1, 0.5, 1e300, True, [], [[]], {}))
        for path in sorted(MESSAGES.rglob("*.json")):
            message = json.loads(path.read_text())
            places = list(places_of(message))
            few = len(places) <= 8
            tried = [message] + [spoilt(message, place, next(values)) for place in places[::1 if few else len(places) // 4]]
            tried += [spoilt(message, place, LEFT_OUT) for place in places if few]
            for one in tried:
                right = schema_check.is_valid(kind_of(path), one)
                verdicts[right] += 1
                self.assertEqual(right, not schema_check.errors(kind_of(path), one), (path.name, one))
        self.assertGreater(min(verdicts[True], verdicts[False]), 200, verdicts)

    def test_every_schema_is_one(self):
        for name, schema in schema_check.schemas().items():
            with self.subTest(name):
                jsonschema.Draft202012Validator.check_schema(schema)
                self.assertEqual(schema["$id"], name)
                self.assertTrue(schema["title"])

    def test_requests_are_closed_and_everything_else_is_open(self):
        for name, schema in schema_check.schemas().items():
            for place, inner in objects_of(schema):
                if place.startswith("#/$defs/header"):  # shared by schemas that are open themselves
                    continue
                with self.subTest(f"{name} {place}"):
                    if name == "configuration.json":  # what merlind does not know it refuses
                        self.assertIs(inner["additionalProperties"], False)
                    elif name == "request.json" and place != "#/properties/args":
                        self.assertNotEqual(inner.get("additionalProperties", True), True)
                    else:
                        self.assertIs(inner.get("additionalProperties", True), True)

    def test_what_the_daemon_sends_may_gain_members(self):
        for path in sorted(MESSAGES.glob("*.json")):
            kind = kind_of(path)
            message = json.loads(path.read_text())
            message["a_member_of_tomorrow"] = {"x": 1}
            with self.subTest(path.name):
                self.assertEqual(bool(schema_check.errors(kind, message)), kind in ("request", "configuration"))

    def test_every_member_that_is_required_is_described(self):
        for name, schema in schema_check.schemas().items():
            for place, inner in objects_of(schema):
                with self.subTest(f"{name} {place}"):
                    self.assertLessEqual(set(inner.get("required", ())), set(inner["properties"]))

    def test_a_published_message_is_held_against_its_parts(self):
        header = json.loads((MESSAGES / "merlind-map.rows.json").read_text())
        parts = [bytes(3 * 128 * 8), bytes(3 * 128)]
        schema_check.validate_published("map/adf/", header, parts)
        for topic, changed, sent in (
            ("map/bf/", header, parts),
            ("pattern/adf/", header, parts),
            ("map/adf/", header, [parts[0][:-1], parts[1]]),
            ("map/adf/", header, parts[:1]),
            ("map/adf/", dict(header, rows=[126, 3]), parts),
            ("map/adf/", dict(header, rows=[40, 4]), parts),
            ("map/adf/", dict(header, key=True), parts),
        ):
            with self.subTest(topic=topic, rows=changed["rows"], n=len(sent)), self.assertRaises(AssertionError):
                schema_check.validate_published(topic, changed, sent)


if __name__ == "__main__":
    unittest.main()
