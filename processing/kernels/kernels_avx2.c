#include <immintrin.h>

#include "processing/kernels/kernels.h"
#include "processing/kernels/kernels_inline.h"

/*
 * AVX2. As the AVX-512 version, with byte masks from memory in place of mask registers, and
 * vpmaddubsw and vpmaddwd, whose products are narrower, in place of the dot products.
 */

KERNEL_INLINE __m256i load(const void *at)
{
    return _mm256_loadu_si256(at);
}

KERNEL_INLINE uint64_t sum_u64(__m256i lanes)
{
    const __m128i two =
        _mm_add_epi64(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
    return (uint64_t)_mm_extract_epi64(two, 0) + (uint64_t)_mm_extract_epi64(two, 1);
}

KERNEL_INLINE uint64_t sum_i32(__m256i lanes)
{
    const __m256i low = _mm256_cvtepi32_epi64(_mm256_castsi256_si128(lanes));
    const __m256i high = _mm256_cvtepi32_epi64(_mm256_extracti128_si256(lanes, 1));
    return sum_u64(_mm256_add_epi64(low, high));
}

/* The 32-bit lanes of even and of odd index, widened. */
KERNEL_INLINE __m256i even_u32(__m256i lanes)
{
    return _mm256_and_si256(lanes, _mm256_set1_epi64x(UINT32_MAX));
}

KERNEL_INLINE __m256i odd_u32(__m256i lanes)
{
    return _mm256_srli_epi64(lanes, 32);
}

KERNEL_INLINE __m256i lowered_u16(__m256i pixels)
{
    return _mm256_xor_si256(pixels, _mm256_set1_epi16(INT16_MIN));
}

/* Half a block of the image, the pixels that are not chosen 0. */
KERNEL_INLINE __m256i chosen(const struct mask *mask, size_t block, const void *image, size_t half)
{
    const __m256i pixels = load((const uint8_t *)image + mask->blocks[block].offset + half * 32);
    return _mm256_and_si256(pixels, load(mask->block_bytes + block * MASK_BLOCK_SIZE + half * 32));
}

static uint64_t masked_sum_u8(const struct mask *mask, const void *image)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i sums = zero;
    for (size_t i = 0; i < mask->n_blocks; i++) {
        sums = _mm256_add_epi64(sums, _mm256_sad_epu8(chosen(mask, i, image, 0), zero));
        sums = _mm256_add_epi64(sums, _mm256_sad_epu8(chosen(mask, i, image, 1), zero));
    }
    return sum_u64(sums) + loose_sum(mask, image, 1);
}

/* Low and high bytes apart, each summed by vpsadbw: no lane can overflow. */
static uint64_t masked_sum_u16(const struct mask *mask, const void *image)
{
    const __m256i zero = _mm256_setzero_si256(), low_bytes = _mm256_set1_epi16(0xff);
    __m256i low = zero, high = zero;
    for (size_t i = 0; i < mask->n_blocks; i++) {
        const __m256i a = chosen(mask, i, image, 0), b = chosen(mask, i, image, 1);
        const __m256i lows =
            _mm256_packus_epi16(_mm256_and_si256(a, low_bytes), _mm256_and_si256(b, low_bytes));
        const __m256i highs = _mm256_packus_epi16(_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8));
        low = _mm256_add_epi64(low, _mm256_sad_epu8(lows, zero));
        high = _mm256_add_epi64(high, _mm256_sad_epu8(highs, zero));
    }
    return sum_u64(low) + (sum_u64(high) << 8) + loose_sum(mask, image, 2);
}

static uint64_t masked_sum_u32(const struct mask *mask, const void *image)
{
    __m256i even = _mm256_setzero_si256(), odd = _mm256_setzero_si256();
    for (size_t i = 0; i < mask->n_blocks; i++) {
        const __m256i a = chosen(mask, i, image, 0), b = chosen(mask, i, image, 1);
        even = _mm256_add_epi64(even, _mm256_add_epi64(even_u32(a), even_u32(b)));
        odd = _mm256_add_epi64(odd, _mm256_add_epi64(odd_u32(a), odd_u32(b)));
    }
    return sum_u64(_mm256_add_epi64(even, odd)) + loose_sum(mask, image, 4);
}

