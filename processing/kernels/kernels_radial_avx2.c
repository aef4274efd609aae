#include <immintrin.h>

#include "processing/kernels/kernels_nonzero_avx2.h"
#include "processing/kernels/kernels_radial_inline.h"

/*
 * AVX2 has no permutation of bytes across a vector: pixels go through histograms. But it finds out
 * quickly which pixels have counts, and at low doses most have none: a block of 64 pixels of 1 or 2
 * bytes with few of them is taken count by count.
 */
#define BLOCK 64

/* Blocks with more counts than this are as quick pixel by pixel (measured on a Zen 4). */
#define SPARSE_BLOCK 24

PIXEL_INLINE void add_some(struct radial_histograms *histograms, const uint16_t *bin_of,
                           const void *image, uint64_t which, uint32_t pixel_size,
                           enum radial_power power)
{
    for (; which; which &= which - 1) {
        const size_t i = (size_t)__builtin_ctzll(which);
        histograms->sums[0][bin_of[i]] += power_of(pixel_value(image, i, pixel_size), power);
    }
}

PIXEL_INLINE void add_blocks(struct radial_histograms *histograms, const uint16_t *bin_of,
                             const void *image, size_t n_pixels, uint32_t pixel_size,
                             enum radial_power power)
{
    const uint8_t *const bytes = image;
    size_t i = 0;
    for (; i + BLOCK <= n_pixels; i += BLOCK) {
        const void *const block = bytes + i * pixel_size;
        const uint64_t counts = above_block(block, 0, pixel_size);
        if (__builtin_popcountll(counts) > SPARSE_BLOCK)
            histograms_add(histograms, bin_of + i, block, BLOCK, pixel_size, power);
        else
            add_some(histograms, bin_of + i, block, counts, pixel_size, power);
    }
    histograms_add(histograms, bin_of + i, bytes + i * pixel_size, n_pixels - i, pixel_size, power);
}

PIXEL_INLINE void block_sums(const struct radial_plan *plan, const void *image, uint64_t *sums,
                             uint32_t pixel_size, enum radial_power power)
{
    const struct radial_bins *const bins = plan->bins;
    struct radial_histograms histograms;
    histograms_clear(&histograms, bins->n_bins);
    add_blocks(&histograms, bins->bin_of, image, (size_t)bins->height * bins->width, pixel_size,
               power);
    histograms_write(&histograms, bins->n_bins, sums);
}

static void counts_u8(const struct radial_plan *plan, const void *image, uint64_t *counts)
{
    block_sums(plan, image, counts, 1, POWER_1);
}

static void counts_u16(const struct radial_plan *plan, const void *image, uint64_t *counts)
{
    block_sums(plan, image, counts, 2, POWER_1);
}

static void counts_u32(const struct radial_plan *plan, const void *image, uint64_t *counts)
{
    radial_sums(plan, image, counts, 4, POWER_1);
}

static void squares_u8(const struct radial_plan *plan, const void *image, uint64_t *counts,
                       uint64_t *squares)
{
    if (!halves_fit(plan->bins)) {
        radial_squares(plan, image, counts, squares, 1);
        return;
    }
    block_sums(plan, image, counts, 1, POWER_1_AND_2);
    split_halves(counts, squares, plan->bins->n_bins);
}

static void squares_u16(const struct radial_plan *plan, const void *image, uint64_t *counts,
                        uint64_t *squares)
{
    block_sums(plan, image, counts, 2, POWER_1);
    block_sums(plan, image, squares, 2, POWER_2);
}

static void squares_u32(const struct radial_plan *plan, const void *image, uint64_t *counts,
                        uint64_t *squares)
{
    radial_squares(plan, image, counts, squares, 4);
}

const struct radial_kernels radial_kernels_avx2[KERNELS_PIXEL_SIZES] = {
    {counts_u8, squares_u8},
    {counts_u16, squares_u16},
    {counts_u32, squares_u32},
};
