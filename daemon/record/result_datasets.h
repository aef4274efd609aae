#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

#include "processing/run.h"

/*
 * /entry/results: a map per product map, which positions were measured, and the images. Maps of a
 * scan are whole from the start and overwritten in place while it runs; maps of a stack grow.
 * Images are written at the end.
 */
struct result_map {
    hid_t dataset;
    const struct product *product;
    unsigned map;
};

struct result_image {
    hid_t dataset;
    const struct product *product;
};

struct result_datasets {
    unsigned n_maps, n_images;
    struct result_map *maps;
    struct result_image *images;
    hid_t measured; /* -1: not made */
    bool stack;
    bool contiguous;                     /* maps of a scan have their space from the start */
    uint64_t ny, nx;                     /* positions; scan only */
    uint64_t length;                     /* positions in the file; stack only */
    uint64_t changed_first, changed_end; /* positions whose chunks came since the last update */
    uint64_t positions_at_once;          /* whole lines of a scan */
    uint64_t *values;                    /* room for that many values of a map (or doubles) */
    uint8_t *measured_values;
};

/* Return 0 or a negative number: HDF5 failed or there is no memory; finish is to be called in any
 * case. In result_layout.c: */
int result_datasets_create(struct result_datasets *results, hid_t entry, const struct run *run);

/* In result_datasets.c. Positions [first, first + n) have been measured. */
void result_datasets_changed(struct result_datasets *results, uint64_t first, uint64_t n);

int result_datasets_update(struct result_datasets *results, const struct run *run);
int result_datasets_complete(struct result_datasets *results, struct run *run);
void result_datasets_finish(struct result_datasets *results);
