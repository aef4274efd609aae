#include "daemon/pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cpu.h"
#include "common/log.h"
#include "common/queue.h"
#include "daemon/acquisition/run_summary.h"
#include "daemon/memory_limit.h"
#include "daemon/notify.h"
#include "daemon/stream/frame_stream.h"
#include "processing/finisher.h"
#include "processing/workers.h"

/* More than that wait only while the service thread hangs. */
#define EVENTS_MAX 512
/* What the service manager shall give the ring's memory, and how much is left for the rest. On a
 * busy virtual machine a GiB has taken 5 s. */
#define RESERVE_S 120
#define RESERVE_S_PER_GIB 10

/*
 * `events` is filled by the ingest and the writer thread and emptied by the service thread, which
 * gives what it has read back to `blank`: an event is never lost for want of memory. Everything
 * else belongs to the service thread.
 */
struct pipeline {
    struct recorder *recorder;
    struct frame_stream *stream; /* borrowed; NULL: none */
    char *configuration;         /* in force, as YAML; NULL: there was no memory */
    struct finisher *finisher;
    struct ingest *ingest;
    struct workers *workers;
    unsigned n_workers;
    uint64_t turns_seen; /* of ingest, by pipeline_stuck */
    struct queue events, blank;
    struct pipeline_event
        kept[EVENTS_MAX]; /* each is in one of the queues, or in somebody's hand */
    uv_async_t wake;
    struct stage_times times;
    pipeline_event_fn on_event;
    void *data;
};

/* ---- events ---- */

static void post(struct pipeline *pipeline, struct pipeline_event event)
{
    struct pipeline_event *const copy = queue_pop(&pipeline->blank);
    if (!copy) {
        log_error("pipeline", "an event was lost: the service thread hangs");
        run_unref(event.run);
        return;
    }
    *copy = event;
    queue_push_always(&pipeline->events, copy);
    uv_async_send(&pipeline->wake);
}

static void post_link(void *data, bool connected, const struct error *error)
{
    struct pipeline_event event = {.kind = PIPELINE_LINK, .connected = connected};
    if (error)
        event.error = *error;
    post(data, event);
}

static void post_header(void *data)
{
    post(data, (struct pipeline_event){.kind = PIPELINE_HEADER});
}

/* Before its first frame is seen by a worker. */
static void post_began(void *data, struct run *run)
{
    frame_stream_begin(((struct pipeline *)data)->stream, run);
    post(data, (struct pipeline_event){.kind = PIPELINE_RUN_BEGAN, .run = run_ref(run)});
}

static void post_ended(void *data, struct run *run)
{
    post(data, (struct pipeline_event){.kind = PIPELINE_RUN_ENDED, .run = run_ref(run)});
}

static void post_refused(void *data, const struct error *error)
{
    post(data, (struct pipeline_event){.kind = PIPELINE_RUN_REFUSED, .error = *error});
}

static void post_dropped(void *data, enum run_end end)
{
    post(data, (struct pipeline_event){.kind = PIPELINE_PLAN_DROPPED, .end = end});
}

/* All its frames were handed over by then. */
static void post_finished(void *data, struct run *run)
{
    frame_stream_end(((struct pipeline *)data)->stream, run);
    post(data, (struct pipeline_event){.kind = PIPELINE_RUN_FINISHED, .run = run_ref(run)});
}

static void deliver_events(struct pipeline *pipeline)
{
    struct pipeline_event *event;
    while ((event = queue_pop(&pipeline->events))) {
        pipeline->on_event(pipeline->data, event);
        run_unref(event->run);
        queue_push_always(&pipeline->blank, event);
    }
}

static int init_events(struct pipeline *pipeline)
{
    int r = queue_init(&pipeline->events, EVENTS_MAX);
    if (r < 0)
        return r;
    r = queue_init(&pipeline->blank, EVENTS_MAX);
    if (r < 0) {
        queue_finish(&pipeline->events);
        return r;
    }
    for (size_t i = 0; i < EVENTS_MAX; i++)
        queue_push_always(&pipeline->blank, &pipeline->kept[i]);
    return 0;
}

