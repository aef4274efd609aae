#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "processing/run/chunk_sink.h"

/*
 * Looks again at the frames of a run, from its file: calls a function for every placed frame of a
 * layer that was analysed, by several threads at once, in no order.
 *
 * Threads take chunks from one counter; late frames, which are not in their chunks, are few and
 * left to the first thread. What the function does for a frame is its own affair; it
 * tells threads apart by their number, from 0.
 */
struct frame_sweep {
    struct run *run;
    unsigned layer;
    unsigned n_threads;
    /* Chunks that are still on their way to the file are waited for; else they are left out, as are
     * those that come later. */
    bool waits;
    /* Asked before a frame is read; NULL: all. Any thread. */
    bool (*wanted)(void *data, uint64_t exposure);
    void (*each)(void *data, unsigned thread, uint64_t exposure, const void *image);
    void *data;
};

/* Blocks, and lets all other threads go first. The first error: -ENOENT, the run is not recorded;
 * -EIO with a sentence, a chunk cannot be read; -ENOMEM. */
int frame_sweep(const struct frame_sweep *sweep, struct error *error);
