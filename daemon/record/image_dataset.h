#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

#include "processing/chunk_sink.h"

/*
 * The datasets of pixels: chunks come compressed and go straight into the file.
 *
 *   scan   [scan_y (unlimited), scan_x, y, x], chunks (1, k, y, x), whole from the start: never
 * written reads 0 stack  [frame (unlimited), y, x], chunks (k, y, x), grows with the frames
 */
struct image_dataset {
    hid_t id;
    bool stack;
    uint64_t nx;     /* positions of a line; scan only */
    uint64_t length; /* frames; stack only */
    hsize_t height, width;
};

/* `group`/data for the frames in place. Returns 0 or a negative number: HDF5 failed. */
int image_dataset_create(struct image_dataset *images, hid_t group, const struct run *run);

/* `group`/data, a stack with one frame per chunk. */
int image_dataset_create_extra(struct image_dataset *images, hid_t group, const struct run *run);

/* Writes the chunk that begins at a position; a stack grows to at least `length` frames. */
int image_dataset_write(struct image_dataset *images, const struct compressed_chunk *chunk,
                        uint64_t position, uint64_t length);

/* Makes a stack `length` frames long; it never shrinks. */
int image_dataset_extend(struct image_dataset *images, uint64_t length);
