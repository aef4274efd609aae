#pragma once

#include "daemon/calibration/calibration_state.h"
#include "daemon/calibration/kept_store.h"

/*
 * The table of calibrations: what was measured at a high tension and a nominal camera length,
 * under a name and with its date, in the store under the kind "calibration". A document is
 *
 *     {kv, camera_length_mm, time: [s, ns], values: {pixel_size_k, ellipse, disk_radius_px: each
 *      {value, error, source, time}, as far as it was known}}
 *
 * The centre is not in it: it moves with every alignment.
 */
#define CALIBRATION_KIND "calibration"

/*
 * Keeps what is known; `name` NULL: one is made of kV, length and time. -ENODATA: high tension,
 * camera length or all else is not known, or follows only from the camera length; or as
 * kept_store_put. made[KEPT_NAME_SIZE] is the name.
 */
int calibration_table_save(struct kept_store *store, const struct calibration *calibration,
                           const char *name, char made[KEPT_NAME_SIZE], struct error *error);

/* The newest entry for this high tension and camera length (within 0.5 %); NULL: there is none. */
const struct kept *calibration_table_find(const struct kept_store *store, double kv,
                                          double camera_length);

/*
 * Takes over the values of the entry for the calibration's high tension and camera length, but for
 * those that are known from elsewhere (set, measured, configured); their source is "table NAME",
 * their time that of the measurement. Without an entry values of another one are forgotten. Call
 * calibration_derive afterwards.
 */
void calibration_table_apply(const struct kept_store *store, struct calibration *calibration);

/* [{name, kv, camera_length_mm, time, values, used}, ...], new reference. */
json_t *calibration_table_json(const struct kept_store *store,
                               const struct calibration *calibration);
