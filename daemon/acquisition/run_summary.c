#include "daemon/acquisition/run_summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/counter.h"
#include "daemon/acquisition/run_dose.h"
#include "daemon/acquisition/run_geometry.h"
#include "daemon/bragg/bragg_run_json.h"
#include "daemon/calibration/plan_warnings.h"
#include "daemon/json_time.h"
#include "daemon/results/result_list.h"
#include "processing/run/run_products.h"
#include "processing/stored/chunk_codec.h"

static json_t *count(const _Atomic uint64_t *counter)
{
    return json_integer((json_int_t)counter_read(counter));
}

static json_t *frames_json(const struct run *run)
{
    const struct run_counts *const counts = &run->counts;
    const json_int_t missing = (json_int_t)run_missing(run);
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, "
                     "s:o, s:o, s:o, s:o, s:o, s:o}",
                     "expected", (json_int_t)run->expected, "received", count(&counts->received),
                     "placed", count(&counts->placed), "skipped", count(&counts->skipped),
                     "duplicate", count(&counts->duplicate), "surplus", count(&counts->surplus),
                     "rejected", count(&counts->rejected), "missing", missing, "lost", missing,
                     "recorded", count(&counts->recorded), "unrecorded", count(&counts->unrecorded),
                     "extra_recorded", count(&counts->extra_recorded), "extra_unrecorded",
                     count(&counts->extra_unrecorded), "analysed", count(&counts->analysed),
                     "deferred", count(&counts->deferred), "not_analysed",
                     count(&counts->not_analysed), "no_room", count(&counts->no_room), "saturated",
                     count(&counts->saturated), "stalled", count(&counts->stalled), "streamed",
                     count(&counts->streamed), "unstreamed", count(&counts->unstreamed));
}

static double elapsed_s(const struct run *run)
{
    const uint64_t ended = counter_read(&run->ended_ns);
    const uint64_t until = ended ? ended : clock_realtime_ns();
    return until > run->started_ns ? (double)(until - run->started_ns) / (double)NS_PER_S : 0;
}

static json_t *recording_json(const struct run *run, char *path, size_t path_size)
{
    static const char *const fates[] = {
        [RUN_KEEP] = "keep", [RUN_ASK] = "ask", [RUN_DISCARD] = "discard"};
    struct run_recording *const recording = run->recording;
    static const char *const codecs[] = {[RECORDING_CODEC_LZ4] = "lz4",
                                         [RECORDING_CODEC_ZSTD] = "zstd",
                                         [RECORDING_CODEC_BLOSCLZ] = "blosclz",
                                         [RECORDING_CODEC_NONE] = "none"};
    const struct chunk_packing packing = chunk_codec_packing(run);
    const double seconds = elapsed_s(run);
    pthread_mutex_lock(&recording->mutex);
    const double raw = (double)recording->bytes_raw, written = (double)recording->bytes_written;
    json_t *const json = json_pack("{s:s, s:s, s:s, s:I, s:I}", "fate",
                                   fates[atomic_load_explicit(&run->fate, memory_order_relaxed)],
                                   "state", recording_state_name(recording->state), "error",
                                   recording->error, "bytes_raw", (json_int_t)recording->bytes_raw,
                                   "bytes_written", (json_int_t)recording->bytes_written);
    snprintf(path, path_size, "%s", recording->path);
    pthread_mutex_unlock(&recording->mutex);
    json_object_set_new(
        json, "compression",
        json_pack("{s:s, s:i, s:o, s:I, s:f, s:f}", "codec", codecs[packing.codec], "level",
                  packing.level, "ratio", written > 0 ? json_real(raw / written) : json_null(),
                  "changes",
                  (json_int_t)atomic_load_explicit(&run->pack_changes, memory_order_relaxed),
                  "raw_per_s", seconds > 0 ? raw / seconds : 0.0, "written_per_s",
                  seconds > 0 ? written / seconds : 0.0));
    return json;
}

/* ---- names of results ---- */

static json_t *layer_names(const struct run *run)
{
    json_t *const names = json_array();
    for (unsigned i = 0; run->n_layers > 1 && i < run->n_layers; i++)
        json_array_append_new(names, json_string(run_layer_name(run, i)));
    return names;
}

/* ---- geometry and stalls ---- */

