#include "processing/kernels/kernels_weights_events.h"

/*
 * AVX-512 with VNNI. As the AVX2 version, with two pairs of pixels in a vector: the lower eight
 * words are the first pair's sums, the upper eight the second's.
 */
#define STEP 32 /* pixels */

/* Pixels whose sums fit 32 bits: a pair adds at most 2 * 255 * 32767 to one of four vectors. */
#define PIXELS_PER_SUM 512

static const struct weigh_limits limits = {STEP, PIXELS_PER_SUM};
#define N_SUMS 4

/* Words 2 i and 2 i + 1 of a vector eight times each. */
PIXEL_INLINE __m512i two_pairs(__m512i pairs, int i)
{
    const __m512i first = _mm512_set1_epi32(2 * i);
    return _mm512_permutexvar_epi32(_mm512_mask_set1_epi32(first, 0xff00, 2 * i + 1), pairs);
}

/* Sixteen pairs. */
PIXEL_INLINE void weigh_step(__m512i sums[N_SUMS], const int16_t *weights, __m512i pairs)
{
    for (int i = 0; i < 8; i++)
        sums[i % N_SUMS] =
            _mm512_dpwssd_epi32(sums[i % N_SUMS], two_pairs(pairs, i),
                                _mm512_load_si512(weights + (size_t)2 * i * WEIGHT_PAIR));
}

PIXEL_INLINE void add_all(uint64_t *sums, const __m512i some[N_SUMS])
{
    for (unsigned i = 0; i < N_SUMS; i++) {
        add_eight(sums, _mm512_castsi512_si256(some[i]));
        add_eight(sums, _mm512_extracti64x4_epi64(some[i], 1));
    }
}

static void weigh_run_u8(const int16_t *weights, const void *run, size_t n, uint64_t *sums)
{
    const uint8_t *const pixels = run;
    __m512i some[N_SUMS] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                            _mm512_setzero_si512()};
    for (size_t i = 0; i < n; i += STEP)
        weigh_step(some, weights + i / 2 * WEIGHT_PAIR,
                   _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(pixels + i))));
    add_all(sums, some);
}

static void image_u8(const int16_t *table, const void *image, size_t n_pixels, int64_t *sums)
{
    weigh_in_runs(table, image, n_pixels, 1, limits, weigh_run_u8, sums);
}

static void weigh_run_u16(const int16_t *weights, const void *run, size_t n, uint64_t *sums)
{
    const uint16_t *const pixels = run;
    const __m512i low_bytes = _mm512_set1_epi16(0xff);
    __m512i low[N_SUMS] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                           _mm512_setzero_si512()};
    __m512i high[N_SUMS] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                            _mm512_setzero_si512()};
    bool has_high = false;
    for (size_t i = 0; i < n; i += STEP) {
        const __m512i pairs = _mm512_loadu_si512(pixels + i);
        const __m512i upper = _mm512_srli_epi16(pairs, 8);
        weigh_step(low, weights + i / 2 * WEIGHT_PAIR, _mm512_and_si512(pairs, low_bytes));
        if (_mm512_test_epi16_mask(upper, upper)) {
            weigh_step(high, weights + i / 2 * WEIGHT_PAIR, upper);
            has_high = true;
        }
    }
    add_all(sums, low);
    if (!has_high)
        return;
    uint64_t of_high[WEIGHT_LANES] = {0};
    add_all(of_high, high);
    for (unsigned lane = 0; lane < WEIGHT_LANES; lane++)
        sums[lane] += of_high[lane] << 8;
}

static void image_u16(const int16_t *table, const void *image, size_t n_pixels, int64_t *sums)
{
    weigh_in_runs(table, image, n_pixels, 2, limits, weigh_run_u16, sums);
}

const struct weight_kernels weight_kernels_avx512[KERNELS_PIXEL_SIZES] = {
    {image_u8, events_u8},
    {image_u16, events_u16},
    {image_u32, events_u32},
};
