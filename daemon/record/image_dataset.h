#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

#include "processing/run/chunk_sink.h"
#include "processing/run/stored_chunks.h"

/*
 * The datasets of pixels: chunks come compressed and go straight into the file.
 *
 *   scan    [scan_y (unlimited), scan_x, y, x], chunks (1, k, y, x), whole from the start: what was
 *           never written reads 0
 *   passes  [repeat (unlimited), scan_y, scan_x, y, x], chunks (1, 1, k, y, x), whole from the
 *           start
 *   stack   [frame (unlimited), y, x], chunks (k, y, x): of a list of positions, whole from the
 *           start; of an unknown shape it grows with the frames
 */
struct image_dataset {
    hid_t id;
    unsigned rank;   /* 3, 4 or 5 as above */
    uint64_t ny, nx; /* positions of a pass; not of a stack */
    uint64_t length; /* frames; stack only */
    hsize_t height, width;
};

/* Properties to open a dataset of pixels with, for H5Pclose. Chunks never pass through the
 * library's chunk cache; without one it costs no memory. Negative: HDF5 failed. */
hid_t image_dataset_access(void);

/* `group`/data of this type, for H5Dclose. Closes space and properties, which may have failed.
 * Negative: something of it did, or HDF5 fails now. */
hid_t image_dataset_make(hid_t group, hid_t type, hid_t space, hid_t properties);

/* `group`/data for the frames in place. Returns 0 or a negative number: HDF5 failed. */
int image_dataset_create(struct image_dataset *images, hid_t group, const struct run *run);

/* `group`/data, a stack with one frame per chunk. */
int image_dataset_create_extra(struct image_dataset *images, hid_t group, const struct run *run);

/* Writes the chunk that begins at a place; a stack grows to at least `length` frames. */
int image_dataset_write(struct image_dataset *images, const struct compressed_chunk *chunk,
                        uint64_t place, uint64_t length);

/* Asks the library where the chunk that begins at a place lies in the file: it goes through all
 * chunks. false: it does not know. */
bool image_dataset_find(const struct image_dataset *images, uint64_t place,
                        struct stored_chunk *where);

/* Makes a stack `length` frames long; it never shrinks. */
int image_dataset_extend(struct image_dataset *images, uint64_t length);
