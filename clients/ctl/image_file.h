#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clients/ctl/npy.h"
#include "common/error.h"

/*
 * An array from a file, as the daemon's maps_put takes it: .npy as it is; TIFF (.tif, .tiff: one
 * grey value per pixel) and HDF5 (.emd, .h5, .hdf5: a dataset of two axes, or of three with the
 * frames last, as Velox writes them) as an image of float32, or float64 where float32 would lose
 * digits.
 */
struct image_file {
    struct npy_file array; /* kind, size and shape */
    uint8_t *bytes;        /* owned */
    size_t size;
    bool is_image; /* of pixels of its own: its shape need not be that of the scan */
};

/* Which one of a file of several. */
struct image_choice {
    const char *dataset; /* of HDF5; NULL: the only one that is an image */
    unsigned page;       /* of TIFF, and frame of HDF5's third axis; from 0 */
};

/* As schemas/protocol.md says. */
#define IMAGE_FILE_MAX_BYTES ((size_t)1 << 26)

/* -EINVAL with a sentence: no such file, or not one that can be read; -ENOMEM. */
int image_file_read(struct image_file *file, const char *path, const struct image_choice *choice,
                    struct error *error);
/* Also of a zeroed one. */
void image_file_finish(struct image_file *file);

/* ---- for the readers of single forms ---- */

/* Makes room for height x width numbers of item_size bytes (4 or 8). */
int image_file_give_memory(struct image_file *file, const char *path, uint64_t height,
                           uint64_t width, size_t item_size, struct error *error);

int image_tiff_read(struct image_file *file, const char *path, const struct image_choice *choice,
                    struct error *error);
int image_hdf5_read(struct image_file *file, const char *path, const struct image_choice *choice,
                    struct error *error);
