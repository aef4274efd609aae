"""Holds messages against the schemas in schemas/.

    validate("request", {...})        request, reply, run, status
    validate("result/start", {...})   member result of a good reply, by command
    validate("merlind/map", header)   a published header, by its member schema
    validate_published(topic, header, parts)   a whole published message, raw parts included
    validate_reply(cmd, reply, parts)          a whole reply to a command

All raise AssertionError with the place in the message that is wrong.
"""
import functools
import json
import math
import pathlib
import threading

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


def schemas():
    """All schemas by file name."""
    return dict(_store)


def errors(kind, message):
    """What is wrong with a message, a line each."""
    with _lock:  # a resolver remembers where it is, and viewers have threads
        found = sorted(_validator(kind).iter_errors(message), key=lambda e: [str(p) for p in e.absolute_path])
    return ["/".join(map(str, e.absolute_path)) + ": " + e.message[:300] for e in found]


def validate(kind, message):
    wrong = errors(kind, message)
    assert not wrong, f"not a valid {kind}:\n  " + "\n  ".join(wrong)


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
