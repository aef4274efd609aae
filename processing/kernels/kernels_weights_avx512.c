#include <stdbool.h>

#include "processing/kernels/kernels_weights_events.h"

/*
 * AVX-512 with VNNI. As the AVX2 version, with two pairs of pixels in a vector: the lower eight
 * words are the first pair's sums, the upper eight the second's.
 */
#define STEP 32 /* pixels */

/* Pixels whose sums fit 32 bits: 128 pairs of at most 2 * 255 * 32767 are just below 2^31. */
#define PIXELS_PER_SUM 256

static const struct weigh_limits limits = {STEP, PIXELS_PER_SUM};

/* Two of each image, so that one addition need not wait for the last. */
typedef __m512i two_sums[2];

/* Words 2 i and 2 i + 1 of a vector eight times each. */
PIXEL_INLINE __m512i two_pairs(__m512i pairs, int i)
{
    const __m512i first = _mm512_set1_epi32(2 * i);
    return _mm512_permutexvar_epi32(_mm512_mask_set1_epi32(first, 0xff00, 2 * i + 1), pairs);
}

/* Sixteen pairs of each image. */
PIXEL_INLINE void weigh_step(two_sums *some, const int16_t *weights, const __m512i *pairs,
                             unsigned n_images)
{
    for (int i = 0; i < 8; i++) {
        const __m512i at = _mm512_load_si512(weights + (size_t)2 * i * WEIGHT_PAIR);
        for (unsigned j = 0; j < n_images; j++)
            some[j][i % 2] = _mm512_dpwssd_epi32(some[j][i % 2], two_pairs(pairs[j], i), at);
    }
}

/* The sums of an image, of eight masks. */
PIXEL_INLINE __m256i eight_of(const __m512i *some)
{
    const __m512i both = _mm512_add_epi32(some[0], some[1]);
    return _mm256_add_epi32(_mm512_castsi512_si256(both), _mm512_extracti64x4_epi64(both, 1));
}

PIXEL_INLINE void weigh_runs_u8(const int16_t *weights, const void *const *runs, unsigned n_images,
                                size_t n, uint64_t sums[][WEIGHT_LANES])
{
    two_sums some[WEIGHT_IMAGES] = {{{0}}};
    __m512i pairs[WEIGHT_IMAGES];
    for (size_t i = 0; i < n; i += STEP) {
        for (unsigned j = 0; j < n_images; j++)
            pairs[j] = _mm512_cvtepu8_epi16(
                _mm256_loadu_si256((const __m256i *)((const uint8_t *)runs[j] + i)));
        weigh_step(some, weights + i / 2 * WEIGHT_PAIR, pairs, n_images);
    }
    for (unsigned j = 0; j < n_images; j++)
        add_eight(sums[j], eight_of(some[j]));
}

PIXEL_INLINE void weigh_runs_u16(const int16_t *weights, const void *const *runs, unsigned n_images,
                                 size_t n, uint64_t sums[][WEIGHT_LANES])
{
    const __m512i low_bytes = _mm512_set1_epi16(0xff);
    two_sums low[WEIGHT_IMAGES] = {{{0}}}, high[WEIGHT_IMAGES] = {{{0}}};
    __m512i lower[WEIGHT_IMAGES], upper[WEIGHT_IMAGES];
    for (size_t i = 0; i < n; i += STEP) {
        __m512i any = _mm512_setzero_si512();
        for (unsigned j = 0; j < n_images; j++) {
            const __m512i pairs = _mm512_loadu_si512((const uint16_t *)runs[j] + i);
            lower[j] = _mm512_and_si512(pairs, low_bytes);
            upper[j] = _mm512_srli_epi16(pairs, 8);
            any = _mm512_or_si512(any, upper[j]);
        }
        weigh_step(low, weights + i / 2 * WEIGHT_PAIR, lower, n_images);
        if (_mm512_test_epi16_mask(any, any))
            weigh_step(high, weights + i / 2 * WEIGHT_PAIR, upper, n_images);
    }
    for (unsigned j = 0; j < n_images; j++) {
        add_eight(sums[j], eight_of(low[j]));
        add_eight_times_256(sums[j], eight_of(high[j]));
    }
}

#include "processing/kernels/kernels_weights_images.h"

const struct weight_kernels weight_kernels_avx512[KERNELS_PIXEL_SIZES] = {
    {image_u8, images_u8, events_u8},
    {image_u16, images_u16, events_u16},
    {image_u32, images_u32, events_u32},
};
