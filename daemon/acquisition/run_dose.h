#pragma once

#include <jansson.h>

#include "processing/run/run.h"

/*
 * Dose of a run whose scan step is known, as far as counts per electron or the beam current are:
 * {electrons, area_nm2, e_per_nm2, source, beam}.
 *
 * `area_nm2` is what a position has to itself, the square of the scan step. `electrons`, of a
 * pattern: where `source` is "counts", the mean number that the detector counted in patterns of the
 * first layer, counts / counts_per_electron; what it does not see (stopped, or scattered beyond it)
 * is not in it. Where it is "beam_current", those that came while a frame was exposed, current *
 * exposure / e. Counts come first. `beam` is the latter in any case: {current_pa, exposure_s,
 * electrons, e_per_nm2, source: "series" or "calibration"}, null: no current is known. New
 * reference; null: nothing is known, or the last frame has not come. Adds up the workers' sums.
 */
json_t *run_dose_json(const struct run *run);
