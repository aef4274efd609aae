#pragma once

#include "processing/kernels/kernels_weights_inline.h"

/* Included by the files of AVX2 and AVX-512 behind their weigh_runs_u8, weigh_runs_u16 and
 * `limits`: the loop for one image and the loop for several are made of the same source, the number
 * of images being a constant in each. */

static void run_of_one_u8(const int16_t *weights, const void *const *runs, size_t n,
                          uint64_t sums[][WEIGHT_LANES])
{
    weigh_runs_u8(weights, runs, 1, n, sums);
}

static void run_of_all_u8(const int16_t *weights, const void *const *runs, size_t n,
                          uint64_t sums[][WEIGHT_LANES])
{
    weigh_runs_u8(weights, runs, WEIGHT_IMAGES, n, sums);
}

static void image_u8(const int16_t *table, const void *image, size_t n_pixels, int64_t *sums)
{
    int64_t sum[1][WEIGHT_LANES];
    weigh_in_runs(table, &image, 1, n_pixels, 1, limits, run_of_one_u8, sum);
    memcpy(sums, sum[0], sizeof sum[0]);
}

static void images_u8(const int16_t *table, const void *const *images, size_t n_pixels,
                      int64_t sums[][WEIGHT_LANES])
{
    weigh_in_runs(table, images, WEIGHT_IMAGES, n_pixels, 1, limits, run_of_all_u8, sums);
}

static void run_of_one_u16(const int16_t *weights, const void *const *runs, size_t n,
                           uint64_t sums[][WEIGHT_LANES])
{
    weigh_runs_u16(weights, runs, 1, n, sums);
}

static void run_of_all_u16(const int16_t *weights, const void *const *runs, size_t n,
                           uint64_t sums[][WEIGHT_LANES])
{
    weigh_runs_u16(weights, runs, WEIGHT_IMAGES, n, sums);
}

static void image_u16(const int16_t *table, const void *image, size_t n_pixels, int64_t *sums)
{
    int64_t sum[1][WEIGHT_LANES];
    weigh_in_runs(table, &image, 1, n_pixels, 2, limits, run_of_one_u16, sum);
    memcpy(sums, sum[0], sizeof sum[0]);
}

static void images_u16(const int16_t *table, const void *const *images, size_t n_pixels,
                       int64_t sums[][WEIGHT_LANES])
{
    weigh_in_runs(table, images, WEIGHT_IMAGES, n_pixels, 2, limits, run_of_all_u16, sums);
}
