"""merlind-protocol(7) lists what the daemon's table of commands and the schemas have, and nothing else."""
import json
import subprocess
import unittest

import schema_check
from harness import TOP, SystemTest, run_ctl

PLAIN = True


class ProtocolPage(SystemTest):
    def begin(self):
        self.daemon = self.start_daemon(None)
        return self.control(self.daemon)("describe")

    def test_the_page_is_what_the_script_makes_of_table_and_schemas(self):
        self.begin()
        described = run_ctl(self.daemon, "request", "describe", "--json")
        done = subprocess.run(["/usr/bin/python3", TOP / "scripts" / "protocol_page.py", "--check"], input=described.stdout, capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_command_is_in_the_schemas_and_in_the_long_text(self):
        described = self.begin()
        schemas = schema_check.schemas()
        self.assertEqual(sorted(described["commands"]), sorted(schemas["request.json"]["properties"]["cmd"]["enum"]))
        self.assertLessEqual(set(described["commands"]), set(schemas["results.json"]["$defs"]))
        self.assertEqual(sorted(described["schemas"]), sorted(schemas))
        text = (TOP / "schemas" / "protocol.md").read_text()
        listed = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
        self.assertEqual([name for name in described["commands"] if name not in listed], [])
        for topic in described["topics"]:
            self.assertIn(f"| `{topic}`", text)

    def test_a_schema_comes_with_describe(self):
        self.begin()
        control = self.control(self.daemon)
        for name, schema in schema_check.schemas().items():
            self.assertEqual(control("describe", schema=name)["schema"], schema)
        done = run_ctl(self.daemon, "request", "describe", "schema=nothing.json", "--json")
        self.assertEqual((done.returncode, json.loads(done.stdout)["error"]["field"]), (2, "args.schema"))


if __name__ == "__main__":
    unittest.main()
