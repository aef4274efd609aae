"""How frames become positions: orders, lists, repeats, skipped frames, lines found from exposures, and changes of all that
while a scan runs. The judge is the dump of the simulator, which is in the order of positions."""
import json
import unittest

import numpy as np

from harness import ControlError, SystemTest, lighter, open_recording, wait_for

PLAIN = True

SHAPE = (8, 10)
DETECTORS = [{"name": "all", "shape": "disk", "radius": 1000}]
FPS = lighter("2000", "400")


def shifted(values, shape, shift):
    """What a map shows when the scan began `shift` frames later than its frames say: (values, measured)."""
    n = shape[0] * shape[1]
    frames = np.arange(n) + shift
    there = (frames >= 0) & (frames < len(values))
    shown = np.zeros(n, np.uint64)
    shown[there] = values[frames[there]]
    return shown.reshape(shape), there.reshape(shape)


class GeometryTest(SystemTest):
    def begin(self, *arguments, shape=SHAPE, fps=FPS, settings=None):
        """A simulator and a daemon."""
        self.dump = self.directory / "dump.npy"
        self.simulator = self.start_simulator("--synthetic", "glass", "--scan", "%dx%d" % shape, "--rows", "32", "--counts", "1",
                                              "--fps", fps, "--dump", self.dump, *arguments)
        self.daemon = self.start_daemon(self.simulator, {"virtual_detectors": DETECTORS, "recording.flush": 0.2, **(settings or {})})
        self.client = self.control(self.daemon)
        self.client.wait_state("idle")

    def truth(self):
        """Images in the order of positions."""
        return np.load(self.dump)

    def sums(self, shape=SHAPE):
        return self.truth().sum(axis=(1, 2), dtype=np.uint64).reshape(shape)

    def run_to_end(self, **arguments):
        started = self.client("start", **arguments)
        summary = self.client.wait_finished(started["id"])
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_accounts(summary["frames"])
        return summary

    def wait_analysed(self, run, n):
        wait_for(lambda: self.client("run", id=run)["frames"]["analysed"] >= n, 30, f"{n} analysed frames")

    def assert_map(self, expected, measured=None, name="all"):
        served, result = self.client.array("map", name)
        np.testing.assert_array_equal(served["measured"] == 1, np.ones(expected.shape, bool) if measured is None else measured)
        np.testing.assert_array_equal(served["data"], expected)
        self.assertEqual(result["shape"], list(expected.shape))
        return result


class Orders(GeometryTest):
    def test_serpentine(self):
        """Odd lines come backwards, with flyback frames that are skipped; map and file are the specimen's."""
        self.begin("--serpentine", "--flyback", "2", "--skip-start", "3", "--skip-end", "1")
        summary = self.run_to_end(scan=list(SHAPE), order="serpentine", skip={"start": 3, "line": 2, "end": 1})
        self.assert_counts(summary["frames"], expected=80, skipped=3 + 8 * 2 + 1, surplus=0)
        self.assertEqual(summary["geometry"], {"order": "serpentine", "scan": list(SHAPE), "repeats": 1, "shift": 0, "version": 1,
                                               "skip": {"start": 3, "line": 2, "end": 1}, "source": "request"})
        self.assert_map(self.sums())
        with open_recording(summary["file"]) as file:
            np.testing.assert_array_equal(file["/entry/data/data"][...].reshape(self.truth().shape), self.truth())

    def test_list_of_positions(self):
        """Positions in any order, some never visited: the map has them in place, the file the frames in time order."""
        self.begin()
        places = np.random.default_rng(3).permutation(12 * 9)[:80]
        positions = np.stack(np.divmod(places, 9), axis=1)
        started = self.client("start", scan=[12, 9], positions=positions.tolist())
        self.assertEqual(started["expected"], 80)
        summary = self.client.wait_finished(started["id"])
        self.assertEqual((summary["reason"], summary["frames"]["lost"]), ("complete", 0))
        self.assertEqual((summary["geometry"]["order"], summary["geometry"]["n_positions"]), ("list", 80))
        expected, visited = np.zeros(12 * 9, np.uint64), np.zeros(12 * 9, bool)
        expected[places], visited[places] = self.sums().ravel(), True
        self.assert_map(expected.reshape(12, 9), visited.reshape(12, 9))
        with open_recording(summary["file"]) as file:
            np.testing.assert_array_equal(file["/entry/data/data"][...], self.truth())

    def test_list_without_a_shape_has_the_map_that_it_needs(self):
        self.begin()
        positions = [[(7 * i) % 5, 20 + i] for i in range(80)]
        summary = self.run_to_end(positions=positions)
        self.assertEqual(summary["geometry"]["scan"], [5, 100])
        expected = np.zeros((5, 100), np.uint64)
        expected[tuple(np.transpose(positions))] = self.sums().ravel()
        self.assert_map(expected, expected > 0)

    def test_repeats_are_the_slowest_axis(self):
        """Three passes of a specimen that moves by a line each time."""
        self.begin("--drift", "1,0", "--flyback", "1", "--skip-end", "2")
        results = self.results(self.daemon, ("map/all/",))
        summary = self.run_to_end(scan=list(SHAPE), repeats=3, skip={"line": 1, "end": 2})
        self.assertEqual((summary["frames"]["expected"], summary["geometry"]["repeats"]), (240, 3))
        expected = np.stack([np.roll(self.sums(), p, axis=0) for p in range(3)])
        self.assert_map(expected)
        with open_recording(summary["file"]) as file:
            np.testing.assert_array_equal(file["/entry/data/data"][...].sum(axis=(3, 4), dtype=np.uint64), expected)
        header, arrays = results.wait("map/all/", lambda h: h["key"] and h["scan"] == summary["id"] and h["rows"] == [0, 24])
        self.assertEqual(header["shape"], [3, 8, 10])
        last = results.of("map/all/")[-1]
        np.testing.assert_array_equal(last[2]["data"].reshape(3, 8, 10), expected)
        results.close()

    def test_order_and_repeats_may_be_configured(self):
        self.begin("--serpentine", settings={"scan.shape": list(SHAPE), "scan.order": "serpentine", "scan.repeats": 2})
        summary = self.run_to_end()
        self.assertEqual((summary["geometry"]["order"], summary["geometry"]["repeats"]), ("serpentine", 2))
        self.assert_map(np.stack([self.sums()] * 2))
        summary = self.run_to_end(repeats=1)
        self.assert_map(self.sums())


