"""1-bit frames are written to the file as bits, without ever being made images: what h5py with Debian's Blosc filter and Blosc itself
read are the images that the simulator says it sent."""
import ctypes
import ctypes.util
import pathlib
import unittest

import numpy as np

from file_tool import ToolTest
from harness import lighter, open_recording

BITSHUFFLE_LZ4_BLOCKS = 0x34  # flags of a Blosc buffer: LZ4, one stream a block, bitshuffle


def unpack(chunk):
    """What Blosc itself makes of a chunk."""
    blosc = ctypes.CDLL(ctypes.util.find_library("blosc"))
    out = np.empty(int.from_bytes(chunk[4:8], "little"), np.uint8)
    n = blosc.blosc_decompress_ctx(chunk, out.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(out.size), 1)
    assert n == out.size, f"Blosc: {n}"
    return out


class BitRecording(ToolTest):
    def record(self, scan, *options, settings=None, faults=()):
        dump = pathlib.Path(self.directory) / "sent.npy"
        simulator = self.start_simulator("--synthetic", "glass", "--depth", "1", "--scan", "%dx%d" % scan, "--counts", "0.05", "--dump",
                                         str(dump), "--fps", lighter("1000", "200"), *options,
                                         *(word for fault in faults for word in ("--fault", fault)))
        client = self.control(self.start_daemon(simulator, settings))
        summary = self.run_scan(client, scan)
        self.assert_accounts(summary["frames"])
        return summary, np.load(dump)

    def check_chunks(self, data, images, as_bits):
        """Every chunk is what its part of the dataset is, and made of bits where that is expected."""
        k = data.chunks[1]
        for place in range(data.id.get_num_chunks()):
            info = data.id.get_chunk_info(place)
            _, chunk = data.id.read_direct_chunk(info.chunk_offset)
            y, x = info.chunk_offset[:2]
            self.assertEqual((chunk[2] == BITSHUFFLE_LZ4_BLOCKS, chunk[8:12] == images[0, 0].size.to_bytes(4, "little")),
                             (as_bits, as_bits), (chunk[:16], k))
            unpacked = unpack(chunk).reshape((k,) + images.shape[2:])
            inside = images[y, x:x + k]
            np.testing.assert_array_equal(unpacked[:len(inside)], inside)
            self.assertFalse(unpacked[len(inside):].any(), "beyond the end of the line")

    def check(self, scan, *options, as_bits=True, **arguments):
        summary, sent = self.record(scan, *options, **arguments)
        self.assertEqual(summary["reason"], "complete", summary)
        images = sent.reshape(scan + sent.shape[1:])
        with open_recording(summary["file"]) as file:
            data = file["/entry/data/data"]
            self.assertEqual(data.dtype, np.uint8)
            np.testing.assert_array_equal(data[...], images)
            np.testing.assert_array_equal(data[scan[0] - 1, scan[1] - 1], images[-1, -1])
            self.check_chunks(data, images, as_bits)
        self.run_tool("verify", summary["file"])

    def test_a_chip_whose_chunks_do_not_fill_the_line(self):
        self.check((3, 37), "--format", "raw")

    def test_a_quad(self):
        self.check((3, 13), "--format", "raw", "--layout", "2x2")

    def test_some_rows(self):
        self.check((2, 70), "--format", "raw", "--rows", "32")

    def test_some_rows_of_a_quad(self):
        self.check((2, 40), "--format", "raw", "--layout", "2x2", "--rows", "64")

    def test_packed_processed_frames(self):
        self.check((3, 20), "--pixel-type", "U01packed")

    def test_a_gap_between_chips_is_recorded_from_images(self):
        self.check((2, 11), "--format", "raw", "--layout", "2x2G", "--gap", "3", as_bits=False, settings={"detector.gap": 3})

    def test_other_compressions_are_recorded_from_images(self):
        self.check((2, 20), "--format", "raw", as_bits=False, settings={"recording.compression.codec": "zstd"})

    def test_frames_that_did_not_come_are_zeros_and_extra_ones_are_kept(self):
        scan = (4, 24)
        summary, sent = self.record(scan, "--format", "raw", faults=["drop:40,41,60", "duplicate:7"])
        self.assertEqual((summary["frames"]["missing"], summary["frames"]["duplicate"]), (3, 1), summary)
        images = sent.reshape(scan + sent.shape[1:]).copy()
        with open_recording(summary["file"]) as file:
            missing = file["/entry/data/data"][...].reshape(sent.shape).any(axis=(1, 2)) == 0
            self.assertEqual(missing.sum(), 3)
            images.reshape(sent.shape)[missing] = 0
            np.testing.assert_array_equal(file["/entry/data/data"][...], images)
            extra = file["/entry/extra/data"][...]
            self.assertEqual(len(extra), 1)
            self.assertTrue((extra[0] == sent).all(axis=(1, 2)).any())
        self.run_tool("verify", summary["file"])


if __name__ == "__main__":
    unittest.main()
