"""merlin-file export: what went over the wire comes back, byte for byte, in every form of the detector.

A tap on the data socket is the judge: .hdr must be the acquisition header, .mib the bodies of all frame messages in the order in which they were sent.
"""
import json
import unittest

import numpy as np

from fake_detector import FakeDetector, hdr, mpx
from file_tool import ToolTest
from harness import lighter, open_recording
from test_formats import LAYOUTS, SCAN, modes
from wire_tap import WireTap


def crc32c(data):
    """Castagnoli's, by a table of bytes."""
    crc = 0xffffffff
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xffffffff


def make_crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = make_crc_table()


class ExportTest(ToolTest):
    def tapped(self, *arguments, settings=None, **ports):
        simulator = self.start_simulator(*arguments, **ports)
        self.tap = WireTap(simulator)
        self.addCleanup(self.tap.close)
        self.daemon = self.start_daemon(self.tap, settings)
        self.ask = self.control(self.daemon)
        self.tap.wait_connected()
        return simulator

    def glass(self, *arguments, scan=SCAN, settings=None):
        return self.tapped("--synthetic", "glass", "--scan", "%dx%d" % scan, "--fps", 2000, "--counts", 50, *arguments, settings=settings)

    def export(self, path, *arguments):
        """(.mib, .hdr or None, what was told)"""
        name = self.directory / "exported"
        told = json.loads(self.run_tool("export", path, "-o", name, "--json", "--force", *arguments))
        mib, hdr = name.with_suffix(".mib").read_bytes(), name.with_suffix(".hdr")
        return mib, hdr.read_bytes() if told["hdr"] else None, told

    def assert_as_sent(self, path):
        sent = self.tap.frames()
        self.assertTrue(sent)
        mib, hdr, told = self.export(path)
        self.assertEqual(hdr, self.tap.hdr())
        self.assertEqual((told["frames"], told["left_out"]), (len(sent), 0))
        self.assertEqual(mib, b"".join(sent), "not what was sent")
        return sent

    def run_and_export(self, scan=SCAN, **arguments):
        self.ask.wait_state("idle")
        self.tap.forget()
        summary = self.run_scan(self.ask, scan, **arguments)
        self.assertEqual(summary["recording"]["state"], "closed", summary)
        sent = self.assert_as_sent(summary["file"])
        return summary, sent


class EveryForm(ExportTest):
    def go_through(self, layout, rows, *arguments, which=lambda mode: True):
        simulator = self.glass(*LAYOUTS[layout], "--rows", rows, *arguments)
        for mode in filter(which, modes(layout)):
            with self.subTest(f"{layout}, {rows} rows, {mode}"):
                self.run_and_export(parameters=mode.parameters)
        self.daemon.stop()
        simulator.stop()

    @staticmethod
    def raw_or_twelve(mode):
        """Processed frames have one form for every layout."""
        return mode.raw and not mode.both or mode.depth == 12 and not mode.colour

    def test_one_chip(self):
        self.go_through("1x1", lighter(256, 64))

    def test_one_chip_whose_layers_are_numbered_on(self):
        self.go_through("1x1", 32, "--number-layers", which=lambda mode: len(mode.layers) > 1 and mode.depth == 6)

    def test_quad(self):
        self.go_through("2x2", lighter(128, 32), which=self.raw_or_twelve)

    def test_quad_with_a_gap(self):
        self.go_through("2x2G, gap 3", lighter(128, 32), which=self.raw_or_twelve)

    def test_four_chips_in_a_row(self):
        self.go_through("Nx1", lighter(128, 32), which=self.raw_or_twelve)

    def test_one_bit_of_other_types_and_old_headers(self):
        for arguments in (["--pixel-type", "U01", "--depth", 1], ["--pixel-type", "U01packed", "--depth", 1],
                          ["--header-style", "old", "--format", "raw", "--depth", 12], ["--header-style", "no-mq1a", "--depth", 6]):
            with self.subTest(arguments=arguments):
                simulator = self.glass(*arguments)
                self.run_and_export()
                self.daemon.stop()
                simulator.stop()

    def test_raw_with_the_gap_of_the_configuration(self):
        self.glass("--format", "raw", "--layout", "2x2G", "--gap", 3, "--depth", 12, "--rows", 32, settings={"detector.gap": 3})
        self.run_and_export()


