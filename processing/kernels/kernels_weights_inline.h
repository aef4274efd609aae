#pragma once

#include <stdbool.h>
#include <string.h>

#include "processing/kernels/kernels_pixel.h"
#include "processing/kernels/kernels_weights.h"

/* Plain pieces, for what is left over and for pixels that have no better. */

PIXEL_INLINE void weigh_pixel(const int16_t *table, size_t pixel, uint64_t n, uint64_t *sums)
{
    const int16_t *const weights = table + weight_table_index(pixel, 0);
    for (unsigned lane = 0; lane < WEIGHT_LANES; lane++)
        sums[lane] += (uint64_t)weights[(size_t)2 * lane] * n;
}

PIXEL_INLINE void weigh_rest(const int16_t *table, const void *image, size_t first, size_t n_pixels,
                             uint32_t pixel_size, uint64_t *sums)
{
    for (size_t i = first; i < n_pixels; i++)
        weigh_pixel(table, i, pixel_value(image, i, pixel_size), sums);
}

PIXEL_INLINE void weigh_images(const int16_t *table, const void *const *images, unsigned n,
                               size_t n_pixels, uint32_t pixel_size, int64_t sums[][WEIGHT_LANES])
{
    for (unsigned i = 0; i < n; i++) {
        uint64_t sum[WEIGHT_LANES] = {0};
        weigh_rest(table, images[i], 0, n_pixels, pixel_size, sum);
        memcpy(sums[i], sum, sizeof sum);
    }
}

PIXEL_INLINE void weigh_events(const int16_t *table, const struct frame_events *events,
                               uint32_t pixel_size, int64_t *sums)
{
    uint64_t sum[WEIGHT_LANES] = {0};
    for (size_t i = 0; i < events->n; i++)
        weigh_pixel(table, events->pixels[i], 1, sum);
    for (size_t i = 0; i < events->n_more; i++) {
        const uint32_t pixel = events->more[i];
        weigh_pixel(table, pixel, pixel_value(events->image, pixel, pixel_size) - 1, sum);
    }
    memcpy(sums, sum, sizeof sum);
}
