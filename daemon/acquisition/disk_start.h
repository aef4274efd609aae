#pragma once

#include "daemon/acquisition/acquisition_internal.h"

/*
 * Whether a run may be recorded as planned: its directory can be used and has room for the run, as
 * far as that can be told. Sets plan->disk_warning where it may not have. A negative errno with a
 * sentence: it cannot be recorded.
 */
int disk_check_start(struct acquisition *acquisition, struct acquisition_plan *plan,
                     const struct acquisition_start *start, struct error *error);
