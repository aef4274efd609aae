#pragma once

#include <stdatomic.h>

#include "processing/bragg/bragg_disk_fit.h"
#include "processing/bragg/bragg_null.h"
#include "processing/bragg/bragg_positions.h"
#include "processing/bragg/bragg_profile_fit.h"
#include "processing/bragg/bragg_reference.h"
#include "processing/bragg/bragg_template.h"

/* Never changes once made (but for its count of references). */
struct bragg_reference {
    _Atomic unsigned references;
    struct bragg_reference_values values; /* of its own arrays: */
    uint64_t *template_sums;
    uint8_t *bad; /* may be NULL */
    struct bragg_grid grid;
    struct bragg_template_counts pixels;
    uint8_t *mask;    /* [rows][stride] of the grid, 0 or UINT8_MAX */
    double *template; /* [buffer] of the grid, counts of a mean frame */
    float *band_at;   /* [buffer] where the pixel's ratio lies between those of the bands */
    uint8_t *is_static;
    double counts_per_pixel;
    struct bragg_background_plan background;
    uint32_t n_widths;
    struct bragg_positions positions[BRAGG_WIDTHS];
    struct bragg_disk_fit fit;
    struct bragg_profile_fit profile_fit;
    struct bragg_thresholds thresholds; /* the same for both widths */
    double level;                       /* false-alarm rate of each place */
};
