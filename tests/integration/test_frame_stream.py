"""The frame stream: a farm gets every frame, and whoever does not take them disturbs nobody."""
import json
import sys
import threading

import cbor2
import h5py
import hdf5plugin
import lz4.block
import numpy as np
import zmq

import schema_check
from fake_detector import FakeDetector, frame, hdr
from harness import TOP, SystemTest, arrays, open_recording, timeout, wait_for

sys.path.insert(0, str(TOP / "clients" / "python"))
from merlind import Merlind, frames  # noqa: E402

WITH_STREAM = {"frames.enabled": True, "frames.endpoint": "tcp://127.0.0.1:0"}


class Puller:
    """A bare PULL socket; what it takes is held against the schemas."""

    def __init__(self, endpoint, rcvhwm=0, rcvbuf=-1):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.PULL)
        self.socket.linger, self.socket.rcvhwm, self.socket.rcvbuf = 0, rcvhwm, rcvbuf
        self.socket.connect(endpoint)

    def close(self):
        self.socket.close()
        self.context.term()

    def parts(self):
        assert self.socket.poll(timeout(30) * 1000), "nothing came from the frame stream"
        return self.socket.recv_multipart()

    def message(self):
        """(header, data or None); data [n, y, x], compressed ones as bytes."""
        text, *parts = self.parts()
        header = json.loads(text)
        schema_check.validate("merlind/frames", header)
        if not parts:
            return header, None
        blosc = header["parts"][0]["encoding"] == "blosc"
        return header, parts[0] if blosc else arrays(header["parts"], parts)["data"]

    def run(self, run=None):
        """The messages up to the end of a run (None: of the first that ends), whose header comes last."""
        messages = [self.message()]
        while messages[-1][0]["message"] != "end" or run not in (None, messages[-1][0]["scan"]):
            messages.append(self.message())
        return messages

    def series(self):
        """The same of stream2: the maps as cbor2 reads them."""
        maps = []
        while not maps or maps[-1]["type"] != "end":
            (text,) = self.parts()
            maps.append(cbor2.loads(text))
        return maps


def unpacked(packed, size, item):
    """What bitshuffle's HDF5 filter has packed with LZ4, by numpy."""
    total, block = int.from_bytes(packed[:8], "big"), int.from_bytes(packed[8:12], "big")
    assert total == size, (total, size)
    done, at = [], 12
    while size:
        block = min(block, size)
        length = int.from_bytes(packed[at:at + 4], "big")
        bits = np.frombuffer(lz4.block.decompress(packed[at + 4:at + 4 + length], uncompressed_size=block), "u1")
        planes = np.unpackbits(bits.reshape(item * 8, -1), axis=1, bitorder="little")  # [bit of a pixel, pixel]
        done.append(np.packbits(np.ascontiguousarray(planes.T), axis=1, bitorder="little").tobytes())
        at, size = at + 4 + length, size - block
    assert at == len(packed), (at, len(packed))
    return b"".join(done)


def typed_array(tagged):
    """(array, whether it was packed) of a tag 40."""
    assert tagged.tag == 40
    shape, typed = tagged.value
    dtype = np.dtype({64: "u1", 69: "<u2", 70: "<u4"}[typed.tag])
    data, packed = typed.value, isinstance(typed.value, cbor2.CBORTag)
    if packed:
        assert data.tag == 56500
        name, item, packed_bytes = data.value
        assert (name, item) == ("bslz4", dtype.itemsize)
        data = unpacked(packed_bytes, int(np.prod(shape)) * item, item)
    return np.frombuffer(data, dtype).reshape(shape), packed


