"""View mode: the detector runs on and on, unrecorded, with the beam parked or going over the scan; and "record the next pass" from there.

The specimen drifts by one column from pass to pass, so that every position of a map tells which pass it is of.
"""
import time
import unittest

import numpy as np

from harness import ControlError, SystemTest, lighter, open_recording, wait_for

SHAPE = (4, 8)
N = SHAPE[0] * SHAPE[1]
WIDE = {"name": "wide", "shape": "disk", "radius": 100}
MISSING = 1  # bit of /entry/frames/status


class ViewTest(SystemTest):
    def begin(self, *arguments, settings=None):
        self.dump = self.directory / "truth.npy"
        self.simulator = self.start_simulator("--synthetic", "glass", "--scan", f"{SHAPE[0]}x{SHAPE[1]}", "--counts", 3, "--dump",
                                              self.dump, *arguments)
        self.daemon = self.start_daemon(self.simulator, {"virtual_detectors": [WIDE], **(settings or {})})
        self.client = self.control(self.daemon)
        self.client.wait_state("idle")

    def view(self, **arguments):
        return self.client("start", mode="view", **arguments)["id"]

    def frames(self, what="received"):
        return self.client.status()["run"]["frames"][what]

    def wait_frames(self, more, what="received"):
        before = self.frames(what)
        wait_for(lambda: self.frames(what) >= before + more, 60, f"{more} more frames")

    def stop(self, run):
        self.client("stop")
        summary = self.client.wait_finished(run)
        self.assertEqual((summary["reason"], summary["cause"]), ("stopped", "stopped"), summary)
        self.client.wait_state("idle")
        return summary

    def files(self):
        return sorted(path.name for path in self.recordings.iterdir())

    def truth(self):
        """(images [ny, nx, y, x], value of the map at every position)"""
        images = np.load(self.dump)
        y, x = np.mgrid[:images.shape[1], :images.shape[2]] - 127.5
        values = images[:, y ** 2 + x ** 2 <= 100 ** 2].sum(axis=1, dtype=np.uint64)
        self.assertEqual(len(np.unique(values)), N, "positions that look alike prove nothing")
        return images.reshape(SHAPE + images.shape[1:]), values.reshape(SHAPE)

    def passes(self, map_, truth):
        """The pass that each value of a map is of, modulo the columns; fails where it is of none."""
        columns = {value: (y, x) for (y, x), value in np.ndenumerate(truth)}
        result = np.zeros(SHAPE, int)
        for (y, x), value in np.ndenumerate(map_):
            row, column = columns[value]
            self.assertEqual(row, y, "a value is in another row")
            result[y, x] = (x - column) % SHAPE[1]
        return result


class Parked(ViewTest):
    def test_the_first_pattern_comes_soon_and_the_picture_goes_on(self):
        self.begin("--fps", 200)
        published = self.results(self.daemon, ("pattern/latest/",))
        run = self.view()
        _, parts = published.wait("pattern/latest/", lambda header: header["scan"] == run)
        images = self.truth()[0].reshape(N, 256, 256)
        self.assertIn(parts["data"].astype(np.uint8).tobytes(), {image.tobytes() for image in images})
        first = published.of("pattern/latest/")[-1][1]["number"]
        published.wait("pattern/latest/", lambda header: header["number"] > first + 2 * N)

    def test_nothing_is_recorded_and_stop_ends_it(self):
        self.begin("--fps", 500)
        run = self.view()
        self.wait_frames(3 * N)
        status = self.client.status()
        self.assertEqual((status["state"], status["run"]["mode"], status["run"]["file"]), ("acquiring", "view", ""))
        self.assertEqual(status["recording"]["state"], "off")
        summary = self.stop(run)
        self.assertEqual((summary["mode"], summary["frames"]["recorded"]), ("view", 0), summary)
        self.assertEqual(self.files(), [])
        self.simulator.wait_line(r"^done frames=")

    def test_a_recorded_run_after_it_is_clean(self):
        self.begin("--fps", 1000)
        run = self.view()
        self.wait_frames(N)
        self.stop(run)
        summary = self.run_scan(self.client, SHAPE)
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_counts(summary["frames"], received=N, placed=N, recorded=N, rejected=0)
        with open_recording(summary["file"]) as file:
            np.testing.assert_array_equal(file["/entry/data/data"][...], self.truth()[0])


