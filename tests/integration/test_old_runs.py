"""Old runs: listed, opened again in a process of their own while another scan is taken, analysed anew, and never changed."""
import hashlib
import json
import os
import pathlib
import signal
import sys
import time
import unittest

import h5py
import numpy as np

from bragg_scans import BraggScans
from harness import TOP, Control, ControlError, SystemTest, disk_mask, lighter, open_recording, run_ctl, wait_for
from page_client import RawViewer, Viewer

sys.path.insert(0, str(TOP / "clients" / "python"))
from merlind import Merlind  # noqa: E402

# What shows an old run gets the CPU only where nobody else wants it.
ALONE = True
PLAIN = True

SCAN = (16, 12)
DETECTORS = [{"name": "bf", "shape": "disk", "radius": 20}, {"name": "haadf", "shape": "annulus", "inner": 60, "outer": 110}]
BRAGG_SCAN = (6, 16)
TOKEN = "a-token-for-tests"
SCHED_IDLE = 5


def alive(pid):
    try:
        return "Z" not in pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


def settled(client):
    """The summary of its run once all is computed; asked for seldom, for the one who asks goes before the one who computes."""
    def finished():
        time.sleep(0.1)
        status = client.status()
        return status["run"]["state"] == "finished" and (status["recompute"] or {"finished": True})["finished"] and status["run"]
    return wait_for(finished, 120, "the results of the old run")


