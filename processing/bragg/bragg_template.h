#pragma once

#include <stdint.h>

#include "processing/bragg/bragg_grid.h"
#include "processing/bragg/bragg_reference.h"

/*
 * The template as it is used: mean counts of a frame in the buffer of the grid. Pixels that the
 * mask rules out, that count next to nothing (dead, beam stop, gaps) or far more than their
 * neighbours (hot) are not used. Where the template stands out from its ring like a reflection that
 * every frame has (texture), it is cut down to the ring's median + 3 deviations, so that the
 * reflection is found and not taken for background.
 */
struct bragg_template_counts {
    uint32_t n_used, n_bad, n_static;
};

/* mask[rows][stride]: 0 or UINT8_MAX; counts[buffer]; is_static[height][width] of the frame. All
 * come zeroed. -ENODATA: there are no counts in the annulus; -ENOMEM. */
int bragg_template_prepare(struct bragg_template_counts *result,
                           const struct bragg_reference_values *values,
                           const struct bragg_grid *grid, uint8_t *mask, double *counts,
                           uint8_t *is_static, struct error *error);
