#pragma once

#include <jansson.h>

#include "processing/run/run.h"

/* Limits of what may be asked for: a typing error must not cost more memory than there is. */
#define SCAN_SIDE_MAX 65536
#define SCAN_LIST_MAX (UINT64_C(1) << 22)      /* positions that a list visits */
#define SCAN_LIST_GRID_MAX (UINT64_C(1) << 24) /* positions of the map that they lie in */
#define SCAN_FRAMES_MAX (UINT64_C(1) << 32)    /* frames, and positions of all passes */
#define SCAN_SHIFT_MAX (INT64_C(1) << 32)      /* frames, either way */

/* Images that a whole run of this plan places; 0: not known, or without end. */
uint64_t plan_expected(const struct acquisition_plan *plan);

/*
 * A geometry as the protocol and the file have it: {order, scan, repeats, skip, shift}; `scan` is
 * null when the shape is unknown, `repeats` null when the scan goes over and over. A list of
 * positions is told by their number, `n_positions`. NULL: no memory.
 */
json_t *scan_geometry_json(const struct scan_geometry *scan);

/* The same with `source` and `version`: a geometry that is in force. */
json_t *run_view_json(const struct run_view *view);

/* A sentence's worth: "128 x 128, serpentine, 3 passes, 2 frames of flyback, shifted by 5". */
void scan_geometry_text(const struct scan_geometry *scan, char *text, size_t size);

/* -EINVAL with a sentence when a geometry is too large to be measured or shown. */
int scan_geometry_check(const struct scan_geometry *scan, struct error *error);
