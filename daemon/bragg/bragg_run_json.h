#pragma once

#include <jansson.h>

#include "processing/bragg_run/bragg_scan.h"

/* What a run tells of its Bragg reflections, as JSON. Any thread. */

/* Whether classes may still change. */
bool bragg_run_is_provisional(const struct run *run);

/* {state, provisional, error}, the member `bragg` of a run's summary; null when nobody asked for
 * Bragg reflections. New reference. */
json_t *bragg_run_json(const struct run *run);

/* Statistics of a scan of the run with the run's warnings. NULL with a sentence. */
json_t *bragg_run_statistics_json(const struct run *run, const struct bragg_scan_results *scan,
                                  const struct bragg_statistics_settings *settings,
                                  struct error *error);

/* The same of all positions of the run seen through a geometry, with its members run and
 * provisional. NULL without a sentence (code 0): there is no position yet. */
json_t *bragg_run_whole_statistics_json(const struct run *run, const struct scan_geometry *geometry,
                                        const struct bragg_statistics_settings *settings,
                                        struct error *error);

/* The same of all positions as they are stored, and what was compared with (bragg_reference_json.h
 * and where it came from), as texts for free(); NULL: there is nothing to tell. */
char *bragg_run_statistics_text(const struct run *run);
char *bragg_run_reference_text(const struct run *run);
json_t *bragg_run_reference_json(const struct run *run);
