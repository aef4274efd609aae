#!/usr/bin/python3
"""Measures merlind against the loopback limit of this machine; bench.sh calls this after the build.

Every measurement reads the stream of merlin-sim --fps max (synthetic glass, 0.3 counts per pixel on the halo, which is 0.02 in the mean of
all pixels, unless --counts says otherwise; as many patterns in its bank as fit 256 MiB) from its socket:

    loopback_limit   a bare reader, no parsing; the better of plain and SO_RCVLOWAT reads
    ingest           into merlind's ring with borders and headers found, nothing else (bench_ingest)
    live             merlind with 16 virtual detectors (8 disks and annuli, 8 masks of real weights), centre of mass, radial profile,
                     patterns and variance (which has the squares), recording off
    live_record      the same, recorded to memory (/dev/shm) with the default compression
    parts            what the pipeline's parts cost alone: blosc_compress_ctx and the products, on images of the same kind (bench_parts)
    mib              centre of mass, alone and with a bright-field detector, over a .mib file in the page cache on one thread (bench_mib)

each (but mib, which is of 256x256 U08) for u8_256 (256x256 U08), u16_256 (256x256 U16) and u16_512 (512x512 U16, quad). One run of every measurement after the other, then
the next round, so that a disturbance hits all of them; medians over the rounds, spread = (largest - smallest) / median. The
time is from the first frame to the moment when the last one is analysed (and recorded, and the file closed). Pixels are counted as bytes on
the wire, 1 MB = 10^6 bytes, GB = 10^9. CPU seconds are of the receiving program; "with sender" has those of merlin-sim as well.

With loopback_limit, live_record and parts measured, `pipeline` sets the CPU seconds per GB of the whole recorded run, sender included, beside
the sum of its parts: bare send and read, compression, products.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MERLIND_BUILD") or TOP / "build")
SIMULATOR = BUILD / "detector" / "sim" / "merlin-sim"
MERLIND = BUILD / "daemon" / "merlind"
LOOPBACK = BUILD / "tests" / "bench" / "bench_loopback"
INGEST = BUILD / "tests" / "bench" / "bench_ingest"
PARTS = BUILD / "tests" / "bench" / "bench_parts"
MIB = BUILD / "tests" / "bench" / "bench_mib"

HDR_MESSAGE = 2063
MPX_PREFIX = 15
# name: (simulator options, bytes of header, bytes of pixels)
FORMATS = {
    "u8_256": (["--depth", "6", "--chips", "1"], 384, 256 * 256),
    "u16_256": (["--depth", "12", "--chips", "1"], 384, 256 * 256 * 2),
    "u16_512": (["--depth", "12", "--chips", "4"], 768, 512 * 512 * 2),
}
PATTERNS = {"counts": 0.3}  # of the simulator: per pixel on the halo
DETECTORS = ([{"name": f"disk{n}", "shape": "disk", "radius": 10 + 10 * n} for n in range(4)]
             + [{"name": f"annulus{n}", "shape": "annulus", "inner": 20 + 20 * n, "outer": 40 + 20 * n}
                for n in range(4)])


class Failure(Exception):
    pass


def wait_line(process, pattern, what):
    for line in process.stdout:
        match = re.search(pattern, line)
        if match:
            return match
    raise Failure(f"{what} ended at its start: {process.args}")


@contextlib.contextmanager
def program(arguments, pattern, what):
    process = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    try:
        yield process, wait_line(process, pattern, what)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def simulator(form, scan):
    options = FORMATS[form][0]
    return program([SIMULATOR, "--synthetic", "glass", "--fps", "max", "--scan", f"{scan[0]}x{scan[1]}", "--counts", PATTERNS["counts"],
                    "--command-port", 0, "--data-port", 0, *options], r"^ready command=(\d+) data=(\d+)", "merlin-sim")


def message_size(form):
    _, header, pixels = FORMATS[form]
    return MPX_PREFIX + header + pixels


def per_run(form, frames, seconds, cpu_seconds, lost=0, sender_seconds=None):
    size = frames * FORMATS[form][2]
    run = {"frames_per_s": frames / seconds, "mb_per_s": size / seconds / 1e6, "cpu_s_per_gb": cpu_seconds / (size / 1e9), "lost": lost}
    if sender_seconds is not None:
        run["cpu_s_per_gb_with_sender"] = (cpu_seconds + sender_seconds) / (size / 1e9)
    return run


def bare_reader(tool, form, frames, low_water_kib, buffer_mib, ports):
    done = subprocess.run([str(tool), ports[1], ports[2], str(frames), str(HDR_MESSAGE + frames * message_size(form)),
                           str(low_water_kib), str(buffer_mib)], capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise Failure(f"{tool.name}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def loopback_limit(form, scan):
    """The better of plain reads and SO_RCVLOWAT reads, one of each."""
    frames, best = scan[0] * scan[1], None
    for low_water in (0, 512):
        with simulator(form, scan) as (sender, ports):
            before = cpu_of(sender.pid)
            told = bare_reader(LOOPBACK, form, frames, low_water, 64, ports)
            sent = cpu_of(sender.pid) - before
        run = per_run(form, frames, told["seconds"], told["cpu_seconds"], sender_seconds=sent)
        if best is None or run["frames_per_s"] > best["frames_per_s"]:
            best = run
    return best


def ingest(form, scan):
    frames = scan[0] * scan[1]
    with simulator(form, scan) as (_, ports):
        done = subprocess.run([str(INGEST), ports[1], ports[2], str(frames)], capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise Failure(f"bench_ingest: {done.stderr.strip()}")
    told = json.loads(done.stdout.strip().splitlines()[-1])
    return per_run(form, frames, told["seconds"], told["cpu_seconds"], frames - told["frames"])


def cpu_of(pid):
    """CPU seconds of a process so far, all threads, ended ones included."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Client:
    """A control client and the end-of-run event of one daemon."""

    def __init__(self, control, results):
        import zmq
        self.context = zmq.Context()
        self.events = self.context.socket(zmq.SUB)
        self.events.subscribe("acquisition/")
        self.events.connect(results)
        self.socket = self.context.socket(zmq.REQ)
        self.socket.rcvtimeo = 60000
        self.socket.connect(control)

    def close(self):
        self.context.destroy(0)

    def __call__(self, command, **arguments):
        self.socket.send_json({"id": 1, "cmd": command, "args": arguments})
        reply = self.socket.recv_json()
        if not reply["ok"]:
            raise Failure(f"{command}: {reply['error']}")
        return reply["result"]

    def wait_idle(self):
        end = time.monotonic() + 30
        while True:
            status = self("status")
            if status["state"] == "idle" and status["detector"]["command"] == "connected":
                return
            if time.monotonic() > end:
                raise Failure("merlind found no detector")
            time.sleep(0.02)

    def wait_finished(self, run):
        """(summary, UNIX time of the event)."""
        while self.events.poll(120000):
            header = json.loads(self.events.recv_multipart()[1])
            if header["event"] == "finished" and header["run"]["id"] == run:
                return header["run"], header["t"][0] + header["t"][1] * 1e-9
        raise Failure("the run did not end")


