"""Holds messages against the schemas in schemas/.

    validate("request", {...})        request, reply, run, status
    validate("result/start", {...})   member result of a good reply, by command
    validate("merlind/map", header)   a published header, by its member schema
    validate_published(topic, header, parts)   a whole published message, raw parts included
    validate_reply(cmd, reply, parts)          a whole reply to a command

All raise AssertionError with the place in the message that is wrong.

Most messages are right, and jsonschema takes milliseconds to find that; so fastjsonschema, to which the schemas are put as it knows them, judges
first, in some 0.1 ms. What it refuses goes to jsonschema, which says why. test_schemas.py holds the two against each other.
"""
import functools
import json
import math
import pathlib
import threading

import fastjsonschema
import jsonschema

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"

_lock = threading.Lock()
_store = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}


def _file_and_pointer(kind):
    family, _, name = kind.partition("/")
    if family == "result":
        return "results.json", f"/$defs/{name}"
    if family == "merlind":
        return f"header-{name}.json", ""
    return f"{kind}.json", ""


@functools.lru_cache(maxsize=None)
def _validator(kind):
    file, pointer = _file_and_pointer(kind)
    if file not in _store:
        raise KeyError(f"no schema for {kind!r}: {file} is not in {SCHEMAS}")
    resolver = jsonschema.RefResolver(file, _store[file], store=_store)
    return jsonschema.Draft202012Validator({"$ref": f"{file}#{pointer}"}, resolver=resolver)


ANNOTATIONS = {"$schema", "$id", "$comment", "title", "description", "default"}


def _in_draft_7(schema, file):
    """A schema of draft 2020-12 as fastjsonschema reads it: draft 7, in which nothing stands beside $ref. References lead into _all_in_draft_7()."""
    if isinstance(schema, bool):
        return schema
    older = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            older[key] = {name: _in_draft_7(one, file) for name, one in value.items()}
        elif key in ("allOf", "anyOf", "oneOf"):
            older[key] = [_in_draft_7(one, file) for one in value]
        elif key in ("additionalProperties", "propertyNames", "not", "if", "then", "else"):
            older[key] = _in_draft_7(value, file)
        elif key == "items":
            older["additionalItems" if "prefixItems" in schema else "items"] = _in_draft_7(value, file)
        elif key == "prefixItems":
            older["items"] = [_in_draft_7(one, file) for one in value]
        elif key == "dependentRequired":
            older["dependencies"] = value
        elif key == "$ref":
            other, _, pointer = value.partition("#")
            older[key] = f"#/$defs/{other or file}{pointer}"
        elif key not in ANNOTATIONS:
            older[key] = value
    if "$ref" in older and len(older) > 1:
        older = {"allOf": [{"$ref": older.pop("$ref")}, older]}
    return older


@functools.lru_cache(maxsize=None)
def _all_in_draft_7():
    return {name: _in_draft_7(schema, name) for name, schema in _store.items()}


@functools.lru_cache(maxsize=None)
def _quick_judge(kind):
    file, pointer = _file_and_pointer(kind)
    _validator(kind)  # which says it when there is no such kind
    return fastjsonschema.compile({"$defs": _all_in_draft_7(), "$ref": f"#/$defs/{file}{pointer}"}, use_default=False)


def prepare():
    """Compiles what nearly every test needs."""
    for kind in ("reply", "result/status", "result/run", "result/start", "merlind/status", "merlind/event", "merlind/map"):
        _quick_judge(kind)


def is_valid(kind, message):
    """The quick judge's word."""
    try:
        _quick_judge(kind)(message)
    except fastjsonschema.JsonSchemaValueException:
        return False
    return True


def schemas():
    """All schemas by file name."""
    return dict(_store)


def errors(kind, message):
    """What is wrong with a message, a line each."""
    with _lock:  # a resolver remembers where it is, and viewers have threads
        found = sorted(_validator(kind).iter_errors(message), key=lambda e: [str(p) for p in e.absolute_path])
    return ["/".join(map(str, e.absolute_path)) + ": " + e.message[:300] for e in found]


def validate(kind, message):
    if is_valid(kind, message):
        return
    wrong = errors(kind, message) or ["refused by fastjsonschema alone"]
    raise AssertionError(f"not a valid {kind}:\n  " + "\n  ".join(wrong))


def _check_parts(described, parts):
    assert len(described) == len(parts), f"{len(described)} parts are described, {len(parts)} came"
    for one, part in zip(described, parts):
        size = len(part) if one["encoding"] != "raw" else math.prod(one["shape"]) * int(one["dtype"][2:])
        assert one["nbytes"] == size == len(part), (
            f"part {one['name']}: nbytes {one['nbytes']}, {one['shape']} of {one['dtype']} is {size}, {len(part)} came")
        assert len(one["dims"]) == len(one["shape"]), f"part {one['name']}: {one['dims']} for {one['shape']}"


def validate_published(topic, header, parts=()):
    topic = topic.decode() if isinstance(topic, bytes) else topic
    kind = header.get("schema", "")
    assert topic.split("/")[0] == kind.removeprefix("merlind/"), f"{kind} came under topic {topic}"
    validate(kind, header)
    _check_parts(header["parts"], parts)
    if kind in ("merlind/map", "merlind/pattern", "merlind/profile"):
        assert topic == f"{kind.removeprefix('merlind/')}/{header['name']}/", f"{header['name']} came under {topic}"
    if kind == "merlind/map":
        (first, count), nx = header["rows"], header["shape"][-1]
        ny = math.prod(header["shape"][:-1])  # the lines of all passes
        assert first + count <= ny, f"rows {header['rows']} of {ny}"
        assert not header["key"] or (first, count) == (0, ny), f"a key frame of rows {header['rows']} of {ny}"
        for part in header["parts"]:
            assert part["shape"] == [count, nx], f"{part['name']} is {part['shape']}, not {[count, nx]}"


def validate_reply(cmd, reply, parts=()):
    validate("reply", reply)
    if reply["ok"]:
        validate(f"result/{cmd}", reply["result"])
        _check_parts(reply["result"].get("parts", []), parts)
    else:
        assert not parts, "a refusal came with raw parts"
