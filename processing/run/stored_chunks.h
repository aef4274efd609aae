#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "processing/run/run.h"

/*
 * Where the chunks of a run lie in its file, so that frames can be read again without HDF5, with
 * pread, while the file is being written and afterwards. Written by the writer thread when a chunk
 * is in the file, read by any thread; a chunk that is written again may move. The bytes are one
 * Blosc buffer of [chunk_frames][height][width] pixels.
 */
struct stored_chunk {
    uint64_t offset; /* bytes from the start of the file */
    uint64_t size;
    uint64_t frames; /* in it by now, of chunk_frames */
};

/* Chunks of a layer are numbered from 0 in the order of their places. How many a run of this
 * storage geometry has; of a stack that grows: so far. */
uint64_t stored_chunks_count(const struct run *run);

/* The number of the chunk that begins at a place. */
uint64_t stored_chunks_number(const struct run *run, int64_t first_place);

/* The first place of a chunk and, in *n, how many places it has. */
int64_t stored_chunks_place(const struct run *run, uint64_t number, uint32_t *n);

/* Notes a chunk whose first place that is; where.frames are those that were not in an earlier
 * version of it. Errors (no memory) leave it unknown. */
void stored_chunks_note(struct run *run, unsigned layer, int64_t first_place,
                        struct stored_chunk where);

/* false: it is not in the file (yet). */
bool stored_chunks_find(const struct run *run, unsigned layer, uint64_t number,
                        struct stored_chunk *where);

/* The same of the image of a late frame, which is not in its chunk but alone in one of
 * /entry/extra.
 */
void stored_late_note(struct run *run, unsigned layer, uint64_t exposure,
                      struct stored_chunk where);
bool stored_late_find(const struct run *run, unsigned layer, uint64_t exposure,
                      struct stored_chunk *where);
