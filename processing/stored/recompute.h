#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "processing/run/chunk_sink.h"
#include "processing/run/product_set.h"
#include "processing/run/run.h"

/*
 * Computes products over frames that were measured before the products were there, from the chunks
 * of the run's file: afterwards their maps and sums are what they would have been had they been
 * there from the start. Frames that are only in /entry/extra (late ones) are left out.
 *
 * As many threads as the run has workers take chunks from one counter, behind all other threads of
 * the process; all but the first stand still while they are told to give way. Columns are written
 * by them for frames before the set's first one, by workers for those from it on; sums are gathered
 * by each thread for itself and, when somebody wants arrays and at the end, merged into the last of
 * each product's partials, which is theirs.
 * Sums are of integers, and every frame is computed once: results do not depend on the number of
 * threads.
 */
struct recompute;

/* A run does not finish before what is computed again of it is done, so that its file has the
 * results: recompute_create holds it, the end of the work or recompute_release lets it go. */

/* `finished`: there is nothing left to do. */
struct recompute_progress {
    uint64_t done, total; /* chunks, all layers */
    bool finished;
    struct error error; /* code 0: all went well */
};

struct recompute_options {
    struct chunk_sink sink;     /* of the run; has to stay until the run was let go */
    unsigned analysis_delay_us; /* for tests: what a frame takes more */
    bool gives_way;             /* from the start: recompute_give_way */
};

/* n products of the run, which keeps them. -ENOENT: the run is not recorded. */
int recompute_create(struct recompute **recompute, struct run *run, struct product *const *products,
                     size_t n, const struct recompute_options *options, struct error *error);

/* Lets the run finish without waiting any longer. false: it was not held. Any thread. */
bool recompute_release(struct recompute *recompute);

/* Whether frames are being taken, so that one thread has to do. Any thread. */
void recompute_give_way(struct recompute *recompute, bool gives_way);

/* Any thread. */
void recompute_progress(struct recompute *recompute, struct recompute_progress *progress);

/* Stops it where it is, and joins. NULL does nothing. */
void recompute_destroy(struct recompute *recompute);
