"""Whole runs of merlind in several cells, one of each after the other and then the next round: what bench_frames.py and bench_recompute.py share."""
import contextlib
import os
import statistics
import tempfile

from bench import run_of_pipeline, scan_of


def recorded_run(form, gigabytes, settings, during=None):
    """(figures, summary) of a run that is recorded to memory; `during(client)` is a context that lasts as long as the run."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="merlind-bench-", dir=memory) as directory:
        return run_of_pipeline(form, scan_of(form, gigabytes), directory, settings, during or (lambda client: contextlib.nullcontext()))


def best_of(runs, also):
    """The highest rate and the least CPU time of merlind; of what is asked for `also`, the median; frames lost in any."""
    return {"frames_per_s": max(run["frames_per_s"] for run in runs), "mb_per_s": max(run["mb_per_s"] for run in runs),
            "cpu_s_per_gb": min(run["cpu_s_per_gb"] for run in runs), also: statistics.median(run[also] for run in runs),
            "lost": sum(run["lost"] + run["unrecorded"] for run in runs), "runs": len(runs)}


def take_turns(formats, cells, rounds, measure, also):
    """{format: {cell: best_of}}; measure(format, cell) makes one run."""
    runs = {form: {cell: [] for cell in cells} for form in formats}
    for _ in range(rounds):
        for form in formats:
            for cell in cells:
                runs[form][cell].append(measure(form, cell))
    return {form: {cell: best_of(several, also) for cell, several in of_form.items()} for form, of_form in runs.items()}


def table(result, also, layout):
    """Prints it; `also` in this layout (as of a format string)."""
    width = max(len(cell) for cells in result.values() for cell in cells)
    print(f"{'format':8s} {'':{width}s} {'frames/s':>9s} {'MB/s':>6s} {'CPU s/GB':>9s} {also:>7s} {'lost':>5s}")
    for form, cells in result.items():
        for cell, told in cells.items():
            print(f"{form:8s} {cell:{width}s} {told['frames_per_s']:9.0f} {told['mb_per_s']:6.0f} {told['cpu_s_per_gb']:9.3f} "
                  f"{told[also]:7{layout}} {told['lost']:5d}")
