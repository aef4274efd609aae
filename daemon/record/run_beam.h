#pragma once

#include "daemon/logbook/logbook.h"
#include "processing/run/run.h"

/*
 * Finds out what beam there was while the frames of a run were exposed: from the series
 * `beam_current` at the middle of each exposure (series_values.h), where it has samples, else the
 * calibrated current. Sets run->beam and then run->beam_known; neither when there is no current or
 * no frame tells its exposure. All frames are in. Writer thread, once. `logbook` may be NULL.
 */
void run_beam_find(struct run *run, struct logbook *logbook);