class Nudges(GeometryTest):
    def test_nudge_during_a_scan_moves_what_was_measured_before(self):
        """Maps, topics and status follow at once; the file stays as it is."""
        self.begin()
        results = self.results(self.daemon)
        run = self.start_in_bursts(self.client, SHAPE, 20)
        self.burst(self.client)
        self.wait_analysed(run, 20)
        answer = self.client("geometry", nudge=3)
        served, result = self.client.array("map", "all")
        sums = self.sums().ravel()
        self.assertEqual((answer["run"], answer["geometry"]["shift"], answer["geometry"]["source"]), (run, 3, "nudge"))
        self.assertEqual(result["geometry"], 2)
        seen = served["measured"].ravel() == 1
        self.assertGreaterEqual(seen.sum(), 17)
        self.assertFalse(seen.all())
        np.testing.assert_array_equal(served["data"].ravel()[seen], shifted(sums, SHAPE, 3)[0].ravel()[seen])
        event, _ = results.wait("event/", lambda h: h["event"] == "geometry")
        self.assertEqual(event["geometry"], answer["geometry"])
        self.assertIn("shifted by +3", event["text"])
        first, _ = results.wait("map/all/", lambda h: h["geometry"] == 2 and h["scan"] == run)
        self.assertTrue(first["key"], "the first rows of another geometry are a key frame")
        self.burst(self.client)
        self.wait_analysed(run, 40)
        self.client("geometry", nudge=-5)
        for _ in range(2):
            self.burst(self.client)
        summary = self.client.wait_finished(run)
        self.assertEqual((summary["geometry"]["shift"], summary["geometry"]["version"]), (-2, 3))
        self.assertEqual((summary["reason"], summary["scan"]), ("complete", list(SHAPE)))
        self.assert_map(*shifted(sums, SHAPE, -2))
        with open_recording(summary["file"]) as file:
            np.testing.assert_array_equal(file["/entry/data/data"][...].reshape(self.truth().shape), self.truth())
            np.testing.assert_array_equal(file["/entry/results/all/data"][...], self.sums())
            history = json.loads(file["/entry/geometry/history"][()].decode().rstrip("\0 "))
        self.assertEqual([(g["version"], g["source"], g["shift"]) for g in history],
                         [(1, "request", 0), (2, "nudge", 3), (3, "nudge", -2)])
        self.assertLess(history[0]["frame"], history[1]["frame"])
        results.close()

    def test_rows_of_one_geometry_add_up(self):
        """A subscriber that pastes the rows of the newest version only holds the final map."""
        self.begin()
        results = self.results(self.daemon, ("map/all/",))
        run = self.start_in_bursts(self.client, SHAPE, 10)
        for version, nudge in ((1, 1), (2, 1), (3, -4)):
            self.burst(self.client)
            results.wait("map/all/", lambda header: header["geometry"] == version)
            self.client("geometry", nudge=nudge)

        def of_the_last():
            return [m for m in results.of("map/all/") if m[1]["scan"] == run and m[1]["geometry"] == 4]
        for _ in range(5):
            before = len(of_the_last())
            self.burst(self.client)
            wait_for(lambda: len(of_the_last()) > before, 30, "the rows of a burst")
        self.client.wait_finished(run)
        expected, there = shifted(self.sums().ravel(), SHAPE, -2)

        def pasted():
            data, measured = np.zeros(SHAPE, np.uint64), np.zeros(SHAPE, bool)
            for _, header, parts in of_the_last():
                first, count = header["rows"]
                is_measured = parts["measured"] == 1
                np.testing.assert_array_equal(parts["data"][is_measured], expected[first:first + count][is_measured])
                data[first:first + count], measured[first:first + count] = parts["data"], parts["measured"]
            return np.array_equal(data, expected) and np.array_equal(measured, there)
        wait_for(pasted, 30, "the rows to add up to the final map")
        self.assertEqual({m[1]["geometry"] for m in results.of("map/all/")}, {1, 2, 3, 4})
        results.close()

    def test_a_finished_run_may_be_seen_in_any_way(self):
        self.begin("--serpentine", "--flyback", "2")
        self.run_to_end(scan=[1, 8 * 12])
        self.client("geometry", scan=list(SHAPE), skip={"line": 2}, order="serpentine")
        self.assert_map(self.sums())
        present = self.client("geometry")["geometry"]
        self.assertEqual((present["skip"], present["version"]), ({"start": 0, "line": 2, "end": 0}, 2))
        self.client("geometry", skip={"start": 12}, scan=[7, 10])
        turned = self.client("geometry", shift=12, skip={"start": 0})["geometry"]
        self.assertEqual(turned["version"], 3, "12 frames more by shift are the same as by skip.start")
        self.client("geometry", order="raster", scan=[4, 10], shift=0, repeats=2, skip={"start": 0})
        with self.assertRaises(AssertionError):
            self.assert_map(self.sums().reshape(2, 4, 10))
        self.client("geometry", order="serpentine")
        self.assert_map(self.sums().reshape(2, 4, 10))
        everything = [[i % 96, 0] for i in range(96)]
        self.client("geometry", positions=everything, skip={"line": 0}, repeats=1)
        served, _ = self.client.array("map", "all")
        self.assertEqual(served["data"].shape, (96, 1))
        self.assertEqual(int(served["data"].sum(dtype=np.uint64)), int(self.sums().sum()) + 8 * 2 * 256 * 32)
        with self.assertRaisesRegex(ControlError, "positions of the new scan"):
            self.client("geometry", scan=[4, 4])


