#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Real weights of pixels as integers of 16 bits, which the kernels multiply fastest and whose sums
 * are exact in any order:
 *
 *     weight ~ (plane[0] + plane[1] * 2^shift) * scale
 *
 * Weights that are multiples of a power of two and fit 15 bits (integers, signs, area fractions)
 * need one plane and are exact, as are those that fit 30 bits in two; scale is that power of two,
 * and 1 for integers. Of others the weight of most pixels, if there is one, is exact, and all are
 * at most half of `scale` off, which is 2^-30 (1e-9) of the largest weight. So a sum is right to
 * 1e-5 of itself wherever its counts have weights of a ten-thousandth of the largest one or more.
 * Weights of 0 stay 0.
 *
 * A frame of pixels of pixel_size bytes, all at full scale, has sums that fit signed 64 bits for
 * each plane. Only of more than 2^16 pixels of 4 bytes that leaves less than 30 bits: 26 of
 * 512 x 512, where weights are 2^-27 (7e-9) of the largest off.
 */
#define WEIGHT_PLANES 2

struct weight_planes {
    unsigned n;     /* 1: the second plane is 0 everywhere */
    unsigned shift; /* of the second plane; its pixels count 2^shift */
    double scale;
    int16_t *planes[WEIGHT_PLANES]; /* [n_pixels] each, none of them -32768 */
};

/* Of weights[n_pixels], all of them finite. 0 or -ENOMEM with nothing to finish. */
int weight_planes_init(struct weight_planes *planes, const double *weights, size_t n_pixels,
                       uint32_t pixel_size);

/* Also of zeroed ones. */
void weight_planes_finish(struct weight_planes *planes);
