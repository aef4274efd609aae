#!/usr/bin/python3
"""Checks that includes point one way: common <- detector <- processing <- daemon; clients use only common.

Inside processing and the daemon the rooms (folders) are floors, lowest first: a room includes its own files and those
of lower floors. Files that lie in the layer's own folder (the ring, the workers, the service) are not held to that.
The daemon's sinks (record, publish, control, web) are the top floor and do not know each other. Programs that live in a
layer's folder (detector/sim) follow that layer's rule. Prints every include that breaks the rule and exits 1 if there
is one.
"""
import pathlib
import re
import sys

BELOW = {
    "common": {"common"},
    "detector": {"common", "detector"},
    "processing": {"common", "detector", "processing"},
    "daemon": {"common", "detector", "processing", "daemon"},
    "clients": {"common", "clients"},
}
SINKS = {"record", "publish", "control", "web"}
FLOORS = {
    "processing": [
        {"statistics", "analysis"},
        {"pixels", "tables"},
        {"kernels", "bragg", "scan"},
        {"products"},
        {"run"},
        {"stored"},
        {"bragg_run"},
    ],
    "daemon": [{"config"}, {"calibration"}, {"results", "bragg", "files", "logbook"}, {"acquisition"}, SINKS, {"opened"}],
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def fault_between_rooms(layer: str, source: str, target: str) -> str:
    """Why a file in the room `source` may not include one in the room `target`, or ""."""
    floor = {room: number for number, rooms in enumerate(FLOORS[layer]) for room in rooms}
    for room in (source, target):
        if room not in floor:
            return f"{layer}/{room} has no floor: name it in FLOORS of tests/layering.py"
    if source == target or floor[target] < floor[source]:
        return ""
    if floor[target] == floor[source]:
        return f"{layer}/{source} and {layer}/{target} do not know each other"
    return f"{layer}/{target} lies above {layer}/{source}"


def fault(source: pathlib.PurePath, target: pathlib.PurePath) -> str:
    """Why `source` may not include `target` (both relative to the top), or "" when it may."""
    layer = source.parts[0]
    if len(target.parts) == 1:
        return "includes are written from the top of the repository (layer/file.h)"
    if target.parts[0] not in BELOW[layer]:
        return f"{layer} may include only {', '.join(sorted(BELOW[layer]))}"
    if layer == "detector" and "sim" not in source.parts and "sim" in target.parts:
        return "the detector's clients do not know the simulator"
    if layer in FLOORS and target.parts[0] == layer and len(source.parts) > 2 and len(target.parts) > 2:
        return fault_between_rooms(layer, source.parts[1], target.parts[1])
    return ""


def check(top: pathlib.Path) -> tuple[int, list[str]]:
    """How many includes there are, and a sentence for each that breaks the rule."""
    count, faults = 0, []
    for layer in BELOW:
        for path in sorted((top / layer).rglob("*.[ch]")):
            source = path.relative_to(top)
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                count += 1
                why = fault(source, pathlib.PurePath(match.group(1)))
                if why:
                    faults.append(f'{source}:{number}: includes "{match.group(1)}": {why}')
                elif not (top / match.group(1)).exists():
                    faults.append(f'{source}:{number}: includes "{match.group(1)}", which is not there')
    return count, faults


def main() -> int:
    top = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    count, faults = check(top)
    print("\n".join(faults) if faults else f"{count} includes point the right way")
    return 1 if faults or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
