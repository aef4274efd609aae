#pragma once

#include <stdint.h>

#include "common/error.h"

/*
 * Frames as they would have come at a lower dose: every count is kept with the probability `keep`,
 * independently of all others, so that Poisson counts of mean m become Poisson counts of mean keep
 * * m. (With charge sharing single counts are not independent: variance over mean of an area goes
 * from F to 1 + keep (F - 1), a little below what the lower dose would have shown.)
 *
 * A pixel's result is a function of the seed, the frame's number and the pixel's alone: the same in
 * any order, on any number of threads.
 */

/* In place; pixels of 1, 2 or 4 bytes, machine byte order. -EINVAL: another size, or keep outside
 * [0, 1]. */
int thin_frame(void *pixels, uint32_t pixel_size, uint64_t n_pixels, double keep, uint64_t seed,
               uint64_t frame, struct error *error);

/* X of a binomial law of n tries with the chance p each; draws from the hash of (key, number). */
uint64_t binomial_deviate(uint64_t n, double p, uint64_t key, uint64_t number);

/*
 * How much of each scan's counts to keep so that all have the dose of the lowest: keep[i] =
 * smallest / doses[i]. Doses in any unit, mean counts per pixel for one. -EINVAL: a dose that is
 * not above 0.
 */
int thinning_to_lowest(double *keep, const double *doses, uint64_t n_scans, struct error *error);
