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

PIXEL_INLINE void weigh_image(const int16_t *table, const void *image, size_t n_pixels,
                              uint32_t pixel_size, int64_t *sums)
{
    uint64_t sum[WEIGHT_LANES] = {0};
    weigh_rest(table, image, 0, n_pixels, pixel_size, sum);
    memcpy(sums, sum, sizeof sum);
}

typedef void (*weigh_image_fn)(const int16_t *table, const void *image, size_t n_pixels,
                               int64_t *sums);

PIXEL_INLINE void weigh_images_one_by_one(const int16_t *table, const void *const *images,
                                          size_t n_pixels, int64_t sums[][WEIGHT_LANES],
                                          weigh_image_fn weigh)
{
    for (unsigned i = 0; i < WEIGHT_IMAGES; i++)
        weigh(table, images[i], n_pixels, sums[i]);
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

/* Adds the weighted sums of n pixels of each image, which are whole steps and whose sums fit its
 * lanes. */
typedef void (*weigh_run_fn)(const int16_t *weights, const void *const *runs, size_t n,
                             uint64_t sums[][WEIGHT_LANES]);

struct weigh_limits {
    size_t step, run; /* pixels */
};

PIXEL_INLINE void weigh_in_runs(const int16_t *table, const void *const *images, unsigned n_images,
                                size_t n_pixels, uint32_t pixel_size, struct weigh_limits limits,
                                weigh_run_fn weigh_run, int64_t sums[][WEIGHT_LANES])
{
    const size_t n_in_steps = n_pixels - n_pixels % limits.step;
    uint64_t sum[WEIGHT_IMAGES][WEIGHT_LANES] = {{0}};
    const void *runs[WEIGHT_IMAGES];
    for (size_t i = 0; i < n_in_steps; i += limits.run) {
        const size_t left = n_in_steps - i;
        for (unsigned j = 0; j < n_images; j++)
            runs[j] = (const uint8_t *)images[j] + i * pixel_size;
        weigh_run(table + i / 2 * WEIGHT_PAIR, runs, left < limits.run ? left : limits.run, sum);
    }
    for (unsigned j = 0; j < n_images; j++)
        weigh_rest(table, images[j], n_in_steps, n_pixels, pixel_size, sum[j]);
    memcpy(sums, sum, n_images * sizeof sum[0]);
}
