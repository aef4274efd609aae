"""Every form in which frames may come, through simulator, socket, decoder and file, against the images that the simulator holds.

The simulator's encoders are written from the protocol notes and not from the decoder; tests/unit/sim holds them against the
tables there.
"""
import itertools
import unittest

import numpy as np

from harness import SystemTest, lighter, open_recording

SCAN = (2, 3)
REFUSED = r"(?i)this version|cannot decode|not published|not supported"


def processed():
    for layout, depth in itertools.product(("1x1", "2x2", "Nx1"), (1, 6, 12, 24)):
        yield f"{layout} processed {depth} bit", ["--layout", layout, "--depth", depth]
    for gap, depth in itertools.product((2, 3), (1, 6, 12, 24)):
        yield f"2x2G {gap} processed {depth} bit", ["--layout", "2x2G", "--gap", gap, "--depth", depth]
    for layout, rows in itertools.product(("1x1", "2x2", "2x2G", "Nx1"), (32, 64, 128)):
        yield f"{layout} processed {rows} rows", ["--layout", layout, "--rows", rows]
    for kind in ("U01", "U01packed"):
        yield f"{kind} 1x1", ["--pixel-type", kind, "--depth", 1]
        yield f"{kind} 2x2", ["--pixel-type", kind, "--depth", 1, "--layout", "2x2"]


def raw():
    for layout, depth, rows in itertools.product(("1x1", "2x2"), (1, 6, 12, 24), (256, 128, 64, 32)):
        if rows in (256, 64) or depth == 6:
            yield (f"{layout} raw {depth} bit {rows} rows",
                   ["--format", "raw", "--layout", layout, "--depth", depth, "--rows", rows])


def raw_with_gap():
    for gap, depth, rows in itertools.product((2, 3), (1, 12), (256, 32)):
        yield (f"2x2G {gap} raw {depth} bit {rows} rows",
               ["--format", "raw", "--layout", "2x2G", "--gap", gap, "--depth", depth, "--rows", rows],
               {"detector.gap": gap})


def headers():
    for style in ("no-mq1a", "old"):
        yield f"{style} header, processed", ["--header-style", style, "--depth", 12]
        yield f"{style} header, quad", ["--header-style", style, "--chips", 4]
        yield f"{style} header, raw", ["--header-style", style, "--format", "raw", "--depth", 12]


class Formats(SystemTest):
    def check(self, arguments, settings=None):
        """None when the file holds the truth; else the sentence with which merlind refused the format."""
        dump = self.directory / "truth.npy"
        simulator = self.start_simulator("--synthetic", "glass", "--scan", f"{SCAN[0]}x{SCAN[1]}", "--fps", 500, "--counts", 2,
                                         "--dump", dump, *arguments)
        daemon = self.start_daemon(simulator, settings)
        try:
            control = self.control(daemon)
            summary = self.run_scan(control, SCAN)
            if summary["cause"] == "refused" or summary["frames"]["placed"] == 0:
                told = summary["detail"] + "\n" + daemon.stderr_text()
                self.assertRegex(told, REFUSED, summary)
                return summary["detail"] or "no frame was placed"
            self.assertEqual(summary["reason"], "complete", summary)
            self.assert_counts(summary["frames"], received=6, placed=6, recorded=6, analysed=6, rejected=0)
            self.compare(summary, np.load(dump))
            return None
        finally:
            daemon.stop()
            simulator.stop()

    def compare(self, summary, truth):
        self.assertTrue(truth.any(), "an empty truth proves nothing")
        with open_recording(summary["file"]) as file:
            data = file["/entry/data/data"]
            self.assertEqual(data.shape, SCAN + truth.shape[1:])
            self.assertEqual(data.dtype, truth.dtype)
            np.testing.assert_array_equal(data[...].reshape(truth.shape), truth)
            np.testing.assert_array_equal(file["/entry/results/sum/data"][...], truth.sum(axis=0, dtype=np.uint64))
        self.assertEqual(tuple(summary["image"]), truth.shape[1:])

    def check_all(self, cases):
        cases = list(cases)
        refused = []
        for name, *case in cases[::lighter(1, 5)]:
            with self.subTest(name):
                sentence = self.check(*case)
                if sentence:
                    refused.append(f"{name} ({sentence})")
        if refused:
            self.skipTest(f"merlind refuses {len(refused)} of {len(cases)}: {'; '.join(refused[:3])}...")

    def test_processed(self):
        self.check_all(processed())

    def test_raw(self):
        self.check_all(raw())

    def test_raw_with_the_gap_configured(self):
        self.check_all(raw_with_gap())

    def test_raw_with_the_gap_that_the_detector_tells(self):
        """IMAGEX and IMAGEY hold the gap; raw frames do not."""
        for name, arguments, _ in list(raw_with_gap())[::3]:
            with self.subTest(name):
                self.assertIsNone(self.check(arguments))

    def test_header_quirks(self):
        self.check_all(headers())


class FormatOfTheRun(SystemTest):
    """A client selects the form of the next frames on the detector."""

    def test_settings_change_the_frames_of_the_next_run(self):
        dump = self.directory / "truth.npy"
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "2x3", "--fps", 500, "--counts", 2, "--dump", dump)
        daemon = self.start_daemon(simulator)
        control = self.control(daemon)
        for depth, dtype in ((12, np.uint16), (24, np.uint32), (6, np.uint8)):
            control.wait_state("idle")
            control("set", name="COUNTERDEPTH", value=depth)
            summary = self.run_scan(control, (2, 3))
            self.assertEqual(summary["reason"], "complete", summary)
            truth = np.load(dump)
            self.assertEqual(truth.dtype, dtype)
            with open_recording(summary["file"]) as file:
                np.testing.assert_array_equal(file["/entry/data/data"][...].reshape(truth.shape), truth)


if __name__ == "__main__":
    unittest.main()
