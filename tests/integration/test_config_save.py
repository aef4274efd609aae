"""config_save and log_level: what is in force, as a file that merlind starts from again."""
import json
import os
import stat
import subprocess
import unittest

import numpy as np
import schema_check
from harness import MERLIND, ControlError, SystemTest

PLAIN = True


class Saving(SystemTest):
    def begin(self, settings=None, **options):
        return self.control(self.start_daemon(None, settings, **options))

    def load(self, path):
        """The file as --print-config reads it."""
        done = subprocess.run([MERLIND, "--print-config", "-c", path], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def refused(self, control, code, **arguments):
        with self.assertRaises(ControlError) as caught:
            control("config_save", **arguments)
        self.assertEqual(caught.exception.code, code)
        return caught.exception

    def test_what_clients_have_set_is_there_after_a_restart(self):
        control = self.begin({"virtual_detectors": [{"name": "bf", "shape": "disk", "radius": 20}], "calibration.kv": 100})
        self.assertEqual(control("config_save")["changed"], [])
        control("virtual_detector", name="bf", shape="disk", radius=12.5)
        control("virtual_detector", name="adf", shape="annulus", inner=40, outer=110, edge="antialiased")
        control("calibration", kv=200, scan_step_nm=1.5)
        control("bragg_settings", annulus=[25, 46], disk_radius=3.36)
        control("live_icom", enabled=True, descan="plane")
        self.assertEqual(control("log_level", level="debug"), {"level": "debug"})
        saved = control("config_save")
        self.assertEqual(sorted(saved["changed"]), [
            "analysis.icom.descan", "analysis.icom.enabled", "bragg.annulus", "bragg.disk_radius", "calibration.kv",
            "calibration.scan_step", "log.level", "virtual_detectors"])
        self.assertEqual(saved["left_out"], [])
        self.assertEqual(saved["path"], str(self.recordings / "merlind-saved.yaml"))
        self.assertEqual(stat.S_IMODE(os.stat(saved["path"]).st_mode), 0o600)

        self.assertRegex(self.load(saved["path"]), r"\n  kv: 200  # from ")
        again = self.begin({"web.enabled": False}, configuration=saved["path"])
        kept = [{key: value for key, value in detector.items() if key != "saturation"}
                for detector in again("virtual_detectors")["detectors"]]
        self.assertEqual([detector["name"] for detector in kept], ["bf", "adf"])
        self.assertEqual((kept[0]["radius"], kept[1]["edge"]), (12.5, "antialiased"))
        self.assertEqual(again("bragg_settings")["settings"]["annulus"], [25, 46])
        self.assertEqual(again("live_icom")["settings"]["descan"], "plane")
        self.assertEqual(again("log_level"), {"level": "debug"})
        self.assertEqual(again("calibration")["calibration"]["scan_step_nm"]["value"], 1.5)

    def test_it_goes_where_the_operator_says_and_never_over_another_file(self):
        control = self.begin()
        path = self.directory / "mine.yaml"
        self.assertEqual(control("config_save", path=str(path))["path"], str(path))
        text = path.read_text()
        self.assertIn("another name", self.refused(control, "bad_value", path=str(path)).message)
        for wrong in ("mine.yaml", "/etc/passwd", str(self.directory / "no" / "folder.yaml"), 7, ""):
            self.assertEqual(self.refused(control, "bad_value", path=wrong).field, "args.path")
        self.assertEqual(path.read_text(), text)
        self.assertEqual(sorted(os.listdir(self.directory)), ["mine.yaml", "recordings"])

    def test_what_no_key_can_say_is_named(self):
        control = self.begin()
        control("virtual_detector", name="drawn", shape="mask", weights=np.eye(4).tolist())
        control("calibration", centre=[127.5, 128])
        mask = self.directory / "bad.npy"
        np.save(mask, np.zeros((256, 256), bool))
        control("calibration", bad_pixels=str(mask))
        left_out = control("config_save")["left_out"]
        self.assertEqual([sentence.split(":")[0] for sentence in left_out], ["drawn", "centre", "bad_pixels"], left_out)

    def test_the_schema_of_the_configuration_is_the_daemons_own(self):
        told = subprocess.run([MERLIND, "--print-schema"], capture_output=True, text=True, check=True).stdout
        self.assertEqual(json.loads(told), schema_check.schemas()["configuration.json"],
                         "merlind --print-schema > schemas/configuration.json")
        # What the loader takes the schema takes, and the other way round; JSON is YAML.
        for text in ('{"detector": {"gap": 3}}', '{"detector": {"gap": 9}}', '{"ring": {"size": "3 MiB"}}', '{"ring": {"size": "3 X"}}',
                     '{"workers": "auto"}', '{"workers": 0}', '{"workers": 2000}', '{"bragg": {"annulus": [25, 46], "speckle": "measure"}}',
                     '{"bragg": {"annulus": 25}}', '{"scan": {"order": "spiral"}}', '{"log": {"level": "debug"}, "recording": {"roots": ["/data"]}}',
                     '{"recording": {"roots": ["data"]}}', '{"hooks": {"on_scan_end": ["/bin/true", "a b"], "time_limit": 0.5}}',
                     '{"hooks": {"on_scan_end": "/bin/true"}}', '{"virtual_detectors": [{"name": "bf", "shape": "disk", "radius": 2}]}',
                     '{"virtual_detectors": [{"name": "b f", "shape": "disk", "radius": 2}]}', '{"web": {"token": "short"}}',
                     '{"control": {"endpoint": "tcp://127.0.0.1:0"}}', '{"control": {"endpoint": "udp://127.0.0.1:0"}}', '{"nothing": 1}'):
            file = self.directory / "one.yaml"
            file.write_text(text)
            done = subprocess.run([MERLIND, "--check-config", "-c", file], capture_output=True, text=True)
            self.assertEqual(done.returncode == 0, not schema_check.errors("configuration", json.loads(text)), text + done.stderr)

    def test_a_level_that_is_none_changes_nothing(self):
        control = self.begin({"log.level": "notice"})
        with self.assertRaises(ControlError) as caught:
            control("log_level", level="loud")
        self.assertEqual((caught.exception.code, caught.exception.field), ("bad_value", "args.level"))
        self.assertEqual(control("log_level"), {"level": "notice"})


if __name__ == "__main__":
    unittest.main()