def masks(directory, side):
    """Eight masks of real weights over the whole frame, as .npy files; detectors of the configuration."""
    y, x = np.mgrid[:side, :side] / side
    for n in range(8):
        np.save(pathlib.Path(directory) / f"mask{n}.npy", (np.sin(3 * y + n) * np.cos(5 * x * (n + 1)) + 0.37 * y + 0.11).astype("<f4"))
    return [{"name": f"mask{n}", "shape": "mask", "mask": str(pathlib.Path(directory) / f"mask{n}.npy")} for n in range(8)]


def run_of_pipeline(form, scan, directory, more=None, beside=lambda client: contextlib.nullcontext()):
    """One run through merlind; directory None: not recorded; `more` settings; what goes on beside it. (figures, summary)"""
    settings = {"control.endpoint": "tcp://127.0.0.1:0", "results.endpoint": "tcp://127.0.0.1:0", "web.listen": "127.0.0.1:0",
                "ring.size": "512MiB", "virtual_detectors": json.dumps(DETECTORS), **(more or {})}
    if directory:
        settings["recording.directory"] = directory
    with simulator(form, scan) as (sender, ports):
        settings.update({"detector.command_port": ports[1], "detector.data_port": ports[2]})
        options = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]
        with program([MERLIND, *options], r"^ready control=(\S+) results=(\S+)", "merlind") as (daemon, ready):
            client = Client(ready[1], ready[2])
            try:
                client.wait_idle()
                with beside(client):
                    before, sender_before = cpu_of(daemon.pid), cpu_of(sender.pid)
                    run = client("start", scan=list(scan), recording=directory is not None)["id"]
                    summary, finished = client.wait_finished(run)
                cpu, sent = cpu_of(daemon.pid) - before, cpu_of(sender.pid) - sender_before
            finally:
                client.close()
    counts = summary["frames"]
    if directory and summary["recording"]["state"] != "closed":
        raise Failure(f"recording: {summary['recording']}")
    seconds = finished - (summary["started"][0] + summary["started"][1] * 1e-9)
    return per_run(form, counts["received"], seconds, cpu, counts["lost"] + counts["rejected"], sent), summary


