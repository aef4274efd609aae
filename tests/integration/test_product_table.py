"""Every live result of frames of every pixel format against numpy over the images that the simulator says it sent: detectors of every shape, edge and
mode, with bad pixels, with and without a gain, a frame that never came and rings on an ellipse; the same to the last bit with 1, 2 and 4 workers."""
import itertools
import unittest

import numpy as np

from harness import SystemTest, arrays, open_recording

# Three daemons at once: their parts go through the sanitizers in other tests.
PLAIN = True

WORKERS = (1, 2, 4)
SCAN, ROWS, WIDTH = (2, 12), 64, 256
N, SHAPE = SCAN[0] * SCAN[1], (ROWS, WIDTH)
MIDDLE = ((ROWS - 1) / 2, (WIDTH - 1) / 2)
LOST, SHIFT = 17, 2  # the index of the frame that never comes; how much later the scan is seen to begin
BAD = ((0, 0), (31, 120), (31, 121), (32, 120), (44, 140), (63, 200))
CENTRE, RATIO, ANGLE, WIDTH_OF_RING, ELECTRON = (57.3, 126.1), 1.08, 33.0, 1.7, 1.4
PIXEL_SIZE_K = 0.05
ROUNDING = 1e-5  # relative, of sums whose weights are no whole numbers
FORMS = ((1, 0), (6, 0), (12, 0), (24, 0), (1, 2), (6, 2), (12, 2), (24, 2))  # COUNTERDEPTH, FILEFORMAT (2: raw)
FULL_SCALE = {6: 63, 12: 4095, 24: 2**24 - 1}

MEANS = ("disk_mean", "adf_aa", "some")  # detectors that tell the mean, all others the sum
SEEN = ("disk", "quad_1", "three_2", "wave", "com_x")  # maps that are looked at as the scan is seen later

Y, X = np.mgrid[:ROWS, :WIDTH].astype(float)


# --------------------------------------------------------------------------------------------- detectors, as numpy has them


def ring(inner, outer, angles=None):
    """Whether points at (dy, dx) from the centre belong: a function of these."""
    def inside(dy, dx):
        squared = dy * dy + dx * dx
        within = (squared >= inner ** 2) & (squared <= outer ** 2)
        return within & ((np.degrees(np.arctan2(dy, dx)) - angles[0]) % 360 < angles[1] - angles[0]) if angles else within
    return inside


def box(height, width):
    return lambda dy, dx: (np.abs(dy) <= height / 2) & (np.abs(dx) <= width / 2)


def hard(inside, centre=MIDDLE):
    return inside(Y - centre[0], X - centre[1]).astype(float)


def smooth(inside, centre=MIDDLE):
    """The part of each pixel's area that lies inside, of 16 x 16 points; none lies farther than 50 from the centre."""
    offsets, near = (np.arange(16) + 0.5) / 16 - 0.5, np.s_[:, int(centre[1]) - 50:int(centre[1]) + 52]
    dy, dx, weights = Y[near] - centre[0], X[near] - centre[1], np.zeros(SHAPE)
    weights[near] = sum(inside(dy + y, dx + x).astype(float) for y in offsets for x in offsets) / 256
    return weights


def wave():
    return np.sin(Y / 5) * np.cos(X / 31) + 0.3


def whole():
    return (np.arange(ROWS * WIDTH).reshape(SHAPE) % 7 - 1).astype(np.int8)


def some():
    return (np.arange(ROWS * WIDTH).reshape(SHAPE) % 3 == 0)


