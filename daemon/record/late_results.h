#pragma once

#include <hdf5.h>
#include <stdbool.h>

#include "daemon/record/result_datasets.h"

/*
 * Maps and arrays of products that came after the file was made, or took the place of one of the
 * same name. Nothing may be added to a file in SWMR mode, so they are written when that has ended:
 * new ones get a group of their own, those with a new product its values and description. Their
 * attribute `first_frame` is the first frame index that they were computed of as it came. Products
 * that never saw a frame change nothing.
 */
bool late_results_are_there(const struct result_datasets *results, const struct run *run);

/* `file` was opened again to be changed; of `results` only what is not a handle is looked at.
 * Returns 0 or a negative number: HDF5 failed or there is no memory. */
int late_results_write(const struct result_datasets *results, hid_t file, const struct run *run);
