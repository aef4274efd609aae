#pragma once

#include <stdbool.h>
#include <string.h>

#include "processing/kernels/kernels_pixel.h"
#include "processing/kernels/kernels_radial.h"

/*
 * Histograms, a pixel at a time, for processors (and images) for which there is nothing better.
 * Neighbouring pixels often belong to the same bin and an addition would have to wait for the one
 * before: each of four pixels has a histogram of its own.
 */
#define N_HISTOGRAMS 4

struct radial_histograms {
    uint64_t sums[N_HISTOGRAMS][RADIAL_MAX_BINS + 1]; /* the one after the last takes what has no
                                                         bin */
};

PIXEL_INLINE void histograms_clear(struct radial_histograms *histograms, uint32_t n_bins)
{
    for (unsigned i = 0; i < N_HISTOGRAMS; i++)
        memset(histograms->sums[i], 0, (n_bins + 1) * sizeof(uint64_t));
}

PIXEL_INLINE void histograms_write(const struct radial_histograms *histograms, uint32_t n_bins,
                                   uint64_t *sums)
{
    const uint64_t(*const of)[RADIAL_MAX_BINS + 1] = histograms->sums;
    for (uint32_t bin = 0; bin < n_bins; bin++)
        sums[bin] = of[0][bin] + of[1][bin] + of[2][bin] + of[3][bin];
}

/* What is summed of a pixel: n, n^2, or both in one number. */
enum radial_power { POWER_1, POWER_2, POWER_1_AND_2 };

PIXEL_INLINE uint64_t power_of(uint64_t n, enum radial_power power)
{
    switch (power) {
    case POWER_1:
        return n;
    case POWER_2:
        return n * n;
    default:
        return n + (n * n << 32);
    }
}

PIXEL_INLINE void histograms_add(struct radial_histograms *histograms, const uint16_t *bin_of,
                                 const void *image, size_t n_pixels, uint32_t pixel_size,
                                 enum radial_power power)
{
    size_t i = 0;
    for (; i + N_HISTOGRAMS <= n_pixels; i += N_HISTOGRAMS) {
        for (unsigned h = 0; h < N_HISTOGRAMS; h++)
            histograms->sums[h][bin_of[i + h]] +=
                power_of(pixel_value(image, i + h, pixel_size), power);
    }
    for (; i < n_pixels; i++)
        histograms->sums[0][bin_of[i]] += power_of(pixel_value(image, i, pixel_size), power);
}

PIXEL_INLINE void radial_sums(const struct radial_plan *plan, const void *image, uint64_t *sums,
                              uint32_t pixel_size, enum radial_power power)
{
    const struct radial_bins *const bins = plan->bins;
    struct radial_histograms histograms;
    histograms_clear(&histograms, bins->n_bins);
    histograms_add(&histograms, bins->bin_of, image, (size_t)bins->height * bins->width, pixel_size,
                   power);
    histograms_write(&histograms, bins->n_bins, sums);
}

/* Counts and squares of bytes are summed in the two halves of one number, as long as these cannot
 * overflow. */
PIXEL_INLINE bool halves_fit(const struct radial_bins *bins)
{
    return (uint64_t)bins->largest_area * 255 * 255 <= UINT32_MAX;
}

PIXEL_INLINE void split_halves(uint64_t *counts, uint64_t *squares, uint32_t n_bins)
{
    for (uint32_t bin = 0; bin < n_bins; bin++) {
        squares[bin] = counts[bin] >> 32;
        counts[bin] = (uint32_t)counts[bin];
    }
}

PIXEL_INLINE void radial_squares(const struct radial_plan *plan, const void *image,
                                 uint64_t *counts, uint64_t *squares, uint32_t pixel_size)
{
    if (pixel_size == 1 && halves_fit(plan->bins)) {
        radial_sums(plan, image, counts, 1, POWER_1_AND_2);
        split_halves(counts, squares, plan->bins->n_bins);
        return;
    }
    radial_sums(plan, image, counts, pixel_size, POWER_1);
    radial_sums(plan, image, squares, pixel_size, POWER_2);
}
