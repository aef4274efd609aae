#include <stdbool.h>

#include "processing/kernels/kernels_weights_events.h"

/*
 * AVX2. A pair of pixels is a 32-bit word, which vpmaddwd multiplies with the pair's weights for
 * all eight masks. Pixels of 16 bits are taken as two bytes each; where the upper ones are all 0
 * they cost nothing.
 */
#define STEP 16 /* pixels */

/* Pixels whose sums fit 32 bits: 128 pairs of at most 2 * 255 * 32767 are just below 2^31. */
#define PIXELS_PER_SUM 256

static const struct weigh_limits limits = {STEP, PIXELS_PER_SUM};

/* Eight pairs of each image, one after the other. */
PIXEL_INLINE void weigh_step(__m256i *eight, const int16_t *weights, const __m256i *pairs,
                             unsigned n_images)
{
    for (int pair = 0; pair < 8; pair++) {
        const __m256i at =
            _mm256_load_si256((const __m256i *)(weights + (size_t)pair * WEIGHT_PAIR));
        for (unsigned i = 0; i < n_images; i++) {
            const __m256i both = _mm256_permutevar8x32_epi32(pairs[i], _mm256_set1_epi32(pair));
            eight[i] = _mm256_add_epi32(eight[i], _mm256_madd_epi16(both, at));
        }
    }
}

PIXEL_INLINE void weigh_runs_u8(const int16_t *weights, const void *const *runs, unsigned n_images,
                                size_t n, uint64_t sums[][WEIGHT_LANES])
{
    __m256i eight[WEIGHT_IMAGES] = {0}, pairs[WEIGHT_IMAGES];
    for (size_t i = 0; i < n; i += STEP) {
        for (unsigned j = 0; j < n_images; j++)
            pairs[j] = _mm256_cvtepu8_epi16(
                _mm_loadu_si128((const __m128i *)((const uint8_t *)runs[j] + i)));
        weigh_step(eight, weights + i / 2 * WEIGHT_PAIR, pairs, n_images);
    }
    for (unsigned j = 0; j < n_images; j++)
        add_eight(sums[j], eight[j]);
}

PIXEL_INLINE void weigh_runs_u16(const int16_t *weights, const void *const *runs, unsigned n_images,
                                 size_t n, uint64_t sums[][WEIGHT_LANES])
{
    const __m256i low_bytes = _mm256_set1_epi16(0xff);
    __m256i low[WEIGHT_IMAGES] = {0}, high[WEIGHT_IMAGES] = {0};
    __m256i lower[WEIGHT_IMAGES], upper[WEIGHT_IMAGES];
    for (size_t i = 0; i < n; i += STEP) {
        __m256i any = _mm256_setzero_si256();
        for (unsigned j = 0; j < n_images; j++) {
            const __m256i pairs =
                _mm256_loadu_si256((const __m256i *)((const uint16_t *)runs[j] + i));
            lower[j] = _mm256_and_si256(pairs, low_bytes);
            upper[j] = _mm256_srli_epi16(pairs, 8);
            any = _mm256_or_si256(any, upper[j]);
        }
        weigh_step(low, weights + i / 2 * WEIGHT_PAIR, lower, n_images);
        if (!_mm256_testz_si256(any, any))
            weigh_step(high, weights + i / 2 * WEIGHT_PAIR, upper, n_images);
    }
    for (unsigned j = 0; j < n_images; j++) {
        add_eight(sums[j], low[j]);
        add_eight_times_256(sums[j], high[j]);
    }
}

#include "processing/kernels/kernels_weights_images.h"

const struct weight_kernels weight_kernels_avx2[KERNELS_PIXEL_SIZES] = {
    {image_u8, images_u8, events_u8},
    {image_u16, images_u16, events_u16},
    {image_u32, images_u32, events_u32},
};