class WhatIsKept(ExportTest):
    SHAPE = (6, 50)  # more than one block of headers

    def test_headers_and_checksums_are_in_the_file_as_received(self):
        self.glass("--rows", 32, scan=self.SHAPE)
        summary, sent = self.run_and_export(self.SHAPE)
        with open_recording(summary["file"]) as file:
            frames, messages = file["/entry/frames"], file["/entry/messages"]
            np.testing.assert_array_equal(messages["row"][...], np.arange(300))
            np.testing.assert_array_equal(frames["message"][...], np.arange(300))
            self.assertTrue((frames["settings_version"][...] == 1).all())
            offset = messages["header"].dtype.itemsize
            for i in (0, 1, 255, 256, 299):
                self.assertEqual(messages["header"][i].ljust(offset, b"\0"), sent[i][:offset])
                crc = crc32c(sent[i][offset:])
                self.assertEqual((messages["crc32c"][i], frames["crc32c"][i]), (crc, crc))
                self.assertEqual(messages["header_crc32c"][i], crc32c(sent[i][:offset]))
            np.testing.assert_array_equal(messages["crc32c"][...], frames["crc32c"][...])
            stored = messages["header"].id.get_storage_size()
            self.assertLess(stored / 300, 60, "bytes of a header")

    def test_frames_dropped_doubled_late_and_without_a_place(self):
        self.glass("--rows", 32, "--flyback", 2, "--skip-start", 3, "--fault", "drop:17,30", "--fault", "duplicate:12", "--fault",
                   "duplicate:12", "--fault", "reorder:41,by=20", scan=(6, 10))
        self.ask.wait_state("idle")
        summary = self.run_scan(self.ask, (6, 10), skip={"start": 3, "line": 2, "end": 0})
        sent = self.assert_as_sent(summary["file"])
        with open_recording(summary["file"]) as file:
            frames, messages = file["/entry/frames"], file["/entry/messages"]
            numbers = [int(body.split(b",")[1]) for body in sent]
            np.testing.assert_array_equal(messages["row"][...] + 1, numbers)
            first = {}
            for i, number in enumerate(numbers):
                first.setdefault(number, i)
            expected = [first.get(number, -1) for number in range(1, len(frames["message"]) + 1)]
            np.testing.assert_array_equal(frames["message"][...], expected)

    def test_a_reshaped_file_still_gives_back_what_was_sent(self):
        self.glass("--rows", 32, "--fault", "duplicate:12", scan=(6, 10))
        summary, _ = self.run_and_export((6, 10))
        new = self.directory / "new.h5"
        self.run_tool("reshape", summary["file"], "-o", new, "--shift", 7)
        self.assert_as_sent(new)

    def test_what_is_damaged_is_left_out_and_told(self):
        self.glass("--rows", 32, scan=(6, 10))
        summary, sent = self.run_and_export((6, 10))
        path = self.directory / "damaged.h5"
        data = bytearray(open(summary["file"], "rb").read())
        with open_recording(summary["file"]) as file:
            dataset = file["entry/data/data"]
            chunk = dataset.id.get_chunk_info(1)
            k = dataset.chunks[1]
        at = chunk.byte_offset + chunk.size // 2
        data[at:at + 32] = bytes(value ^ 0xff for value in data[at:at + 32])
        path.write_bytes(data)
        name = self.directory / "damaged"
        text = self.run_tool("export", path, "-o", name, status=65)
        self.assertRegex(text, r"\d+ of 60 messages are not in .* as they came")
        mib = (self.directory / "damaged.mib").read_bytes()
        size = len(sent[0])
        kept = [mib[i:i + size] for i in range(0, len(mib), size)]
        self.assertLess(len(kept), 60)
        self.assertGreaterEqual(len(kept), 60 - k)
        self.assertEqual([body for body in kept if body not in sent], [])

    def test_a_damaged_header_is_not_given_out(self):
        self.glass("--rows", 32, scan=(6, 10))
        summary, sent = self.run_and_export((6, 10))
        path = self.directory / "damaged.h5"
        data = bytearray(open(summary["file"], "rb").read())
        with open_recording(summary["file"]) as file:
            headers = file["entry/messages/header"]
            chunk = headers.id.get_chunk_info(headers.id.get_num_chunks() - 1)
        at = bytes(data).index(b"MQ1,000001,", chunk.byte_offset)  # a literal of lz4: it decodes all the same
        data[at + 9] ^= 1
        path.write_bytes(data)
        self.assertIn("are left out", self.run_tool("export", path, "-o", self.directory / "damaged", status=65))
        mib, size = (self.directory / "damaged.mib").read_bytes(), len(sent[0])
        self.assertEqual([i for i in range(0, len(mib), size) if mib[i:i + size] not in sent], [])

    def test_files_that_are_there_are_not_overwritten(self):
        self.glass("--rows", 32)
        summary, _ = self.run_and_export()
        self.assertIn("--force", self.run_tool("export", summary["file"], "-o", self.directory / "exported.mib", status=73))


