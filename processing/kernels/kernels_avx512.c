#include <immintrin.h>

#include "processing/kernels/kernels.h"
#include "processing/kernels/kernels_inline.h"

/*
 * AVX-512 with BW, DQ, VL and VNNI. Bytes are summed by vpsadbw (against zero) and weighted by
 * vpdpbusd; 16-bit pixels go through the signed vpdpwssd after 32768 was taken off each, which is
 * put back at the end; 32-bit pixels are widened to 64 bits.
 */

KERNEL_INLINE uint64_t sum_i32(__m512i lanes)
{
    const __m512i low = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(lanes));
    const __m512i high = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(lanes, 1));
    return (uint64_t)_mm512_reduce_add_epi64(_mm512_add_epi64(low, high));
}

KERNEL_INLINE uint64_t sum_u64(__m512i lanes)
{
    return (uint64_t)_mm512_reduce_add_epi64(lanes);
}

/* Two sums that were kept apart, together. */
KERNEL_INLINE __m512i both_i32(const __m512i sums[2])
{
    return _mm512_add_epi32(sums[0], sums[1]);
}

KERNEL_INLINE __m512i both_u64(const __m512i sums[2])
{
    return _mm512_add_epi64(sums[0], sums[1]);
}

/* The 32-bit lanes of even and of odd index, widened. */
KERNEL_INLINE __m512i even_u32(__m512i lanes)
{
    return _mm512_and_si512(lanes, _mm512_set1_epi64(UINT32_MAX));
}

KERNEL_INLINE __m512i odd_u32(__m512i lanes)
{
    return _mm512_srli_epi64(lanes, 32);
}

/* Blocks are taken in pairs (the list ends with an empty one), one sum not waiting for the other.
 */

KERNEL_INLINE __m512i chosen_bytes_sum(struct mask_block block, const void *image)
{
    const __m512i pixels =
        _mm512_maskz_loadu_epi8(block.bits, (const uint8_t *)image + block.offset);
    return _mm512_sad_epu8(pixels, _mm512_setzero_si512());
}

static uint64_t masked_sum_u8(const struct mask *mask, const void *image)
{
    const struct mask_block *const blocks = mask->blocks;
    __m512i a = _mm512_setzero_si512(), b = _mm512_setzero_si512();
    for (size_t i = 0; i < mask->n_blocks; i += 2) {
        a = _mm512_add_epi64(a, chosen_bytes_sum(blocks[i], image));
        b = _mm512_add_epi64(b, chosen_bytes_sum(blocks[i + 1], image));
    }
    return sum_u64(_mm512_add_epi64(a, b)) + loose_sum(mask, image, 1);
}

/* Chosen pixels less 32768 each, the others 0. */
KERNEL_INLINE __m512i chosen_lowered_u16(struct mask_block block, const void *image)
{
    const __m512i pixels = _mm512_loadu_si512((const uint8_t *)image + block.offset);
    return _mm512_maskz_sub_epi16((__mmask32)block.bits, pixels, _mm512_set1_epi16(INT16_MIN));
}

/* A block adds at most 2^16 to the size of a lane, so that 2^14 blocks fit 32 bits. */
#define BLOCKS_PER_SUM_U16 (1 << 14)

static uint64_t lowered_sum_u16(const struct mask_block *blocks, size_t n_blocks, const void *image)
{
    const __m512i ones = _mm512_set1_epi16(1);
    __m512i a = _mm512_setzero_si512(), b = _mm512_setzero_si512();
    for (size_t i = 0; i < n_blocks; i += 2) {
        a = _mm512_dpwssd_epi32(a, chosen_lowered_u16(blocks[i], image), ones);
        b = _mm512_dpwssd_epi32(b, chosen_lowered_u16(blocks[i + 1], image), ones);
    }
    return sum_i32(_mm512_add_epi32(a, b));
}

static uint64_t masked_sum_u16(const struct mask *mask, const void *image)
{
    uint64_t sum = 32768 * (mask->n_pixels - mask->n_loose) + loose_sum(mask, image, 2);
    for (size_t i = 0; i < mask->n_blocks; i += BLOCKS_PER_SUM_U16) {
        const size_t left = mask->n_blocks - i;
        const size_t now = left < BLOCKS_PER_SUM_U16 ? left : BLOCKS_PER_SUM_U16;
        sum += lowered_sum_u16(mask->blocks + i, now, image);
    }
    return sum;
}