class Lines(GeometryTest):
    """Flyback found from exposures."""

    def check(self, geometry, shape, flyback):
        self.assertEqual((geometry["source"], geometry["scan"], geometry["order"]), ("exposures", list(shape), "raster"))
        self.assertEqual(geometry["skip"], {"start": geometry["skip"]["start"], "line": flyback, "end": 0})

    def finished_geometry(self, run):
        summary = self.client.wait_finished(run)
        self.assertEqual(summary["reason"], "complete", summary)
        with open_recording(summary["file"]) as file:
            self.assertEqual(file["/entry/data/data"].ndim, 3, "stored as a stack")
        return self.client("geometry")["geometry"]

    def test_flyback_of_lines_that_begin_with_a_long_exposure(self):
        self.begin("--flyback", "3", "--line-exposure", "2")
        results = self.results(self.daemon, ("event/",))
        run = self.start_in_bursts(self.client, SHAPE, 7 * 13, {"NUMFRAMESTOACQUIRE": 8 * 13}, flyback="exposure")
        self.burst(self.client)
        event, _ = results.wait("event/", lambda h: h["event"] == "geometry")
        self.assertEqual(self.client("run", id=run)["state"], "acquiring", "found while the scan runs")
        self.burst(self.client)
        self.check(event["geometry"], SHAPE, 3)
        self.check(self.finished_geometry(run), SHAPE, 3)
        self.assert_map(self.sums())
        results.close()

    def test_nobody_says_how_long_a_line_is(self):
        self.begin("--flyback", "2", "--flyback-exposure", "6", "--skip-start", "7")
        run = self.client("start", flyback="exposure", parameters={"NUMFRAMESTOACQUIRE": 7 + 8 * 12})["id"]
        self.check(self.finished_geometry(run), SHAPE, 2)
        self.assert_map(self.sums())

    def test_the_view_grows_with_lines_whose_number_nobody_knows(self):
        self.begin("--flyback", "1", "--flyback-exposure", "6", fps=lighter("800", "200"))
        run = self.client("start", flyback="exposure", parameters={"NUMFRAMESTOACQUIRE": 0})["id"]
        wait_for(lambda: self.client("run", id=run)["frames"]["analysed"] > 11 * 30, 30, "30 lines")
        wait_for(lambda: self.client("geometry")["geometry"]["scan"][0] >= 30, 10, "the view to grow")
        self.client("stop")
        summary = self.client.wait_finished(run)
        lines = self.client("geometry")["geometry"]["scan"][0]
        self.assertEqual(lines, (summary["frames"]["received"] + 1) // 11)
        served, _ = self.client.array("map", "all")
        np.testing.assert_array_equal(served["data"], np.resize(self.sums(), (lines, 10)))

    def test_even_frames_stay_a_stack_and_the_reason_is_told(self):
        self.begin("--skip-start", "1")
        results = self.results(self.daemon, ("event/",))
        run = self.client("start", flyback="exposure", parameters={"NUMFRAMESTOACQUIRE": 81})["id"]
        self.client.wait_finished(run)
        event, _ = results.wait("event/", lambda h: h["event"] == "geometry")
        self.assertRegex(event["text"], "no lines were found.*nothing tells where a line begins.*merlinctl geometry")
        self.assertIsNone(self.client("geometry")["geometry"]["scan"])
        self.client("geometry", scan=list(SHAPE), shift=1)
        self.assert_map(self.sums())
        results.close()

    def test_whoever_tells_the_geometry_is_not_overruled(self):
        self.begin("--flyback", "3", "--line-exposure", "2")
        results = self.results(self.daemon, ("acquisition/",))
        run = self.start_in_bursts(self.client, None, 13, {"NUMFRAMESTOACQUIRE": 8 * 13}, flyback="exposure")
        self.burst(self.client)
        self.wait_analysed(run, 1)
        self.client("geometry", scan=[4, 26])
        for _ in range(7):
            self.burst(self.client)
        results.wait("acquisition/", lambda header: header["event"] == "finished")
        geometry = self.client("geometry")["geometry"]
        self.assertEqual((geometry["scan"], geometry["source"]), ([4, 26], "request"))


class Refusals(GeometryTest):
    def refuse(self, command, code, field, words, **arguments):
        with self.subTest(command, **arguments), self.assertRaises(ControlError) as caught:
            self.client(command, **arguments)
        self.assertEqual((caught.exception.code, caught.exception.field), (code, field), caught.exception)
        self.assertRegex(caught.exception.message, words)

    def test_refusals_name_the_field_and_the_remedy(self):
        self.begin()
        scan = list(SHAPE)
        self.refuse("geometry", "no_data", None, "start a scan first", nudge=1)
        self.refuse("geometry", "no_data", None, "start a scan first")
        for field, words, arguments in (
                ("args.order", "list of positions", {"order": "spiral"}),
                ("args.order", "exclude", {"order": "raster", "positions": [[0, 0]]}),
                ("args.positions", "1 to 4194304", {"positions": []}),
                ("args.positions", "1 to 4194304", {"positions": {"y": 1}}),
                ("args.positions", r"position 1 of the list is not \[y, x\]", {"positions": [[0, 0], [1]]}),
                ("args.positions", r"position 0 of the list is not \[y, x\]", {"positions": [[-1, 0]]}),
                ("args.positions", r"position 0 of the list is not \[y, x\]", {"positions": [[0.5, 0]]}),
                ("args.positions", r"position 0 of the list is not \[y, x\]", {"positions": [[65536, 0]]}),
                ("args.positions", "twice", {"positions": [[0, 1], [1, 1], [0, 1]]}),
                ("args.positions", "outside the map of 2 x 2", {"positions": [[0, 1], [2, 1]], "scan": [2, 2]}),
                ("args.positions", "at most 16777216 places", {"positions": [[65535, 65535]]}),
                ("args.skip.line", "no lines", {"positions": [[0, 0]], "skip": {"line": 1}}),
                ("args.repeats", "from 1 to 1000000", {"scan": scan, "repeats": 0}),
                ("args.repeats", "from 1 to 1000000", {"scan": scan, "repeats": "2"}),
                ("args.repeats", r"more than 2\^32 frames", {"scan": [65536, 65536], "repeats": 2}),
                ("args.mode", "\"view\"", {"mode": "look"}),
                ("args.repeats", "leave repeats out", {"mode": "view", "scan": scan, "repeats": 2}),
                ("args.recording", "merlinctl record", {"mode": "view", "scan": scan, "recording": True}),
                ("args.flyback", "skip.line", {"scan": scan, "flyback": 2}),
                ("args.parameters", "NUMFRAMESTOACQUIRE", {"scan": scan, "flyback": "exposure"}),
                ("args.flyback", "exclude", {"scan": scan, "flyback": "exposure", "skip": {"line": 1}}),
                ("args.flyback", "single pass", {"scan": scan, "flyback": "exposure", "repeats": 2}),
                ("args.flyback", "no lines", {"positions": [[0, 0]], "flyback": "exposure"}),
                ("args.scan", "no scan shape", {"order": "serpentine"})):
            self.refuse("start", "bad_value", field, words, **arguments)
        self.refuse("start", "bad_request", "args.shift", "no argument", scan=scan, shift=1)
        self.refuse("record", "no_data", None, "view")
        self.run_to_end(scan=scan)
        for field, words, arguments in (
                ("args.nudge", "whole number", {"nudge": 1.5}),
                ("args.nudge", "whole number", {"nudge": 2 ** 40}),
                ("args.shift", "from -4294967296", {"shift": 2 ** 33}),
                ("args.repeats", r"2\^32", {"repeats": 1000000, "scan": [1000, 1000]})):
            self.refuse("geometry", "bad_value", field, words, **arguments)
        self.refuse("geometry", "bad_request", "args.nudge", "alone", nudge=1, shift=2)
        self.refuse("profile", "no_data", "args.name", "no profile radial_", name="radial_")
        self.refuse("pattern", "no_data", "args.name", "no pattern nothing", name="nothing")
        self.assertEqual(self.client("geometry")["geometry"]["version"], 1)
        self.assert_map(self.sums())

    def test_a_million_positions(self):
        """A list of the largest usual size goes through the socket; it is refused for a position that comes twice."""
        self.begin()
        side = lighter(1024, 256)
        positions = [[y, x] for y in range(side) for x in range(side)] + [[0, 1]]
        self.refuse("start", "bad_value", "args.positions", "number 1 and %d" % (side * side), positions=positions)


class Views(GeometryTest):
    def test_a_view_goes_over_and_over_until_it_is_stopped(self):
        self.begin("--drift", "0,1", fps=lighter("400", "200"))
        run = self.client("start", mode="view", scan=list(SHAPE))["id"]
        wait_for(lambda: self.client("run", id=run)["frames"]["analysed"] > 3 * 80, 30, "three passes")
        summary = self.client("run", id=run)
        self.assertEqual((summary["mode"], summary["geometry"]["repeats"], summary["frames"]["expected"]), ("view", None, 0))
        self.assertEqual(summary["recording"]["state"], "off")
        self.assertEqual(self.client("geometry", nudge=-2)["geometry"]["shift"], -2)
        served, _ = self.client.array("map", "all")
        self.assertGreaterEqual(served["measured"].sum(), 79, "what leaves at one end comes in at the other")
        self.assertEqual(self.client("geometry", nudge=2)["geometry"]["shift"], 0)
        with self.assertRaisesRegex(ControlError, "goes over and over 80 frames"):
            self.client("geometry", scan=[8, 11])
        self.client("stop")
        summary = self.client.wait_finished(run)
        n, sums = summary["frames"]["received"], self.sums()
        passes = np.stack([np.roll(sums, p, axis=1).ravel() for p in range((n + 79) // 80)])
        newest = passes[(n - 1 - np.arange(80)) // 80, np.arange(80)] if n > 80 else passes[0]
        self.assert_map(newest.reshape(SHAPE))

    def test_published_rows_follow_the_view(self):
        """Rows that are measured again are published again, though their number of positions is the same."""
        self.begin("--drift", "0,1", fps=lighter("300", "100"))
        results = self.results(self.daemon, ("map/all/",))
        run = self.client("start", mode="view", scan=list(SHAPE))["id"]
        wait_for(lambda: self.client("run", id=run)["frames"]["analysed"] > 4 * 80, 60, "four passes")
        self.client("stop")
        self.client.wait_finished(run)
        changed = [m for m in results.of("map/all/") if m[1]["scan"] == run and not m[1]["key"] and m[2]["measured"].all()]
        rows = [row for m in changed for row in range(m[1]["rows"][0], sum(m[1]["rows"]))]
        self.assertGreater(min(rows.count(row) for row in range(8)), 1)
        results.close()


if __name__ == "__main__":
    unittest.main()
