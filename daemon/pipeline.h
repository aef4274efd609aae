#pragma once

#include <stdbool.h>
#include <uv.h>

#include "common/error.h"
#include "daemon/config/config.h"
#include "daemon/record/recorder.h"
#include "processing/ingest.h"
#include "processing/workers.h"

/*
 * The threads of a frame's path, from the data socket to the file: ingest, workers, writer. Made
 * and ended together; what they have to say comes back on the service thread's loop, in the order
 * in which it happened.
 */
struct pipeline;
struct frame_stream;

enum pipeline_event_kind {
    PIPELINE_LINK,   /* connected or not; error says why not */
    PIPELINE_HEADER, /* an HDR came outside a run */
    PIPELINE_RUN_BEGAN,
    PIPELINE_RUN_ENDED,    /* no more frames for it */
    PIPELINE_RUN_FINISHED, /* its file is closed, its results are final */
    PIPELINE_RUN_REFUSED,  /* a run could not begin; error says why */
    PIPELINE_PLAN_DROPPED, /* an expected run was ended (`end`) before its first frame */
};

struct pipeline_event {
    enum pipeline_event_kind kind;
    bool connected;
    struct run *run; /* holds a reference while the callback runs */
    enum run_end end;
    struct error error;
};

typedef void (*pipeline_event_fn)(void *data, const struct pipeline_event *event);

/* The logbook (for recordings) and the stream (NULL: none) are borrowed. Makes everything and
 * connects. Returns when the ring is in memory and all workers run. */
int pipeline_create(struct pipeline **pipeline, uv_loop_t *loop, const struct config *config,
                    struct logbook *logbook, struct frame_stream *stream,
                    struct acquisition_plan *default_plan, pipeline_event_fn on_event, void *data,
                    struct error *error);

/*
 * Closes the link, lets workers and writer finish all that was received, closes the file. Blocks as
 * long as that takes. The last events are delivered before it returns.
 */
void pipeline_drain(struct pipeline *pipeline);

/* After pipeline_drain; its handles close on the loop's next turns. NULL does nothing. */
void pipeline_destroy(struct pipeline *pipeline);

struct ingest *pipeline_ingest(struct pipeline *pipeline);
/* Where chunks go and runs announce their end, by way of the finisher; until it is drained. */
struct chunk_sink pipeline_sink(struct pipeline *pipeline);
/* NULL after pipeline_drain. */
struct recorder *pipeline_recorder(const struct pipeline *pipeline);
const struct stage_times *pipeline_times(const struct pipeline *pipeline);
/* Zeros once it is drained. */
struct backlog_load pipeline_backlog(const struct pipeline *pipeline);
unsigned pipeline_workers(const struct pipeline *pipeline);

/*
 * Whether ingest or a worker has not moved since the last call; `who` gets its name. A writer that
 * is blocked by the storage is not stuck, nor is who waits for it: the ring is doing its work.
 * Never, once it is drained.
 */
bool pipeline_stuck(struct pipeline *pipeline, char *who, size_t size);
