#!/usr/bin/python3
"""Checks that includes point one way: common <- detector <- processing <- daemon; clients use only common.

Inside the daemon the sinks (record, publish, control, web) may include what lies below the daemon and the daemon's own
headers (daemon/*.h), not each other. Programs that live in a layer's folder (detector/sim) follow that layer's rule.
Prints every include that breaks the rule and exits 1 if there is one.
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
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def fault(source: pathlib.PurePath, target: pathlib.PurePath) -> str:
    """Why `source` may not include `target` (both relative to the top), or "" when it may."""
    layer = source.parts[0]
    if len(target.parts) == 1:
        return "includes are written from the top of the repository (layer/file.h)"
    if target.parts[0] not in BELOW[layer]:
        return f"{layer} may include only {', '.join(sorted(BELOW[layer]))}"
    if layer == "detector" and "sim" not in source.parts and "sim" in target.parts:
        return "the detector's clients do not know the simulator"
    if layer == "daemon" and len(source.parts) > 2 and source.parts[1] in SINKS:
        own = target.parts[0] == "daemon" and len(target.parts) > 2 and target.parts[1] != source.parts[1]
        if own:
            return f"daemon/{source.parts[1]} and daemon/{target.parts[1]} do not know each other"
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
