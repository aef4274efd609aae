#pragma once

#include <jansson.h>

#include "daemon/bragg/labelled_scans.h"
#include "processing/statistics/series.h"

/*
 * A series of scans as schemas/bragg.json has it (member `series`), and the scans that it was made
 * of. New reference; NULL: no memory.
 */
json_t *bragg_series_json(const struct series *made, const struct labelled_series *series,
                          double confidence);