class Scanning(ViewTest):
    def test_maps_are_overwritten_row_by_row(self):
        """Below the place where the beam is, the map is of the pass before."""
        self.begin("--fps", 100, "--drift", "0,1", settings={"workers": 1})  # two may overtake each other by a frame
        truth = self.truth()[1]
        run = self.view(scan=list(SHAPE))
        self.wait_frames(N + 1, "analysed")
        mixed, newest = 0, []
        for _ in range(60):
            parts, result = self.client.array("map", "wide")
            self.assertEqual((result["run"], tuple(result["shape"]), bool(parts["measured"].all())), (run, SHAPE, True))
            passes = self.passes(parts["data"], truth).ravel()
            age = (passes[0] - passes) % SHAPE[1]
            self.assertLessEqual(set(age), {0, 1}, passes)
            self.assertTrue((np.diff(age) >= 0).all(), f"an older value above a newer one: {passes}")
            mixed += age.any()
            newest.append(passes[0])
            time.sleep(0.02)
        self.assertGreater(mixed, 0)
        self.assertGreater(len(set(newest)), 1, "the map stood still")
        self.stop(run)
        self.assertEqual(self.files(), [])

    def test_the_published_map_follows(self):
        self.begin("--fps", 100, "--drift", "0,1")
        truth = self.truth()[1]
        published = self.results(self.daemon, ("map/wide/",))
        run = self.view(scan=list(SHAPE))
        seen = set()
        for _ in range(3):
            last = max((header["seq"] for _, header, _ in published.of("map/wide/")), default=-1)
            header, parts = published.wait("map/wide/", lambda header: header["seq"] > last and header["key"] and header["scan"] == run)
            if parts["measured"].all():
                seen.update(self.passes(parts["data"], truth)[0])
        self.assertGreater(len(seen), 1, "the map stood still")

    def test_flyback_and_serpentine_lines(self):
        self.begin("--fps", 500, "--flyback", 2, "--skip-end", 3, "--serpentine")
        truth = self.truth()[1]
        run = self.view(scan=list(SHAPE), order="serpentine", skip={"line": 2, "end": 3})
        self.wait_frames(3 * N, "analysed")
        parts, _ = self.client.array("map", "wide")
        np.testing.assert_array_equal(parts["data"], truth)
        self.stop(run)

    def test_memory_stays_what_it_is(self):
        passes = lighter(60, 12)
        self.begin("--fps", "max", "--format", "raw", "--depth", 1, "--rows", 32)
        # tiny frames of a larger scan than the specimen's: 10,000 a pass
        run = self.view(scan=[100, 100])
        self.wait_frames(100_000)
        before = self.resident()
        self.wait_frames(passes * 10_000)
        self.assertLess(self.resident() - before, lighter(16, 300) << 20)
        self.stop(run)

    def resident(self):
        with open(f"/proc/{self.daemon.process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * 4096


class RecordNextPass(ViewTest):
    def wait_view(self):
        def viewing():
            status = self.client.status()
            return status["state"] == "acquiring" and status["run"]["mode"] == "view"
        wait_for(viewing, 30, "the view to go on")

    def record(self):
        self.wait_view()
        answer = self.client("record")
        self.assertEqual(answer["state"], "armed")
        return self.client.wait_finished(answer["id"])

    def check_pass(self, summary, order=np.arange(N)):
        """A complete run of exactly one pass, from its first frame on. Returns the number of that frame."""
        self.assertEqual((summary["state"], summary["reason"], summary["recording"]["state"]), ("finished", "complete", "closed"), summary)
        self.assert_accounts(summary["frames"])
        self.assert_counts(summary["frames"], expected=N, placed=N, recorded=N, analysed=N, missing=0, surplus=0, duplicate=0)
        images, values = self.truth()
        with open_recording(summary["file"]) as file:
            data, frames = file["/entry/data/data"][...], file["/entry/frames"]
            place = frames["position"][...]
            number = frames["number"][...][place >= 0]
            np.testing.assert_array_equal(place[place >= 0], order)
            passes = self.passes(file["/entry/results/wide/data"][...], values)
        self.assertEqual(len(np.unique(passes)), 1, f"frames of several passes: {passes}")
        np.testing.assert_array_equal(data, np.roll(images, passes[0, 0], axis=1))
        return int(number[0]), passes[0, 0]

    def test_the_recorded_run_is_one_whole_pass_and_the_view_goes_on(self):
        self.begin("--fps", 300, "--drift", "0,1")
        self.view(scan=list(SHAPE))
        self.wait_frames(N // 2)  # in the middle of a pass
        number, which = self.check_pass(self.record())
        self.assertEqual((number - 1) % N, 0)
        self.assertEqual((number - 1) // N % SHAPE[1], which)
        self.view_goes_on()
        self.assertEqual(len(self.files()), 1)

    def view_goes_on(self):
        self.wait_view()
        self.wait_frames(2 * N)
        self.assertNotEqual(self.client.status()["recording"]["state"], "active")
        self.stop(self.client.status()["run"]["id"])

    def test_several_passes_one_after_the_other(self):
        self.begin("--fps", 1000, "--drift", "0,1")
        self.view(scan=list(SHAPE))
        self.wait_frames(N)
        summaries = [self.record() for _ in range(3)]
        for summary in summaries:
            self.check_pass(summary)
        self.assertEqual(len({summary["id"] for summary in summaries}), 3)
        self.assertEqual(len(self.files()), 3)
        self.view_goes_on()

    def test_with_flyback_and_serpentine_lines(self):
        self.begin("--fps", 500, "--flyback", 1, "--skip-end", 2, "--serpentine")
        self.view(scan=list(SHAPE), order="serpentine", skip={"line": 1, "end": 2})
        self.wait_frames(N)
        order = np.arange(N).reshape(SHAPE)
        order[1::2] = order[1::2, ::-1].copy()
        number, _ = self.check_pass(self.record(), order.ravel())
        self.assertEqual((number - 1) % (SHAPE[0] * (SHAPE[1] + 1) + 2), 0)

    def test_the_state_stays_acquiring_from_pass_to_pass(self):
        self.begin("--fps", 500)
        published = self.results(self.daemon, ("status/",))
        self.view(scan=list(SHAPE))
        self.wait_frames(N)
        first = published.of("status/")[-1][1]["seq"]
        self.record()
        self.wait_frames(2 * N)
        states = [header["status"]["state"] for _, header, _ in published.of("status/") if header["seq"] > first]
        self.assertLessEqual(set(states), {"acquiring"}, states)
        self.view_goes_on()

    def test_refused_where_there_is_no_view(self):
        self.begin("--fps", 500)
        with self.assertRaises(ControlError) as refused:
            self.client("record")
        self.assertEqual(refused.exception.code, "no_data")
        self.assertRegex(refused.exception.message, r"view")
        self.assertEqual(self.files(), [])

    def test_refused_while_the_next_pass_is_taken_already(self):
        self.begin("--fps", 20)
        self.view(scan=list(SHAPE))
        self.wait_frames(2)
        self.client("record")
        with self.assertRaises(ControlError) as refused:
            self.client("record")
        self.assertEqual(refused.exception.code, "busy")


if __name__ == "__main__":
    unittest.main()
