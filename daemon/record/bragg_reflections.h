#pragma once

#include <hdf5.h>

#include "processing/run/run.h"

/* The dataset `reflections`: a row for each Bragg reflection, by frame, those of a frame by falling
 * significance. Its members are those of struct bragg_row (processing/products/bragg_row.h). */

/* Makes it, empty. */
hid_t bragg_reflections_create(hid_t group);

/* Writes all reflections of a product. Returns 0 or a negative number: HDF5 failed or there is no
 * memory. */
int bragg_reflections_write(hid_t dataset, const struct run *run, const struct product *product);