static void finish_events(struct pipeline *pipeline)
{
    queue_finish(&pipeline->blank);
    queue_finish(&pipeline->events);
}

static void on_wake(uv_async_t *wake)
{
    deliver_events(wake->data);
}

/* ---- life ---- */

static int start_workers(struct pipeline *pipeline, const struct config *config,
                         const struct ingest_settings *settings, struct error *error)
{
    struct frame_tap tap = {0};
    if (pipeline->stream)
        tap = frame_stream_tap(pipeline->stream);
    return workers_create(
        &pipeline->workers, ingest_ring(pipeline->ingest), pipeline->n_workers, settings->sink,
        &(struct workers_options){
            .times = &pipeline->times,
            .backlog_size = config->backlog_size ? config->backlog_size : settings->ring_size / 2,
            .delays =
                {
                    .frame_us = config->debug_worker_delay_us,
                    .analysis_us = config->debug_analysis_delay_us,
                },
            .tap = pipeline->stream ? &tap : NULL,
        },
        error);
}

static int start_sinks(struct pipeline *pipeline, const struct config *config,
                       struct logbook *logbook, struct error *error)
{
    const struct recorder_options options = {
        .n_workers = pipeline->n_workers,
        .flush_interval_s = config->recording_flush_s,
        .sync_interval_s = config->recording_sync_s,
        .directory = config->recording.directory,
        .logbook = logbook,
        .configuration = pipeline->configuration,
        .summary = run_summary_text,
        .times = &pipeline->times,
        .on_finished = post_finished,
        .data = pipeline,
    };
    const int r = recorder_create(&pipeline->recorder, &options, error);
    return r < 0 ? r
                 : finisher_create(&pipeline->finisher, recorder_sink(pipeline->recorder), error);
}

/* Said beforehand: on a virtual machine whose host has to find the memory it may take seconds, in
 * which nobody is answered yet. */
static void tell_of_ring(uint64_t size)
{
    const double gib = (double)size / (double)(UINT64_C(1) << 30);
    log_info("pipeline", "reserving %.1f GiB of memory for the ring", gib);
    notify_status("not ready yet: reserving %.1f GiB of memory for the ring", gib);
    notify_extend_timeout(RESERVE_S + (unsigned)(gib * RESERVE_S_PER_GIB));
}

/* A ring that the machine cannot hold would end in the kernel's SIGKILL, again at every start. */
static int check_ring_size(uint64_t size, struct error *error)
{
    const double gib = (double)(UINT64_C(1) << 30);
    const uint64_t memory = memory_limit();
    if (size > memory)
        return error_set(
            error, -EINVAL,
            "ring.size: %.1f GiB are more than the %.1f GiB of memory that merlind may "
            "use here: choose less, or auto, which takes a quarter",
            (double)size / gib, (double)memory / gib);
    if (size > memory / 4 * 3)
        log_warning(
            "pipeline",
            "ring.size: %.1f GiB of the %.1f GiB of memory that merlind may use leave little "
            "for all else: when memory ends the kernel ends merlind",
            (double)size / gib, (double)memory / gib);
    return 0;
}

/* The sinks first, so that each stage finds the one that it hands over to. */
static int start_threads(struct pipeline *pipeline, const struct config *config,
                         struct logbook *logbook, struct acquisition_plan *default_plan,
                         struct error *error)
{
    const uint64_t ring_size = config->ring_size ? config->ring_size : memory_limit_ring_size();
    int r = check_ring_size(ring_size, error);
    if (r == 0)
        r = start_sinks(pipeline, config, logbook, error);
    if (r < 0)
        return r;
    const struct ingest_settings settings = {
        .host = config->detector_host,
        .port = config->detector_data_port,
        .priority = (int)config->ingest_priority,
        .ring_size = ring_size,
        .n_workers = pipeline->n_workers,
        .default_plan = default_plan,
        .sink = finisher_sink(pipeline->finisher),
        .events =
            {
                .data = pipeline,
                .link = post_link,
                .header = post_header,
                .run_began = post_began,
                .run_ended = post_ended,
                .run_refused = post_refused,
                .plan_dropped = post_dropped,
            },
    };
    tell_of_ring(settings.ring_size);
    r = ingest_create(&pipeline->ingest, &settings, error);
    return r < 0 ? r : start_workers(pipeline, config, &settings, error);
}