class UnusedBits(ExportTest):
    """Payloads with bits that the counter does not have come back too; where decoding loses them the payload itself is kept."""

    def run_payloads(self, kind, x, y, depth, payloads):
        def body(number, payload):
            header = f"MQ1,{number:06d},00384,01,{x:04d},{y:04d},{kind},   1x1,01,2026-11-21 08:00:00.000000,0.001000,0,0,0,"
            header += f"MQ1A,2026-11-21T08:00:{number:02d}.000000000Z,1000000ns,{depth},"
            return header.encode().ljust(384, b"\0") + payload

        def stream(send):
            send(hdr(len(payloads), depth))
            for i, payload in enumerate(payloads):
                send(mpx(body(i + 1, payload)))
        detector = FakeDetector(stream)
        self.addCleanup(detector.close)
        self.tap = WireTap(detector)
        self.addCleanup(self.tap.close)
        daemon = self.start_daemon(self.tap)
        self.tap.wait_connected()
        summary = self.run_scan(self.control(daemon), (2, 3))
        self.assertEqual(summary["reason"], "complete", summary)
        self.assert_as_sent(summary["file"])
        daemon.stop()
        return summary["file"]

    def test_every_bit_of_every_width_is_given_back(self):
        random = np.random.default_rng(24)
        for kind, x, y, depth, size in (("U08", 40, 8, 6, 320), ("U16", 40, 8, 12, 640), ("U32", 40, 8, 24, 1280),
                                        ("R64", 256, 8, 1, 256), ("R64", 256, 8, 6, 2048), ("R64", 256, 8, 12, 4096)):
            with self.subTest(kind=kind, depth=depth):
                path = self.run_payloads(kind, x, y, depth, [random.bytes(size) for _ in range(6)])
                with open_recording(path) as file:
                    self.assertNotIn("payload", file["/entry/messages"])

    def test_planes_of_24_bits_that_overlap_are_kept_as_they_came(self):
        random = np.random.default_rng(25)
        payloads = [random.bytes(8192) for _ in range(6)]
        for i in (0, 3):  # these keep to 12 bits in the low plane
            payloads[i] = payloads[i][:4096] + bytes(value & 15 if at % 2 == 0 else value for at, value in enumerate(payloads[i][4096:]))
        path = self.run_payloads("R64", 512, 8, 24, payloads)
        with open_recording(path) as file:
            messages = file["/entry/messages"]
            order = np.argsort(messages["payload_message"][...])
            np.testing.assert_array_equal(messages["payload_message"][...][order], [1, 2, 4, 5])
            self.assertEqual(messages["payload"][int(order[0])].tobytes(), payloads[1])


class RealFiles(ExportTest):
    NAMES = ("Quad_1_Frame_CounterDepth_12_Rows_256", "Quad_1_Frame_CounterDepth_1_Rows_256", "Quad_1_Frame_CounterDepth_1_Rows_256RAW",
             "Quad_1_Frame_CounterDepth_6_Rows_256", "Single_1_Frame_CounterDepth_24_Rows_256", "Single_9_Frame_CounterDepth_12_Rows_256",
             "Single_9_Frame_CounterDepth_1_Rows_256", "Single_9_Frame_CounterDepth_1_Rows_256RAW", "Single_9_Frame_CounterDepth_6_Rows_256",
             "001_4x2_6bit")

    def test_the_detectors_own_files_come_back(self):
        for name in self.NAMES:
            with self.subTest(name):
                path = self.real_file(name + ".mib")
                simulator = self.tapped(path, "--fps", 500, settings={"scan.shape": [1, 1]})
                self.ask.wait_state("idle")
                run = self.ask("start")["id"]
                summary = self.ask.wait_finished(run)
                self.assert_as_sent(summary["file"])
                self.daemon.stop()
                simulator.stop()


if __name__ == "__main__":
    unittest.main()