def detectors(directory):
    """[(settings, {name of the map: weights})]."""
    for name, values in (("wave", wave().astype("<f4")), ("whole", whole()), ("some", some())):
        np.save(directory / f"{name}.npy", values)
    aa, mean = {"edge": "antialiased"}, {"mode": "mean"}
    yield {"name": "disk", "shape": "disk", "radius": 9}, {"disk": hard(ring(0, 9))}
    yield {"name": "disk_aa", "shape": "disk", "radius": 10.3, **aa}, {"disk_aa": smooth(ring(0, 10.3))}
    yield {"name": "disk_mean", "shape": "disk", "radius": 12, **mean}, {"disk_mean": hard(ring(0, 12))}
    yield ({"name": "adf", "shape": "annulus", "inner": 4, "outer": 30, "centre": [40, 118.5]}, {"adf": hard(ring(4, 30), (40, 118.5))})
    yield ({"name": "adf_aa", "shape": "annulus", "inner": 20, "outer": 41.5, **aa, **mean}, {"adf_aa": smooth(ring(20, 41.5))})
    yield ({"name": "fan", "shape": "sector", "inner": 3, "outer": 50, "angles": [300, 410]}, {"fan": hard(ring(3, 50, (300, 410)))})
    yield ({"name": "fan_aa", "shape": "sector", "outer": 25, "angles": [-30, 20], **aa}, {"fan_aa": smooth(ring(0, 25, (-30, 20)))})
    yield ({"name": "quad", "shape": "segmented", "outer": 15, "sectors": 4, "start_angle": -45},
           {f"quad_{i + 1}": hard(ring(0, 15, (90 * i - 45, 90 * i + 45))) for i in range(4)})
    yield ({"name": "three", "shape": "segmented", "inner": 5, "outer": 15, "sectors": 3, **aa},
           {f"three_{i + 1}": smooth(ring(5, 15, (120 * i, 120 * i + 120))) for i in range(3)})
    yield {"name": "box", "shape": "rectangle", "size": [5, 80], "centre": [3, 60]}, {"box": hard(box(5, 80), (3, 60))}
    yield {"name": "box_aa", "shape": "rectangle", "size": [9.5, 20.25], **aa}, {"box_aa": smooth(box(9.5, 20.25))}
    yield {"name": "point", "shape": "point", "centre": [44, 155]}, {"point": hard(box(0.5, 0.5), (44, 155))}
    yield {"name": "band", "shape": "k_band", "k_inner": 0.31, "k_outer": 0.87}, {"band": hard(ring(0.31 / PIXEL_SIZE_K, 0.87 / PIXEL_SIZE_K))}
    yield ({"name": "band_own", "shape": "k_band", "k_inner": 0.31, "k_outer": 0.87, "pixel_size_k": 0.031, **aa},
           {"band_own": smooth(ring(0.31 / 0.031, 0.87 / 0.031))})
    yield {"name": "wave", "shape": "mask", "mask": str(directory / "wave.npy")}, {"wave": wave().astype("<f4").astype(float)}
    yield {"name": "whole", "shape": "mask", "mask": str(directory / "whole.npy")}, {"whole": whole().astype(float)}
    yield {"name": "some", "shape": "mask", "mask": str(directory / "some.npy"), **mean}, {"some": some().astype(float)}


def bad_mask():
    mask = np.zeros(SHAPE, bool)
    mask[tuple(zip(*BAD))] = True
    return mask


def without_bad(weights):
    """The weight of a bad pixel goes to the good ones of the eight around it in equal parts."""
    moved, good = weights.copy(), ~bad_mask()
    moved[~good] = 0
    for y, x in BAD:
        around = [(a, b) for a, b in itertools.product(range(y - 1, y + 2), range(x - 1, x + 2))
                  if 0 <= a < ROWS and 0 <= b < WIDTH and good[a, b]]
        for place in around:
            moved[place] += weights[y, x] / len(around)
    return moved


# ------------------------------------------------------------------------------------------------- results, as numpy has them


def rings():
    """The ring of every pixel, in the numbering of the profiles; those of bad pixels belong to none (-1)."""
    angle, dy, dx = np.radians(ANGLE), Y - CENTRE[0], X - CENTRE[1]
    u, v = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    bins = np.floor(np.sqrt(u * u / RATIO + v * v * RATIO) / WIDTH_OF_RING).astype(int)
    return np.where(bad_mask(), -1, bins), bins.max() + 1


def maps_of(frames, weights):
    flat = frames.reshape(len(frames), -1).astype(float)
    with np.errstate(invalid="ignore"):
        com = [(flat @ axis.ravel()) / flat.sum(axis=1) for axis in (Y, X)]
    return {**{name: flat @ one.ravel() for name, one in weights.items()}, "com_y": com[0], "com_x": com[1]}


def moments(frames, bins, n):
    """Of each ring: its pixels, the frames' ring sums [frame, ring], and sums over pixels and frames: of n(n - 1), of S^2 - n^2."""
    flat, own = frames.reshape(len(frames), -1).astype(float), bins.ravel()
    good = own >= 0

    def over(values):
        return np.bincount(own[good], values[good], n)
    sums = np.array([over(frame) for frame in flat])
    squares, total = (flat ** 2).sum(axis=0), flat.sum(axis=0)
    return over(np.ones(own.size)), sums, over(squares - total), over(total ** 2 - squares)


def variances(frames, bins, n):
    """{name: [ring]} as docs/variance.md defines them."""
    area, sums, pairs, between = moments(frames, bins, n)
    p, total, products = len(frames), sums.sum(axis=0), (sums ** 2).sum(axis=0)
    crossed = total ** 2 - products
    with np.errstate(invalid="ignore", divide="ignore"):
        own = products - ELECTRON * total
        result = {"v_image": (p - 1) * pairs / between, "v_r": np.where(own > 0, area * pairs / own, np.nan),
                  "v_re": area * (p - 1) * pairs / crossed, "omega": (p - 1) * own / crossed}
    return {name: np.where(np.isfinite(values), values - 1, np.nan) for name, values in result.items()}


