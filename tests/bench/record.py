#!/usr/bin/python3
"""Measures what recording costs; bench.sh record calls this after the build.

For each format one table row, all of it CPU time of a whole process (kernel and writer thread included), the least of the rounds,
recorded to memory (/dev/shm), of patterns of merlin-sim (synthetic glass):

    bare us      blosc_compress_ctx of decoded images (lz4, bitshuffle, level 1) and write(2), per frame
    recorded us  the same images packed by the workers' codec and written to the HDF5 file, its making and closing included
    ratio        bare / recorded
    whole us     all that recording adds to a frame: checksums of pixels and header, the header kept, decoding, packing, writing
    cores        at 22,000 frames/s (1-bit frames) or 1 GB/s of pixels on the wire: whole us times the rate
    MB/s         decoded pixels per second of one core, recorded

raw1_* are raw 1-bit frames, made into chunks from their bits. Then a file of 65,536 patterns (256x256 U08) is written to disk, thrown out
of the page cache, and single patterns at random positions are read by h5py.
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

from bench import BUILD, SIMULATOR, Failure, program, told_by

RECORD = BUILD / "tests" / "bench" / "bench_record"
# name: (simulator options, bytes of pixels on the wire, frames per second for `cores`)
FORMATS = {
    "raw1_256": (["--depth", "1", "--chips", "1", "--counts", "0.1"], 8192, 22000),
    "raw1_512": (["--depth", "1", "--chips", "4", "--counts", "0.1"], 32768, 22000),
    "u8_256": (["--depth", "6", "--chips", "1", "--counts", "0.3"], 65536, 1e9 / 65536),
    "u16_256": (["--depth", "12", "--chips", "1", "--counts", "0.3"], 131072, 1e9 / 131072),
    "u16_512": (["--depth", "12", "--chips", "4", "--counts", "0.3"], 524288, 1e9 / 524288),
}
FILE_FRAMES = 65536
READS = 200


def dump_images(form, directory):
    path = pathlib.Path(directory) / f"{form}.npy"
    with program([SIMULATOR, "--synthetic", "glass", "--scan", "2x128", "--dump", path, "--command-port", 0, "--data-port", 0,
                  *FORMATS[form][0]], r"^ready command=(\d+)", "merlin-sim"):
        return path


def record(form, directory, images, frames, rounds):
    return told_by(RECORD, form, directory, frames, rounds, images)


def costs(form, rounds, gigabytes):
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="merlind-bench-", dir=memory) as directory:
        images = dump_images(form, directory)
        image_size = (images.stat().st_size - 128) // 256
        frames = max(1024, round(gigabytes * 1e9 / image_size / 256) * 256)
        told = record(form, directory, images, frames, rounds)
    told["cores"] = told["whole_us"] * 1e-6 * FORMATS[form][2]
    return told


def random_patterns():
    """Milliseconds of single patterns of a large file that is not in memory."""
    import h5py
    import hdf5plugin  # noqa: F401 (its import registers the Blosc filter)
    with tempfile.TemporaryDirectory(prefix="merlind-bench-") as directory:
        told = record("u8_256", directory, dump_images("u8_256", directory), FILE_FRAMES, 1)
        descriptor = os.open(told["file"], os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
        chooser, times = random.Random(1), []
        start = time.perf_counter()
        with h5py.File(told["file"]) as file:
            data = file["/entry/data/data"]
            opened = time.perf_counter() - start
            for _ in range(READS):
                position = chooser.randrange(data.shape[0]), chooser.randrange(data.shape[1])
                start = time.perf_counter()
                data[position]
                times.append(time.perf_counter() - start)
    return {"patterns": FILE_FRAMES, "open_ms": opened * 1e3, "median_ms": statistics.median(times) * 1e3, "longest_ms": max(times) * 1e3}


def table(result):
    print(f"{'':10s} {'k':>3s} {'bare us':>8s} {'recorded us':>11s} {'ratio':>6s} {'whole us':>8s} {'cores':>6s} {'MB/s':>6s} {'bytes':>7s}")
    for form, told in result["formats"].items():
        print(f"{form:10s} {told['chunk_frames']:3d} {told['bare_us']:8.1f} {told['recorded_us']:11.1f} {told['ratio_to_bare']:6.2f} "
              f"{told['whole_us']:8.1f} {told['cores']:6.2f} {told['recorded_mb_per_s']:6.0f} {told['bytes_per_frame']:7.0f}")
    print("random pattern of {patterns} on disk: open {open_ms:.1f} ms, median {median_ms:.2f} ms, longest {longest_ms:.1f} ms".format(
        **result["random_pattern"]))


def main():
    parser = argparse.ArgumentParser(prog="bench.sh record", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--runs", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--gigabytes", type=float, default=2, help="decoded pixels per round (default 2)")
    parser.add_argument("--formats", default=",".join(FORMATS), help="some of " + ",".join(FORMATS))
    arguments = parser.parse_args()
    unknown = [name for name in arguments.formats.split(",") if name not in FORMATS]
    if unknown:
        parser.error(f"'{unknown[0]}' is none of {', '.join(FORMATS)}")
    try:
        result = {"formats": {form: costs(form, arguments.runs, arguments.gigabytes) for form in arguments.formats.split(",")},
                  "random_pattern": random_patterns()}
    except (Failure, subprocess.TimeoutExpired) as failure:
        print(f"bench.sh record: {failure}", file=sys.stderr)
        return 1
    print(json.dumps(result)) if arguments.json else table(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
