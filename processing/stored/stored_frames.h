#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "processing/run/run.h"

/* Where a frame of a run lies on the disk. Any thread. */
struct stored_frame {
    uint64_t chunk;
    uint32_t image; /* in the chunk */
};

/* Analysed, and in the data of the file, not only in /entry/extra. */
bool stored_frame_has_place(const struct run *run, unsigned layer, uint64_t exposure);

/* Of an exposure that has a place. */
struct stored_frame stored_frame_find(const struct run *run, uint64_t exposure);
