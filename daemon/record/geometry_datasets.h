#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

#include "processing/run/run.h"

/*
 * /entry/geometry: through which geometries the run was seen, and for a list of positions the list
 * and the axes of its map. A list that came while the run went on is written when SWMR has ended,
 * as positions_VERSION.
 */
struct geometry_datasets {
    hid_t history;
    uint32_t version; /* of the newest geometry in the file */
};

/* All return 0 or a negative number: HDF5 failed or there is no memory. */
int geometry_datasets_create(struct geometry_datasets *geometry, hid_t entry,
                             const struct run *run);
int geometry_datasets_update(struct geometry_datasets *geometry, const struct run *run);

bool geometry_late_lists_are_there(const struct run *run);
/* `file` was opened again to be changed. */
int geometry_late_lists_write(hid_t file, const struct run *run);
