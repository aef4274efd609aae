#include <immintrin.h>

#include "processing/kernels/kernels_radial_inline.h"

/*
 * AVX2 has no permutation of bytes across a vector: pixels go through histograms. But it finds out
 * quickly which pixels have counts, and at low doses most have none: a block of 64 pixels of 1 or 2
 * bytes with few of them is taken count by count.
 */
#define BLOCK 64

/* Blocks with more counts than this are as quick pixel by pixel (measured on a Zen 4). */
#define SPARSE_BLOCK 24

PIXEL_INLINE uint32_t zeros_u8(const uint8_t *pixels)
{
    const __m256i four = _mm256_loadu_si256((const __m256i *)pixels);
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(four, _mm256_setzero_si256()));
}

PIXEL_INLINE uint32_t zeros_u16(const uint16_t *pixels)
{
    const __m256i zero = _mm256_setzero_si256();
    const __m256i a = _mm256_loadu_si256((const __m256i *)pixels);
    const __m256i b = _mm256_loadu_si256((const __m256i *)(pixels + 16));
    const __m256i zeros =
        _mm256_packs_epi16(_mm256_cmpeq_epi16(a, zero), _mm256_cmpeq_epi16(b, zero));
    /* The pack leaves the halves of a and b interleaved. */
    return (uint32_t)_mm256_movemask_epi8(_mm256_permute4x64_epi64(zeros, 0xd8));
}

/* Bit i: pixel i of the block has counts. */
PIXEL_INLINE uint64_t counts_in_block(const void *block, uint32_t pixel_size)
{
    const uint32_t low = pixel_size == 1 ? zeros_u8(block) : zeros_u16(block);
    const uint32_t high = pixel_size == 1 ? zeros_u8((const uint8_t *)block + 32)
                                          : zeros_u16((const uint16_t *)block + 32);
    return ~(low | (uint64_t)high << 32);
}

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
        const uint64_t counts = counts_in_block(block, pixel_size);
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