/* For the files of recordings. */
static char *configuration_text(const struct config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    config_print(config, out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

int pipeline_create(struct pipeline **out, uv_loop_t *loop, const struct config *config,
                    struct logbook *logbook, struct frame_stream *stream,
                    struct acquisition_plan *default_plan, pipeline_event_fn on_event, void *data,
                    struct error *error)
{
    struct pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (!pipeline)
        return error_set(error, -ENOMEM, "no memory for the pipeline");
    pipeline->stream = stream;
    pipeline->on_event = on_event;
    pipeline->data = data;
    pipeline->n_workers = config->workers ? config->workers : cpu_count_available();
    if (init_events(pipeline) < 0) {
        free(pipeline);
        return error_set(error, -ENOMEM, "no memory for the pipeline");
    }
    uv_async_init(loop, &pipeline->wake, on_wake);
    pipeline->wake.data = pipeline;
    pipeline->configuration = configuration_text(config);
    const int r = start_threads(pipeline, config, logbook, default_plan, error);
    if (r < 0) {
        pipeline_drain(pipeline);
        pipeline_destroy(pipeline);
        return r;
    }
    *out = pipeline;
    return 0;
}

void pipeline_drain(struct pipeline *pipeline)
{
    /* Downstream in the order of a frame's path, so that each stage finishes what the one before it
     * handed over. */
    ingest_stop(pipeline->ingest);
    workers_destroy(pipeline->workers);
    pipeline->workers = NULL;
    finisher_destroy(pipeline->finisher);
    pipeline->finisher = NULL;
    recorder_destroy(pipeline->recorder);
    pipeline->recorder = NULL;
    deliver_events(pipeline);
}

static void on_wake_closed(uv_handle_t *handle)
{
    struct pipeline *const pipeline = handle->data;
    finish_events(pipeline);
    free(pipeline->configuration);
    free(pipeline);
}

void pipeline_destroy(struct pipeline *pipeline)
{
    if (!pipeline)
        return;
    ingest_destroy(pipeline->ingest);
    deliver_events(pipeline);
    uv_close((uv_handle_t *)&pipeline->wake, on_wake_closed);
}

struct ingest *pipeline_ingest(struct pipeline *pipeline)
{
    return pipeline->ingest;
}

struct chunk_sink pipeline_sink(struct pipeline *pipeline)
{
    return finisher_sink(pipeline->finisher);
}

struct recorder *pipeline_recorder(const struct pipeline *pipeline)
{
    return pipeline->recorder;
}

const struct stage_times *pipeline_times(const struct pipeline *pipeline)
{
    return &pipeline->times;
}

struct backlog_load pipeline_backlog(const struct pipeline *pipeline)
{
    return pipeline->workers ? workers_backlog(pipeline->workers) : (struct backlog_load){0};
}

unsigned pipeline_workers(const struct pipeline *pipeline)
{
    return pipeline->n_workers;
}

bool pipeline_stuck(struct pipeline *pipeline, char *who, size_t size)
{
    unsigned worker = 0;
    if (!pipeline->workers)
        return false;
    const bool worker_stuck = workers_stuck(pipeline->workers, &worker);
    const uint64_t turns = ingest_turns(pipeline->ingest);
    const bool ingest_stuck = turns == pipeline->turns_seen;
    pipeline->turns_seen = turns;
    if (ingest_stuck)
        snprintf(who, size, "the ingest thread");
    else if (worker_stuck)
        snprintf(who, size, "worker %u", worker);
    else
        return false;
    return true;
}
