#!/usr/bin/python3
"""catalog.py HEADER TEMPLATE: prints the journal's catalog, the names @MESSAGE_...@ of the template replaced by the header's numbers.

Every number must be explained once, and nothing else. Fields of an entry (@MERLIND_RUN@) are the journal's business and stay.
"""
import pathlib
import re
import sys


def main():
    header, template = (pathlib.Path(name).read_text() for name in sys.argv[1:3])
    numbers = dict(re.findall(r'#define (MESSAGE_\w+) "([0-9a-f]{32})"', header))
    explained = re.findall(r"^-- @(MESSAGE_\w+)@$", template, re.M)
    if sorted(explained) != sorted(numbers) or len(set(numbers.values())) != len(numbers):
        sys.exit(f"{sys.argv[2]} must explain each number of {sys.argv[1]} once; "
                 f"they differ in {sorted(set(explained) ^ set(numbers)) or 'numbers that are there twice'}")
    sys.stdout.write(re.sub(r"@(MESSAGE_\w+)@", lambda match: numbers[match[1]], template))


if __name__ == "__main__":
    main()
