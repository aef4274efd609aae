"""What tests of merlin-file share."""
import json
import subprocess

from harness import BUILD, SANITIZER_REPORT, SystemTest, timeout

MERLIN_FILE = BUILD / "daemon" / "record" / "merlin-file"


class ToolTest(SystemTest):
    def run_tool(self, *arguments, status=0, **options):
        """Runs merlin-file; returns what it printed: stdout, or stderr where it is to fail."""
        done = subprocess.run([str(MERLIN_FILE), *[str(a) for a in arguments]], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout(60), **options)
        self.assertNotRegex(done.stderr, SANITIZER_REPORT)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stderr if status else done.stdout

    def run_tool_for_words(self, *arguments, status):
        """What it printed on stdout, whatever its exit status."""
        done = subprocess.run([str(MERLIN_FILE), *[str(a) for a in arguments]], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout(60))
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def info(self, path):
        return json.loads(self.run_tool("info", path, "--json"))