class FrameStream(SystemTest):
    def begin(self, *simulator, **settings):
        """Of a simulator with these options, or of a FakeDetector; settings: frames__hwm is frames.hwm."""
        if isinstance(simulator[0], FakeDetector):
            detector = simulator[0]
            self.addCleanup(detector.close)
        else:
            detector = self.start_simulator("--synthetic", "glass", "--bank", "40", *simulator)
        self.daemon = self.start_daemon(detector, {**WITH_STREAM, **{key.replace("__", "."): v for key, v in settings.items()}})
        self.c = self.control(self.daemon)
        self.endpoint = self.c.wait_state("idle")["endpoints"]["frames"]

    def puller(self, **options):
        puller = Puller(self.endpoint, **options)
        self.addCleanup(puller.close)
        return puller

    def stream(self):
        return self.c.status()["frame_stream"]

    def wait_pullers(self, n):
        wait_for(lambda: self.stream()["pullers"] == n, 10, f"{n} pullers")

    def settled(self, run):
        """The summary of a run, once nothing of it waits for pullers."""
        self.c.wait_finished(run["id"])
        return wait_for(lambda: self.stream()["waiting"] == 0 and self.c("run", id=run["id"]), 30, "the end of the stream")

    def assert_all_told(self, counts):
        self.assert_accounts(counts)
        self.assertEqual(counts["streamed"] + counts["unstreamed"], counts["received"] - counts["duplicate"], counts)

    def assert_whole(self, summary):
        self.assertEqual((summary["reason"], summary["recording"]["state"]), ("complete", "closed"))
        self.assertEqual(summary["frames"]["recorded"], summary["frames"]["placed"])

    def test_two_pullers_share_a_run_and_have_every_frame_of_it(self):
        self.begin("--fps", "1500", "--flyback", "2", "--serpentine", "--depth", "12", "--scan", "20x24")
        clients = [Merlind(self.daemon.control) for _ in range(2)]
        shares = [frames(client) for client in clients]
        self.wait_pullers(2)
        taken = [[], []]
        farm = [threading.Thread(target=lambda to, share: to.extend(share), args=pair) for pair in zip(taken, shares)]
        for member in farm:
            member.start()
        run = self.c("start", scan=[20, 24], order="serpentine", skip={"line": 2})
        for member in farm:
            member.join(timeout(60))
            self.assertFalse(member.is_alive(), "a puller did not see the end of the run")
        for client in clients:
            client.close()
        summary = self.settled(run)
        self.assert_whole(summary)
        self.assert_all_told(summary["frames"])
        self.assert_counts(summary["frames"], received=20 * 26, streamed=20 * 26, unstreamed=0, skipped=40)
        self.assertTrue(all(taken), "one of two did everything")
        every = sorted((*taken[0], *taken[1]), key=lambda one: one.number)
        self.assertEqual([one.number for one in every], list(range(1, 20 * 26 + 1)))
        self.assertEqual({one.run for one in every}, {run["id"]})
        with open_recording(summary["file"]) as file:
            data, extra = file["/entry/data/data"][:], file["/entry/extra/data"][:]
            beside = {int(row): i for i, row in enumerate(file["/entry/extra/frame"][:])}
        for one in every:
            image = extra[beside[one.number - 1]] if one.position is None else data[one.position]
            np.testing.assert_array_equal(one.image, image)
        self.assertEqual(len({one.position for one in every if one.position}), 20 * 24)

    def test_a_puller_that_never_reads_disturbs_nobody(self):
        self.begin("--fps", "1500", "--depth", "12", frames__hwm=6)
        self.puller(rcvhwm=1, rcvbuf=65536)
        self.wait_pullers(1)
        counts = self.run_beside_the_stuck(None)
        self.assertGreater(counts["unstreamed"], 0)
        self.assertLessEqual(counts["streamed"] + counts["unstreamed"], counts["received"])
        self.assertLessEqual(self.stream()["waiting"], 6)
        working = self.puller(rcvhwm=1, rcvbuf=65536)
        self.wait_pullers(2)
        taken = []
        counts = self.run_beside_the_stuck(lambda run: taken.extend(working.run(run)))
        numbers = [number for header, _ in taken if header["message"] == "frames" and header["scan"] == taken[-1][0]["scan"]
                   for number in header["frames"]["number"]]
        self.assertGreater(len(numbers), 0)
        self.assertEqual(len(numbers), len(set(numbers)))
        self.assertGreaterEqual(taken[-1][0]["run"]["frames"]["streamed"], len(numbers))
        self.assert_all_told(taken[-1][0]["run"]["frames"])
        self.run_beside_the_stuck(None)
        self.daemon.stop()  # with both of them there, and neither of them reading

    def run_beside_the_stuck(self, take):
        """The counts of a run that has to be whole all the same."""
        run = self.c("start", scan=[24, 32])
        if take:
            take(run["id"])
        summary = self.c.wait_finished(run["id"])
        self.assert_whole(summary)
        return summary["frames"]

    def test_a_puller_that_joins_late_has_all_from_then_on(self):
        self.begin("--fps", "1000", frames__hwm=2)
        run = {"id": self.start_in_bursts(self.c, (12, 16), 96)}
        self.burst(self.c)
        wait_for(lambda: self.c("run")["frames"]["unstreamed"] > 0, 30, "frames that nobody takes")
        puller = self.puller()
        self.wait_pullers(1)
        self.burst(self.c)
        messages = puller.run()
        self.assertEqual(messages[0][0]["message"], "start")
        self.assertEqual(messages[0][0]["run"]["id"], run["id"])
        counts = messages[-1][0]["run"]["frames"]
        numbers = [number for header, _ in messages[1:-1] for number in header["frames"]["number"]]
        self.assertEqual(len(numbers), len(set(numbers)))
        self.assert_counts(counts, received=192, streamed=len(numbers), unstreamed=192 - len(numbers))
        self.assertEqual(max(numbers), 192)
        summary = self.settled(run)
        self.assert_whole(summary)
        self.assertEqual(summary["frames"], counts)
        with open_recording(summary["file"]) as file:
            data = file["/entry/data/data"][:].reshape(192, 256, 256)
        for header, images in messages[1:-1]:
            for position, image in zip(header["frames"]["position"], header["frames"]["image"]):
                np.testing.assert_array_equal(images[image], data[position])
        self.assertIn("frames were taken by nobody", self.daemon.stderr_text())

    def test_a_chunk_that_comes_in_two_parts_gives_every_frame_once(self):
        pixels = np.random.default_rng(1).integers(0, 60, (16, 256, 256), dtype=np.uint8)
        first_came = threading.Event()

        def stream(send):
            send(hdr(16) + b"".join(frame(n + 1, pixels[n]) for n in range(6)))
            first_came.wait(timeout(60))
            send(b"".join(frame(n + 1, pixels[n]) for n in (2, *range(6, 16))))  # one of them again

        self.begin(FakeDetector(stream))
        puller = self.puller()
        run = self.c("start", scan=[1, 16])
        messages = [puller.message(), puller.message()]
        first_came.set()
        messages += puller.run()
        numbers = [header["frames"]["number"] for header, _ in messages[1:-1]]
        self.assertEqual(numbers, [list(range(1, 7)), list(range(7, 17))])
        np.testing.assert_array_equal(np.concatenate([images for _, images in messages[1:-1]]), pixels)
        summary = self.settled(run)
        self.assert_all_told(summary["frames"])
        self.assert_counts(summary["frames"], received=17, duplicate=1, streamed=16, unstreamed=0)

    def test_compressed_chunks_are_those_of_the_file(self):
        self.begin("--fps", "2000", "--depth", "1", frames__format="compressed")
        puller = self.puller()
        run = self.c("start", scan=[8, 32])
        messages = puller.run()[1:-1]
        summary = self.settled(run)
        self.assert_counts(summary["frames"], recorded=256, streamed=256, unstreamed=0)
        with open_recording(summary["file"]) as file:
            data = file["/entry/data/data"]
            for header, packed in messages:
                y, x = divmod(min(header["frames"]["position"]), 32)
                self.assertEqual(header["parts"][0]["shape"][0], data.chunks[1])
                self.assertEqual(data.id.read_direct_chunk((y, x, 0, 0))[1], packed)
            images = data[:]
        run = self.c("start", scan=[8, 32], recording=False)
        taken = {}
        for header, packed in puller.run()[1:-1]:
            chunk = self.unpacked_by_hdf5(header["parts"][0], packed)
            taken.update({p: chunk[i] for p, i in zip(header["frames"]["position"], header["frames"]["image"])})
        self.assert_counts(self.settled(run)["frames"], unrecorded=256, streamed=256, unstreamed=0)
        np.testing.assert_array_equal(np.stack([taken[i] for i in range(256)]).reshape(images.shape), images)

    def unpacked_by_hdf5(self, part, packed):
        with h5py.File("in-memory", "w", driver="core", backing_store=False) as file:
            data = file.create_dataset("data", part["shape"], part["dtype"], chunks=tuple(part["shape"]), **hdf5plugin.Blosc())
            data.id.write_direct_chunk((0, 0, 0), packed)
            return data[:]

    def take_series(self, puller, **arguments):
        """(maps of stream2, summary, images [position, layer] of the file)."""
        run = self.c("start", scan=[2, 16], **arguments)
        maps = puller.series()
        summary = self.settled(run)
        with open_recording(summary["file"]) as file:
            layers = [file[f"/entry/{name}/data"][:] for name in ("data", "data_counter1") if name in file["/entry"]]
        return maps, summary, [layer.reshape(-1, *layer.shape[-2:]) for layer in layers]

    def check_series(self, maps, summary, layers, packed):
        start, *images, end = maps
        self.assertEqual([start["type"], end["type"]], ["start", "end"])
        self.assertEqual(start["series_unique_id"], summary["id"])
        self.assertEqual(start["channels"], [f"threshold_{i + 1}" for i in range(len(layers))])
        self.assertEqual((start["image_size_y"], start["image_size_x"]), layers[0].shape[1:])
        self.assertEqual(start["number_of_images"], 32)
        self.assertEqual(sorted(image["image_id"] for image in images), list(range(32)))
        for image in images:
            self.assertEqual(list(image)[0], "type")
            self.assertEqual(list(image["data"]), start["channels"])
            self.assertEqual((image["series_id"], image["series_unique_id"]), (start["series_id"], start["series_unique_id"]))
            self.assertEqual(image["stop_time"][0] - image["start_time"][0], image["real_time"][0])
            for layer, tagged in zip(layers, image["data"].values()):
                array, was_packed = typed_array(tagged)
                self.assertEqual(was_packed, packed)
                np.testing.assert_array_equal(array, layer[image["user_data"]["position"]])
        self.assertEqual((end["series_id"], end["series_unique_id"]), (start["series_id"], summary["id"]))
        self.assert_all_told(summary["frames"])

    def test_stream2_messages_are_start_images_and_end(self):
        self.begin("--fps", "2000", "--depth", "12", frames__format="stream2")
        self.check_series(*self.take_series(self.puller()), packed=False)

    def test_stream2_has_both_counters_in_one_image_and_packs_them(self):
        self.begin("--fps", "1000", frames__format="stream2_bslz4")
        puller = self.puller()
        for depth, both in ((6, True), (24, False)):
            with self.subTest(depth=depth):
                maps, summary, layers = self.take_series(puller, parameters={
                    "COUNTERDEPTH": depth, "ENABLECOUNTER1": 2 * both, "CONTINUOUSRW": 0})
                self.assertEqual(len(layers), 1 + both)
                self.check_series(maps, summary, layers, packed=True)
