#pragma once

#include <jansson.h>

#include "processing/run/run.h"

/*
 * The summary of a run as the protocol and the file carry it (schemas/protocol.md, "Summary of a
 * run"). `rate` is in frames per second; a negative one is replaced by the mean over the run. Any
 * thread. NULL: no memory.
 */
json_t *run_summary(const struct run *run, double rate);

/* The same as text for the recorder, malloc'd. */
char *run_summary_text(const struct run *run);

/* The summary of a run whose first frame has not come, or never came. `state`: "arming", "armed",
 * "finished". */
json_t *run_summary_without_frames(const struct acquisition_plan *plan, const char *state,
                                   const char *reason, const char *cause, const char *detail);
