"""The probes for tracers: what docs/tracing.md names is in the program, with as many arguments as it says."""
import pathlib
import re
import subprocess
import unittest

from harness import MERLIND, TOP

PLAIN = True


@unittest.skipUnless(pathlib.Path("/usr/include/x86_64-linux-gnu/sys/sdt.h").exists() or pathlib.Path("/usr/include/sys/sdt.h").exists(),
                     "there is no sys/sdt.h (Debian package systemtap-sdt-dev)")
class Probes(unittest.TestCase):
    def test_every_documented_probe_is_there_and_no_other(self):
        table = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", (TOP / "docs/tracing.md").read_text(), re.M)
        documented = {name: len(arguments.split(";")) for name, arguments in table}
        notes = subprocess.run(["readelf", "-n", "--wide", MERLIND], capture_output=True, text=True, check=True).stdout
        found = {name: len(arguments.split()) for name, arguments in
                 re.findall(r"Provider: merlind\s+Name: (\w+)\s+Location:.*\s+Arguments: (.*)", notes)}
        self.assertEqual(found, documented)
        self.assertEqual(len(found), 4)


if __name__ == "__main__":
    unittest.main()