def checksum(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def masked_sums(frames, centre, inner, outer):
    return frames[..., disk_mask(frames.shape[-2:], centre, inner, outer)].astype(np.uint64).sum(axis=-1)


class OldRuns(SystemTest):
    follows_the_page = False  # some of its files are damaged

    def begin(self, fps="4000", expected=(0,), **settings):
        self.simulator = self.start_simulator("--synthetic", "glass", "--bank", "40", "--fps", fps)
        self.daemon = self.start_daemon(self.simulator, {
            "virtual_detectors": DETECTORS, "recording.flush": 0.2, "web.token": TOKEN, **settings}, expected)
        return self.control(self.daemon)

    def open(self, control, file):
        """(a client of the process that shows it, what run_open answered)."""
        opened = control("run_open", file=str(file))
        client = Control(opened["control"])
        self.addCleanup(client.close)
        return client, opened

    def refused(self, control, code, command="run_open", **arguments):
        with self.assertRaises(ControlError) as caught:
            control(command, **arguments)
        self.assertEqual(caught.exception.code, code, caught.exception)
        return caught.exception.message

    def frames(self, summary):
        with open_recording(summary["file"]) as file:
            return file["/entry/data/data"][:]

    def test_the_list_has_the_newest_first_with_pictures_and_says_what_is_no_recording(self):
        control = self.begin()
        first = self.run_scan(control, SCAN, labels={"strain": 0})
        second = self.run_scan(control, (100, 4), labels={"strain": 2, "sample": "A"})
        (self.recordings / "notes").mkdir()
        with h5py.File(self.recordings / "notes" / "foreign.h5", "w") as file:
            file["data"] = np.zeros(3)
        (self.recordings / "broken.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(5000))
        for age, name in ((10, "notes/foreign.h5"), (20, "broken.h5")):
            os.utime(self.recordings / name, (time.time() - 1000 * age,) * 2)
        result, parts = control.request("runs")
        self.assertEqual(result["total"], 4)
        self.assertEqual([run["file"] for run in result["runs"][:2]], [second["file"], first["file"]])
        self.assertEqual([run["name"] for run in result["runs"][2:]], ["notes/foreign.h5", "broken.h5"])
        newest, older, foreign, broken = result["runs"]
        self.assertEqual((newest["id"], newest["labels"], newest["scan"], newest["reason"], newest["error"]),
                         (second["id"], {"strain": 2, "sample": "A"}, [100, 4], "complete", ""))
        self.assertEqual((older["frames"]["recorded"], older["recording"]["state"]), (192, "closed"))
        self.assertEqual(older["bytes"], pathlib.Path(first["file"]).stat().st_size)
        self.assertIn("merlind", foreign["error"])
        self.assertIn("HDF5", broken["error"])
        self.assertIsNone(foreign["thumbnail"])
        pictures = np.frombuffer(parts[0], np.uint8).reshape(4, 64, 64)
        self.assertEqual((older["thumbnail"]["map"], older["thumbnail"]["shape"]), ("haadf", [16, 12]))
        self.check_picture(older["thumbnail"], pictures[1], self.expected_haadf(first))
        self.assertEqual(newest["thumbnail"]["shape"], [50, 4])
        self.check_picture(newest["thumbnail"], pictures[0], self.expected_haadf(second)[::2])
        page, parts = control.request("runs", offset=1, limit=2)
        self.assertEqual([run["file"] for run in page["runs"]], [run["file"] for run in result["runs"][1:3]])
        np.testing.assert_array_equal(np.frombuffer(parts[0], np.uint8).reshape(2, 64, 64), pictures[1:3])
        self.assertEqual(control("runs", offset=9)["runs"], [])
        self.refused(control, "bad_value", "runs", limit=0)
        told = run_ctl(self.daemon, "runs").stdout
        self.assertIn(f'{second["file"]}\n', told)
        self.assertIn("strain=2", told)
        with Merlind(self.daemon.control) as client:
            picture = client.runs()[1]["picture"]
            self.assertEqual((picture.shape, picture.mask.any()), ((16, 12), False))
            with client.open_run(first["file"]) as again:
                self.assertEqual(again.status()["old_run"]["file"], first["file"])
            self.assertIn("closed", run_ctl(self.daemon, "close", first["file"]).stdout)

    def expected_haadf(self, summary):
        frames = self.frames(summary)
        centre = [(size - 1) / 2 for size in frames.shape[-2:]]
        return masked_sums(frames, centre, 60, 110)

    def check_picture(self, thumbnail, plane, expected):
        height, width = thumbnail["shape"]
        self.assertFalse(plane[height:].any() or plane[:, width:].any())
        low, high = thumbnail["low"], thumbnail["high"]
        values = low + (high - low) * (plane[:height, :width].astype(float) - 1) / 254
        np.testing.assert_allclose(values, np.clip(expected, low, high), atol=(high - low) / 254)

    def test_a_recording_is_opened_and_analysed_anew_while_another_scan_is_taken_at_no_loss_to_it(self):
        control = self.begin(fps=lighter("1500", "200"))
        old = self.run_scan(control, SCAN)
        other = self.run_scan(control, SCAN)
        before = checksum(old["file"])
        frames = self.frames(old)
        live = control("start", scan=[2000, 500])  # until it is stopped, however long the rest takes
        wait_for(lambda: control.status()["state"] == "acquiring", 30, "the scan")
        client, opened = self.open(control, old["file"])
        summary = settled(client)
        self.assertEqual((summary["id"], summary["reason"], summary["file"]), (old["id"], "complete", old["file"]))
        self.assertEqual(client.status()["old_run"]["name"], pathlib.Path(old["file"]).name)
        centre = [(size - 1) / 2 for size in frames.shape[-2:]]
        np.testing.assert_array_equal(client.array("map", "bf")[0]["data"], masked_sums(frames, centre, 0, 20))
        np.testing.assert_array_equal(client.array("pattern", "sum")[0]["data"], frames.sum(axis=(0, 1), dtype=np.uint64))
        self.assertEqual(client("virtual_detector", name="bf", shape="annulus", centre=[100, 140], inner=10, outer=30)["run"],
                         old["id"])
        client("recompute")
        settled(client)
        parts, header = client.array("map", "bf")
        np.testing.assert_array_equal(parts["data"], masked_sums(frames, [100, 140], 10, 30))
        self.assertTrue(parts["measured"].all())
        result, raw = client.request("pattern", at=[3, 5])
        np.testing.assert_array_equal(np.frombuffer(raw[0], frames.dtype).reshape(frames.shape[-2:]), frames[3, 5])
        self.assertEqual(control.status()["state"], "acquiring")

        with self.subTest("its priority is the lowest"):
            for task in pathlib.Path(f"/proc/{opened['pid']}/task").iterdir():
                self.assertEqual(os.sched_getscheduler(int(task.name)), SCHED_IDLE, (task / "comm").read_text())
            self.assertEqual(pathlib.Path(f"/proc/{opened['pid']}/oom_score_adj").read_text().strip(), "1000")
        with self.subTest("another one beside it"):
            second, _ = self.open(control, other["file"])
            self.assertEqual(settled(second)["id"], other["id"])
            self.assertEqual({one["file"] for one in control.status()["opened"]}, {old["file"], other["file"]})
        with self.subTest("the scan lost nothing"):
            control("stop")
            counts = control.wait_finished(live["id"])["frames"]
            sent = int(self.simulator.wait_line(r"^done frames=(?!192 )(\d+) stalls=0 ")[1])
            self.assert_accounts(counts)
            self.assert_counts(counts, received=sent, placed=sent, recorded=sent, analysed=sent, stalled=0)
            self.assertEqual(control.status()["ring"]["full_stalls"], 0)
        with self.subTest("nor did a whole one"):
            self.assertEqual(self.run_scan(control, (20, 20))["reason"], "complete")
        with self.subTest("the file is what it was"):
            for command, arguments in (("maps_put", {"name": "x", "dtype": "<f8", "shape": [1]}), ("shutdown", {}),
                                       ("start", {"scan": [2, 2]}), ("recording_discard", {}), ("note", {"text": "x"}),
                                       ("run_open", {"file": other["file"]})):
                self.refused(client, "forbidden", command, **arguments)
            control("run_close", file=old["file"])
            wait_for(lambda: not alive(opened["pid"]), 20, "its end")
            self.assertEqual(checksum(old["file"]), before)
        self.refused(control, "no_data", "run_close", file=old["file"])

    def test_what_is_no_recording_or_not_ours_is_refused_with_a_reason(self):
        control = self.begin()
        summary = self.run_scan(control, (4, 4))
        outside = self.directory / "outside.h5"
        outside.write_bytes(pathlib.Path(summary["file"]).read_bytes())
        (self.recordings / "link.h5").symlink_to(outside)
        (self.recordings / "broken.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(5000))
        with h5py.File(self.recordings / "foreign.h5", "w") as file:
            file["data"] = np.zeros(3)
        (self.recordings / "growing.h5.partial").write_bytes(b"")
        os.mkfifo(self.recordings / "pipe.h5")
        for file, code, why in (
                (outside, "forbidden", "not in a directory of recordings"), ("../outside.h5", "forbidden", "not in a directory"),
                ("link.h5", "forbidden", "not in a directory"), ("/etc/shadow", "forbidden", "not in a directory"),
                ("nothing.h5", "no_data", "No such file"), ("growing.h5.partial", "bad_value", "finished recording"),
                ("pipe.h5", "bad_value", "finished recording"), ("broken.h5", "recording", "no HDF5 file"),
                ("foreign.h5", "recording", "recording of merlind"), ("", "bad_value", "file must be")):
            with self.subTest(file=str(file)):
                self.assertIn(why, self.refused(control, code, file=str(file)))
        self.assertEqual(control.status()["opened"], [])
        self.assertEqual(self.run_scan(control, (4, 4))["reason"], "complete")

    def test_viewers_of_the_page_look_at_it_and_are_told_when_it_is_gone(self):
        control = self.begin()
        events = self.results(self.daemon, ("event/",))
        old = self.run_scan(control, SCAN)
        self.run_scan(control, (4, 4))
        viewer = Viewer(self.daemon.web)
        self.addCleanup(viewer.close)
        self.refused(lambda command, **arguments: viewer.request(command, **arguments), "forbidden", file=old["file"])
        stranger = RawViewer(self.daemon.web)
        stranger.hello(run=old["file"])
        self.assertIn("gone", json.loads(stranger.receive()[1]))
        self.assertIn(stranger.wait_close(), (4404, None))
        operator = Viewer(self.daemon.web, token=TOKEN)
        self.addCleanup(operator.close)
        pid = operator.request("run_open", file=old["file"])[0]["pid"]
        watching = Viewer(self.daemon.web, token=TOKEN, run=old["file"])
        self.addCleanup(watching.close)
        watching.watch("map/bf/")
        header, _ = watching.wait("status/", lambda header: header["status"]["state"] == "idle")
        self.assertEqual(header["status"]["run"]["id"], old["id"])
        self.assertEqual(watching.request("run")[0]["id"], old["id"])
        frames = self.frames(old)
        expected = masked_sums(frames, [(size - 1) / 2 for size in frames.shape[-2:]], 0, 20)
        wait_for(lambda: (watching.map("map/bf/") or {"data": None})["data"] is not None
                 and np.array_equal(watching.map("map/bf/")["data"], expected), 30, "the map on the page")
        self.assertNotEqual(operator.request("run")[0]["id"], old["id"])
        self.assertEqual(control.status()["opened"][0]["viewers"], 1)
        os.kill(pid, signal.SIGKILL)
        lost = events.wait("event/", lambda header: header["event"] == "old_run" and header["old_run"]["state"] == "lost")[0]
        self.assertEqual(lost["old_run"]["file"], old["file"])
        self.assertIn("killed", lost["text"])
        wait_for(lambda: watching.closed, 10, "the end of its viewer")
        self.assertEqual(watching.notice("gone"), "this old run is not open any more")
        self.assertEqual(control.status()["opened"], [])
        self.assertEqual(self.run_scan(control, (4, 4))["reason"], "complete")
        self.assertNotEqual(operator.request("run_open", file=old["file"])[0]["pid"], pid)

    def test_one_that_nobody_looks_at_makes_room_and_all_die_with_the_daemon(self):
        control = self.begin(expected=(-signal.SIGKILL,), **{"recording.opened": 1})
        first, second = self.run_scan(control, (4, 4)), self.run_scan(control, (4, 6))
        _, opened = self.open(control, first["file"])
        self.assertEqual(self.open(control, first["file"])[1], opened)
        viewer = Viewer(self.daemon.web, run=first["file"])
        wait_for(lambda: control.status()["opened"][0]["viewers"] == 1, 10, "the viewer to count")
        self.assertIn("recording.opened", self.refused(control, "busy", file=second["file"]))
        viewer.close()
        wait_for(lambda: control.status()["opened"][0]["viewers"] == 0, 10, "the viewer to be gone")
        _, other = self.open(control, second["file"])
        wait_for(lambda: not alive(opened["pid"]), 20, "the end of the first one")
        self.assertEqual([one["file"] for one in control.status()["opened"]], [second["file"]])
        self.daemon.kill()
        wait_for(lambda: not alive(other["pid"]), 20, "the end of what was open")


class OldBraggRuns(BraggScans):
    def test_the_classes_of_an_old_run_are_those_of_its_file_until_its_settings_are_changed(self):
        control = self.begin(scan=BRAGG_SCAN)
        n = BRAGG_SCAN[0] * BRAGG_SCAN[1]
        run = self.start_in_bursts(control, BRAGG_SCAN, n // 2)
        self.burst(control)
        wait_for(lambda: control.status()["frames"]["analysed"] > n // 4, 60, "a quarter of the frames")
        control("bragg_excluded", regions=[[[1, 2, 5]]])
        glass = control("bragg_null_test", area=[0, 0, 3, 8])
        self.assertEqual((glass["n"], glass["rate"]), (0, None))
        self.burst(control)
        summary = control.wait_finished(run)
        recorded = self.recorded(summary)
        before = checksum(summary["file"])
        control.close()
        client = Control(self.control(self.daemon)("run_open", file=summary["file"])["control"])
        self.addCleanup(client.close)
        self.assertEqual(settled(client)["bragg"]["state"], "final")
        np.testing.assert_array_equal(client.array("map", "bragg/class")[0]["data"], recorded["class"])
        np.testing.assert_array_equal(client.array("map", "bragg/strongest")[0]["data"], recorded["strongest"])
        self.assertEqual(client("bragg_excluded"), {"run": summary["id"], "regions": [[[1, 2, 5]]], "positions": 3})
        glass = client("bragg")["glass"]
        part = recorded["class"][:3, :8]
        self.assertEqual((glass["area"], glass["false_positive"]["found"]), ([0, 0, 3, 8], ((part > 0) & (part < 254)).sum()))
        self.assertEqual(glass["false_positive"]["n"], recorded["statistics"]["glass"]["false_positive"]["n"])
        self.assertEqual(client("bragg_excluded", regions=[])["positions"], 0)

        with self.subTest("learned again with other settings"):
            changed = client("bragg_settings", reference=None, annulus=[38, 46])
            self.assertEqual(changed["run"], summary["id"])
            settled(client)
            classes = client.array("map", "bragg/class")[0]["data"]
            self.assertLess((classes > 0).sum(), (recorded["class"] > 0).sum())
            self.assertTrue((classes < 5).all())
        with self.subTest("and off"):
            client("bragg_settings", enabled=False)
            self.assertNotIn("bragg/class", client("run")["maps"])
        self.assertEqual(checksum(summary["file"]), before)


if __name__ == "__main__":
    unittest.main()
