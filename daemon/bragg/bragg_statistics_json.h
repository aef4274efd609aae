#pragma once

#include <jansson.h>

#include "processing/statistics/bragg_statistics.h"
#include "processing/statistics/phase_mask.h"

/*
 * The statistics as the protocol and the file have them: schemas/bragg.json. New references; NULL:
 * no memory. What is not a number is null.
 */
json_t *bragg_statistics_json(const struct bragg_statistics *statistics);

/* For the member `phase` of the above: what made the phase, and how. */
void bragg_statistics_json_set_phase(json_t *json, const char *name,
                                     const struct threshold *threshold);
