#pragma once

#include <hdf5.h>
#include <stdint.h>

#include "processing/run/run.h"

struct result_datasets;

/*
 * /entry/results/radial_profile, of each layer: the counts of every ring for every position, exact,
 * and the pixels of the rings beside them. They are made with the file and filled when the run is
 * over, chunk by chunk from the columns of the product radial_profile; those of chunks in which
 * nothing was measured stay the fill value, 0. There are none where the run keeps no columns, or
 * recording.profiles says so.
 */
struct profile_datasets {
    unsigned n;
    struct layer_profiles {
        hid_t dataset; /* [positions..., ring] */
        const struct product *product;
        hsize_t chunk[4]; /* of pass, line, column (or frame: [2]) and ring */
    } layers[RUN_MAX_LAYERS];
};

/* In the group of results, for a product of radial profiles. Returns 0 or a negative number, as all
 * do. */
int profile_datasets_create(struct profile_datasets *datasets,
                            const struct result_datasets *results, hid_t parent,
                            const struct run *run, const struct product *product);

/* At most so many bytes are written at the end. */
uint64_t profile_datasets_bytes(const struct profile_datasets *datasets, const struct run *run);

/* When the run is over. */
int profile_datasets_complete(const struct profile_datasets *datasets,
                              const struct result_datasets *results, const struct run *run);

/* Instead, where the disk has no room for them: takes them out of the file, which was closed and
 * opened again. */
int profile_datasets_remove(const struct profile_datasets *datasets, hid_t file,
                            const struct run *run);
