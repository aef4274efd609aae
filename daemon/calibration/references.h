#pragma once

#include <jansson.h>

#include "daemon/calibration/calibration_state.h"
#include "daemon/calibration/kept_store.h"
#include "processing/run/run.h"

/*
 * Named references: what is measured once, without a specimen or on an unstrained one, and what
 * runs are evaluated with afterwards. They are kept in the store (kept_store.h) under their kind:
 * "vacuum" and "halo" here, more elsewhere. The document of each has
 *
 *     run       UUID of the run that it was measured in
 *     time      [s, ns], when
 *     settings  {kv, camera_length_mm, convergence_mrad, scan_step_nm, threshold_kev, gain,
 *                counter_depth, image}: of the instrument then, null what was not known
 *
 * and what its kind means. One of each kind may be attached: runs that are planned from then on
 * carry a copy of it, and a warning where its settings are not theirs or it is too old.
 */

#define VACUUM_KIND "vacuum"

/* The settings of a run; `run` NULL: of one that has no frames yet. */
void instrument_settings_of(struct instrument_settings *settings,
                            const struct calibration *calibration, const struct run *run);
json_t *instrument_settings_json(const struct instrument_settings *settings);

/* {run, time, settings}, to which a kind adds its own. New reference. */
json_t *reference_document(const struct run *run, const struct calibration *calibration,
                           uint64_t time_ns);

/* A kept reference as runs carry it. NULL: no memory, or its document is not as above. */
struct calibration_reference *reference_of(const struct kept *kept);

/* Of everything in the store that has such a document: [{kind, name, run, time, settings, radius_px
 * where it has one, attached}, ...]. New reference. */
json_t *references_json(const struct kept_store *store, const struct calibration *attached);

/*
 * Why the results of a run may not be what they seem: its references do not fit it. A list of
 * sentences, new reference. `run` NULL: of a run that is planned with this calibration.
 */
json_t *reference_warnings(const struct calibration *calibration, const struct run *run);
