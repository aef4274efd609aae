#pragma once

#include <math.h>
#include <stdint.h>

#include "processing/statistics/distributions.h"
#include "tests/unit/processing/random_numbers.h"

/*
 * Maps of 0 and 1 whose neighbours are alike, with a known chance of 1: a Gaussian field below the
 * quantile of that chance.
 */
enum correlation {
    CORRELATION_NONE,
    CORRELATION_BOX,      /* mean of 3 x 3 of white noise: positions 3 steps apart have nothing in
                             common */
    CORRELATION_GAUSSIAN, /* exp(-(h / 3)^2) */
    CORRELATION_EXPONENTIAL, /* exp(-h / 1.5) along each axis: 3 steps as the mean range */
    CORRELATIONS,
};

#define MAP_SIDE_MAX 40
#define FIELD_MARGIN 12

static inline double kernel_of(enum correlation correlation, int d)
{
    switch (correlation) {
    case CORRELATION_NONE:
        return d == 0;
    case CORRELATION_BOX:
        return d >= -1 && d <= 1;
    default: /* a Gaussian of half the variance, which convolved with itself is that wanted */
        return exp(-2.0 * d * d / 9);
    }
}

/* Separable: along y, then along x. */
static inline void smooth_rows(double *field, int n, int stride, int n_rows, int row_stride,
                               enum correlation correlation)
{
    double out[MAP_SIDE_MAX + 2 * FIELD_MARGIN];
    for (int row = 0; row < n_rows; row++) {
        double *const line = field + row * row_stride;
        for (int i = 0; i < n; i++) {
            out[i] = 0;
            for (int d = -FIELD_MARGIN; d <= FIELD_MARGIN; d++)
                if (i + d >= 0 && i + d < n)
                    out[i] += kernel_of(correlation, d) * line[(i + d) * stride];
        }
        for (int i = 0; i < n; i++)
            line[i * stride] = out[i];
    }
}

/* First-order recursion: exactly exp(-h / 1.5). */
static inline void recur_rows(double *field, int n, int stride, int n_rows, int row_stride)
{
    const double rho = exp(-1 / 1.5);
    for (int row = 0; row < n_rows; row++)
        for (int i = 1; i < n; i++) {
            double *const at = field + row * row_stride + i * stride;
            *at = rho * at[-stride] + sqrt(1 - rho * rho) * *at;
        }
}

static inline void correlated_map(uint8_t *map, int side, enum correlation correlation,
                                  double chance, struct random_numbers *random)
{
    const int n = side + 2 * FIELD_MARGIN;
    static double field[(MAP_SIDE_MAX + 2 * FIELD_MARGIN) * (MAP_SIDE_MAX + 2 * FIELD_MARGIN)];
    for (int i = 0; i < n * n; i++)
        field[i] = random_gaussian(random);
    double scale = 1;
    if (correlation == CORRELATION_EXPONENTIAL) {
        recur_rows(field, n, 1, n, n);
        recur_rows(field, n, n, n, 1);
    } else if (correlation != CORRELATION_NONE) {
        smooth_rows(field, n, 1, n, n, correlation);
        smooth_rows(field, n, n, n, 1, correlation);
        double squares = 0;
        for (int d = -FIELD_MARGIN; d <= FIELD_MARGIN; d++)
            squares += kernel_of(correlation, d) * kernel_of(correlation, d);
        scale = squares; /* of both axes: the product of two roots */
    }
    const double level = normal_quantile(chance) * scale;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            map[y * side + x] = field[(y + FIELD_MARGIN) * n + x + FIELD_MARGIN] < level;
}

/* The chance of one scan among others that differ: a beta deviate of this mean and a standard
 * deviation of sqrt(mean (1 - mean) / (strength + 1)). */
static inline double scan_chance(double mean, double strength, struct random_numbers *random)
{
    return beta_quantile(random_uniform(random), mean * strength, (1 - mean) * strength);
}
