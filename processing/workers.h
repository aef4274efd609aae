#pragma once

#include "common/error.h"
#include "processing/ring.h"
#include "processing/run/chunk_sink.h"
#include "processing/stage_times.h"
#include "processing/stored/backlog.h"
#include "processing/worker.h"

/*
 * The workers: one persistent OpenMP parallel region for the life of the daemon, on a thread of its
 * own. Each worker claims a chunk, decodes and analyses its frames as they arrive, gives the ring
 * back its room, compresses the chunk and hands it to the sink. While the ring is more than half
 * full chunks are not analysed but only recorded; that is made up for from the file when there is
 * nothing else to do, and before the run is finished. Of a run that is not recorded they are kept
 * in memory meanwhile (backlog.h); without room for that they are let go, and counted, once the
 * ring is nearly full.
 *
 * What a worker touches without being alone there: the ring (ring.h), the frame table's rows of its
 * own frames (frame_table.h), its own run_partial (run.h), counters by atomic addition. It takes a
 * mutex only to hand over sums or a picture that somebody asked for. It may block in the sink when
 * the writer is behind, and in nothing else.
 */
struct workers;

struct workers_options {
    size_t backlog_size; /* bytes */
    struct worker_delays delays;
    const struct frame_tap *tap; /* copied; NULL: none */
    struct stage_times *times;   /* borrowed; NULL: not counted */
};

/* Starts n_workers threads; returns when all of them run. -EAGAIN: the system gave fewer than asked
 * for. */
int workers_create(struct workers **workers, struct ring *ring, unsigned n_workers,
                   struct chunk_sink sink, const struct workers_options *options,
                   struct error *error);

/* Lets them finish every published chunk and ends them. NULL does nothing. */
void workers_destroy(struct workers *workers);

/* Frames of runs that are not recorded and wait for their analysis, packed; bytes. Any thread. */
struct backlog_load {
    size_t size, used, high_water;
};
struct backlog_load workers_backlog(const struct workers *workers);

/*
 * Whether a worker has not moved since the last call: it has neither taken a frame nor looked for
 * work, and does not wait for the writer. *which: the first of them. One thread's to call, which
 * must leave time for the longest step, a frame, between two calls.
 */
bool workers_stuck(struct workers *workers, unsigned *which);
