#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/cpu.h"
#include "processing/kernels/kernels_choose.h"
#include "processing/pixels/mask.h"
#include "processing/pixels/mask_weights.h"

/*
 * The inner loops of the products, one version per instruction set and pixel size. All of them are
 * integer arithmetic, so that every version gives the same result to the last bit. An image may lie
 * at any address that is a multiple of its pixel size and nothing outside its height * width pixels
 * is read.
 */

/* sum of n, of y n and of x n over pixels (y, x) holding n counts; modulo 2^64. */
struct moments {
    uint64_t sum, y, x;
};

struct kernels {
    /* Sum of the pixels that the mask, made for frames of this size and pixel, chooses. */
    uint64_t (*masked_sum)(const struct mask *mask, const void *image);

    /* Sum of weight * pixel over the mask's blocks of weights and its loose weights, its flat
     * blocks left out; modulo 2^64. */
    int64_t (*weighted_sum)(const struct mask_weights *mask, const void *image);

    void (*moments)(struct moments *moments, const void *image, uint32_t height, uint32_t width);

    /* tile[i] += image[i]. Elements of the tile are twice as wide as pixels: 2, 4 or 8 bytes. */
    void (*accumulate)(void *restrict tile, const void *restrict image, size_t n_pixels);

    /* sums[i] += tile[i], with tiles as above. */
    void (*widen)(uint64_t *restrict sums, const void *restrict tile, size_t n_pixels);
};

/* The kernels for pixels of 1, 2 or 4 bytes, NULL for others. The processor must have `isa`. */
const struct kernels *kernels_for(enum cpu_isa isa, uint32_t pixel_size);

/* What kernels_for chooses from: the order is 1, 2, 4 bytes. */
extern const struct kernels kernels_plain[KERNELS_PIXEL_SIZES];
extern const struct kernels kernels_avx2[KERNELS_PIXEL_SIZES];
extern const struct kernels kernels_avx512[KERNELS_PIXEL_SIZES];

/* Also used by kernels_avx512. */
int64_t weighted_sum_u8_avx2(const struct mask_weights *mask, const void *image);
int64_t weighted_sum_u16_avx2(const struct mask_weights *mask, const void *image);
int64_t weighted_sum_u32_avx2(const struct mask_weights *mask, const void *image);
