#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/*
 * A line profile across a map, and its period. Maps are double [ny][nx], C order, NaN where not
 * measured. Places are in scan positions, (0, 0) the middle of the first; steps of rows and columns
 * are taken as equal.
 */

enum map_sampling {
    MAP_SAMPLING_BILINEAR, /* between the four positions around; not measured if one that counts is
                              not */
    MAP_SAMPLING_NEAREST,  /* the nearest position as it is */
};

struct map_line {
    double from_y, from_x, to_y, to_x; /* may lie outside the map: not measured there */
    double width;                      /* across the line, positions; below 1 counts as 1 */
    enum map_sampling sampling;
};

struct map_profile {
    size_t n;
    double spacing;   /* positions between two values along the line: at most 1 */
    double *values;   /* [n]: mean over the width of what was measured, NaN: nothing */
    double *errors;   /* [n]: standard deviation over the width / sqrt(count), NaN below 2. With
                         bilinear sampling neighbours share positions: up to 1.5 times too small */
    uint32_t *counts; /* [n]: samples over the width that were measured */
};

/*
 * Samples along the line, both ends included, ceil(length) + 1 of them; across it as many as the
 * width has positions (rounded), evenly spread and centred on the line. profile_finish frees it.
 * -EINVAL: a line of no length, longer than 65536 or not finite; -ENOMEM.
 */
int map_profile_init(struct map_profile *profile, const struct map_line *line, const double *map,
                     uint32_t ny, uint32_t nx, struct error *error);
/* Also of a zeroed profile. */
void map_profile_finish(struct map_profile *profile);

struct profile_period {
    double period, error; /* in the unit of the spacing */
    double amplitude;     /* of the wave, in the unit of the values: half of peak to valley */
    double phase;     /* degrees: the wave is amplitude * cos(360 * distance / period - phase) */
    double explained; /* part of the variance about the trend that the wave explains, 0 to 1 */
    double chance;    /* probability of such a peak in noise of the same local power, all
                         frequencies looked at counted */
};

/*
 * Period of values[n] (NaN: missing) at the given spacing: the highest peak of the least-squares
 * power spectrum with a constant and a trend fitted beside every wave (Lomb-Scargle with floating
 * mean; equals the Fourier power spectrum where nothing is missing), frequencies from 1 to n / 2
 * per length in steps of 1/4, refined to the maximum. Its transform is the autocorrelation, which
 * holds the same.
 *
 * The error is that of a least-squares sine in noise, sd(frequency) = sqrt(6 / n) * noise / (pi *
 * length * amplitude), with the noise per sample taken from the spectrum of the residuals around
 * the peak (half to twice its frequency), so that slow waves and the harmonics of square layers do
 * not count; and, where the phase walks from period to period more than noise makes it, that of a
 * mean over so many uneven layers.
 *
 * Fewer than 12 values: -ENODATA. No peak with chance < 0.01: -ENODATA, *period filled in all the
 * same. More than 4096 values (the cost is n^2, 2 s for that many): -EINVAL.
 */
int profile_period_find(struct profile_period *period, const double *values, size_t n,
                        double spacing, struct error *error);
