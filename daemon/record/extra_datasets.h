#pragma once

#include "daemon/record/image_dataset.h"

/* /entry/extra: frames without a place in the scan, in order of arrival, with their row in
 * /entry/frames and why they are here. */
#define EXTRA_ROWS_HELD 1024

struct extra_datasets {
    struct image_dataset images;
    hid_t frame, reason;
    hid_t layer; /* of a run with several layers, else -1 */
    unsigned n_layers;
    uint64_t written; /* rows of these in the file */
    unsigned n_held;  /* rows not yet in the file */
    uint64_t held_frame[EXTRA_ROWS_HELD];
    uint8_t held_reason[EXTRA_ROWS_HELD];
    uint8_t held_layer[EXTRA_ROWS_HELD];
};

/* So far. */
static inline uint64_t extra_datasets_rows(const struct extra_datasets *extra)
{
    return extra->written + extra->n_held;
}

/* All return 0 or a negative number: HDF5 failed. */
int extra_datasets_create(struct extra_datasets *extra, hid_t entry, const struct run *run);
int extra_datasets_write(struct extra_datasets *extra, const struct compressed_chunk *chunk);
int extra_datasets_update(struct extra_datasets *extra);
