"""What the tests of Bragg reflections share: scans of a synthetic glass that are searched, and the truth about them."""
import json

import numpy as np

from harness import SystemTest, lighter, open_recording

SCAN = lighter((16, 32), (12, 32))  # live classes begin with frame 256
CLASSES = ["none", "two-beam", "three-beam", "on-axis", "multiple"]
COUNTED = {"none": 0, "two_beam": 1, "three_beam": 2, "on_axis": 3, "multiple": 4}  # as statistics name them
SETTINGS = {"bragg.enabled": "true", "bragg.centre": [128, 128], "bragg.annulus": [25, 46], "bragg.disk_radius": 3.36,
            "bragg.overdispersion": 1}


def rounded(value):
    """JSON with the digits that replies have; the file has more."""
    if isinstance(value, float):
        return float("%.5g" % value)
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return {name: rounded(one) for name, one in value.items()} if isinstance(value, dict) else value


class BraggScans(SystemTest):
    def begin(self, *simulator_options, scan=SCAN, fps="3000", workers=2, **settings):
        self.truth_file = self.directory / "truth.json"
        self.simulator = self.start_simulator(
            "--synthetic", "glass", "--scan", "%dx%d" % scan, "--fps", lighter(fps, "200"), "--bank", "100", "--counts", "2",
            "--speckle", "0.03", "--br-fraction", "0.3", "--truth", self.truth_file, *simulator_options)
        self.daemon = self.start_daemon(self.simulator, {**SETTINGS, "workers": workers, "recording.flush": 0.2, **settings})
        control = self.control(self.daemon)
        control.wait_state("idle")
        return control

    def measure(self, control, scan=SCAN, **arguments):
        summary = control.wait_finished(control("start", scan=list(scan), **arguments)["id"])
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_accounts(summary["frames"])
        return summary

    def truth(self, scan=SCAN):
        """The simulator sends its patterns again and again."""
        patterns = json.loads(self.truth_file.read_text())["patterns"]
        return np.resize(np.array([CLASSES.index(pattern["class"]) for pattern in patterns], np.uint8), scan)

    def recorded(self, summary):
        with open_recording(summary["file"]) as file:
            group = file["/entry/results/bragg"]
            found = {name: group[name][()] for name in group if hasattr(group[name], "shape")}
        for name in ("statistics", "reference"):
            found[name] = json.loads(found[name].rstrip(b"\0"))
        return found
