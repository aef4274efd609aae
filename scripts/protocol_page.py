#!/usr/bin/python3
"""The parts of merlind-protocol(7) that list commands, topics and events, from the schemas and the daemon's own table of commands:

    merlinctl request describe --json | scripts/protocol_page.py [--check]

Puts them into docs/man/merlind-protocol.7.scd between its marks; with --check only says whether they are there as they would be
put (exit status 1: they are not).
"""
import json
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
SCHEMAS = {path.name: json.loads(path.read_text()) for path in (TOP / "schemas").glob("*.json")}
PAGE = TOP / "docs" / "man" / "merlind-protocol.7.scd"
EFFECTS = {"always": "changes something: operator", "never": "only reads: viewer"}


def resolve(schema, file):
    """A schema with what it refers to, its own members winning, and the file that its references are of."""
    while "$ref" in schema:
        name, _, pointer = schema["$ref"].partition("#")
        file = name or file
        target = SCHEMAS[file]
        for step in pointer.strip("/").split("/") if pointer.strip("/") else ():
            target = target[step]
        schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
    return schema, file


def kind(schema, file):
    """The type of a value in a few words."""
    schema, file = resolve(schema, file)
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return ", ".join(value if isinstance(value, str) else json.dumps(value) for value in schema["enum"])
    for several in ("oneOf", "anyOf"):
        if several in schema and "type" not in schema:
            return " or ".join(dict.fromkeys(kind(one, file) for one in schema[several]))
    name = schema.get("type", "any")
    name = " or ".join(name) if isinstance(name, list) else name
    if name == "array" and isinstance(schema.get("items"), dict):
        n = schema.get("maxItems") if schema.get("minItems") == schema.get("maxItems") else None
        return f"list of {n or ''} {kind(schema['items'], file)}".replace("  ", " ")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None or high is not None:
        name += f" {'' if low is None else f'from {low}'}{'' if high is None else f' to {high}'}".rstrip()
    return name


def escape(text):
    return re.sub(r"([*_\\`\[~#])", r"\\\1", text)


def member_line(name, schema, file, required):
    resolved, of_file = resolve(schema, file)
    told = resolved.get("description") or resolved.get("title") or ""
    words = [kind(schema, file)] + (["required"] if name in required else [])
    return f"*{escape(name)}* ({escape('; '.join(words))}){': ' + escape(told) if told else ''}++\n"


def arguments(command):
    """The schema of its args, with those of all its forms."""
    for rule in SCHEMAS["request.json"]["allOf"]:
        wanted = rule["if"]["properties"]["cmd"]
        if command in wanted.get("enum", [wanted.get("const")]):
            return resolve(rule["then"]["properties"]["args"], "request.json")[0]
    return {}


def result_members(schema, file="results.json"):
    schema, file = resolve(schema, file)
    members = dict(schema.get("properties", {}))
    for one in schema.get("allOf", ()):
        members.update(result_members(one, file))
    return members


def effect(row):
    if row["changes"] == "with":
        return f"changes something with {', '.join(row['changed_by'])}: then operator, else viewer"
    return EFFECTS[row["changes"]]


def command(row):
    args = arguments(row["name"])
    properties, told = args.get("properties", {}), args.get("description") or args.get("title", "")
    if set(properties) != set(row["args"]):
        raise SystemExit(f"{row['name']}: the daemon takes {sorted(row['args'])}, request.json has {sorted(properties)}")
    lines = [f"*{escape(row['name'])}*\n\t{escape(told.rstrip('.') + '. ' if told else '')}It {escape(effect(row))}.++\n"]
    lines += [member_line(name, properties[name], "request.json", args.get("required", ())) for name in row["args"]]
    members = result_members(SCHEMAS["results.json"]["$defs"][row["name"]])
    lines.append(f"Result: {escape(', '.join(members)) or 'none'}.\n")
    return "".join(lines)


def topic(name):
    schema = SCHEMAS[f"header-{name.split('/')[0]}.json"]
    own = [member for member in schema["properties"] if member not in SCHEMAS["common.json"]["$defs"]["header"]["properties"]]
    return f"*{escape(name)}*\n\t{escape(schema.get('description', schema['title']))}++\nMembers of its own: {escape(', '.join(own))}.\n"


def generated(described):
    parts = ["# COMMANDS\n\nA command's arguments, with their types, and the members of its result.\n"]
    parts += [command(row) for row in described["command_table"]]
    parts.append("# TOPICS\n\nWhat is published, by the beginning of its topic.\n")
    parts += [topic(name) for name in described["topics"]]
    parts.append("# SCHEMAS\n\n" + escape(", ".join(sorted(described["schemas"]))) + ".\n")
    return "\n".join(parts)


def main():
    begin, end = "; From here on made by scripts/protocol_page.py.\n\n", "\n; End of what scripts/protocol_page.py has made.\n"
    page = PAGE.read_text()
    made = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: begin + generated(json.load(sys.stdin)) + end, page, flags=re.S)
    if "--check" in sys.argv[1:]:
        if made != page:
            print("docs/man/merlind-protocol.7.scd is not what scripts/protocol_page.py makes: run it")
        return int(made != page)
    PAGE.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
