#pragma once

#include <jansson.h>

#include "processing/run/run_glass.h"

/* The part of a run that is named as glass, as the statistics have it. */

/* {area: [y0, x0, y1, x1], pass, false_positive}, the rate of any reflection; null where nothing is
 * named. New reference. Any thread. */
json_t *bragg_glass_json(const struct run *run, double confidence);

/* Names what statistics of before told (a file's); anything else does nothing. -EINVAL with a
 * sentence: it does not lie in the scan; -ENOMEM. Service thread only. */
int bragg_glass_take(struct run *run, const json_t *glass, struct error *error);
