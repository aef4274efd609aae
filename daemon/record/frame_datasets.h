#pragma once

#include <hdf5.h>
#include <stdint.h>

#include "processing/run/run.h"

/*
 * /entry/frames: one row per image of the run, index = frame index * layers + layer. While the run
 * lasts rows appear behind the newest frames; rows of frames that did not come (yet) read as "never
 * came" and are written again later. At the end all rows are written once more, because marks such
 * as "duplicate" come to rows that were there already.
 */
struct frame_rows;

struct frame_datasets {
    hid_t number, position, timestamp, exposure, status;
    hid_t crc32c, settings, message;
    hid_t layer;      /* of a run with several layers, else -1 */
    uint64_t length;  /* rows in the file */
    uint64_t settled; /* rows below this one are not written again before the end */
    struct frame_rows *rows;
};

/* Returns 0 or a negative number: HDF5 failed or there is no memory; finish is to be called in any
 * case. */
int frame_datasets_create(struct frame_datasets *frames, hid_t entry, const struct run *run);
int frame_datasets_update(struct frame_datasets *frames, const struct run *run);
int frame_datasets_complete(struct frame_datasets *frames, const struct run *run);
void frame_datasets_finish(struct frame_datasets *frames);