/* Blocks are taken a run at a time, after which the 32-bit lanes are emptied: see each kernel. */
struct run_of_blocks {
    const uint64_t *offsets;
    const int16_t *weights;
    size_t n;
};

KERNEL_INLINE struct run_of_blocks run_of_blocks(const struct mask_weights *mask, size_t first,
                                                 size_t limit, size_t block_pixels)
{
    const size_t left = mask->n_blocks - first;
    return (struct run_of_blocks){mask->offsets + first, mask->weights + first * block_pixels,
                                  left < limit ? left : limit};
}

/* Adds 16 weighted pixels, of 8 bits widened or the bytes of 16 apart: 2^23.99 in a lane at most.
 */
KERNEL_INLINE __m256i add_weighted(__m256i sums, __m256i pixels, const int16_t *weights)
{
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pixels, load(weights)));
}

KERNEL_INLINE __m256i widened_u8(const uint8_t *pixels)
{
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)pixels));
}

/* Two additions in a block to each lane. */
#define BLOCKS_PER_RUN 63

KERNEL_INLINE uint64_t weighted_run_u8(struct run_of_blocks run, const void *image)
{
    __m256i a = _mm256_setzero_si256(), b = a;
    for (size_t i = 0; i < run.n; i++) {
        const uint8_t *const pixels = (const uint8_t *)image + run.offsets[i];
        const int16_t *const weights = run.weights + i * 64;
        a = add_weighted(a, widened_u8(pixels), weights);
        b = add_weighted(b, widened_u8(pixels + 16), weights + 16);
        a = add_weighted(a, widened_u8(pixels + 32), weights + 32);
        b = add_weighted(b, widened_u8(pixels + 48), weights + 48);
    }
    return sum_i32(a) + sum_i32(b);
}

int64_t weighted_sum_u8_avx2(const struct mask_weights *mask, const void *image)
{
    uint64_t sum = loose_weighted_sum(mask, image, 1);
    for (size_t i = 0; i < mask->n_blocks; i += BLOCKS_PER_RUN)
        sum += weighted_run_u8(run_of_blocks(mask, i, BLOCKS_PER_RUN, 64), image);
    return (int64_t)sum;
}

/* Low and high bytes apart. */
KERNEL_INLINE uint64_t weighted_run_u16(struct run_of_blocks run, const void *image)
{
    const __m256i low_bytes = _mm256_set1_epi16(0xff);
    __m256i low = _mm256_setzero_si256(), high = low;
    for (size_t i = 0; i < run.n; i++) {
        const uint8_t *const pixels = (const uint8_t *)image + run.offsets[i];
        const int16_t *const weights = run.weights + i * 32;
        const __m256i a = load(pixels), b = load(pixels + 32);
        low = add_weighted(low, _mm256_and_si256(a, low_bytes), weights);
        high = add_weighted(high, _mm256_srli_epi16(a, 8), weights);
        low = add_weighted(low, _mm256_and_si256(b, low_bytes), weights + 16);
        high = add_weighted(high, _mm256_srli_epi16(b, 8), weights + 16);
    }
    return sum_i32(low) + (sum_i32(high) << 8);
}

int64_t weighted_sum_u16_avx2(const struct mask_weights *mask, const void *image)
{
    uint64_t sum = loose_weighted_sum(mask, image, 2);
    for (size_t i = 0; i < mask->n_blocks; i += BLOCKS_PER_RUN)
        sum += weighted_run_u16(run_of_blocks(mask, i, BLOCKS_PER_RUN, 32), image);
    return (int64_t)sum;
}

/* vpmuldq is signed: 2^31 is taken off each pixel and put back at the end. */
KERNEL_INLINE __m256i weighted_u32(const uint8_t *pixels, const int16_t *weights)
{
    const __m256i lowered = _mm256_xor_si256(load(pixels), _mm256_set1_epi32(INT32_MIN));
    const __m256i wide = _mm256_cvtepi16_epi32(_mm_loadu_si128((const void *)weights));
    return _mm256_add_epi64(_mm256_mul_epi32(lowered, wide),
                            _mm256_mul_epi32(odd_u32(lowered), odd_u32(wide)));
}

