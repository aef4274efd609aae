"""Maps that clients put: they are maps like any other in requests, topics, analyses and in the file, with their provenance."""
import contextlib
import functools
import json
import pathlib
import sys
import unittest

import numpy as np

from harness import ControlError, SystemTest, open_recording, run_ctl, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients" / "python"))
import merlind

SCAN = (12, 10)
SOURCE = "thickness from EELS, my_script.py"


def wave(shape=SCAN):
    y, x = np.indices(shape)
    return np.sin(0.7 * x) + 0.1 * y


class PutMaps(SystemTest):
    def begin(self, fps="4000", **settings):
        self.simulator = self.start_simulator("--synthetic", "glass", "--bank", "16", "--fps", fps)
        self.daemon = self.start_daemon(self.simulator, {
            "virtual_detectors": [{"name": "bf", "shape": "disk", "radius": 20}], **settings})
        self.client = self.control(self.daemon)
        return self.client

    def refused(self, code, field, *arguments, **more):
        with self.assertRaises(ControlError) as caught:
            self.client.put(*arguments, **more)
        error = caught.exception
        self.assertEqual((error.code, error.field), (code, field), error)
        return str(error)

    def in_file(self, summary, name):
        with open_recording(summary["file"]) as file:
            data = file[f"/entry/results/{name}/data"]
            return data[...], {key: data.attrs[key] for key in ("units", "description", "provenance")}

    def wait_in_file(self, summary, name, expected):
        """For a moment, while maps are added, a closed file cannot be opened."""
        def there():
            with contextlib.suppress(OSError), open_recording(summary["file"]) as file:
                return name in file["/entry/results"] and np.array_equal(file[f"/entry/results/{name}/data"][...], expected)
        wait_for(there, 20, f"map {name} in the file")

    def test_a_map_that_is_put_while_the_scan_runs_is_published_and_recorded_with_its_provenance(self):
        control = self.begin()
        control.wait_state("idle")
        results = self.results(self.daemon, ("map/thickness/",))
        run = self.start_in_bursts(control, SCAN, 60)
        self.burst(control)
        control.wait_state("acquiring")
        thickness = wave().astype("<f4")
        thickness[2, 3] = np.nan
        reply = control.put("thickness", thickness, units="nm", description="thickness of the film", run=run,
                            program="my_script.py", user="ada", source=SOURCE)
        self.assertEqual((reply["recorded"], reply["values"], reply["without_frame"], reply["replaced"], reply["dtype"]),
                         ("at_end", 119, 0, False, "<f8"))
        self.assertIn("thickness", control("run")["maps"])
        header, parts = results.wait("map/thickness/", lambda header: header["key"])[:2]
        np.testing.assert_array_equal(parts["data"], thickness.astype(float))
        self.assertEqual((header["units"], header["since"], header["provenance"]["user"]), ("nm", None, "ada"))
        wanted = np.isfinite(thickness)
        parts, result = control.array("map", "thickness")
        np.testing.assert_array_equal(parts["measured"] == 1, wanted)

        self.burst(control)
        summary = control.wait_finished(run)
        data, attributes = self.in_file(summary, "thickness")
        np.testing.assert_array_equal(data, thickness.astype(float))
        self.assertEqual((attributes["units"], attributes["description"]), ("nm", "thickness of the film"))
        provenance = json.loads(attributes["provenance"])
        self.assertEqual({key: provenance[key] for key in ("origin", "program", "user", "source", "dtype")},
                         {"origin": "put", "program": "my_script.py", "user": "ada", "source": SOURCE, "dtype": "<f4"})
        self.assertEqual(provenance, result["provenance"])
        self.assertIsNone(control.array("map", "bf")[1]["provenance"])

    def test_a_map_put_after_the_end_is_added_to_the_closed_file_and_replaced_there(self):
        control = self.begin()
        summary = self.run_scan(control, SCAN)
        with open_recording(summary["file"]) as file:
            frames = file["/entry/data/data"][...]
        first, second = np.arange(120, dtype="<u2").reshape(SCAN), wave()

        def put(array, **arguments):
            reply = control.put("phase", array, **arguments)
            self.assertEqual(reply["recorded"], "now")
            self.wait_in_file(summary, "phase", array)
            return reply
        self.assertEqual(put(first)["replaced"], False)
        self.assertEqual(control.array("map", "phase")[0]["data"].dtype, np.dtype("<u8"))
        self.assertEqual(put(second, units="rad")["replaced"], True)
        self.assertEqual(put(2 * second, units="rad")["replaced"], True)  # without a new product
        self.assertEqual(control("run")["maps"].count("phase"), 1)
        with open_recording(summary["file"]) as file:
            np.testing.assert_array_equal(file["/entry/data/data"][...], frames)

    def test_values_of_exposures_follow_the_geometry(self):
        control = self.begin()
        self.run_scan(control, SCAN, skip={"line": 2}, recording=False)
        values = np.arange(144, dtype="<i4") - 5
        self.assertEqual(control.put("current", values)["recorded"], "off")
        expected = values.reshape(12, 12)[:, :10].astype(float)
        np.testing.assert_array_equal(control.array("map", "current")[0]["data"], expected)
        control("geometry", nudge=1)
        np.testing.assert_array_equal(control.array("map", "current")[0]["data"], values.reshape(12, 12)[:, 1:11])
        # A map of positions is one of the frames that are there now.
        control.put("image", wave())
        control("geometry", nudge=-2)
        self.assertEqual(control.put("later", wave())["without_frame"], 1)
        moved = control.array("map", "image")[0]
        np.testing.assert_array_equal(moved["data"][:, 2:], wave()[:, :-2])
        self.assertEqual(moved["measured"][:, :2].sum(), 0)

    def test_passes(self):
        control = self.begin()
        self.run_scan(control, SCAN, repeats=2)
        control.put("one", wave(), **{"pass": 1})
        data = control.array("map", "one")[0]
        np.testing.assert_array_equal(data["data"][1], wave())
        self.assertEqual(data["measured"][0].sum(), 0)
        control.put("every", wave())
        np.testing.assert_array_equal(control.array("map", "every")[0]["data"], [wave(), wave()])
        both = np.stack([wave(), 2 * wave()])
        control.put("both", both)
        np.testing.assert_array_equal(control.array("map", "both")[0]["data"], both)
        self.refused("bad_value", "args.pass", "one", wave(), **{"pass": 2})

    def test_it_is_analysed_like_a_native_map(self):
        control = self.begin()
        self.run_scan(control, (24, 24), recording=False)
        image = wave((24, 24))
        control.put("image", image)
        control.put("twice", 3 + 2 * image)
        result = control("map_correlation", a="image", b="twice")
        self.assertAlmostEqual(result["slope"], 2, 9)
        self.assertAlmostEqual(result["offset"], 3, 9)
        result, parts = control.request("map_profile", name="image", **{"from": [5, 0], "to": [5, 23]})
        np.testing.assert_allclose(np.frombuffer(parts[0]), image[5], rtol=0, atol=1e-12)
        noise = np.random.default_rng(1).normal(size=(28, 28))
        control.put("before", noise[2:26, 2:26])
        control.put("after", noise[1:25, 4:28])
        drift = control("map_drift", a="before", b="after")
        np.testing.assert_allclose(drift["drift"], [1, -2], atol=0.1)

    def test_every_type_of_number_keeps_its_values(self):
        control = self.begin()
        self.run_scan(control, SCAN, recording=False)
        for kind in ("<f4", "<f8", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "|b1"):
            array = np.arange(120).reshape(SCAN)
            array = (array % 2 == 0) if kind == "|b1" else (array - (0 if kind[1] == "u" else 60)).astype(kind)
            with self.subTest(kind):
                control.put("numbers", array)
                data = control.array("map", "numbers")[0]["data"]
                np.testing.assert_array_equal(data, array.astype(data.dtype))
                self.assertEqual(data.dtype.str, "<u8" if kind[1] in "ub" else "<f8")
        largest = np.full(SCAN, 2 ** 64 - 1, "<u8")
        control.put("numbers", largest)
        np.testing.assert_array_equal(control.array("map", "numbers")[0]["data"], largest)

    def test_what_does_not_fit_is_refused_and_nothing_changes(self):
        control = self.begin()
        self.refused("no_data", None, "image", wave())
        self.run_scan(control, SCAN, recording=False)
        maps = control("run")["maps"]
        self.assertIn("12, 10", self.refused("bad_value", "args.shape", "image", wave((10, 12))))
        self.refused("bad_value", "args.shape", "image", wave(), shape=[12, 11])  # of another size than the part
        self.refused("bad_value", "args.shape", "image", np.zeros(121))
        self.refused("bad_value", "args.shape", "image", np.zeros((2, 12, 10)))
        self.refused("bad_value", "args.shape", "image", wave(), shape=[2 ** 62, 2 ** 62])
        self.refused("bad_value", "args.dtype", "image", wave().astype("<c16"), dtype="<c1")
        self.refused("bad_value", "args.dtype", "image", wave(), dtype=">f8")
        self.refused("bad_value", "args.dtype", "image", wave(), dtype="f2")
        for name in ("bf", "com_y", "sum", "icom", "measured", "radial_mean"):
            self.assertIn(name, self.refused("bad_value", "args.name", name, wave()))
        self.refused("bad_value", "args.name", "a/b", wave())
        self.refused("bad_value", "args.units", "image", wave(), units=32 * "m")
        self.refused("no_data", "args.run", "image", wave(), run="0" * 8 + "-0000-4000-8000-" + "0" * 12)
        for parts in ((), (b"", b""), (b"\0" * 960, b"more", b"and more")):
            with self.assertRaises(ControlError) as caught:
                control.request("maps_put", _parts=parts, name="image", dtype="<f8", shape=[12, 10])
            self.assertEqual(caught.exception.code, "bad_request")
        with self.assertRaises(ControlError) as caught:
            control.request("map", _parts=[b"x"], name="bf")
        self.assertIn("only maps_put", str(caught.exception))
        with self.assertRaises(ControlError) as caught:
            control.request("maps_put", _parts=[bytes(2 ** 26 + 8)], name="image", dtype="<f8", shape=[12, 10])
        self.assertIn("too large", str(caught.exception))
        self.assertEqual(control("run")["maps"], maps)
        # And a detector cannot take the name of a map that was put.
        control.put("image", wave())
        with self.assertRaises(ControlError):
            control("virtual_detector", name="image", shape="disk", radius=3)

    def test_merlinctl_and_the_python_client_put_maps(self):
        control = self.begin()
        summary = self.run_scan(control, SCAN)
        ctl = functools.partial(run_ctl, self.daemon)
        path = self.directory / "map.npy"
        np.save(path, wave())
        done = ctl("put", "image", path, "units=nm", "description=from a file", f"run={summary['id']}")
        self.assertEqual((done.returncode, "120 values" in done.stdout), (0, True), done.stderr)
        provenance = control.array("map", "image")[1]["provenance"]
        self.assertEqual((provenance["program"], provenance["source"]), ("merlinctl put", str(path)))
        self.assertIn("image", ctl("map", "--list").stdout)
        np.save(path, np.asfortranarray(wave()))
        self.assertIn("ascontiguousarray", ctl("put", "image", path).stderr)
        self.assertNotEqual(ctl("put", "image", path, "colour=red").returncode, 0)
        with merlind.Merlind(self.daemon.control) as client:
            client.put("image", np.asfortranarray(wave()).astype(">f4"), source="python")
            np.testing.assert_array_equal(client.map("image").filled(0), wave().astype("f4"))
            client.put("flags", wave() > 0)
            np.testing.assert_array_equal(client.map("flags").filled(0), wave() > 0)
        self.wait_in_file(summary, "flags", wave() > 0)


if __name__ == "__main__":
    unittest.main()
