#pragma once

#include <stdint.h>

/*
 * Fluctuation electron microscopy: normalised variances from exact sums (docs/variance.md has
 * definitions and sources). All are factorial moments: noise of single pixels that is Poisson, and
 * noise of ring sums whose variance is F times their mean, gives 0 on average, whatever the dose
 * and, for all but V_r, however few the frames (V_r has no mean over frames in it that could be
 * biased). NaN where there is nothing to divide by.
 *
 * n are the counts of a pixel, N those of a ring in a frame, S those of a pixel over all frames.
 */
__extension__ typedef unsigned __int128 wide_count; /* squares of 24-bit counts overflow 64 bits */

/* Sums over the frames of one ring. */
struct ring_moments {
    wide_count squares;  /* of n^2, over pixels and frames */
    wide_count products; /* of N^2 */
    uint64_t counts;     /* of n, which is that of N */
};

struct ring_totals {
    struct ring_moments moments;
    wide_count pattern; /* sum of S^2 over the pixels; v_image only */
    uint64_t frames, pixels;
};

/* V of a single pixel: (P - 1) sum n(n - 1) / (S^2 - sum n^2) - 1 over P frames. */
double variance_of_pixel(uint64_t counts, wide_count squares, uint64_t frames);

/* The same with numerator and denominator summed over the ring. */
double variance_v_image(const struct ring_totals *ring);

/* Mean of ring variances, pooled: A sum n(n - 1) / sum N(N - F) - 1, A pixels. */
double variance_v_r(const struct ring_totals *ring, double counts_per_electron);

/* Ring ensemble: A (P - 1) sum n(n - 1) / ((sum N)^2 - sum N^2) - 1. */
double variance_v_re(const struct ring_totals *ring);

/* Variance of annular means: (P - 1) sum N(N - F) / ((sum N)^2 - sum N^2) - 1. */
double variance_omega(const struct ring_totals *ring, double counts_per_electron);

/*
 * Standard error by the jackknife over blocks of different size (Busing, Meijer, van der Leeden,
 * Statistics and Computing 9, 3 (1999)): `all` is the estimate, without[i] the estimate without
 * block i of frames[i] frames. Blocks without frames do not count. NaN with fewer than two blocks
 * or where an estimate is NaN.
 */
double jackknife_error(double all, const double *without, const uint64_t *frames,
                       unsigned n_blocks);

/* Half the width of a 95 % interval in standard errors from `n_blocks` blocks: Student's t of
 * n_blocks - 1 degrees of freedom. NaN below two. */
double jackknife_interval(unsigned n_blocks);
