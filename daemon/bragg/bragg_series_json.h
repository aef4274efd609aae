#pragma once

#include <jansson.h>

#include "processing/statistics/series.h"

/*
 * A series of scans as schemas/bragg.json has it (member `series`). `label` is the name of the
 * condition, `scans` those that the series was made of. New reference; NULL: no memory.
 */
json_t *bragg_series_json(const struct series *series, const char *label,
                          const struct series_scan *scans, size_t n_scans, double confidence);
