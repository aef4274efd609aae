#pragma once

#include <stddef.h>
#include <stdint.h>

#include "processing/kernels/kernels_choose.h"
#include "processing/kernels/kernels_events.h"

/*
 * Weighted sums of sixteen masks at once (eight of real weights, which are two each:
 * weight_planes.h). Each frame's pixels are looked at once for all of them, and what is known of a
 * pixel lies in one line of memory.
 *
 * The table is int16_t [n_pixels / 2 + 1][16][2]: of each pair of pixels, for each mask, the
 * weights of the two; 0 where there is no pixel or no mask.
 */
#define WEIGHT_LANES 16
#define WEIGHT_PAIR (2 * (size_t)WEIGHT_LANES) /* weights */
#define WEIGHT_IMAGES 16

static inline size_t weight_table_index(size_t pixel, unsigned lane)
{
    return pixel / 2 * WEIGHT_PAIR + (size_t)2 * lane + pixel % 2;
}

struct weight_kernels {
    /* sums[i][lane] = sum of weight * pixel over image i of n, at most WEIGHT_IMAGES; modulo 2^64.
     * The table, which may be larger than a cache, is read once for all of them. It is aligned to
     * 64. */
    void (*images)(const int16_t *table, const void *const *images, unsigned n, size_t n_pixels,
                   int64_t sums[][WEIGHT_LANES]);

    /* The same of one image, from the pixels that have counts. */
    void (*events)(const int16_t *table, const struct frame_events *events,
                   int64_t sums[WEIGHT_LANES]);
};

/* The kernels for pixels of 1, 2 or 4 bytes, NULL for others. The processor must have `isa`. */
const struct weight_kernels *weight_kernels_for(enum cpu_isa isa, uint32_t pixel_size);

extern const struct weight_kernels weight_kernels_plain[KERNELS_PIXEL_SIZES];
extern const struct weight_kernels weight_kernels_avx2[KERNELS_PIXEL_SIZES];
extern const struct weight_kernels weight_kernels_avx512[KERNELS_PIXEL_SIZES];
