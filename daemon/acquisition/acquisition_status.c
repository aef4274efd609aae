#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/counter.h"
#include "daemon/acquisition/acquisition_internal.h"
#include "daemon/acquisition/run_summary.h"

json_t *acquisition_summary(const struct acquisition *acquisition, const char *id)
{
    const struct run *const run = acquisition->run;
    json_t *const remembered = run_history_find(&acquisition->history, id);
    if (!remembered)
        return NULL;
    const char *const which = json_string_value(json_object_get(remembered, "id"));
    if (run && strcmp(which, run->plan->id) == 0)
        return run_summary(run, acquisition_run_goes_on(acquisition) ? acquisition->rate : -1);
    return json_incref(remembered);
}

struct run *acquisition_find_run(const struct acquisition *acquisition, const char *id,
                                 struct error *error)
{
    struct run *const run = run_history_find_run(&acquisition->history, id);
    if (run)
        return run;
    const json_t *const summary = run_history_find(&acquisition->history, id);
    const char *const file = json_string_value(json_object_get(summary, "file"));
    if (!summary)
        error_set(error, -ENODATA, "there is no run %.40s among the newest %d", id,
                  RUN_HISTORY_LENGTH);
    else
        error_set(error, -ENODATA, "the results of run %.40s are not in memory%s%.300s", id,
                  file && *file ? ": take them from " : "", file ? file : "");
    return NULL;
}

static json_t *detector_json(const struct acquisition *acquisition)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "host", acquisition->config->detector_host,
                     "command", acquisition->command_connected ? "connected" : "disconnected",
                     "data", acquisition->data_connected ? "connected" : "disconnected",
                     "command_error", acquisition->command_error.text, "data_error",
                     acquisition->data_error.text);
}

static json_t *ring_json(const struct acquisition *acquisition)
{
    struct ring_load load;
    ring_load(ingest_ring(pipeline_ingest(acquisition->pipeline)), &load);
    const double size = (double)load.size;
    return json_pack("{s:I, s:I, s:f, s:f, s:I, s:f}", "size", (json_int_t)load.size, "used",
                     (json_int_t)load.used, "fill", (double)load.used / size, "high_water",
                     (double)load.high_water / size, "full_stalls", (json_int_t)load.full_count,
                     "full_stall_s", (double)load.full_ns / (double)NS_PER_S);
}

static json_t *backlog_json(const struct acquisition *acquisition)
{
    const struct backlog_load load = pipeline_backlog(acquisition->pipeline);
    return json_pack("{s:I, s:I, s:I}", "size", (json_int_t)load.size, "used",
                     (json_int_t)load.used, "high_water", (json_int_t)load.high_water);
}

static json_t *stray_json(const struct acquisition *acquisition)
{
    struct ingest_figures figures;
    ingest_figures(pipeline_ingest(acquisition->pipeline), &figures);
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "frames", (json_int_t)figures.stray_frames,
                     "bytes", (json_int_t)figures.stray_bytes, "skipped_bytes",
                     (json_int_t)figures.skipped_bytes, "resyncs", (json_int_t)figures.resyncs,
                     "repeated_headers", (json_int_t)figures.repeated_headers);
}

static struct disk_view look_at_disk(const struct acquisition *acquisition)
{
    struct disk_view disk = {0};
    if (!acquisition->drained_for_good)
        recorder_disk(pipeline_recorder(acquisition->pipeline), &disk);
    return disk;
}

/* Of the run that is recorded; else only what is free. */
static json_t *disk_json(const struct acquisition *acquisition, const struct disk_view *disk)
{
    const struct disk_outlook nothing = {.bytes_free = disk->bytes_free, .minutes_left = NAN};
    const bool goes_on =
        acquisition_run_goes_on(acquisition) && acquisition->run->plan->recording.enabled;
    const struct disk_outlook outlook =
        goes_on ? disk_outlook_of(acquisition->run, &acquisition->disk.growth, disk->bytes_free)
                : nothing;
    json_t *const json = disk_outlook_json(&outlook);
    json_object_set_new(json, "silent_s", json_real(disk->silent_s));
    return json;
}

/* In place of those over the whole run, of the last seconds. */
static void set_rates(json_t *recording, const struct disk_growth *growth)
{
    json_t *const compression = json_deep_copy(json_object_get(recording, "compression"));
    json_object_set_new(compression, "raw_per_s", json_real(growth->raw_per_s));
    json_object_set_new(compression, "written_per_s", json_real(growth->written_per_s));
    json_object_set_new(recording, "compression", compression);
}