def jackknife(frames, exposures, bins, n):
    """{name + "_error": [ring]}: blocks of a line of the scan, of which each is left out in turn, weighted by their sizes."""
    block, whole_ = exposures // SCAN[1] % 16, variances(frames, bins, n)
    used = np.unique(block)
    without = [variances(frames[block != one], bins, n) for one in used]
    h = np.array([len(frames) / np.count_nonzero(block == one) for one in used])[:, None]
    errors = {}
    for name, all_ in whole_.items():
        left = np.array([one[name] for one in without])
        mean = len(used) * all_ - ((1 - 1 / h) * left).sum(axis=0)
        errors[name + "_error"] = np.sqrt((((h * all_ - (h - 1) * left) - mean) ** 2 / (h - 1)).mean(axis=0))
    return errors


class ProductTable(SystemTest):
    def setUp(self):
        super().setUp()
        self.weights, settings = {}, []
        for one, weights in detectors(self.directory):
            settings.append(one)
            self.weights.update(weights)
        sent = np.cos(X / 9) + Y / 40  # by the control socket
        self.weights["sent"] = sent
        np.save(self.directory / "bad.npy", bad_mask())
        self.exact = {name for name, one in self.weights.items() if name not in MEANS and (without_bad(one) % 1 == 0).all() and one.min() >= 0}
        self.gain = np.random.default_rng(3).uniform(0.8, 1.25, SHAPE).astype(np.float32)
        np.save(self.directory / "gain.npy", self.gain)
        self.asks = [self.follow(workers, settings) for workers in WORKERS]
        for ask in self.asks:
            ask.wait_state("idle")
            ask("virtual_detector", name="sent", shape="mask", weights=sent.tolist())

    def follow(self, workers, detectors_):
        """A client of a daemon with so many workers, whose detector sends the same as the others'."""
        simulator = self.start_simulator(
            "--synthetic", "glass", "--scan", "%dx%d" % SCAN, "--rows", ROWS, "--fps", "max", "--dump", self.directory / f"truth{workers}.npy",
            "--fault", f"drop:{LOST + 1}", "--centre-offset=-64,0", "--counts", 0.1, "--thickness", 60, "--br-contrast", "100,1000000",
            "--br-fraction", 0.4)
        recordings = self.directory / f"workers{workers}"
        recordings.mkdir()
        return self.control(self.start_daemon(simulator, {
            "workers": workers, "virtual_detectors": detectors_, "web.enabled": False, "calibration.bad_pixels": str(self.directory / "bad.npy"),
            "calibration.pixel_size_k": PIXEL_SIZE_K, "analysis.variance": True, "analysis.centre": list(CENTRE),
            "analysis.ellipse_ratio": RATIO, "analysis.ellipse_angle": ANGLE, "analysis.bin_width": WIDTH_OF_RING,
            "analysis.counts_per_electron": ELECTRON}, directory=recordings))

    def measure(self, depth, file_format, gain):
        """A run of each daemon: of each {name: array}, what the file holds and what the control socket hands out when the scan is seen later."""
        parameters = {"COUNTERDEPTH": depth, "FILEFORMAT": file_format}
        for ask in self.asks:
            ask("calibration", gain=str(self.directory / "gain.npy") if gain else None)
        runs = [ask("start", scan=list(SCAN), parameters=parameters)["id"] for ask in self.asks]
        return [self.collect(ask, ask.wait_finished(run)) for ask, run in zip(self.asks, runs)]

    def collect(self, ask, summary):
        self.assert_counts(summary["frames"], expected=N, received=N - 1, missing=1, analysed=N - 1)
        with open_recording(summary["file"]) as file:
            found = {name: group["data"][:] for name, group in file["/entry/results"].items() if "data" in group}
            self.frames = file["/entry/data/data"][:].reshape(N, *SHAPE)
        labels = (np.arange(N) % 3).reshape(SCAN)
        for command in ("label_profiles", "label_patterns"):
            result, parts = ask.request(command, labels=labels.tolist())
            found.update({f"{command}/{name}": array for name, array in arrays(result["parts"], parts).items()})
        ask("geometry", nudge=SHIFT)
        for name in SEEN:
            parts, _ = ask.array("map", name)
            found[f"{name}/seen"] = np.where(parts["measured"] == 1, parts["data"], 0)
        return found

    def expected(self, frames, came, gain):
        """{name: (value, relative error)} of maps of the frames that came."""
        weights = {name: without_bad(one) for name, one in self.weights.items()}
        divisors = {name: weights[name].sum() for name in MEANS}
        corrected = {name: one * self.gain if gain else one for name, one in weights.items()}
        return {name: values / divisors.get(name, 1) for name, values in maps_of(frames[came], corrected).items()}

    def check(self, depth, file_format, gain):
        first, *others = self.measure(depth, file_format, gain)
        for again in others:
            self.assertEqual(again.keys(), first.keys())
            for name, array in first.items():
                np.testing.assert_array_equal(again[name], array, name)
        truth, came = np.load(self.directory / "truth1.npy"), np.arange(N) != LOST
        frames = np.zeros((N, *SHAPE), truth.dtype)
        frames[came] = truth if len(truth) < N else truth[came]
        np.testing.assert_array_equal(self.frames, frames)
        self.frames = frames.astype(np.uint64)
        self.check_maps(first, came, gain)
        self.check_patterns(first, came, depth)
        self.check_labels(first, came, depth)

    def check_maps(self, found, came, gain):
        np.testing.assert_array_equal(found["measured"].ravel(), came)
        for name, values in self.expected(self.frames, came, gain).items():
            stored = found[name].ravel()
            if name in self.exact and not gain:
                np.testing.assert_array_equal(stored, np.insert(values, LOST, 0).astype(np.uint64), name)
            else:
                np.testing.assert_allclose(stored[came], values, rtol=1e-12 if name[:3] == "com" else ROUNDING, err_msg=name)
                self.assertTrue(np.isnan(stored[~came]).all(), name)
        for name in SEEN:
            stored = np.where(came, found[name].ravel(), 0)
            seen = found[name + "/seen"].ravel()
            np.testing.assert_array_equal(seen, np.append(stored[SHIFT:], np.zeros(SHIFT)), name)

    def check_patterns(self, found, came, depth):
        frames, (bins, n), bad = self.frames[came], rings(), bad_mask()
        total, good = frames.sum(axis=0), ~bad
        np.testing.assert_array_equal(found["sum"], total)
        np.testing.assert_allclose(found["mean"], total / len(frames), rtol=1e-12)
        np.testing.assert_array_equal(found["maximum"], np.where(bad, 0, frames.max(axis=0)))
        area = np.bincount(bins[good], minlength=n)
        of_each = np.array([np.bincount(bins[good], frame[good], n) for frame in self.frames])
        np.testing.assert_array_equal(found["radial_area"], area)
        np.testing.assert_array_equal(found["radial_sum"], of_each.sum(axis=0))
        with np.errstate(invalid="ignore"):
            np.testing.assert_allclose(found["radial_mean"], of_each.sum(axis=0) / area / len(frames), rtol=1e-12)
        np.testing.assert_array_equal(found["radial_profile"].reshape(N, n), of_each)
        if depth == 1:
            self.assertNotIn("variance", found)
            self.assertNotIn("saturated", found)
            return
        full = self.frames == FULL_SCALE[depth]
        np.testing.assert_array_equal(found["saturated"].ravel(), full.sum(axis=(1, 2)))
        np.testing.assert_array_equal(found["saturation"], full.sum(axis=0))
        self.check_variance(found, frames, np.flatnonzero(came), bins, n)

    def check_variance(self, found, frames, exposures, bins, n):
        pixels = np.arange(ROWS * WIDTH).reshape(SHAPE)
        image = variances(frames, pixels, pixels.size)["v_image"].reshape(SHAPE)
        image[bad_mask()] = np.nan
        np.testing.assert_allclose(found["variance"], image, rtol=1e-9, atol=1e-12)
        for name, values in {**variances(frames, bins, n), **jackknife(frames, exposures, bins, n)}.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-12, err_msg=name)

    def check_labels(self, found, came, depth):
        (bins, n), label = rings(), np.where(came, np.arange(N) % 3, 0)
        good = bins >= 0
        np.testing.assert_array_equal(found["label_patterns/positions"], [0, 8, 8])
        for one in (1, 2):
            chosen = self.frames[label == one]
            np.testing.assert_array_equal(found["label_patterns/sum"][one], chosen.sum(axis=0))
            for command in ("label_patterns", "label_profiles"):
                self.assertEqual(found[command + "/frames"][one], len(chosen))
            with np.errstate(invalid="ignore"):
                mean = np.bincount(bins[good], chosen.sum(axis=0)[good], n) / np.bincount(bins[good], minlength=n) / len(chosen)
            np.testing.assert_allclose(found["label_profiles/mean"][one], mean, rtol=1e-12)
            for name in () if depth == 1 else ("v_r", "v_re", "omega"):
                np.testing.assert_allclose(found["label_profiles/" + name][one], variances(chosen, bins, n)[name], rtol=1e-9, atol=1e-12)

    def test_every_result_of_every_format_equals_numpy_whatever_the_number_of_workers(self):
        for i, (depth, file_format) in enumerate(FORMS):
            with self.subTest(depth=depth, raw=file_format == 2):
                self.check(depth, file_format, gain=i % 2 == 1)


if __name__ == "__main__":
    unittest.main()
