#include "daemon/run_summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/counter.h"

json_t *json_time(uint64_t unix_ns)
{
    if (unix_ns == 0)
        return json_null();
    return json_pack("[I, I]", (json_int_t)(unix_ns / NS_PER_S), (json_int_t)(unix_ns % NS_PER_S));
}

static json_t *count(const _Atomic uint64_t *counter)
{
    return json_integer((json_int_t)counter_read(counter));
}

static json_t *frames_json(const struct run *run)
{
    const struct run_counts *const counts = &run->counts;
    const json_int_t missing = (json_int_t)run_missing(run);
    return json_pack(
        "{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "expected", (json_int_t)run->expected, "received", count(&counts->received), "placed",
        count(&counts->placed), "skipped", count(&counts->skipped), "duplicate",
        count(&counts->duplicate), "surplus", count(&counts->surplus), "rejected",
        count(&counts->rejected), "missing", missing, "lost", missing, "recorded",
        count(&counts->recorded), "unrecorded", count(&counts->unrecorded), "extra_recorded",
        count(&counts->extra_recorded), "extra_unrecorded", count(&counts->extra_unrecorded),
        "analysed", count(&counts->analysed), "deferred", count(&counts->deferred), "not_analysed",
        count(&counts->not_analysed), "stalled", count(&counts->stalled));
}

static json_t *recording_json(const struct run *run, char *path, size_t path_size)
{
    struct run_recording *const recording = (struct run_recording *)&run->recording;
    pthread_mutex_lock(&recording->mutex);
    json_t *const json =
        json_pack("{s:s, s:s, s:I, s:I}", "state", recording_state_name(recording->state), "error",
                  recording->error, "bytes_raw", (json_int_t)recording->bytes_raw, "bytes_written",
                  (json_int_t)recording->bytes_written);
    snprintf(path, path_size, "%s", recording->path);
    pthread_mutex_unlock(&recording->mutex);
    return json;
}

static json_t *map_names(const struct run *run)
{
    json_t *const names = json_array();
    for (unsigned i = 0; i < run->n_products; i++) {
        for (unsigned j = 0; j < run->products[i].n_maps; j++)
            json_array_append_new(names, json_string(run->products[i].maps[j].name));
    }
    return names;
}

static json_t *pattern_names(const struct run *run)
{
    json_t *const names = json_array();
    for (unsigned i = 0; i < run->n_products; i++) {
        if (run->products[i].image_name)
            json_array_append_new(names, json_string(run->products[i].image_name));
    }
    json_array_append_new(names, json_string("latest"));
    return names;
}

static json_t *scan_json(const struct scan_geometry *scan)
{
    if (scan->ny == 0)
        return json_null();
    return json_pack("[I, I]", (json_int_t)scan->ny, (json_int_t)scan->nx);
}

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

static double elapsed_s(const struct run *run)
{
    const uint64_t ended = counter_read(&run->ended_ns);
    const uint64_t until = ended ? ended : clock_realtime_ns();
    return until > run->started_ns ? (double)(until - run->started_ns) / (double)NS_PER_S : 0;
}

json_t *run_summary(const struct run *run, double rate)
{
    char path[sizeof run->recording.path];
    char detail[200];
    json_t *const recording = recording_json(run, path, sizeof path);
    describe_end(run, detail, sizeof detail);
    const double elapsed = elapsed_s(run);
    if (rate < 0)
        rate = elapsed > 0 ? (double)counter_read(&run->counts.received) / elapsed : 0;
    const enum run_end end = (enum run_end)atomic_load_explicit(&run->end, memory_order_acquire);
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:[I, I], s:s, s:o, s:o, s:f, s:f, s:o, "
        "s:o, s:o}",
        "id", run->plan->id, "state", phase_name(run), "reason", run_reason(run), "cause",
        run_end_name(end), "detail", detail, "mode", run->plan->active ? "active" : "passive",
        "file", path, "recording", recording, "scan", scan_json(&run->scan), "image",
        (json_int_t)run->format.height, (json_int_t)run->format.width, "dtype",
        pixel_format_dtype(&run->format), "started", json_time(run->started_ns), "ended",
        json_time(counter_read(&run->ended_ns)), "rate", rate, "elapsed_s", elapsed, "frames",
        frames_json(run), "maps", map_names(run), "patterns", pattern_names(run));
}

char *run_summary_text(const struct run *run)
{
    json_t *const json = run_summary(run, -1);
    char *const text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(json);
    return text;
}

json_t *run_summary_without_frames(const struct acquisition_plan *plan, const char *state,
                                   const char *reason, const char *cause, const char *detail)
{
    static const char *const zeros[] = {
        "received",     "placed",   "skipped",        "duplicate",        "surplus",
        "rejected",     "recorded", "unrecorded",     "analysed",         "deferred",
        "not_analysed", "stalled",  "extra_recorded", "extra_unrecorded",
    };
    json_t *const frames = json_object();
    const json_int_t expected = (json_int_t)scan_geometry_positions(&plan->scan);
    const json_int_t missing = *reason ? expected : 0;
    json_object_set_new(frames, "expected", json_integer(expected));
    json_object_set_new(frames, "missing", json_integer(missing));
    json_object_set_new(frames, "lost", json_integer(missing));
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++)
        json_object_set_new(frames, zeros[i], json_integer(0));
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:i, s:i}, s:o, s:n, s:n, s:n, s:n, "
        "s:f, s:f, s:o, s:[], s:[]}",
        "id", plan->id, "state", state, "reason", reason, "cause", cause, "detail", detail, "mode",
        plan->active ? "active" : "passive", "file", "", "recording", "state", "off", "error", "",
        "bytes_raw", 0, "bytes_written", 0, "scan", scan_json(&plan->scan), "image", "dtype",
        "started", "ended", "rate", 0.0, "elapsed_s", 0.0, "frames", frames, "maps", "patterns");
}
