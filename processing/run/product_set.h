#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "processing/products/product.h"

/*
 * Which products are computed: an immutable, numbered version. The run's newest set is published by
 * an atomic pointer; the ingest thread hands each chunk the set that is the newest when the chunk
 * is opened, so that a change takes effect at a frame, for all frames after it, whatever the
 * workers do.
 *
 * Sets and products live as long as the run: a product that is in no set any more still has its
 * columns, and workers may still be at chunks of an older set.
 */
struct product_set {
    uint32_t version;             /* from 1 */
    _Atomic uint64_t first_frame; /* frame index from which this set is used, UINT64_MAX: not yet;
                                     written by the ingest thread */
    struct product_set *older;
    struct shared_work *shared; /* NULL: its products share nothing */
    unsigned n;
    struct product *products[];
};

/*
 * One worker's share of a product's sums; the last one is that of the threads of recompute.h, which
 * add to `shared` what each of them has gathered elsewhere, and whose `own` is NULL. `own` and
 * `dirty` are touched by its worker only, which merges `own` into `shared` under the mutex when
 * somebody asked for fresh arrays or when the run is over. The service thread reads `shared` under
 * the mutex. So when the run is over all is in `shared`. `given`, under the mutex too: there is
 * something in `shared`, whose memory nobody has touched before. The first time the two change
 * places, which leaves half of the memory of a run that nobody watches untouched.
 */
struct product_partial {
    pthread_mutex_t mutex;
    void *own, *shared;
    bool dirty, given;
};

/* An accumulator into `shared`. Any thread. */
void product_partial_add(const struct product *product, struct product_partial *partial,
                         const void *sums);

/* `own` into `shared`, if there is something in it, and empties it. Called by the share's owner. */
void product_partial_give(const struct product *product, struct product_partial *partial);
