"""merlin-file slim: what is not a pattern is in the new file as it was."""
import unittest

import h5py
import numpy as np

from file_tool import ToolTest

SHAPE = (4, 6)


def walk(file):
    """{path: (attributes, values or None)} of everything below /entry."""
    found = {}

    def visit(name, item):
        attributes = {key: str(value) for key, value in item.attrs.items()}
        found[name] = (attributes, item[()] if isinstance(item, h5py.Dataset) else None)
    file["/entry"].visititems(visit)
    return found


class Slim(ToolTest):
    def record(self, **arguments):
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "%dx%d" % SHAPE, "--rows", "64", "--counts", "50", "--fps", "2000",
                                         "--flyback", "1")
        daemon = self.start_daemon(simulator)
        summary = self.run_scan(self.control(daemon), SHAPE, skip={"start": 0, "line": 1, "end": 0}, **arguments)
        return summary["file"]

    def slim(self, path):
        new = self.directory / "slim.h5"
        told = self.run_tool("slim", path, "-o", new)
        self.assertRegex(told, r"slim.h5: .* of ")
        return new

    def judge(self, path, new, images):
        with h5py.File(path, "r") as old_file, h5py.File(new, "r") as new_file:
            old, slim = walk(old_file), walk(new_file)
            self.assertNotIn("emd_group_type", new_file.attrs, "other readers would look for images")
            gone = {name for name in old if name not in slim}
            self.assertEqual({name for name in gone if not name.startswith("messages")}, images)
            self.assertEqual(set(slim) - set(old), set())
            for name, (attributes, values) in slim.items():
                if values is not None:
                    self.assertEqual(attributes, old[name][0], name)
                    np.testing.assert_array_equal(values, old[name][1], name)
            shown = new_file
            while "default" in shown.attrs:
                shown = shown[shown.attrs["default"]]
            self.assertEqual(shown[shown.attrs["signal"]].shape, SHAPE, "what a viewer shows first")

    def test_everything_but_the_patterns_is_there(self):
        path = self.record()
        self.judge(path, self.slim(path), {"data/data", "extra/data"})

    def test_both_counters(self):
        path = self.record(parameters={"ENABLECOUNTER1": 2, "CONTINUOUSRW": 0})
        self.judge(path, self.slim(path), {"data/data", "data_counter1/data", "extra/data"})

    def test_the_original_and_what_is_there_are_not_overwritten(self):
        path = self.record()
        self.assertIn("is the original", self.run_tool("slim", path, "-o", path, "--force", status=73))
        self.slim(path)
        self.assertIn("--force", self.run_tool("slim", path, "-o", self.directory / "slim.h5", status=73))


if __name__ == "__main__":
    unittest.main()
