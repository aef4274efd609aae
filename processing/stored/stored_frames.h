#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "processing/run/run.h"
#include "processing/run/stored_chunks.h"

/* Where a frame of a run lies on the disk, and whether all of it is there. Any thread. */
struct stored_frame {
    uint64_t chunk;
    uint32_t image; /* in the chunk */
};

/* What is known of an exposure's frame in a layer; NULL: it was not analysed (yet). */
const struct frame_facts *stored_frame_measured(const struct run *run, unsigned layer,
                                                uint64_t exposure);

/* Measured, and in the data of the file, not only in /entry/extra. */
bool stored_frame_has_place(const struct run *run, unsigned layer, uint64_t exposure);

/* Of an exposure that has a place. */
struct stored_frame stored_frame_find(const struct run *run, uint64_t exposure);

/* Whether the version of the chunk that is on the disk has all frames that were analysed by now: a
 * slow one is written as it is, and again when there is more. */
bool stored_chunk_is_whole(const struct run *run, unsigned layer, uint64_t number);