static uint64_t masked_sum_u32(const struct mask *mask, const void *image)
{
    __m512i even = _mm512_setzero_si512(), odd = _mm512_setzero_si512();
    for (size_t i = 0; i < mask->n_blocks; i++) {
        const struct mask_block block = mask->blocks[i];
        const __m512i pixels =
            _mm512_maskz_loadu_epi32((__mmask16)block.bits, (const uint8_t *)image + block.offset);
        even = _mm512_add_epi64(even, even_u32(pixels));
        odd = _mm512_add_epi64(odd, odd_u32(pixels));
    }
    return sum_u64(_mm512_add_epi64(even, odd)) + loose_sum(mask, image, 4);
}

/*
 * Moments of a patch of up to four vectors side by side. n and x n are summed directly, with
 * weights around 0 that fit 8 bits; y n follows from the running sums of all rows so far, one after
 * each row: there row y counts (rows - y) times. Number of rows at most: see the limits below.
 */
struct lanes {
    __m512i sum[2], x[2]; /* two each, so that one addition need not wait for the last */
    __m512i prefixes;
};

#define PATCH_VECTORS 4

static void fill_weights_u8(int8_t *weights)
{
    for (int i = 0; i < PATCH_VECTORS * 64; i++)
        weights[i] = (int8_t)(i - 128);
}

static void fill_weights_u16(int16_t *weights)
{
    for (int i = 0; i < PATCH_VECTORS * 32; i++)
        weights[i] = (int16_t)(i - 64);
}

static void fill_weights_u32(uint32_t *weights)
{
    for (uint32_t i = 0; i < PATCH_VECTORS * 16; i++)
        weights[i] = i;
}

KERNEL_INLINE struct moments lanes_u8(const struct patch *patch, const size_t n_vectors)
{
    _Alignas(64) int8_t weights[PATCH_VECTORS * 64];
    fill_weights_u8(weights);
    const __m512i ones = _mm512_set1_epi8(1);
    struct lanes lanes = {0};
    for (uint32_t y = 0; y < patch->rows; y++) {
        const uint8_t *const row = patch->start + y * patch->stride;
        for (size_t v = 0; v < n_vectors; v++) {
            const __m512i pixels = _mm512_loadu_si512(row + v * 64);
            lanes.sum[v % 2] = _mm512_dpbusd_epi32(lanes.sum[v % 2], pixels, ones);
            lanes.x[v % 2] =
                _mm512_dpbusd_epi32(lanes.x[v % 2], pixels, _mm512_load_si512(weights + v * 64));
        }
        lanes.prefixes = _mm512_add_epi32(lanes.prefixes, both_i32(lanes.sum));
    }
    const uint64_t sum = sum_i32(both_i32(lanes.sum));
    return (struct moments){
        .sum = sum,
        .y = patch->rows * sum - sum_i32(lanes.prefixes),
        .x = sum_i32(both_i32(lanes.x)) + 128 * sum,
    };
}

KERNEL_INLINE struct moments lanes_u16(const struct patch *patch, const size_t n_vectors)
{
    _Alignas(64) int16_t weights[PATCH_VECTORS * 32];
    fill_weights_u16(weights);
    const __m512i ones = _mm512_set1_epi16(1);
    struct lanes lanes = {0};
    for (uint32_t y = 0; y < patch->rows; y++) {
        const uint8_t *const row = patch->start + y * patch->stride;
        for (size_t v = 0; v < n_vectors; v++) {
            const __m512i pixels =
                _mm512_xor_si512(_mm512_loadu_si512(row + v * 64), _mm512_set1_epi16(INT16_MIN));
            lanes.sum[v % 2] = _mm512_dpwssd_epi32(lanes.sum[v % 2], pixels, ones);
            lanes.x[v % 2] =
                _mm512_dpwssd_epi32(lanes.x[v % 2], pixels, _mm512_load_si512(weights + v * 32));
        }
        lanes.prefixes = _mm512_add_epi32(lanes.prefixes, both_i32(lanes.sum));
    }
    const uint64_t sum = sum_i32(both_i32(lanes.sum));
    struct moments moments = {
        .sum = sum,
        .y = patch->rows * sum - sum_i32(lanes.prefixes),
        .x = sum_i32(both_i32(lanes.x)) + 64 * sum,
    };
    moments_add_level(&moments, 32768, patch->rows, n_vectors * 32);
    return moments;
}

