#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "processing/run/run.h"

/*
 * Chunks that were recorded (or kept in the backlog) without being analysed, because the ring was
 * filling, or of which a product waits for what was learned from earlier frames: workers analyse
 * them from there when there is room again, and in any case before the run is finished. The list
 * is shared by the workers under its mutex, which is taken once per such chunk. A chunk in it
 * counts as one of its run's `pending`, which keeps run and file.
 */
struct backlog_chunk;

struct deferred_chunk {
    struct run *run;
    const struct product_set *set;
    uint64_t number;              /* stored_chunks.h */
    uint64_t first_exposure;      /* epochs.h */
    bool waits;                   /* it was analysed, but for the products that were not ready */
    struct backlog_chunk *packed; /* NULL: it is in the file */
};

struct catch_up {
    pthread_mutex_t mutex;
    struct deferred_chunk *chunks; /* from `first` on, around the end, n are waiting */
    size_t first, n, capacity;
    size_t in_hand;         /* taken, and neither put back nor done */
    _Atomic size_t waiting; /* n, for a look without the mutex */
};

void catch_up_init(struct catch_up *catch_up);
void catch_up_finish(struct catch_up *catch_up);

/* false: no memory. */
bool catch_up_add(struct catch_up *catch_up, const struct deferred_chunk *chunk);

/* The oldest one, which is then to be put back or done. false: there is none. */
bool catch_up_take(struct catch_up *catch_up, struct deferred_chunk *chunk);

/* It has to wait longer, behind the others. */
void catch_up_put_back(struct catch_up *catch_up, const struct deferred_chunk *chunk);

/* Nothing of it waits any more. */
void catch_up_done(struct catch_up *catch_up);

bool catch_up_is_empty(const struct catch_up *catch_up);