def pipeline(form, scan, directory):
    """With 16 detectors, 8 of them masks, and the variance: what bench_parts computes alone."""
    with tempfile.TemporaryDirectory(prefix="merlind-bench-") as of_masks:
        detectors = DETECTORS + masks(of_masks, int(form.split("_")[1]))
        more = {"virtual_detectors": json.dumps(detectors), "analysis.variance": "true"}
        return run_of_pipeline(form, scan, directory, more)[0]


def live(form, scan):
    return pipeline(form, scan, None)


def live_record(form, scan):
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    directory = tempfile.mkdtemp(prefix="merlind-bench-", dir=memory)
    try:
        return pipeline(form, scan, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def told_by(tool, *arguments):
    done = subprocess.run([str(tool), *map(str, arguments)], capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise Failure(f"{tool.name}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def parts(form, scan):
    """CPU s per GB of compression and of products, on 256 images."""
    options, _, pixels = FORMATS[form]
    side = int(form.split("_")[1])
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="merlind-bench-", dir=memory) as directory:
        dump = pathlib.Path(directory) / "images.npy"
        arguments = [SIMULATOR, "--synthetic", "glass", "--scan", "2x128", "--counts", PATTERNS["counts"], "--dump", dump, "--command-port", 0,
                     "--data-port", 0, *options]
        with program(arguments, r"^ready command=(\d+)", "merlin-sim"):
            pass
        told = told_by(PARTS, side, pixels // side ** 2, dump)
    return {"compress_cpu_s_per_gb": told["compress"], "kernels_cpu_s_per_gb": told["kernels"]}


def mib(form, scan):
    told = told_by(MIB)
    return {"centre_of_mass_frames_per_s": told["centre_of_mass_frames_per_s"],
            "with_bright_field_frames_per_s": told["centre_of_mass_and_bright_field_frames_per_s"]}


MEASUREMENTS = {"loopback_limit": loopback_limit, "ingest": ingest, "live": live, "live_record": live_record, "parts": parts, "mib": mib}
ONE_FORMAT = {"mib": "u8_256"}


def scan_of(form, gigabytes):
    """A scan of about so much pixel data, lines of 128."""
    lines = max(8, round(gigabytes * 1e9 / FORMATS[form][2] / 128))
    return lines, 128


def measure(arguments):
    """{measurement: {format: [runs]}}"""
    runs = {name: {form: [] for form in arguments.formats} for name in arguments.measurements}
    for number in range(arguments.runs):
        for form in arguments.formats:
            scan = scan_of(form, arguments.gigabytes)
            for name in arguments.measurements:
                if ONE_FORMAT.get(name, form) != form:
                    continue
                run = MEASUREMENTS[name](form, scan)
                runs[name][form].append(run)
                if not arguments.json:
                    told = "  ".join(f"{key} {value:.4g}" for key, value in run.items())
                    print(f"round {number + 1}/{arguments.runs}  {form:8s} {name:15s} {told}", file=sys.stderr)
    return runs


def median_of(several):
    """Of each figure; with rates also the spread."""
    entry = {key: statistics.median(run[key] for run in several) for key in several[0] if key != "lost"}
    if "frames_per_s" in entry:
        rates = [run["frames_per_s"] for run in several]
        entry["spread"] = (max(rates) - min(rates)) / entry["frames_per_s"]
    entry["runs"] = len(several)
    return entry


def pipeline_and_parts(result, form):
    """CPU s per GB of the recorded run beside the sum of its parts; None when one of them was not measured."""
    if not all(form in result.get(name, {}) for name in ("loopback_limit", "live_record", "parts")):
        return None
    entry = {"send_and_read": result["loopback_limit"][form]["cpu_s_per_gb_with_sender"],
             "compress": result["parts"][form]["compress_cpu_s_per_gb"],
             "kernels": result["parts"][form]["kernels_cpu_s_per_gb"]}
    total = sum(entry.values())
    whole = result["live_record"][form]["cpu_s_per_gb_with_sender"]
    return {**entry, "sum_of_parts": total, "whole": whole, "whole_to_sum": whole / total}


def summarise(runs):
    """Medians with spread; ratios are those of medians."""
    result = {name: {form: median_of(several) for form, several in forms.items() if several} for name, forms in runs.items()}
    for name, forms in result.items():
        for form, entry in forms.items():
            if "loopback_limit" in result and "frames_per_s" in entry:
                entry["ratio_to_limit"] = entry["frames_per_s"] / result["loopback_limit"][form]["frames_per_s"]
    compared = {form: pipeline_and_parts(result, form) for form in result.get("live_record", {})}
    if any(compared.values()):
        result["pipeline"] = {form: entry for form, entry in compared.items() if entry}
    result["lost_frames"] = sum(run.get("lost", 0) for forms in runs.values() for several in forms.values() for run in several)
    return result


def table(result):
    print(f"{'':15s} {'format':8s} {'frames/s':>9s} {'MB/s':>7s} {'CPU s/GB':>9s} {'of limit':>9s} {'spread':>7s}")
    for name, forms in result.items():
        for form, entry in forms.items() if isinstance(forms, dict) else ():
            if "frames_per_s" in entry:
                print(f"{name:15s} {form:8s} {entry['frames_per_s']:9.0f} {entry['mb_per_s']:7.0f} {entry['cpu_s_per_gb']:9.3f} "
                      f"{entry.get('ratio_to_limit', 0):9.2f} {entry['spread']:7.1%}")
    for name in ("parts", "mib", "pipeline"):
        for form, entry in result.get(name, {}).items():
            print(f"{name:15s} {form:8s} " + "  ".join(f"{key} {value:.4g}" for key, value in entry.items() if key != "runs"))
    print(f"lost frames: {result['lost_frames']}")


def parse():
    def names(allowed):
        def split(text):
            chosen = text.split(",")
            for name in chosen:
                if name not in allowed:
                    raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(allowed)}")
            return chosen
        return split
    parser = argparse.ArgumentParser(prog="bench.sh", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--runs", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--quick", action="store_true", help="two rounds of little data: a look, not a measurement")
    parser.add_argument("--formats", type=names(FORMATS), default=list(FORMATS), help="some of " + ",".join(FORMATS))
    parser.add_argument("--measurements", type=names(MEASUREMENTS), default=list(MEASUREMENTS),
                        help="some of " + ",".join(MEASUREMENTS))
    parser.add_argument("--gigabytes", type=float, help="pixel data per run (default 3)")
    parser.add_argument("--counts", type=float, default=PATTERNS["counts"], help="mean counts per pixel on the halo (default 0.3)")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.runs = 2
    arguments.gigabytes = arguments.gigabytes or (0.5 if arguments.quick else 3)
    PATTERNS["counts"] = arguments.counts
    return arguments


def main():
    arguments = parse()
    if "ingest" in arguments.measurements and not INGEST.exists():
        print("bench.sh: bench_ingest is not built; ingest is left out", file=sys.stderr)
        arguments.measurements.remove("ingest")
    try:
        result = summarise(measure(arguments))
    except Failure as failure:
        print(f"bench.sh: {failure}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(result))
    else:
        table(result)
    return 0 if result["lost_frames"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
