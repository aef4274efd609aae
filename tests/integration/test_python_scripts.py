"""What the README shows and what lies in clients/python/examples, as written, against a real daemon and the simulator."""
import asyncio
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

import numpy as np

from harness import TOP, SystemTest, lighter, timeout

PLAIN = True

CLIENT = TOP / "clients" / "python"
sys.path.insert(0, str(CLIENT))
from merlind import MerlindError  # noqa: E402
from merlind.aio import AsyncMerlind  # noqa: E402


class Scripts(SystemTest):
    def begin(self, *simulator_options, fps="2000", **settings):
        simulator = self.start_simulator("--synthetic", "glass", "--bank", "100", "--fps", fps, *simulator_options)
        self.daemon = self.start_daemon(simulator, {
            "virtual_detectors": [{"name": "dark_field", "shape": "annulus", "inner": 40, "outer": 110},
                                  {"name": "bf", "shape": "disk", "radius": 20}], **settings})
        control = self.control(self.daemon)
        control.wait_state("idle")
        return control

    def run_python(self, *words, path=CLIENT, stdin=""):
        done = subprocess.run([sys.executable, "-B", *map(str, words)], capture_output=True, text=True, timeout=timeout(120), cwd=self.directory,
                              input=stdin, env={**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(path), "MERLIND_ENDPOINT": self.daemon.control})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def example(self, name, *words, **more):
        return self.run_python(CLIENT / "examples" / name, *words, **more)

    def test_the_lines_of_the_readme_plot_a_map(self):
        self.begin()
        blocks = re.findall(r"```python\n(.*?)```", (TOP / "README.md").read_text(), re.S)
        lines = next(block for block in blocks if "from merlind import" in block)
        self.assertLessEqual(len(lines.splitlines()), 5)
        self.run_python("-c", lines)
        self.assertTrue((self.directory / "dark_field.png").read_bytes().startswith(b"\x89PNG"))

    def test_it_installs_with_pip_and_works_from_there(self):
        self.begin()
        source, target = self.directory / "source", self.directory / "installed"
        shutil.copytree(CLIENT, source, ignore=shutil.ignore_patterns("__pycache__"))
        done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target",
                               target, source], capture_output=True, text=True, timeout=timeout(120))
        self.assertEqual(done.returncode, 0, done.stderr)
        out = self.run_python("-c", "import merlind, merlind.aio; print(merlind.__file__, merlind.Merlind().status()['state'])", path=target)
        self.assertIn(str(target), out)
        self.assertIn("idle", out)

    def test_line_trigger_tells_the_generator_when_the_detector_is_armed(self):
        control = self.begin()
        # In place of a scan generator: something that asks the daemon what it does at that moment.
        asks = f"import sys; sys.path.insert(0, {str(CLIENT)!r}); import merlind; print('at the start', merlind.Merlind().status()['state'])"
        out = self.example("line_trigger.py", "8x8", "--preset", "internal", "--generator", f"{sys.executable} -c \"{asks}\"")
        self.assertRegex(out, r"armed for 64 frames")
        self.assertRegex(out, r"at the start (armed|acquiring|finishing|idle)")
        self.assertIn("complete: ", out)
        self.assertEqual(control("run")["reason"], "complete")

    def test_focus_series_finds_the_sharpest(self):
        control = self.begin()
        out = self.example("focus_series.py", "--scan", "12x12", "--lens", "echo", "--", "-20", "0", "20")
        self.assertEqual(len(re.findall(r"^ +-?\d+\.0 nm  \d", out, re.M)), 3, out)
        self.assertRegex(out, r"sharpest at (-20|0|20) nm")
        self.assertIsNone(control.status()["lease"])  # given back

    def test_strain_series_writes_a_table(self):
        self.begin("--scan", "10x10", "--counts", "2", "--br-fraction", "0.3", **{
            "bragg.enabled": "true", "bragg.centre": [128, 128], "bragg.annulus": [25, 46], "bragg.disk_radius": 3.36, "bragg.overdispersion": 1})
        self.example("strain_series.py", "--specimen", "PdSi-3", "--scan", "20x20", "--scans", "2", "--drift", "bf", "-o",
                     self.directory / "strain.csv", "0", "4", stdin="\n\n")
        with open(self.directory / "strain.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([(row["value"], row["scans"], row["n"]) for row in rows], [("0", "2", "800"), ("4", "2", "800")], rows)
        for row in rows:
            self.assertLessEqual(float(row["low"]), float(row["fraction"]))
            self.assertLessEqual(float(row["fraction"]), float(row["high"]))

    def test_watch_bragg_stops_when_the_interval_is_narrow(self):
        self.begin("--scan", "20x20", "--counts", "2", "--br-fraction", "0.3", fps=lighter("200", "100"), **{
            "bragg.enabled": "true", "bragg.centre": [128, 128], "bragg.annulus": [25, 46], "bragg.disk_radius": 3.36, "bragg.overdispersion": 1})
        out = self.example("watch_bragg.py", "--scan", "100x100", "--width", "0.3")
        last = re.findall(r"\((\S+) to (\S+)\)", out)[-1]
        self.assertLess(float(last[1]) - float(last[0]), 0.3)
        self.assertRegex(out, r"stopped: \d+ frames in /")

    def test_the_same_with_asyncio(self):
        control = self.begin(fps=lighter("500", "200"))

        async def watch():
            async with AsyncMerlind(self.daemon.control) as m:
                ping, status = await asyncio.gather(m.request("ping"), m.status())  # two at once
                self.assertEqual(ping[0]["version"], status["version"])
                with self.assertRaises(MerlindError) as caught:
                    await m.map("nothing")
                self.assertEqual(caught.exception.code, "no_data")
                begun = await m.start((20, 20))
                images = [image async for image in m.maps("bf", begun["id"])]
                summary = await m.wait(begun["id"])
                return images, summary, await m.map("bf"), await m.pattern("sum"), await m.pattern(3, 4)

        images, summary, final, total, pattern = asyncio.run(watch())
        self.assertEqual(summary["reason"], "complete")
        self.assertEqual(images[-1].count(), 400)
        np.testing.assert_array_equal(images[-1], final)
        self.assertGreaterEqual(len(images), 2)
        self.assertTrue((pattern <= total).all())
        self.assertEqual(control.array("map", "bf")[0]["data"].sum(), final.sum())


if __name__ == "__main__":
    unittest.main()