KERNEL_INLINE struct moments lanes_u32(const struct patch *patch, const size_t n_vectors)
{
    _Alignas(64) uint32_t weights[PATCH_VECTORS * 16];
    fill_weights_u32(weights);
    struct lanes lanes = {0};
    for (uint32_t y = 0; y < patch->rows; y++) {
        const uint8_t *const row = patch->start + y * patch->stride;
        for (size_t v = 0; v < n_vectors; v++) {
            const __m512i pixels = _mm512_loadu_si512(row + v * 64);
            const __m512i x = _mm512_load_si512(weights + v * 16);
            const __m512i odd = odd_u32(pixels);
            lanes.sum[0] = _mm512_add_epi64(lanes.sum[0], even_u32(pixels));
            lanes.sum[1] = _mm512_add_epi64(lanes.sum[1], odd);
            lanes.x[0] = _mm512_add_epi64(lanes.x[0], _mm512_mul_epu32(pixels, x));
            lanes.x[1] = _mm512_add_epi64(lanes.x[1], _mm512_mul_epu32(odd, odd_u32(x)));
        }
        lanes.prefixes = _mm512_add_epi64(lanes.prefixes, both_u64(lanes.sum));
    }
    const uint64_t sum = sum_u64(both_u64(lanes.sum));
    return (struct moments){
        .sum = sum,
        .y = patch->rows * sum - sum_u64(lanes.prefixes),
        .x = sum_u64(both_u64(lanes.x)),
    };
}

/* Full patches get a loop with a constant number of vectors, which the compiler unrolls. */

static struct moments patch_u8(const struct patch *patch)
{
    const size_t n_vectors = patch->columns / 64;
    return n_vectors == PATCH_VECTORS ? lanes_u8(patch, PATCH_VECTORS) : lanes_u8(patch, n_vectors);
}

static struct moments patch_u16(const struct patch *patch)
{
    const size_t n_vectors = patch->columns / 32;
    return n_vectors == PATCH_VECTORS ? lanes_u16(patch, PATCH_VECTORS)
                                      : lanes_u16(patch, n_vectors);
}

static struct moments patch_u32(const struct patch *patch)
{
    const size_t n_vectors = patch->columns / 16;
    return n_vectors == PATCH_VECTORS ? lanes_u32(patch, PATCH_VECTORS)
                                      : lanes_u32(patch, n_vectors);
}

/* Of 32 bits, prefixes take 29.0 after 512 rows of 4 * 255 * 4, x 28.0 of 4 * 255 * 4 * 128. */
static void moments_u8(struct moments *moments, const void *image, uint32_t height, uint32_t width)
{
    const struct patch whole = whole_image(image, height, width, 1);
    const struct patch_limits limits = {512, PATCH_VECTORS * 64, 64};
    moments_by_patches(moments, &whole, 1, limits, patch_u8);
}

/* Of 31 bits, prefixes take 29.1 after 64 rows of 2 * 2^15 * 4, x 30 of 2 * 2^15 * 4 * 64. */
static void moments_u16(struct moments *moments, const void *image, uint32_t height, uint32_t width)
{
    const struct patch whole = whole_image(image, height, width, 2);
    const struct patch_limits limits = {64, PATCH_VECTORS * 32, 32};
    moments_by_patches(moments, &whole, 2, limits, patch_u16);
}

static void moments_u32(struct moments *moments, const void *image, uint32_t height, uint32_t width)
{
    const struct patch whole = whole_image(image, height, width, 4);
    const struct patch_limits limits = {UINT32_MAX, PATCH_VECTORS * 16, 16};
    moments_by_patches(moments, &whole, 4, limits, patch_u32);
}

/* Weights come from the second-level cache or beyond, which wider vectors do not make faster. */
const struct kernels kernels_avx512[KERNELS_PIXEL_SIZES] = {
    {masked_sum_u8, weighted_sum_u8_avx2, moments_u8, accumulate_u8, widen_u8},
    {masked_sum_u16, weighted_sum_u16_avx2, moments_u16, accumulate_u16, widen_u16},
    {masked_sum_u32, weighted_sum_u32_avx2, moments_u32, accumulate_u32, widen_u32},
};
