#pragma once

#include "processing/worker.h"
#include "processing/worker_deferred.h"

/*
 * What becomes of the frames that a worker has kept of its chunk in hand: they are compressed and
 * handed over to the sink where the run is recorded, given to the frame tap where there is one, and
 * counted where they are not recorded.
 */

/* The part of a chunk that outlives ring_release. */
struct chunk_work {
    struct run *run;
    const struct product_set *set;
    enum chunk_analysis analysis;
    bool recorded;
    int64_t first_place;
    uint64_t first_exposure;            /* of its first frame: epochs.h */
    uint32_t n_frames;                  /* in the worker's images so far */
    uint32_t in_layer[RUN_MAX_LAYERS];  /* of them, by layer */
    uint32_t submitted[RUN_MAX_LAYERS]; /* of these, handed over */
    uint32_t n_submitted;               /* in all */
};

/* All layers of a chunk, as far as they came. May be called again when more have come. */
void worker_hand_over_chunk(struct worker *worker, struct chunk_work *work);

/* The only frame of an extra chunk. */
void worker_hand_over_extra(struct worker *worker, const struct frame_slot *slot, bool recorded);

/* Frames that are in no file: those with a place in the scan, or others. */
void worker_count_unrecorded(struct run *run, bool in_place, uint32_t n_frames);
