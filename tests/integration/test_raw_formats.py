"""Raw (R64) files of real detectors replayed over TCP. The judge unpacks them by the tables of the protocol notes, in numpy."""
import pathlib
import unittest

import numpy as np

from fake_detector import FakeDetector, hdr, mpx
from harness import SystemTest, file_statistics, open_recording, read_mib

CHIP = 256  # pixels
BITS = {1: 1, 6: 8, 12: 16}  # counter depth: bits of a pixel on the wire


def raw_rows(payload, depth, blocks):
    """[row, block, column]: big-endian words of 64 bits, the first pixel in the least significant bits of each."""
    words = np.frombuffer(payload, ">u8").astype(np.uint64)
    bits = BITS[depth]
    shifts = np.arange(0, 64, bits, dtype=np.uint64)
    pixels = words[:, np.newaxis] >> shifts & np.uint64((1 << bits) - 1)
    return pixels.astype({1: np.uint8, 6: np.uint8, 12: np.uint16}[depth]).reshape(-1, blocks, CHIP)


def assemble(rows):
    """The image of one chip, or of a quad whose rows are [Q4 | Q3 | Q2 | Q1], Q3 and Q4 turned by 180 degrees."""
    if rows.shape[1] == 1:
        return rows[:, 0]
    q4, q3, q2, q1 = (rows[:, block] for block in range(4))
    return np.block([[q1, q2], [q3[::-1, ::-1], q4[::-1, ::-1]]])


def read_raw_mib(path):
    data, frames, at = pathlib.Path(path).read_bytes(), [], 0
    while at < len(data):
        fields = data[at:at + 384].split(b"\0")[0].decode("latin-1").split(",")
        assert (fields[0], fields[6]) == ("MQ1", "R64"), f"{path}: no raw frame at byte {at}"
        offset, chips, width, height = (int(field) for field in fields[2:6])
        header = data[at:at + offset].split(b"\0")[0].decode("latin-1").split(",")
        depth = int(header[header.index("MQ1A") + 3])
        size = width * height * BITS[depth] // 8
        frames.append(assemble(raw_rows(data[at + offset:at + offset + size], depth, chips)))
        at += offset + size
    return np.stack(frames)


def correlation(a, b):
    return np.corrcoef(a.ravel().astype(float), b.ravel().astype(float))[0, 1]


class RawFiles(SystemTest):
    def record(self, path, shape):
        """What merlind wrote of a file that the simulator replayed: (images, sum, attributes of the detector)."""
        simulator = self.start_simulator(path, "--fps", "500")
        daemon = self.start_daemon(simulator)
        summary = self.run_scan(self.control(daemon), shape)
        n = shape[0] * shape[1]
        self.assertEqual((summary["state"], summary["reason"]), ("finished", "complete"), summary)
        self.assert_accounts(summary["frames"])
        self.assert_counts(summary["frames"], expected=n, received=n, recorded=n, analysed=n, lost=0)
        with open_recording(summary["file"]) as file:
            self.assertEqual(file_statistics(file)["reason"], "complete")
            detector = file["/entry/instrument/detector"]
            self.assertEqual(detector["pixel_type"][()], b"R64")
            images = file["/entry/data/data"][...]
            return images.reshape((n,) + images.shape[2:]), file["/entry/results/sum/data"][...], dict(detector.attrs)

    def replay(self, name, shape):
        path = self.real_file(name)
        expected = read_raw_mib(path)
        images, total, attributes = self.record(path, shape)
        self.assertEqual(images.dtype, expected.dtype)
        np.testing.assert_array_equal(images, expected)
        np.testing.assert_array_equal(total, expected.sum(axis=0, dtype=np.uint64))
        self.assertEqual(attributes["layout_published"], "true")
        return images

    def test_single_chip_1_bit_is_the_picture_of_the_processed_series(self):
        raw = self.replay("Single_9_Frame_CounterDepth_1_Rows_256RAW.mib", (3, 3))
        processed, _ = read_mib(self.real_file("Single_9_Frame_CounterDepth_1_Rows_256.mib"))
        self.assertGreater(correlation(raw.sum(axis=0), processed.sum(axis=0)), 0.999)

    def test_quad_1_bit_is_the_picture_of_the_processed_frame(self):
        raw = self.replay("Quad_1_Frame_CounterDepth_1_Rows_256RAW.mib", (1, 1))[0]
        processed = read_mib(self.real_file("Quad_1_Frame_CounterDepth_1_Rows_256.mib"))[0][0]
        upright = correlation(raw, processed)
        self.assertGreater(upright, 0.98)
        for turned in (raw[::-1], raw[:, ::-1], raw[::-1, ::-1]):
            self.assertGreater(upright, correlation(turned, processed) + 0.3)


