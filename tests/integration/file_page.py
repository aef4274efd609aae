"""What merlind-file(5) says of a recorded file, read from its source, and what a file has that the page does not name.

An entry of the page is one or more lines `*PATH* [SHAPE] TYPE, UNIT`, an indented text, and a line `Attributes: _NAME_, ...`. In a path capitals
stand for what changes: LAYER, SCAN, AXIS, NAME and SERIES for names, N, V and I for numbers.
"""
import pathlib
import re

import h5py

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/man/merlind-file.5.scd"
LAYER = r"(?:counter|layer)\d"
PLACEHOLDERS = {"LAYER": LAYER, "SCAN": rf"scan(?:_{LAYER})?", "NAME": r"[^/]+", "SERIES": r"[^/]+", "N": r"\d+", "V": r"\d+", "I": r"\d+", "AXIS": r"\w+"}
TYPES = {"u1", "u2", "u4", "u8", "i4", "i8", "f4", "f8", "text", "compound", "group", "link"}
ATTRIBUTE = re.compile(r" _((?:\\_|[^_])+)_(?=[,.])")
ENTRY = re.compile(r"^\*(/[^*]*)\* ?(\[[^\]]*\])? ?(.*?)(\+\+)?$")


def expression(words):
    """Of a path or an attribute with its placeholders; results may be those of a layer."""
    pattern = re.sub("|".join(rf"(?<![A-Za-z]){word}(?![A-Za-z])" for word in PLACEHOLDERS), lambda found: PLACEHOLDERS[found[0]], words)
    pattern = pattern.replace("/entry/results/", f"/entry/results/(?:{LAYER}/)?")
    return re.compile(pattern.replace("dimI", r"dim\d+") + "$")


class Entry:
    def __init__(self, path, shape, rest):
        self.path = expression(path)
        self.types = set(re.findall(r"\w+", rest.split(",")[0] if " or " not in rest else rest)) & TYPES
        # A shape in words is told elsewhere.
        self.rank = None if shape and not re.fullmatch(r"\[\w+(, \w+)*\]", shape) else len(shape.split(",")) if shape else 0
        self.attributes = []

    def fits(self, kind, rank):
        return kind in self.types and (kind == "group" or self.rank in (None, rank))


def read_page():
    entries, fresh = [], []
    for line in PAGE.read_text().splitlines():
        plain = line.replace("\\", "")
        found = ENTRY.match(plain)
        if found:
            fresh.append(Entry(found[1], found[2], found[3]))
        elif plain.startswith("\tAttributes:"):
            for entry in fresh:
                entry.attributes += [expression(name.replace("\\", "")) for name in ATTRIBUTE.findall(line)]
        elif not plain.strip():
            entries, fresh = entries + fresh, []
    return entries + fresh


def kind_of(dataset):
    if dataset.dtype.names:
        return "compound"
    return "text" if dataset.dtype.kind in "SO" else f"{dataset.dtype.kind}{dataset.dtype.itemsize}"


def everything(group, path=""):
    """(path, kind, number of axes, attributes) of a group and of all that is in it; a link is not followed."""
    yield path or "/", "group", 0, list(group.attrs)
    for name in group:
        here = f"{path}/{name}"
        if isinstance(group.get(name, getlink=True), h5py.SoftLink):
            yield here, "link", 0, []
            continue
        thing = group[name]
        if isinstance(thing, h5py.Group):
            yield from everything(thing, here)
        else:
            yield here, kind_of(thing), thing.ndim, list(thing.attrs)


class Page:
    def __init__(self):
        self.entries = read_page()

    def faults(self, file):
        """What an open file has and the page does not name, a sentence each."""
        found = []
        for path, kind, rank, attributes in everything(file):
            named = [entry for entry in self.entries if entry.path.match(path)]
            fitting = [entry for entry in named if entry.fits(kind, rank)]
            if not fitting:
                found.append(f"{path} ({kind}, {rank} axes) is " + ("not as merlind-file(5) says" if named else "not in merlind-file(5)"))
            for name in attributes:
                if fitting and not any(attribute.match(name) for entry in fitting for attribute in entry.attributes):
                    found.append(f"attribute {name} of {path} is not in merlind-file(5)")
        return found
