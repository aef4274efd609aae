#!/usr/bin/python3
"""Makes a C file of files that merlind serves: embed.py OUT.c NAME PREFIX FILE...

The array `const struct asset NAME[]` (daemon/assets.h) has each FILE as it is, packed by gzip where that gains
something, and an ETag of its content. A file is served as PREFIX and its name; index.html also as PREFIX alone. With the
same files the output is the same, byte by byte.
"""
import gzip
import hashlib
import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}
GAIN = 0.9  # packed only when it is smaller than this


def c_array(name: str, data: bytes) -> str:
    lines = [",".join(map(str, data[i:i + 32])) for i in range(0, len(data), 32)]
    return f"static const uint8_t {name}[] = {{\n" + ",\n".join(lines or ["0"]) + "};\n"


def embed(number: int, path: pathlib.Path, prefix: str) -> tuple[str, list[str]]:
    """The arrays of one file, and its rows of the table."""
    data = path.read_bytes()
    packed = gzip.compress(data, 9, mtime=0)
    if len(packed) > GAIN * len(data):
        packed = b""
    if path.suffix not in TYPES:
        raise SystemExit(f"{path}: no content type is known for '{path.suffix}': add it to scripts/embed.py")
    arrays = c_array(f"file_{number}", data)
    packed_name = "NULL"
    if packed:
        packed_name = f"packed_{number}"
        arrays += c_array(packed_name, packed)
    tag = hashlib.sha256(data).hexdigest()[:20]
    names = [path.name] + ([""] if path.name == "index.html" else [])
    rows = [f'    {{"{prefix}{name}", "{TYPES[path.suffix]}", "\\"{tag}\\"", "\\"{tag}-gz\\"", file_{number}, {len(data)}, '
            f"{packed_name}, {len(packed)}}},\n" for name in names]
    return arrays, rows


def main() -> None:
    out, name, prefix, *files = sys.argv[1:]
    text = "/* Made by scripts/embed.py. */\n#include \"daemon/assets.h\"\n\n"
    table: list[str] = []
    for number, file in enumerate(files):
        arrays, rows = embed(number, pathlib.Path(file), prefix)
        text += arrays
        table += rows
    text += f"\nconst struct asset {name}[] = {{\n{''.join(table)}    {{NULL}},\n}};\n"
    pathlib.Path(out).write_text(text)


if __name__ == "__main__":
    main()
