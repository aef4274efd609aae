#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "processing/chunk_sink.h"
#include "processing/ring.h"

/* One worker: what it has in hand, and what it does with a single frame (worker.c). workers.c does
 * chunks with it. */
struct worker {
    const struct chunk_sink *sink;
    frame_decode_fn decode; /* of the run's frames */
    unsigned delay_us;      /* after each frame, for tests of overload */
    unsigned index;
    uint8_t *images;  /* the chunk in hand: [chunk_frames][height][width] */
    uint8_t *present; /* [chunk_frames]: which of them came */
    size_t images_size, present_size;
    struct run *run; /* the run of the last chunk; holds a reference */
};

/* The worker's run is this one from now on: gives back the sums of the one before. */
void worker_take_run(struct worker *worker, struct run *run, enum cpu_isa isa);

/* An idle worker must not keep the memory of a run that is over. */
void worker_let_go_of_finished_run(struct worker *worker);

/* Gives back everything. */
void worker_finish(struct worker *worker);

/* Merges the worker's sums into those that others may read, when somebody asked or the run is over.
 */
void worker_merge_if_wanted(struct worker *worker);

/* Copies the image for those who asked for the newest one. `number` counts from 1. The last frame
 * of a run is given unasked. */
void worker_give_latest(struct worker *worker, const void *image, uint64_t number);

/* Decodes a frame into `image` and computes all products of it. false: no memory for its row of the
 * frame table. */
bool worker_analyse_frame(struct worker *worker, const struct frame_slot *slot, void *image);

/* Notes what the header says of a frame in its row of the table, whose columns it returns when
 * wanted. NULL: no memory. */
struct frame_facts *worker_note_facts(struct worker *worker, const struct frame_slot *slot,
                                      uint64_t **columns);