static json_t *scan_json(const struct scan_geometry *scan)
{
    if (scan->ny == 0)
        return json_null();
    return json_pack("[I, I]", (json_int_t)scan->ny, (json_int_t)scan->nx);
}

static const char *mode_name(const struct acquisition_plan *plan)
{
    if (plan->unending)
        return "view";
    return plan->active ? "active" : "passive";
}

static struct stall_summary stalls_of(const struct run *run)
{
    struct stall_summary stalls = {0};
    if (run->stalls)
        stall_watch_summary(run->stalls, &stalls);
    return stalls;
}

/* Frame numbers are the detector's, from 1. */
static json_t *stalls_json(const struct stall_summary *stalls)
{
    return json_pack("{s:I, s:f, s:o}", "episodes", (json_int_t)stalls->episodes, "held_up_s",
                     (double)stalls->held_up_ns / (double)NS_PER_S, "shifted_from",
                     stalls->shifted ? json_integer((json_int_t)stalls->shifted_from + 1)
                                     : json_null());
}

static json_t *no_stalls(void)
{
    const struct stall_summary stalls = {0};
    return stalls_json(&stalls);
}

static void describe_shift(const struct stall_summary *stalls, char *text, size_t size)
{
    const size_t length = strlen(text);
    if (stalls->shifted)
        snprintf(text + length, size - length,
                 "%sscan positions may be shifted from frame %" PRIu64, length > 0 ? "; " : "",
                 stalls->shifted_from + 1);
}

static void describe_no_room(const struct run *run, char *text, size_t size)
{
    const size_t length = strlen(text);
    const uint64_t n = counter_read(&run->counts.no_room);
    if (n > 0)
        snprintf(text + length, size - length,
                 "%s%" PRIu64 " frames are in no map: the analysis was slower than the detector, "
                 "the run is not recorded, and analysis.backlog was full",
                 length > 0 ? "; " : "", n);
}

/* ---- the end ---- */

static void describe_end(const struct run *run, char *text, size_t size)
{
    const uint64_t placed = counter_read(&run->counts.placed);
    const uint64_t last = frame_table_end(run->frames);
    text[0] = '\0';
    switch (atomic_load_explicit(&run->end, memory_order_acquire)) {
    case RUN_END_LAST:
        if (placed < run->expected)
            snprintf(text, size,
                     "the last frame came, %" PRIu64 " of %" PRIu64 " expected frames are missing",
                     run->expected - placed, run->expected);
        break;
    case RUN_END_IDLE:
        snprintf(text, size, "the detector went idle after frame %" PRIu64 " of %" PRIu64, last,
                 run->expected);
        break;
    case RUN_END_FAULT:
        snprintf(text, size, "the detector reported an error after frame %" PRIu64 " of %" PRIu64,
                 last, run->expected);
        break;
    case RUN_END_STOPPED:
        snprintf(text, size, "stopped on request after frame %" PRIu64 " of %" PRIu64, last,
                 run->expected);
        break;
    case RUN_END_LINK:
        snprintf(text, size,
                 "the data link to the detector broke after frame %" PRIu64 " of %" PRIu64, last,
                 run->expected);
        break;
    case RUN_END_NEXT_RUN:
        snprintf(text, size,
                 "the detector began a new acquisition after frame %" PRIu64 " of %" PRIu64, last,
                 run->expected);
        break;
    case RUN_END_PASS:
        snprintf(text, size, "ended after frame %" PRIu64 ": the next pass is recorded", last);
        break;
    case RUN_END_SHUTDOWN:
        snprintf(text, size, "merlind was stopped after frame %" PRIu64 " of %" PRIu64, last,
                 run->expected);
        break;
    default:
        break;
    }
}

static const char *phase_name(const struct run *run)
{
    switch (atomic_load_explicit(&run->phase, memory_order_acquire)) {
    case RUN_ACQUIRING:
        return "acquiring";
    case RUN_FINISHING:
        return "finishing";
    default:
        return "finished";
    }
}

/* Reasons to doubt the results. */
static json_t *run_warnings(const struct run *run)
{
    char text[200];
    json_t *const warnings = plan_warnings(run->plan, run);
    const uint64_t saturated = counter_read(&run->counts.saturated);
    if (saturated > 0) {
        snprintf(text, sizeof text,
                 "%" PRIu64 " of %" PRIu64 " frames have pixels at full scale of the counter (%u)",
                 saturated, counter_read(&run->counts.placed),
                 pixel_format_full_scale(&run->format));
        json_array_append_new(warnings, json_string(text));
    }
    return warnings;
}

