"""merlind.live: the plot that grows with the scan, in plain Python and in a notebook, against a real daemon and the simulator."""
import base64
import os
import subprocess
import sys
import unittest

import nbclient
import nbformat
import numpy as np

from harness import TOP, SystemTest, timeout

PLAIN = True

CLIENT = TOP / "clients" / "python"


class LivePlot(SystemTest):
    def begin(self, fps="2000"):
        simulator = self.start_simulator("--synthetic", "glass", "--bank", "50", "--fps", fps)
        self.daemon = self.start_daemon(simulator, {"virtual_detectors": [
            {"name": "dark_field", "shape": "annulus", "inner": 40, "outer": 110}, {"name": "bf", "shape": "disk", "radius": 20}]})
        control = self.control(self.daemon)
        control.wait_state("idle")
        return control

    def environment(self, **more):
        return {**os.environ, "PYTHONPATH": str(CLIENT), "MERLIND_ENDPOINT": self.daemon.control, **more}

    def test_it_grows_in_plain_python_and_ends_with_the_whole_map(self):
        control = self.begin(fps="200")
        code = """
import sys
import merlind
assert "matplotlib" not in sys.modules
import matplotlib.pyplot  # takes long: before the scan, of which something is to be left when the plot is there
with merlind.Merlind() as m:
    run = m.start((20, 40))["id"]
    plot = m.live("dark_field", "bf", run=run, interval=0.05)
    assert m.run(run)["reason"] == "complete"
plot.save("plot.png")
import numpy
numpy.save("shown.npy", plot.axes["bf"].images[0].get_array().filled(0))
print(plot.drawings, plot.maps["bf"].count(), plot.axes["bf"].get_title())
"""
        done = subprocess.run([sys.executable, "-B", "-c", code], cwd=self.directory, env=self.environment(MPLBACKEND="Agg"),
                              capture_output=True, text=True, timeout=timeout(120))
        self.assertEqual(done.returncode, 0, done.stderr)
        drawings, measured, title = done.stdout.split()
        self.assertGreaterEqual(int(drawings), 3)
        self.assertEqual((int(measured), title), (800, "bf"))
        np.testing.assert_array_equal(np.load(self.directory / "shown.npy"), control.array("map", "bf")[0]["data"])
        self.assertTrue((self.directory / "plot.png").read_bytes().startswith(b"\x89PNG"))

    @unittest.skipUnless(os.environ.get("MERLIND_TEST_LONG"), "a notebook's kernel takes long to start: --long")
    def test_in_a_notebook_the_picture_changes_in_its_place(self):
        self.begin()
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in (
            "import merlind\nm = merlind.Merlind()\nrun = m.start((20, 40))['id']",
            "plot = merlind.live('dark_field', m=m)",
            "print(plot.drawings, plot.maps['dark_field'].count())")])
        os.environ.update({k: self.environment()[k] for k in ("PYTHONPATH", "MERLIND_ENDPOINT")})
        nbclient.NotebookClient(notebook, timeout=int(timeout(120)), kernel_name="python3", resources={"metadata": {"path": str(self.directory)}}).execute()
        shown = notebook.cells[1].outputs
        self.assertEqual([output.output_type for output in shown], ["display_data"], "one picture, which was updated")
        self.assertTrue(base64.b64decode(shown[0].data["image/png"]).startswith(b"\x89PNG"))
        drawings, measured = notebook.cells[2].outputs[0].text.split()
        self.assertGreaterEqual(int(drawings), 1)
        self.assertEqual(int(measured), 800)

    def test_without_a_run_or_names_it_says_what_is_missing(self):
        self.begin()
        done = subprocess.run([sys.executable, "-B", "-c", "import merlind; merlind.live('bf')"], env=self.environment(MPLBACKEND="Agg"),
                              capture_output=True, text=True, timeout=timeout(60))
        self.assertIn("there was no run yet", done.stderr)


if __name__ == "__main__":
    unittest.main()
