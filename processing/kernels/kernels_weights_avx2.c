#include "processing/kernels/kernels_weights_events.h"

/*
 * AVX2. A pair of pixels is a 32-bit word, which vpmaddwd multiplies with the pair's weights for
 * all eight masks. Pixels of 16 bits are taken as two bytes each; where the upper ones are all 0
 * they cost nothing.
 */
#define STEP 16 /* pixels */

/* Pixels whose sums fit 32 bits: a pair adds at most 2 * 255 * 32767 to one of two vectors. */
#define PIXELS_PER_SUM 256

static const struct weigh_limits limits = {STEP, PIXELS_PER_SUM};

/* Eight pairs, one after the other. */
PIXEL_INLINE void weigh_step(__m256i eight[2], const int16_t *weights, __m256i pairs)
{
    for (int pair = 0; pair < 8; pair++) {
        const __m256i both = _mm256_permutevar8x32_epi32(pairs, _mm256_set1_epi32(pair));
        const __m256i at =
            _mm256_load_si256((const __m256i *)(weights + (size_t)pair * WEIGHT_PAIR));
        eight[pair % 2] = _mm256_add_epi32(eight[pair % 2], _mm256_madd_epi16(both, at));
    }
}

static void weigh_run_u8(const int16_t *weights, const void *run, size_t n, uint64_t *sums)
{
    const uint8_t *const pixels = run;
    __m256i eight[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t i = 0; i < n; i += STEP)
        weigh_step(eight, weights + i / 2 * WEIGHT_PAIR,
                   _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(pixels + i))));
    add_eight(sums, eight[0]);
    add_eight(sums, eight[1]);
}

static void image_u8(const int16_t *table, const void *image, size_t n_pixels, int64_t *sums)
{
    weigh_in_runs(table, image, n_pixels, 1, limits, weigh_run_u8, sums);
}

static void weigh_run_u16(const int16_t *weights, const void *run, size_t n, uint64_t *sums)
{
    const uint16_t *const pixels = run;
    const __m256i low_bytes = _mm256_set1_epi16(0xff);
    __m256i low[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    __m256i high[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t i = 0; i < n; i += STEP) {
        const __m256i pairs = _mm256_loadu_si256((const __m256i *)(pixels + i));
        const __m256i upper = _mm256_srli_epi16(pairs, 8);
        weigh_step(low, weights + i / 2 * WEIGHT_PAIR, _mm256_and_si256(pairs, low_bytes));
        if (!_mm256_testz_si256(upper, upper))
            weigh_step(high, weights + i / 2 * WEIGHT_PAIR, upper);
    }
    uint64_t of_high[WEIGHT_LANES] = {0};
    add_eight(sums, low[0]);
    add_eight(sums, low[1]);
    add_eight(of_high, high[0]);
    add_eight(of_high, high[1]);
    for (unsigned lane = 0; lane < WEIGHT_LANES; lane++)
        sums[lane] += of_high[lane] << 8;
}

static void image_u16(const int16_t *table, const void *image, size_t n_pixels, int64_t *sums)
{
    weigh_in_runs(table, image, n_pixels, 2, limits, weigh_run_u16, sums);
}

const struct weight_kernels weight_kernels_avx2[KERNELS_PIXEL_SIZES] = {
    {image_u8, events_u8},
    {image_u16, events_u16},
    {image_u32, events_u32},
};
