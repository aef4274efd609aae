"""Codecs of recordings: each reads back what was sent, and `auto` packs as closely as there is time for."""
import unittest

import h5py
import numpy as np

from file_tool import ToolTest
from harness import file_statistics, read_mib, run_ctl

SLOW = True


class Compression(ToolTest):
    def scan(self, fps, shape, **settings):
        simulator = self.start_simulator("--synthetic", "glass", "--scan", "%dx%d" % shape, "--fps", fps)
        self.daemon = self.start_daemon(simulator, settings)
        control = self.control(self.daemon)
        self.events = self.results(self.daemon, ("event/",))
        return self.run_scan(control, shape)

    def assert_as_sent(self, summary):
        self.run_tool("verify", summary["file"])
        self.run_tool("export", summary["file"], "-o", self.directory / "exported", "--force")
        sent, _ = read_mib(self.directory / "exported.mib")
        with h5py.File(summary["file"]) as file:
            data = file["/entry/data/data"][...]
            np.testing.assert_array_equal(data.reshape(sent.shape), sent)
            stored = file_statistics(file)["recording"]["compression"]
        for name in ("codec", "level", "changes"):
            self.assertEqual(stored[name], summary["recording"]["compression"][name])

    def test_every_codec_gives_back_what_was_sent_and_tells_what_it_does(self):
        ratios = {}
        for codec in ("lz4", "zstd", "blosclz", "none", "auto"):
            with self.subTest(codec=codec):
                summary = self.scan(500, (8, 8), **{"recording.compression.codec": codec})
                told = summary["recording"]["compression"]
                self.assertEqual((told["codec"], told["level"]), ("zstd" if codec == "auto" else codec, 0 if codec == "none" else 1))
                self.assertGreater(told["raw_per_s"], 0)
                ratios[codec] = told["ratio"]
                self.assertRegex(run_ctl(self.daemon, "status").stdout, rf"(?m)^ +{told['codec']}( level 1)?, .*/s of pixels, .*/s written$")
                self.assert_as_sent(summary)
                self.daemon.stop()
        self.assertLess(ratios["none"], 1.01)
        self.assertLess(ratios["lz4"], ratios["zstd"])

    def test_the_default_is_lz4_of_bits_at_its_fastest(self):
        summary = self.scan(500, (2, 2))
        with h5py.File(summary["file"]) as file:
            data = file["/entry/data/data"]
            _, _, values, _ = data.id.get_create_plist().get_filter(0)
            # Of Blosc's filter: revisions, size of a number, bytes of a chunk, level, bit shuffle, LZ4.
            self.assertEqual(values, (2, 2, data.dtype.itemsize, int(np.prod(data.chunks)) * data.dtype.itemsize, 1, 2, 1))

    def test_auto_steps_down_when_workers_are_slower_than_the_detector(self):
        summary = self.scan(3000, (32, 32), **{"recording.compression.codec": "auto", "debug.worker_delay_us": 6000})
        event, _ = self.events.wait("event/", lambda event: event["event"] == "compression")
        self.assertEqual((event["compression"], event["step"]), ("lz4 1", 1))
        told = summary["recording"]["compression"]
        self.assertGreaterEqual(told["changes"], 2)
        self.assertEqual(told["codec"], "none")
        self.assert_as_sent(summary)
        with h5py.File(summary["file"]) as file:
            notes = [text.rstrip(b"\0").decode() for text in file["/entry/notes/text"][...]]
        self.assertEqual([note[:25] for note in notes[:2]], ["compression is lz4 1 from", "compression is none from "])


if __name__ == "__main__":
    unittest.main()
