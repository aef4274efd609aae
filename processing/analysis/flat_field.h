#pragma once

#include <stdint.h>

#include "common/error.h"

/*
 * The gain of each pixel from frames that light the detector evenly: by what its counts are to be
 * multiplied so that all pixels count alike, mean of the good pixels / counts of the pixel.
 *
 * counts[height][width] are sums over frames, NaN where a pixel is bad; gain[height][width] is 1
 * there. The noise of a gain is that of the pixel's counts, so many frames are needed: 10,000
 * counts a pixel give 1 % of noise in each.
 */
struct flat_field {
    double mean;   /* counts of a good pixel */
    double spread; /* standard deviation of the pixels' counts over their mean */
    double noise;  /* what of it counting alone would make: sqrt(F / mean) */
    double least, most;
    uint64_t n_good;
};

/* -ENODATA: fewer than FLAT_FIELD_COUNTS counts a pixel; -EDOM: a pixel counts less than a quarter
 * or more than four times of the mean, which is no gain (the sentence names it). */
#define FLAT_FIELD_COUNTS 400
int flat_field_measure(float *gain, struct flat_field *result, const double *counts,
                       uint32_t height, uint32_t width, double overdispersion, struct error *error);
