#pragma once

#include <stdbool.h>

#include "common/error.h"
#include "daemon/record/result_datasets.h"

/*
 * Maps that are given as a whole (given_maps.h) in /entry/results, with the attribute `provenance`,
 * a JSON object. They come and change while the file is in SWMR mode, which lets nothing be added,
 * so they are written when it is completed; those that come later are added to the closed file.
 * Writer thread.
 */

/* Whether there are maps that the file does not have as they are now. */
bool given_results_are_due(const struct run *run);

/* Bytes that they take, at most. */
uint64_t given_results_size(const struct run *run);

/* Writes those maps. `layout` as result_datasets_describe has it; `file` was opened to be changed.
 * Returns 0 or a negative number: HDF5 failed or there is no memory. */
int given_results_write(const struct result_datasets *layout, hid_t file, const struct run *run);
