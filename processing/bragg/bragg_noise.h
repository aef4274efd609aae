#pragma once

#include <stdint.h>

#include "processing/bragg/bragg_search.h"

/*
 * F and V measured on patterns without reflections.
 *
 * F: an electron that fires several pixels makes neighbouring pixels vary together. Covariance of
 * pixels one step apart, less that of the speckle there, times the pairs of a disk (2 c to each
 * side), is what F adds to 1. Speckle is told by pixels three steps apart, which share no charge:
 * its correlation over distance is that of the aperture's image (bragg_speckle_correlation).
 *
 * V(k): variance of the counts in disks over their squared background, less F / B, by radius.
 *
 * Every frame adds its ratios in fixed point, so that the sums do not depend on its order.
 */
#define BRAGG_LAGS 6 /* four neighbours that share charge, two farther that do not */

struct bragg_noise {
    uint64_t n_frames;
    int64_t variance;               /* of pixels over their background, */
    int64_t covariance[BRAGG_LAGS]; /* covariance the same */
    int64_t squares;                /* squared background over background, */
    int64_t products[BRAGG_LAGS];   /* and its products */
    struct {
        int64_t square, inverse, n; /* of (S / B - 1), 1 / B, places */
    } places[BRAGG_WIDTHS][BRAGG_SPECKLE_POINTS];
};

/* Adds the frame that the scratch has searched. `residual` is room for a buffer of the grid. */
void bragg_noise_add(struct bragg_noise *noise, struct bragg_scratch *scratch, float *residual);
void bragg_noise_merge(struct bragg_noise *into, const struct bragg_noise *from);

/* F of a matched disk; NAN without frames. */
double bragg_noise_overdispersion(const struct bragg_noise *noise,
                                  const struct bragg_reference *reference);

/* V of disks of each width along the radius; points without places take their neighbour's. */
void bragg_noise_speckle(const struct bragg_noise *noise, const struct bragg_reference *reference,
                         double overdispersion, double speckle[BRAGG_WIDTHS][BRAGG_SPECKLE_POINTS]);
