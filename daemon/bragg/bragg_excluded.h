#pragma once

#include <jansson.h>

#include "processing/run/run_excluded.h"

/* Regions of a run that are no part of the film, as requests and the statistics have them: a list
 * of lists of spans (region_spans.h), positions of a pass of the scan. */

/* Excludes these regions and no others; none: nothing. -EINVAL: they are no such list, or do not
 * lie in the scan as it is seen; -EFBIG: more text than the file has room for; -ENOMEM; with a
 * sentence. Service thread only. */
int bragg_exclude(struct run *run, const json_t *regions, struct error *error);

/* Those in force. New reference. Any thread. */
json_t *bragg_excluded_json(const struct run *run);