def packed_row(pixels, depth):
    """A chip's row of 256 pixels as bytes, by the formulas of section 2.5."""
    x = np.arange(CHIP)
    if depth == 1:
        row = np.zeros(32, np.uint8)
        np.bitwise_or.at(row, 8 * (x // 64) + 7 - (x % 64) // 8, (pixels << (x % 8)).astype(np.uint8))
    elif depth == 6:
        row = np.zeros(256, np.uint8)
        row[8 * (x // 8) + 7 - x % 8] = pixels
    else:
        row = np.zeros(512, np.uint8)
        at = 2 * (4 * (x // 4) + 3 - x % 4)
        row[at], row[at + 1] = pixels >> 8, pixels & 255
    return row.tobytes()


def packed_plane(image, depth, gap):
    """One chip, or a quad whose gap is left out: by the table of section 2.6, row by row."""
    if image.shape[1] == CHIP:
        return b"".join(packed_row(row, depth) for row in image)
    bottom = len(image) - 1
    rows = (len(image) - gap) // 2
    left, right = slice(0, CHIP), slice(CHIP + gap, None)
    return b"".join(packed_row(chip_row, depth) for r in range(rows) for chip_row in (
        image[bottom - r, right][::-1], image[bottom - r, left][::-1], image[r, right], image[r, left]))


def raw_frame(number, image, depth, gap, layout):
    """A frame message; 24 bits are a plane of high 12 bits and one of low 12, and twice the width in the header."""
    if depth == 24:
        payload = packed_plane(image >> 12, 12, gap) + packed_plane(image & 4095, 12, gap)
    else:
        payload = packed_plane(image, depth, gap)
    quad = image.shape[1] > CHIP
    rows = (len(image) - gap) // 2 if quad else len(image)
    offset, chips, width = (768, 4, 1024) if quad else (384, 1, 256)
    header = (f"MQ1,{number:06d},{offset:05d},{chips:02d},{width * (2 if depth == 24 else 1):04d},{rows:04d},R64,{layout:>6},0F,"
              "2026-11-21 08:00:00.000000,0.001000,0,0,0," + "2.000000E+0," * 8
              + f"MQ1A,2026-11-21T08:00:00.000000000Z,1000000ns,{depth},")
    return mpx(header.encode().ljust(offset, b"\0") + payload)


class EveryRawFormat(SystemTest):
    """Random pictures, packed pixel by pixel, sent as six frames of a scan of 2 x 3: they must be in the file as they were."""

    def check(self, depth, rows, layout, gap=0, published="true"):
        random = np.random.default_rng(depth + rows)
        shape = (6, rows, CHIP) if layout == "1x1" else (6, 2 * rows + gap, 2 * CHIP + gap)
        dtype = {1: np.uint8, 6: np.uint8, 12: np.uint16, 24: np.uint32}[depth]
        images = random.integers(0, 1 << depth, shape, dtype)
        if gap:
            images[:, rows:rows + gap] = 0
            images[:, :, CHIP:CHIP + gap] = 0

        def stream(send):
            send(hdr(6, depth))
            for number, image in enumerate(images, 1):
                send(raw_frame(number, image, depth, gap, layout))
        detector = FakeDetector(stream)
        self.addCleanup(detector.close)
        daemon = self.start_daemon(detector, {"detector.gap": gap})
        summary = self.run_scan(self.control(daemon), (2, 3))
        self.assertEqual(detector.errors, [])
        self.assertEqual((summary["state"], summary["reason"]), ("finished", "complete"), summary)
        with open_recording(summary["file"]) as file:
            np.testing.assert_array_equal(file["/entry/data/data"][...].reshape(shape), images)
            np.testing.assert_array_equal(file["/entry/results/sum/data"][...], images.sum(axis=0, dtype=np.uint64))
            detector_group = file["/entry/instrument/detector"]
            self.assertEqual(detector_group["counter_depth"][()], depth)
            self.assertEqual(detector_group.attrs["layout_published"], published)

    def test_one_chip(self):
        for depth in (1, 6, 12, 24):
            for rows in (32, 256):
                with self.subTest(depth=depth, rows=rows):
                    self.check(depth, rows, "1x1")

    def test_quad(self):
        for depth in (1, 6, 12):
            for rows in (32, 64, 128, 256):
                with self.subTest(depth=depth, rows=rows):
                    self.check(depth, rows, "2x2")

    def test_quad_24_bit_is_flagged(self):
        self.check(24, 256, "2x2", published="false")

    def test_quad_with_a_gap_of_the_configuration(self):
        for depth, gap in ((1, 2), (6, 3), (12, 3)):
            with self.subTest(depth=depth, gap=gap):
                self.check(depth, 256, "2x2G", gap)


if __name__ == "__main__":
    unittest.main()
