#pragma once

#include <stdint.h>

#include "common/error.h"
#include "processing/statistics/proportion.h"

/*
 * How many independent patterns a scan's correlated ones are worth, from one map alone, and the
 * interval of its fraction: the headline for a single scan.
 *
 * Var(fraction) = p (1 - p) / n_effective; the design effect n / n_effective is the sum of the
 * autocorrelation over all pairs of positions, divided by n (Cressie, Statistics for Spatial Data,
 * 1.3). The autocorrelation is taken as isotropic, by distance rounded to whole positions, from
 * half the mean squared difference of pairs, gamma(h) = s^2 (1 - rho(h)), in which the unknown mean
 * drops out; s^2 = p (1 - p) / (1 - design effect / n) closes the circle. rho is made to fall, and
 * cut where it first reaches 0 (Geyer's initial monotone sequence, Stat. Sci. 7, 473, 1992), at
 * 0.6 of the shorter side at the latest.
 *
 * A map with few positions of one kind cannot tell how they are correlated. The logarithm of the
 * design effect is therefore the mean of the estimate's, weight m (the smaller number of the two
 * kinds), and that of patterns whose correlation falls linearly to 0 over `block` positions, weight
 * 5. The interval is Wilson's for n_effective patterns with Student's quantile at n_effective - 1
 * degrees of freedom (1 at least), after Korn and Graubard, Surv. Methodol. 24, 193 (1998).
 *
 * docs/bragg-statistics.md tells how often it covers. n_effective is never above n.
 */
struct effective_size {
    uint64_t n, x;        /* positions with 0 or 1, and with 1 */
    double n_effective;   /* at least 1.5, or n where that is less */
    double design_effect; /* n / n_effective, at least 1 */
    double range;         /* positions: distance at which the correlation was cut off */
    struct interval interval;
};

/*
 * map[ny][nx] of 0, 1 and, left out, anything else. block: positions, at least 1. -EINVAL: a side
 * or the block is 0, or a map of more than 2^31 positions. A map without a position gives n = 0
 * and [0, 1]. Cost: n times the square of the largest distance looked at, which is limited
 * to 32 positions.
 */
int effective_size_of_map(struct effective_size *size, const uint8_t *map, uint32_t ny, uint32_t nx,
                          double block, double confidence, struct error *error);