int64_t weighted_sum_u32_avx2(const struct mask_weights *mask, const void *image)
{
    __m256i a = _mm256_setzero_si256(), b = a;
    for (size_t i = 0; i < mask->n_blocks; i++) {
        const uint8_t *const pixels = (const uint8_t *)image + mask->offsets[i];
        const int16_t *const weights = mask->weights + i * 16;
        a = _mm256_add_epi64(a, weighted_u32(pixels, weights));
        b = _mm256_add_epi64(b, weighted_u32(pixels + 32, weights + 8));
    }
    return (int64_t)(sum_u64(_mm256_add_epi64(a, b)) + ((uint64_t)mask->sum_of_weights << 31) +
                     loose_weighted_sum(mask, image, 4));
}

/* Moments of a patch of up to four vectors side by side; y n from running sums, see
 * kernels_avx512.c. */
struct lanes {
    __m256i sum, prefixes, x;
};

#define PATCH_VECTORS 4

static void fill_weights_u8(int8_t *weights)
{
    for (int i = 0; i < PATCH_VECTORS * 32; i++)
        weights[i] = (int8_t)(i - 64);
}

static void fill_weights_u16(int16_t *weights)
{
    for (int i = 0; i < PATCH_VECTORS * 16; i++)
        weights[i] = (int16_t)(i - 32);
}

static void fill_weights_u32(uint32_t *weights)
{
    for (uint32_t i = 0; i < PATCH_VECTORS * 8; i++)
        weights[i] = i;
}

/* vpmaddubsw adds two products in 16 bits: 2 * 255 * 64 just fits, which bounds the weights. */
KERNEL_INLINE struct moments lanes_u8(const struct patch *patch, const size_t n_vectors)
{
    _Alignas(32) int8_t weights[PATCH_VECTORS * 32];
    fill_weights_u8(weights);
    const __m256i zero = _mm256_setzero_si256(), ones = _mm256_set1_epi16(1);
    struct lanes lanes = {0};
    for (uint32_t y = 0; y < patch->rows; y++) {
        const uint8_t *const row = patch->start + y * patch->stride;
        for (size_t v = 0; v < n_vectors; v++) {
            const __m256i pixels = load(row + v * 32);
            const __m256i weighted = _mm256_maddubs_epi16(pixels, load(weights + v * 32));
            lanes.sum = _mm256_add_epi64(lanes.sum, _mm256_sad_epu8(pixels, zero));
            lanes.x = _mm256_add_epi32(lanes.x, _mm256_madd_epi16(weighted, ones));
        }
        lanes.prefixes = _mm256_add_epi64(lanes.prefixes, lanes.sum);
    }
    const uint64_t sum = sum_u64(lanes.sum);
    return (struct moments){
        .sum = sum,
        .y = patch->rows * sum - sum_u64(lanes.prefixes),
        .x = sum_i32(lanes.x) + 64 * sum,
    };
}

KERNEL_INLINE struct moments lanes_u16(const struct patch *patch, const size_t n_vectors)
{
    _Alignas(32) int16_t weights[PATCH_VECTORS * 16];
    fill_weights_u16(weights);
    const __m256i ones = _mm256_set1_epi16(1);
    struct lanes lanes = {0};
    for (uint32_t y = 0; y < patch->rows; y++) {
        const uint8_t *const row = patch->start + y * patch->stride;
        for (size_t v = 0; v < n_vectors; v++) {
            const __m256i pixels = lowered_u16(load(row + v * 32));
            const __m256i weighted = _mm256_madd_epi16(pixels, load(weights + v * 16));
            lanes.sum = _mm256_add_epi32(lanes.sum, _mm256_madd_epi16(pixels, ones));
            lanes.x = _mm256_add_epi32(lanes.x, weighted);
        }
        lanes.prefixes = _mm256_add_epi32(lanes.prefixes, lanes.sum);
    }
    const uint64_t sum = sum_i32(lanes.sum);
    struct moments moments = {
        .sum = sum,
        .y = patch->rows * sum - sum_i32(lanes.prefixes),
        .x = sum_i32(lanes.x) + 32 * sum,
    };
    moments_add_level(&moments, 32768, patch->rows, n_vectors * 16);
    return moments;
}