static json_t *recording_json(const struct acquisition *acquisition, const json_t *run)
{
    const struct recording_settings *const settings = &acquisition->config->recording;
    const struct disk_view disk = look_at_disk(acquisition);
    char error[1100] = "";
    if (disk.error_number)
        snprintf(error, sizeof error, "recording.directory %s: %s", settings->directory,
                 strerror(disk.error_number));
    json_t *const json = json_pack("{s:s, s:s, s:s, s:i, s:i}", "state", "off", "error", "", "path",
                                   "", "bytes_raw", 0, "bytes_written", 0);
    json_t *const run_recording = json_object_get(run, "recording");
    if (run_recording) {
        json_object_update(json, run_recording);
        json_object_set(json, "path", json_object_get(run, "file"));
        if (acquisition_run_goes_on(acquisition))
            set_rates(json, &acquisition->disk.growth);
    }
    if (*error && json_string_length(json_object_get(json, "error")) == 0)
        json_object_set_new(json, "error", json_string(error));
    json_object_set_new(json, "enabled", json_boolean(settings->enabled));
    json_object_set_new(json, "directory", json_string(settings->directory));
    json_object_set_new(json, "bytes_free", json_integer((json_int_t)disk.bytes_free));
    json_object_set_new(json, "disk", disk_json(acquisition, &disk));
    return json;
}

static json_t *writer_json(const struct acquisition *acquisition)
{
    struct recorder_load load = {0};
    if (!acquisition->drained_for_good)
        recorder_load(pipeline_recorder(acquisition->pipeline), &load);
    return json_pack("{s:I, s:I, s:I, s:f}", "waiting", (json_int_t)load.waiting, "buffers",
                     (json_int_t)load.buffers, "bytes_waiting", (json_int_t)load.bytes_waiting,
                     "behind_s", load.behind_s);
}

static json_t *histogram_json(const struct time_histogram *histogram)
{
    json_t *const counts = json_array();
    for (size_t i = 0; i <= TIME_HISTOGRAM_BOUNDS; i++)
        json_array_append_new(counts,
                              json_integer((json_int_t)counter_read(&histogram->counts[i])));
    return json_pack("{s:o, s:f}", "counts", counts, "sum_s",
                     (double)counter_read(&histogram->sum_ns) / (double)NS_PER_S);
}

static json_t *times_json(const struct stage_times *times)
{
    json_t *const bounds = json_array(), *const stages = json_object();
    for (size_t i = 0; i < TIME_HISTOGRAM_BOUNDS; i++)
        json_array_append_new(bounds,
                              json_real((double)time_histogram_bounds_ns[i] / (double)NS_PER_S));
    for (enum path_stage stage = 0; stage < N_STAGES; stage++)
        json_object_set_new(stages, stage_name(stage), histogram_json(&times->stages[stage]));
    return json_pack("{s:o, s:o}", "bounds_s", bounds, "stages", stages);
}

static json_t *zero_frames(void)
{
    const struct acquisition_plan nothing = {.id = ""};
    json_t *const summary = run_summary_without_frames(&nothing, "", "", "", "");
    json_t *const frames = json_incref(json_object_get(summary, "frames"));
    json_decref(summary);
    return frames;
}

json_t *acquisition_status(const struct acquisition *acquisition)
{
    json_t *const run = acquisition_summary(acquisition, NULL);
    json_t *const frames = run ? json_incref(json_object_get(run, "frames")) : zero_frames();
    json_t *const of_run = json_object_get(run, "warnings");
    json_t *const warnings = of_run ? json_incref(of_run) : json_array();
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:s, s:o, s:o}",
                     "state", acquisition_state_name(acquisition->state), "why", acquisition->why,
                     "detector", detector_json(acquisition), "frames", frames, "ring",
                     ring_json(acquisition), "backlog", backlog_json(acquisition), "recording",
                     recording_json(acquisition, run), "run", run ? run : json_null(), "stray",
                     stray_json(acquisition), "writer", writer_json(acquisition), "times",
                     times_json(pipeline_times(acquisition->pipeline)), "workers",
                     (int)pipeline_workers(acquisition->pipeline), "isa",
                     cpu_isa_name(cpu_isa_best()), "recompute",
                     acquisition_recompute_json(acquisition), "warnings", warnings);
}

void acquisition_want_images(struct acquisition *acquisition)
{
    struct run *const run = acquisition->run;
    if (!run)
        return;
    run_want_arrays(run);
    for (unsigned i = 0; i < run->n_layers; i++)
        atomic_fetch_add_explicit(&run->latest[i].wanted, 1, memory_order_relaxed);
    ring_nudge(ingest_ring(pipeline_ingest(acquisition->pipeline)));
}
