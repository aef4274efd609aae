#pragma once

#include <jansson.h>

#include "processing/run/run.h"

/*
 * Dose of a run whose counts per electron and scan step are known: {electrons, area_nm2,
 * e_per_nm2}. `electrons` is the mean number of electrons that the detector counted in a pattern of
 * the first layer, counts / counts_per_electron; `area_nm2` is what a position has to itself, the
 * square of the scan step. What the detector does not see (stopped, or scattered beyond it) is not
 * in it. New reference; null: not known, or the last frame has not come. Adds up the workers' sums.
 */
json_t *run_dose_json(const struct run *run);
