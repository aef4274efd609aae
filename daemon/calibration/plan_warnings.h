#pragma once

#include <jansson.h>

#include "processing/run/run.h"

/* Reasons to doubt a run that are known from its settings: its references do not fit it, its disk
 * may not suffice. A list of sentences, new reference. `run` NULL: it has no frames yet. */
json_t *plan_warnings(const struct acquisition_plan *plan, const struct run *run);