KERNEL_INLINE struct moments lanes_u32(const struct patch *patch, const size_t n_vectors)
{
    _Alignas(32) uint32_t weights[PATCH_VECTORS * 8];
    fill_weights_u32(weights);
    struct lanes lanes = {0};
    for (uint32_t y = 0; y < patch->rows; y++) {
        const uint8_t *const row = patch->start + y * patch->stride;
        for (size_t v = 0; v < n_vectors; v++) {
            const __m256i pixels = load(row + v * 32), x = load(weights + v * 8);
            const __m256i odd = odd_u32(pixels);
            const __m256i both = _mm256_add_epi64(even_u32(pixels), odd);
            const __m256i weighted =
                _mm256_add_epi64(_mm256_mul_epu32(pixels, x), _mm256_mul_epu32(odd, odd_u32(x)));
            lanes.sum = _mm256_add_epi64(lanes.sum, both);
            lanes.x = _mm256_add_epi64(lanes.x, weighted);
        }
        lanes.prefixes = _mm256_add_epi64(lanes.prefixes, lanes.sum);
    }
    const uint64_t sum = sum_u64(lanes.sum);
    return (struct moments){
        .sum = sum,
        .y = patch->rows * sum - sum_u64(lanes.prefixes),
        .x = sum_u64(lanes.x),
    };
}

/* Full patches get a loop with a constant number of vectors, which the compiler unrolls. */

static struct moments patch_u8(const struct patch *patch)
{
    const size_t n_vectors = patch->columns / 32;
    return n_vectors == PATCH_VECTORS ? lanes_u8(patch, PATCH_VECTORS) : lanes_u8(patch, n_vectors);
}

static struct moments patch_u16(const struct patch *patch)
{
    const size_t n_vectors = patch->columns / 16;
    return n_vectors == PATCH_VECTORS ? lanes_u16(patch, PATCH_VECTORS)
                                      : lanes_u16(patch, n_vectors);
}

static struct moments patch_u32(const struct patch *patch)
{
    const size_t n_vectors = patch->columns / 8;
    return n_vectors == PATCH_VECTORS ? lanes_u32(patch, PATCH_VECTORS)
                                      : lanes_u32(patch, n_vectors);
}

/* x takes 27 of 31 bits after 512 rows of 4 * 255 * 64 * 4. */
static void moments_u8(struct moments *moments, const void *image, uint32_t height, uint32_t width)
{
    const struct patch whole = whole_image(image, height, width, 1);
    const struct patch_limits limits = {512, PATCH_VECTORS * 32, 32};
    moments_by_patches(moments, &whole, 1, limits, patch_u8);
}

/* Of 31 bits, prefixes take 29.1 after 64 rows of 2 * 2^15 * 4, x 29 of 2 * 2^15 * 4 * 32. */
static void moments_u16(struct moments *moments, const void *image, uint32_t height, uint32_t width)
{
    const struct patch whole = whole_image(image, height, width, 2);
    const struct patch_limits limits = {64, PATCH_VECTORS * 16, 16};
    moments_by_patches(moments, &whole, 2, limits, patch_u16);
}

static void moments_u32(struct moments *moments, const void *image, uint32_t height, uint32_t width)
{
    const struct patch whole = whole_image(image, height, width, 4);
    const struct patch_limits limits = {UINT32_MAX, PATCH_VECTORS * 8, 8};
    moments_by_patches(moments, &whole, 4, limits, patch_u32);
}

const struct kernels kernels_avx2[KERNELS_PIXEL_SIZES] = {
    {masked_sum_u8, weighted_sum_u8_avx2, moments_u8, accumulate_u8, widen_u8},
    {masked_sum_u16, weighted_sum_u16_avx2, moments_u16, accumulate_u16, widen_u16},
    {masked_sum_u32, weighted_sum_u32_avx2, moments_u32, accumulate_u32, widen_u32},
};
