"""The integrated centre of mass as a live map, against numpy over the map com_y and com_x of the same frames."""
import json
import unittest

import numpy as np

import test_map_analysis  # not its class, which would run here again
from harness import ControlError, SystemTest, lighter, open_recording, wait_for
from test_map_analysis import SCAN, fit, integrated, summed, turned


class LiveIcom(SystemTest):
    file = test_map_analysis.MapAnalysis.file

    def begin(self, fps="4000", **settings):
        simulator = self.start_simulator(self.file(), "--fps", fps)
        self.daemon = self.start_daemon(simulator, settings)
        self.client = self.control(self.daemon)
        return self.client

    def map(self, name):
        parts, header = self.client.array("map", name)
        return np.where(parts["measured"] == 1, parts["data"].astype(float), np.nan), header

    def shift(self, n_terms=1, rotation=0.0, flip=False, p=slice(None)):
        """As the descan's fit (of test_map_analysis) leaves it, turned."""
        com_y, com_x = self.map("com_y")[0][p], self.map("com_x")[0][p]
        fitted = fit(com_y, com_x, n_terms)
        return turned(com_y - fitted[0], com_x - fitted[1], rotation, flip)

    def wait_for_map(self, expected, what):
        def there():
            found = self.map("icom")[0]
            return np.array_equal(np.isnan(found), np.isnan(expected)) and np.allclose(found, expected, rtol=1e-6, atol=1e-9, equal_nan=True)
        wait_for(there, 20, what)

    def test_it_is_there_from_the_start_published_and_recorded_and_equals_numpy(self):
        control = self.begin(lighter("150", "60"), **{"analysis.icom": {
            "enabled": True, "descan": "plane", "rotation": 25, "flip": True, "high_pass": 0.05}})
        results = self.results(self.daemon, ("map/icom/", "map/com_angle/"))
        started = control("start", scan=list(SCAN))
        header, parts = results.wait("map/icom/", lambda header: (header["provenance"] or {}).get("measured", 0) > 60)[:2]
        self.assertEqual((header["provenance"]["settings"]["method"], header["units"], header["key"]), ("ricom", "pixels*positions", True))
        self.assertGreater(int(parts["measured"].sum()), 60)
        summary = control.wait_finished(started["id"])
        self.assertLessEqual({"icom", "com_magnitude", "com_angle"}, set(summary["maps"]))
        y, x = self.shift(3, 25, True)
        phi = integrated(y, x, "mirror", 0.05)
        self.wait_for_map(phi, "the whole map")
        np.testing.assert_allclose(self.map("com_magnitude")[0], np.hypot(y, x), rtol=1e-7)
        found, header = self.map("com_angle")
        turn = (found - np.degrees(np.arctan2(y, x)) + 180) % 360 - 180
        np.testing.assert_allclose(turn, 0, atol=1e-5)
        with open_recording(summary["file"]) as file:
            np.testing.assert_allclose(file["/entry/results/icom/data"][...], phi, rtol=1e-6, atol=1e-9)
            provenance = json.loads(file["/entry/results/icom/data"].attrs["provenance"])
        self.assertEqual((provenance["origin"], provenance["settings"]["method"], provenance["measured"]), ("computed", "icom", 480))
        results.wait("map/icom/", lambda header: (header["provenance"] or {}).get("measured", 0) == 480)

    def test_settings_change_while_and_after_the_scan(self):
        control = self.begin(**{"recording.enabled": False})
        self.assertFalse(control("live_icom")["settings"]["enabled"])
        self.run_scan(control, SCAN)
        self.assertNotIn("icom", control("run")["maps"])
        control("live_icom", enabled=True)
        self.wait_for_map(integrated(*self.shift(), "mirror"), "the default")
        control("live_icom", border="periodic", rotation=-70, flip=True)
        self.wait_for_map(integrated(*self.shift(1, -70, True), "periodic"), "another border and rotation")
        control("live_icom", method="ricom", radius=5)
        self.wait_for_map(summed(*self.shift(1, -70, True), 5), "riCOM")
        control("geometry", nudge=2)
        self.wait_for_map(summed(*self.shift(1, -70, True), 5), "another geometry")
        self.assertEqual(int(np.isnan(self.map("icom")[0]).sum()), 2)
        for arguments in ({"method": "fft"}, {"radius": 0}, {"rotation": "north"}, {"enabled": 1}, {"high_pass": 2},
                          {"radius": 2.5}, {"dpc": "nobody"}, {"dpc": 3}):
            with self.assertRaises(ControlError) as caught:
                control("live_icom", **arguments)
            self.assertEqual((caught.exception.code, caught.exception.field), ("bad_value", "args." + list(arguments)[0]))
        control("live_icom", enabled=False)
        self.assertNotIn("icom", control("run")["maps"])
        # In force for the next run too.
        control("live_icom", enabled=True)
        self.assertIn("icom", self.run_scan(control, SCAN)["maps"])

    def test_every_pass_is_there_at_the_end(self):
        control = self.begin(**{"analysis.icom": {"enabled": True}})
        summary = self.run_scan(control, SCAN, repeats=2)
        expected = np.stack([integrated(*self.shift(p=p), "mirror") for p in (0, 1)])
        self.wait_for_map(expected, "both passes")
        with open_recording(summary["file"]) as file:
            np.testing.assert_allclose(file["/entry/results/icom/data"][...], expected, rtol=1e-6, atol=1e-9)


if __name__ == "__main__":
    unittest.main()
