#pragma once

#include "processing/bragg/bragg_search.h"

/* The places of reflections whose edges tell too little: from the pixels round them. */

struct bragg_place {
    double row, column; /* of the grid */
    double sigma;       /* of a coordinate */
};

/* Start from where the edges say that the disk is, and leave it there where the pixels do not tell.
 * Of small disks (reference->fit), and of others (reference->profile_fit). */
void bragg_fit_small_disk(const struct bragg_scratch *scratch, const struct bragg_peak *peak,
                          struct bragg_place *place);
void bragg_fit_profile(const struct bragg_scratch *scratch, const struct bragg_peak *peak,
                       bool touches, struct bragg_place *place);

/* Whether another reflection is so near that it is in the windows of this one's edges. */
bool bragg_touches_another(const struct bragg_scratch *scratch, const struct bragg_peak *peak);
