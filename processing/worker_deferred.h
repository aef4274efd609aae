#pragma once

#include "processing/stored/catch_up.h"
#include "processing/worker.h"

/*
 * Chunks whose analysis waits because the ring is filling. A run that is recorded has them in its
 * file; of one that is not they are kept in the backlog as far as there is room.
 */
enum chunk_analysis {
    ANALYSE_NOW,
    ANALYSE_FROM_FILE,
    ANALYSE_FROM_BACKLOG, /* its room is reserved */
    ANALYSE_NEVER,        /* no time and no room: the ring is nearly full */
};

/* What is to become of a chunk that was just claimed. */
enum chunk_analysis worker_plan_analysis(struct worker *worker, const struct run *run);

/* The chunk in hand begins with this exposure: its epoch, and whether all products of the set can
 * be computed of its frames now (epochs.h). */
void worker_take_epoch(struct worker *worker, const struct product_set *set,
                       uint64_t first_exposure);

/*
 * Puts a chunk on the list of those that wait; `kept` and in_layer (frames of each layer) as the
 * worker has them, of which n_frames were counted as deferred. Without memory for that they are
 * counted as not analysed.
 */
void worker_remember_deferred(struct worker *worker, const struct deferred_chunk *chunk,
                              enum chunk_analysis analysis, const uint32_t *in_layer,
                              uint32_t n_frames);

/*
 * Analyses a chunk that was deferred, from the file or the backlog. false: there is none that can
 * be read now (the writer may be behind).
 */
bool worker_catch_up(struct worker *worker);
