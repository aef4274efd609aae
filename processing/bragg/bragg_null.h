#pragma once

#include <stdint.h>
#include <string.h>

#include "common/error.h"

/*
 * The law of the counts S in a disk without a reflection: negative binomial of mean B and variance
 * F B + V B^2 (counting with charge sharing; speckle and what is not known of B). It is the Poisson
 * law where F = 1 and V = 0 and a gamma law for large B.
 *
 * F comes from electrons that fire one to four pixels each. Where F is above 1 the law is that of
 * S / c, counts in lots of c = (1 + F) / 2: mean and variance are the same, and the third moment is
 * that of such lots rather than that of a negative binomial law of single counts, whose tail is
 * longer than any sharing of charge makes it (docs/bragg.md).
 */

/* ln P(X >= counts), counts >= 1, in a smooth form that is not below the true one. */
double bragg_null_tail_log(uint64_t counts, double background, double overdispersion,
                           double speckle);

/*
 * Smallest counts with P(X >= counts) < level, for B and V on a grid. Both are rounded up to the
 * grid, so that the level is kept. The grid is that of the floating-point format: 2^BRAGG_B_BITS
 * (2^BRAGG_V_BITS) equal steps in each octave.
 */
#define BRAGG_B_BITS 6
#define BRAGG_V_BITS 4
#define BRAGG_THRESHOLD_NEVER UINT32_MAX

struct bragg_thresholds {
    int32_t first_b, first_v; /* grid numbers of the first column and row */
    uint32_t n_b, n_v;
    uint32_t *counts; /* [n_v][n_b] */
};

/* Covers B and V from at most the first to at least the second value. -ENOMEM. */
int bragg_thresholds_init(struct bragg_thresholds *thresholds, double log_level,
                          double overdispersion, const double background[2],
                          const double speckle[2], struct error *error);
void bragg_thresholds_finish(struct bragg_thresholds *thresholds);

/* Number of the smallest point of a grid of 2^bits steps an octave that is not below `value`. */
static inline int32_t bragg_grid_above(double value, int bits)
{
    const float narrow = (float)value;
    int32_t word;
    memcpy(&word, &narrow, sizeof(word));
    const int shift = 23 - bits;
    return (word + (1 << shift) - 1) >> shift;
}

/* Below the grid the first point counts. Beyond its end nothing is found. */
static inline uint32_t bragg_threshold(const struct bragg_thresholds *thresholds, double background,
                                       double speckle)
{
    const int32_t b = bragg_grid_above(background, BRAGG_B_BITS) - thresholds->first_b;
    const int32_t v = bragg_grid_above(speckle, BRAGG_V_BITS) - thresholds->first_v;
    const uint32_t column = b > 0 ? (uint32_t)b : 0, row = v > 0 ? (uint32_t)v : 0;
    if (column >= thresholds->n_b || row >= thresholds->n_v)
        return BRAGG_THRESHOLD_NEVER;
    return thresholds->counts[(size_t)row * thresholds->n_b + column];
}
