"""What is kept by name through restarts: references and the table of calibrations; gain; pixels at full scale."""
import json
import pathlib
import sys
import unittest

import numpy as np

from harness import ControlError, SystemTest, arrays, disk_mask, lighter, open_recording, run_ctl
from test_calibration import SCAN, SIDE, WAVELENGTH, radii, write_frames, write_mib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients" / "python"))
import merlind

POSITIONS = SCAN[0] * SCAN[1]
TILT = {"y": (120.4, 0.3, 0.1), "x": (131.7, -0.2, 0.25)}  # pixels: in the middle, per row, per column


def wandering_disk(radius=15.3):
    """A vacuum scan whose descan is the plane TILT: [64, y, x] means."""
    v, u = (axis.ravel() - 3.5 for axis in np.mgrid[:SCAN[0], :SCAN[1]].astype(float))
    centres = [(TILT["y"][0] + TILT["y"][1] * row + TILT["y"][2] * column,
                TILT["x"][0] + TILT["x"][1] * row + TILT["x"][2] * column) for row, column in zip(v, u)]
    return np.array([20 * np.clip(radius + 0.5 - radii(centre), 0, 1) for centre in centres])


class References(SystemTest):
    def begin(self, frames=None, **settings):
        self.simulator = self.start_simulator(*((frames,) if frames else ("--synthetic", "glass", "--bank", "16")), "--fps",
                                              lighter("1000", "200"))
        self.settings = settings
        return self.start()

    def start(self):
        self.daemon = self.start_daemon(self.simulator, self.settings)
        self.client = self.control(self.daemon)
        self.client.wait_state("idle")
        return self.client

    def restart(self):
        self.daemon.stop()
        return self.start()

    def scan(self):
        self.started = self.client("start", scan=list(SCAN))
        summary = self.client.wait_finished(self.started["id"])
        self.assertEqual(summary["reason"], "complete", summary)
        with open_recording(summary["file"]) as file:
            self.frames = file["/entry/data/data"][:].reshape(POSITIONS, SIDE, SIDE).astype(np.uint64)
            self.in_file = json.loads(file["/entry/settings/1"][()].decode().rstrip("\0 "))
            self.detector = {name: value[()] for name, value in file["/entry/instrument/detector"].items()}
            self.status = file["/entry/frames/status"][:]
            self.results = {name: group["data"][:] for name, group in file["/entry/results"].items()}
            self.described = {name: group["data"].attrs["description"] for name, group in file["/entry/results"].items()
                              if "description" in group["data"].attrs}
        return summary

    def refused(self, command, code, field=None, **arguments):
        with self.assertRaises(ControlError) as refused:
            self.client(command, **arguments)
        self.assertEqual((refused.exception.code, refused.exception.field), (code, field), refused.exception)
        return refused.exception.message

    def parts(self, command, **arguments):
        result, parts = self.client.request(command, **arguments)
        return arrays(result["parts"], parts), result

    # ---- references ----

    def test_a_vacuum_reference_is_kept_attached_and_doubted_when_settings_or_age_differ(self):
        client = self.begin(write_mib(self.directory / "vacuum.mib", wandering_disk()))
        client("calibration", kv=200, camera_length_mm=200, scan_step_nm=1)
        first = self.scan()
        self.assertEqual([w for w in first["warnings"] if not w.startswith("not known")], [])
        disk = client("calibration_measure", what="vacuum", save_as="monday", apply=True)["vacuum"]
        for axis in "yx":
            np.testing.assert_allclose(disk["descan"][axis], TILT[axis], atol=0.03)
        kept, = client("references")["references"]
        self.assertEqual((kept["kind"], kept["name"], kept["run"], kept["attached"]), ("vacuum", "monday", first["id"], False))
        settings = kept["settings"]
        self.assertEqual((settings["kv"], settings["camera_length_mm"], settings["scan_step_nm"], settings["counter_depth"],
                          settings["image"]), (200, 200, 1, 6, [SIDE, SIDE]))
        self.assertAlmostEqual(settings["convergence_mrad"], disk["radius_mrad"])
        self.assertEqual((settings["threshold_kev"], settings["gain"]), (0, "SLGM"))
        self.refused("reference_attach", "no_data", "args.name", kind="vacuum", name="tuesday")
        total = self.frames.sum(axis=0)

        # A daemon that is started again has it, with its image, and attaches it to the runs that follow.
        client = self.restart()
        self.assertEqual(client("references")["references"], [kept])
        parts, result = self.parts("reference", kind="vacuum", name="monday")
        np.testing.assert_array_equal(parts["probe"], total)
        self.assertEqual(result["document"]["run"], first["id"])
        client("calibration", kv=200, camera_length_mm=200, scan_step_nm=1, disk_radius_px=disk["radius_px"])
        attached = client("reference_attach", kind="vacuum", name="monday")
        self.assertTrue(attached["references"][0]["attached"])
        self.assertEqual(attached["warnings"], [])
        self.assertEqual([w for w in self.scan()["warnings"] if not w.startswith("not known")], [])
        self.assertEqual([(one["kind"], one["name"]) for one in self.in_file["calibration"]["references"]],
                         [("vacuum", "monday")])
        self.assertAlmostEqual(self.in_file["calibration"]["references"][0]["document"]["vacuum"]["radius_px"],
                               disk["radius_px"])
        maps, result = self.parts("com", descan={"reference": "monday"})
        self.assertEqual(result["descan"]["model"], "reference")
        for axis in "yx":
            self.assertLess(np.abs(maps[f"com_{axis}"]).max(), 0.3)
        self.refused("com", "bad_value", "args.descan", descan={"reference": "nobody"})

        # Other settings are told everywhere, and keep nobody from measuring.
        client("calibration", kv=80, scan_step_nm=2)
        expected = ["was measured with a high tension of 200 kV, the run has 80 kV",
                    "was measured with a scan step of 1 nm, the run has 2 nm"]
        self.assertTrue(all(any(text in one for one in client("references")["warnings"]) for text in expected))
        summary = self.scan()
        for warnings in (self.started["warnings"], summary["warnings"], client.status()["warnings"], self.in_file["warnings"]):
            self.assertTrue(all(any(text in one for one in warnings) for text in expected), warnings)
        self.daemon.wait_line(r"the vacuum reference monday was measured with a high tension of 200 kV", stream="err")

        # It grows old.
        path = self.recordings / "calibration" / "vacuum" / "monday.json"
        document = json.loads(path.read_text())
        document["document"]["time"][0] -= 100 * 3600
        path.write_text(json.dumps(document))
        client = self.restart()
        client("reference_attach", kind="vacuum", name="monday")
        warning, = client("references")["warnings"]
        self.assertIn("is 100 hours old (calibration.reference_age: 24)", warning)
        self.assertEqual(client("reference_remove", kind="vacuum", name="monday")["references"], [])
        self.assertEqual(client("calibration")["calibration"]["references"], [])
        self.assertEqual(list(path.parent.iterdir()), [])

    def test_a_halo_reference_outlives_the_daemon(self):
        client = self.begin()
        client("calibration", camera_length_mm=100)
        self.scan()
        halo = client("calibration_measure", what="halo", save_as="unstrained")["halo"]
        before = client("halo_strain", reference="unstrained")["strain"]
        client = self.restart()
        client("calibration", camera_length_mm=100)
        self.scan()
        kept, = client("references")["references"]
        self.assertEqual((kept["kind"], kept["radius_px"]), ("halo", halo["radius_px"]))
        after = client("halo_strain", reference="unstrained")
        self.assertEqual(after["warnings"], [])
        np.testing.assert_allclose([after["strain"][name] for name in before], list(before.values()), atol=1e-12)

    # ---- the table ----

    def test_the_table_is_looked_up_when_kv_and_camera_length_are_set(self):
        client = self.begin(**{"calibration.kv": 200})
        self.refused("calibration_save", "no_data")
        client("calibration", camera_length_mm=200)
        nominal = client("calibration")["calibration"]["pixel_size_k"]["value"]
        self.refused("calibration_save", "no_data")  # what follows from the camera length is no measurement
        client("calibration", pixel_size_k=0.111, ellipse={"ratio": 1.02, "angle": 30})
        name = client("calibration_save")["name"]
        self.assertRegex(name, r"^200kV-200mm-\d{8}T\d{6}Z$")
        client("calibration", pixel_size_k=None, ellipse=None, camera_length_mm=100)
        known = client("calibration")["calibration"]
        self.assertAlmostEqual(known["pixel_size_k"]["value"], 2 * nominal, delta=1e-6)
        self.assertIsNone(known["ellipse"])
        client("calibration", pixel_size_k=0.2)
        client("calibration_save", name="short")

        client = self.restart()
        client("calibration", camera_length_mm=200.5)  # nominal lengths within 0.5 % are the same
        known = client("calibration")["calibration"]
        self.assertEqual((known["pixel_size_k"]["value"], known["pixel_size_k"]["source"]), (0.111, f"table {name}"))
        self.assertEqual(known["ellipse"]["value"], {"ratio": 1.02, "angle": 30})
        self.assertEqual({one["name"]: one["used"] for one in client("calibrations")["calibrations"]},
                         {name: True, "short": False})
        client("calibration", camera_length_mm=100)
        known = client("calibration")["calibration"]
        self.assertEqual((known["pixel_size_k"]["value"], known["ellipse"]), (0.2, None))
        client("calibration", pixel_size_k=0.3)  # who sets it knows better
        client("calibration", camera_length_mm=200)
        self.assertEqual(client("calibration")["calibration"]["pixel_size_k"]["value"], 0.3)
        client("calibration", pixel_size_k=None)
        self.assertEqual(client("calibration")["calibration"]["pixel_size_k"]["value"], 0.111)
        client("calibration_remove", name=name)
        self.assertAlmostEqual(client("calibration")["calibration"]["pixel_size_k"]["value"], nominal, delta=1e-6)
        self.refused("calibration_remove", "no_data", "args.name", name=name)

    # ---- clients ----

    def ctl(self, *words):
        done = run_ctl(self.daemon, *words)
        self.assertEqual(done.returncode, 0, (words, done.stderr))
        return done.stdout

    def test_merlinctl_measures_keeps_attaches_and_shows_what_is_known(self):
        client = self.begin(write_mib(self.directory / "vacuum.mib", wandering_disk()))
        self.assertIn("not known", self.ctl("calibration"))
        shown = self.ctl("calibration", "kv=200", "camera_length_mm=185", "centre=[127.5,126]", 'ellipse={"ratio":1.01,"angle":30}')
        for text in (r"^kv +200 kV \(set, 20", r"^pixel_size_k +0\.1185\d+ 1/nm \(camera length,", r"^centre +\[127.5, 126\] pixels",
                     r"^ellipse +ratio 1.01, angle 30 degrees", r"^not known .*gain"):
            self.assertRegex(shown, "(?m)" + text)
        self.scan()
        measured = self.ctl("measure", "vacuum", "save_as=monday", "apply=true")
        self.assertRegex(measured, r"^vacuum of 64 frames, run .*: in the calibration from now on\n")
        self.assertIn('"radius_px"', measured)
        self.assertRegex(self.ctl("references"), r"^vacuum +monday +20\S+ \S+  200 kV  185 mm")
        self.assertIn("(attached)", self.ctl("attach", "vacuum", "monday"))
        self.assertRegex(self.ctl("calibration"), r"(?m)^reference +vacuum monday \(20")
        self.assertIn("warning: ", self.ctl("calibration", "kv=80") and self.ctl("references"))
        saved = self.directory / "probe.npy"
        self.assertIn('"radius_px"', self.ctl("reference", "vacuum", "monday", "-o", saved))
        np.testing.assert_array_equal(np.load(saved), self.frames.sum(axis=0))
        self.assertNotIn("(attached)", self.ctl("detach", "vacuum"))
        self.assertEqual(self.ctl("remove-reference", "vacuum", "monday"),
                         "no reference is kept: measure vacuum or measure halo, with save_as=NAME, keeps one\n")

        self.assertRegex(self.ctl("calibrations"), "^no calibration is kept")
        self.assertEqual(self.ctl("save-calibration", "gold"), "kept as gold\n")
        self.assertRegex(self.ctl("calibrations"), r"^gold +80 kV +185 mm  20\S+ \S+  .*disk_radius_px")
        self.assertIn("no calibration is kept", self.ctl("remove-calibration", "gold"))

        np.save(self.directory / "gain.npy", np.ones((SIDE, SIDE), np.float32))
        shown = self.ctl("calibration", f"bad_pixels={self.bad_pixels()}", f"gain={self.directory / 'gain.npy'}")
        self.assertRegex(shown, rf"(?m)^bad_pixels +2 of {SIDE} x {SIDE} pixels \(set,")
        self.assertRegex(shown, rf"(?m)^gain +1 to 1, mean 1 of {SIDE} x {SIDE} pixels \(set,")
        self.assertIn("2 bad pixels in", self.ctl("save-bad-pixels", self.directory / "mask2.npy"))
        self.assertEqual(np.load(self.directory / "mask2.npy").sum(), 2)
        self.assertIn("gain in", self.ctl("save-gain", self.directory / "gain2.npy"))
        np.testing.assert_array_equal(np.load(self.directory / "gain2.npy"), 1)
        self.assertEqual(json.loads(self.ctl("calibration", "gain=null", "--json")), client("calibration"))
        self.assertIsNone(client("calibration")["calibration"]["gain"])
        for words, code in ((("calibration", "kv"), 64), (("attach", "vacuum", "nobody"), 3), (("reference", "vacuum"), 64),
                            (("measure", "weather"), 2), (("save-gain", self.directory / "none.npy"), 3)):
            self.assertEqual(run_ctl(self.daemon, *words).returncode, code, words)

    def test_the_python_client_keeps_attaches_and_removes(self):
        self.begin(write_mib(self.directory / "vacuum.mib", wandering_disk()))
        self.scan()
        with merlind.Merlind(self.daemon.control) as client:
            client.calibration(kv=200, camera_length_mm=185)
            disk = client.measure("vacuum", apply=True, save_as="monday")
            self.assertEqual([(one["kind"], one["name"], one["attached"]) for one in client.references()], [("vacuum", "monday", False)])
            self.assertEqual(client.attach("vacuum", "monday"), [])
            self.assertTrue(client.references()[0]["attached"])
            parts, document = client.reference("vacuum", "monday")
            np.testing.assert_array_equal(parts["probe"], self.frames.sum(axis=0))
            self.assertEqual(document["vacuum"]["radius_px"], disk["radius_px"])
            client.attach("vacuum", None)
            self.assertFalse(client.references()[0]["attached"])
            client.remove_reference("vacuum", "monday")
            self.assertEqual(client.references(), [])
            self.assertEqual(client.save_calibration("gold"), "gold")
            made = client.save_calibration()
            self.assertEqual([one["name"] for one in client.calibrations()], [made, "gold"])
            for name in (made, "gold"):
                client.remove_calibration(name)
            self.assertEqual(client.calibrations(), [])
            np.save(self.directory / "gain.npy", np.full((SIDE, SIDE), 1.5, np.float32))
            client.calibration(gain=str(self.directory / "gain.npy"))
            self.assertEqual(client.save_gain(self.directory / "gain2.npy")["shape"], [SIDE, SIDE])
            np.testing.assert_array_equal(np.load(self.directory / "gain2.npy"), 1.5)

    # ---- gain ----

    def test_the_gain_is_measured_folded_into_detectors_kept_and_stands_in_the_file(self):
        truth = 1 + 0.2 * np.sin(np.arange(SIDE) / 9)[None, :] * np.cos(np.arange(SIDE) / 7)[:, None]
        near = {"name": "near", "shape": "rectangle", "centre": [100, 120], "size": [21, 31]}
        mean = {"name": "level", "shape": "rectangle", "centre": [100, 120], "size": [21, 31], "mode": "mean"}
        client = self.begin(write_mib(self.directory / "even.mib", 20 / truth), virtual_detectors=[near, mean])
        client("calibration", bad_pixels=str(self.bad_pixels()))
        self.scan()
        measured = client("calibration_measure", what="gain", apply=True)["gain"]
        self.assertAlmostEqual(measured["noise"], 1 / np.sqrt(20 * 64), delta=2e-3)
        self.assertEqual(measured["pixels"], SIDE * SIDE - 2)
        self.assertIsNotNone(client("calibration")["calibration"]["gain"])
        counts = self.frames.sum(axis=0).astype(float)
        good = np.ones((SIDE, SIDE), bool)
        good[[100, 3], [121, 4]] = False
        gain = np.where(good, counts[good].mean() / counts, 1).astype(np.float32)
        self.assertLess(np.std(gain[good] / truth[good]), 0.04)
        path = self.directory / "gain.npy"
        self.assertEqual(client("gain_save", path=str(path))["shape"], [SIDE, SIDE])
        np.testing.assert_allclose(np.load(path), gain, rtol=1e-6)

        self.scan()
        np.testing.assert_array_equal(self.detector["flatfield"], np.load(path))
        np.testing.assert_array_equal(self.detector["pixel_mask"], np.where(good, 0, 256))
        self.assertEqual((self.detector["flatfield_applied"], self.detector["pixel_mask_applied"]), (0, 0))
        weights = np.zeros((SIDE, SIDE))
        weights[90:111, 105:136] = 1
        weights[99:102, 120:123] += 1 / 8  # the bad pixel's weight, on its eight neighbours
        weights[100, 121] = 0
        corrected = (self.frames * (weights * np.load(path))).sum(axis=(1, 2)).reshape(SCAN)
        np.testing.assert_allclose(self.results["near"], corrected, rtol=1e-4)
        np.testing.assert_allclose(self.results["level"], corrected / weights.sum(), rtol=1e-4)
        self.assertIn("corrected for bad pixels, gain", self.described["near"])
        np.testing.assert_array_equal(self.results["sum"], self.frames.sum(axis=0))
        # Forgotten, and loaded again; what is no gain is refused.
        client("calibration", gain=None)
        self.assertIsNone(client("calibration")["calibration"]["gain"])
        self.assertEqual(client("calibration", gain=str(path))["calibration"]["gain"]["source"], "set")
        np.save(self.directory / "negative.npy", -np.load(path))
        self.assertIn("negative", self.refused("calibration", "bad_value", "args.gain",
                                               gain=str(self.directory / "negative.npy")))

    def bad_pixels(self):
        mask = np.zeros((SIDE, SIDE), bool)
        mask[[100, 3], [121, 4]] = True
        np.save(self.directory / "mask.npy", mask)
        return self.directory / "mask.npy"

    # ---- full scale ----

    def test_pixels_at_full_scale_are_counted_marked_and_told(self):
        frames = np.full((POSITIONS, SIDE, SIDE), 62, np.uint8)
        random = np.random.default_rng(5)
        for number in (3, 17, 40):
            frames[number, random.integers(SIDE, size=number), random.integers(SIDE, size=number)] = 63
        detectors = [{"name": "middle", "shape": "disk", "radius": 40},
                     {"name": "fan", "shape": "segmented", "inner": 20, "outer": 50, "sectors": 4},
                     {"name": "corner", "shape": "point", "centre": [0, 0]}]
        client = self.begin(write_frames(self.directory / "full.mib", frames), virtual_detectors=detectors)
        self.assertEqual([one["saturation"] for one in client("virtual_detectors")["detectors"]], [None] * 3)
        summary = self.scan()
        full = frames == 63
        self.assert_saturation_of_detectors(client, full)
        self.assert_saturation_in_file(summary["file"], full)
        for told in client("virtual_detectors")["detectors"]:  # a reply is a request
            self.assertEqual(client("virtual_detector", **told)["detector"], {key: told[key] for key in told if key != "saturation"})
        self.assertEqual(summary["frames"]["saturated"], 3)
        self.assertIn("3 of 64 frames have pixels at full scale of the counter (63)", summary["warnings"])
        self.assertEqual(client.status()["frames"]["saturated"], 3)
        self.assertEqual(client.array("pattern", "latest")[1]["full_scale"], 63)
        np.testing.assert_array_equal(self.results["saturated"].ravel(), full.sum(axis=(1, 2)))
        np.testing.assert_array_equal(self.results["saturation"], full.sum(axis=0))
        np.testing.assert_array_equal(client.array("map", "saturated")[0]["data"].ravel(), full.sum(axis=(1, 2)))
        np.testing.assert_array_equal(np.flatnonzero(self.status & 16), (3, 17, 40))
        self.assertRegex(run_ctl(self.daemon, "detectors").stdout, r'"name": "middle".*"radius": 40.*}  # 0.0\d+ % of its pixels at full scale')
        client("virtual_detector", name="middle", shape="point", centre=list(map(int, np.argwhere(full[3])[0])))
        self.assertEqual(client("virtual_detectors")["detectors"][0]["saturation"]["pixel_frames"],
                         full[:, np.argwhere(full[3])[0][0], np.argwhere(full[3])[0][1]].sum())

    def assert_saturation_of_detectors(self, client, full):
        centre = ((SIDE - 1) / 2, (SIDE - 1) / 2)
        masks = {"middle": disk_mask((SIDE, SIDE), centre, 0, 40), "fan": disk_mask((SIDE, SIDE), centre, 20, 50),
                 "corner": disk_mask((SIDE, SIDE), (0, 0), 0, 0.5)}
        told = {one["name"]: one["saturation"] for one in client("virtual_detectors")["detectors"]}
        for name, mask in masks.items():
            inside = int(full[:, mask].sum())
            self.assertEqual((told[name]["pixels"], told[name]["frames"], told[name]["pixel_frames"]),
                             (mask.sum(), POSITIONS, inside), name)
            self.assertAlmostEqual(told[name]["fraction"], inside / (mask.sum() * POSITIONS), places=12)
        self.assertGreater(told["fan"]["pixel_frames"], 0)

    def assert_saturation_in_file(self, path, full):
        """Of each map: a segmented detector has its sectors apart."""
        centre = ((SIDE - 1) / 2, (SIDE - 1) / 2)
        y, x = np.mgrid[:SIDE, :SIDE]
        quadrant = np.degrees(np.arctan2(y - centre[0], x - centre[1])) % 360 // 90
        masks = {f"fan_{i + 1}": disk_mask((SIDE, SIDE), centre, 20, 50) & (quadrant == i) for i in range(4)}
        masks["middle"] = disk_mask((SIDE, SIDE), centre, 0, 40)
        with open_recording(path) as file:
            told = json.loads(file["/entry/saturation"][()])
            for name, mask in masks.items():
                self.assertEqual(told[name], {"pixels": mask.sum(), "frames": POSITIONS, "pixel_frames": full[:, mask].sum()}, name)


if __name__ == "__main__":
    unittest.main()