static json_t *labels_json(const struct acquisition_plan *plan)
{
    json_t *const labels = *plan->labels ? json_loads(plan->labels, 0, NULL) : NULL;
    return labels ? labels : json_object();
}

json_t *run_summary(const struct run *run, double rate)
{
    char path[sizeof run->recording->path];
    char detail[500];
    /* First: what is told of a finished run has to be what it was when it was finished. */
    const char *const state = phase_name(run);
    json_t *const recording = recording_json(run, path, sizeof path);
    const struct stall_summary stalls = stalls_of(run);
    describe_end(run, detail, sizeof detail);
    describe_shift(&stalls, detail, sizeof detail);
    describe_no_room(run, detail, sizeof detail);
    const double elapsed = elapsed_s(run);
    if (rate < 0)
        rate = elapsed > 0 ? (double)counter_read(&run->counts.received) / elapsed : 0;
    const enum run_end end = (enum run_end)atomic_load_explicit(&run->end, memory_order_acquire);
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:[I, I], s:s, s:o, s:o, s:f, s:f, s:o, "
        "s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "id", run->plan->id, "state", state, "reason", run_reason(run), "cause", run_end_name(end),
        "detail", detail, "mode", mode_name(run->plan), "file", path, "recording", recording,
        "scan", scan_json(&run->scan), "image", (json_int_t)run->format.height,
        (json_int_t)run->format.width, "dtype", pixel_format_dtype(&run->format), "started",
        json_time(run->started_ns), "ended", json_time(counter_read(&run->ended_ns)), "rate", rate,
        "elapsed_s", elapsed, "frames", frames_json(run), "maps", result_list_maps(run), "patterns",
        result_list_patterns(run), "profiles", result_list_profiles(run), "layers",
        layer_names(run), "geometry", run_view_json(run_view(run)), "stalls", stalls_json(&stalls),
        "warnings", run_warnings(run), "bragg", bragg_run_json(run), "labels",
        labels_json(run->plan), "dose", run_dose_json(run));
}

char *run_summary_text(const struct run *run)
{
    json_t *const json = run_summary(run, -1);
    char *const text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(json);
    return text;
}

/* A geometry that has not been in force yet is version 0 of nobody's. */
static json_t *planned_geometry(const struct scan_geometry *scan)
{
    json_t *const json = scan_geometry_json(scan);
    json_object_set_new(json, "source", json_string("request"));
    json_object_set_new(json, "version", json_integer(0));
    return json;
}

json_t *run_summary_without_frames(const struct acquisition_plan *plan, const char *state,
                                   const char *reason, const char *cause, const char *detail)
{
    static const char *const zeros[] = {
        "received",         "placed",   "skipped",    "duplicate", "surplus",
        "rejected",         "recorded", "unrecorded", "analysed",  "deferred",
        "not_analysed",     "no_room",  "saturated",  "stalled",   "extra_recorded",
        "extra_unrecorded", "streamed", "unstreamed",
    };
    json_t *const frames = json_object();
    const json_int_t expected = (json_int_t)plan_expected(plan);
    const json_int_t missing = *reason ? expected : 0;
    json_object_set_new(frames, "expected", json_integer(expected));
    json_object_set_new(frames, "missing", json_integer(missing));
    json_object_set_new(frames, "lost", json_integer(missing));
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++)
        json_object_set_new(frames, zeros[i], json_integer(0));
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:i, s:i}, s:o, s:n, s:n, s:n, s:n, "
        "s:f, s:f, s:o, s:[], s:[], s:[], s:[], s:o, s:o, s:o, s:n, s:o}",
        "id", plan->id, "state", state, "reason", reason, "cause", cause, "detail", detail, "mode",
        mode_name(plan), "file", "", "recording", "state", "off", "error", "", "bytes_raw", 0,
        "bytes_written", 0, "scan", scan_json(&plan->scan), "image", "dtype", "started", "ended",
        "rate", 0.0, "elapsed_s", 0.0, "frames", frames, "maps", "patterns", "profiles", "layers",
        "geometry", planned_geometry(&plan->scan), "stalls", no_stalls(), "warnings",
        plan_warnings(plan, NULL), "bragg", "labels", labels_json(plan));
}
