#pragma once

#include "processing/products/bragg_plan.h"
#include "processing/run/run.h"

/* The settings for a run's frames with nothing left open but F and V. -EINVAL with a sentence that
 * begins with the key at fault: something is not known, or is not good for frames of this size. */
int run_bragg_settings(const struct bragg_plan *plan, const struct run *run,
                       struct bragg_settings *settings, struct error *error);
