#include <immintrin.h>

#include "processing/bragg/bragg_kernels_inline.h"

/* 16 sectors side by side. Gathers of 16-bit pixels bring the next pixel too, which is masked; the
 * buffer goes on behind its last pixel. */
BRAGG_INLINE void sum_parts(uint32_t *sums, const struct bragg_background_plan *plan,
                            const void *buffer, const int pixel_size)
{
    const __m512i kept = _mm512_set1_epi32(pixel_size == 2 ? UINT16_MAX : -1);
    const uint32_t n = plan->n_sectors;
    const uint32_t *pixels = plan->pixels;
    for (uint32_t b = 0; b < plan->n_bands; b++, sums += n) {
        for (uint32_t s = 0; s < n; s += 16) {
            const __mmask16 there = (__mmask16)(n - s < 16 ? (1u << (n - s)) - 1 : UINT16_MAX);
            __m512i sum = _mm512_setzero_si512();
            for (uint32_t k = 0; k < plan->band_room[b]; k++) {
                const __m512i at = _mm512_maskz_loadu_epi32(there, pixels + (size_t)k * n + s);
                const __m512i counts = pixel_size == 2 ? _mm512_i32gather_epi32(at, buffer, 2)
                                                       : _mm512_i32gather_epi32(at, buffer, 4);
                sum = _mm512_add_epi32(sum, _mm512_and_si512(counts, kept));
            }
            _mm512_mask_storeu_epi32(sums + s, there, sum);
        }
        pixels += (size_t)plan->band_room[b] * n;
    }
}

static void sum_parts_16(uint32_t *sums, const struct bragg_background_plan *plan,
                         const uint16_t *buffer)
{
    sum_parts(sums, plan, buffer, 2);
}

static void sum_parts_32(uint32_t *sums, const struct bragg_background_plan *plan,
                         const uint32_t *buffer)
{
    sum_parts(sums, plan, buffer, 4);
}

/* Sixteen places are stored each time, of which the first are kept: there is room for all. */
BRAGG_INLINE size_t store_places(uint32_t *places, __mmask16 above, size_t first)
{
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i place = _mm512_add_epi32(lane, _mm512_set1_epi32((int)first));
    _mm512_storeu_si512(places, _mm512_maskz_compress_epi32(above, place));
    return (size_t)__builtin_popcount(above);
}

/* The table of 64 limits fills two registers of 16-bit or four of 32-bit lanes. */
static size_t screen_16(uint32_t *places, const uint16_t *sums, const uint8_t *cell, size_t n,
                        const uint16_t limits[BRAGG_CELLS])
{
    const __m512i low = _mm512_loadu_si512(limits), high = _mm512_loadu_si512(limits + 32);
    size_t found = 0;
    for (size_t i = 0; i < n; i += 32) {
        const __m512i index = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(cell + i)));
        const __m512i limit = _mm512_permutex2var_epi16(low, index, high);
        const __mmask32 above = _mm512_cmpgt_epu16_mask(_mm512_loadu_si512(sums + i), limit);
        if (__builtin_expect(above != 0, 0)) {
            found += store_places(places + found, (__mmask16)above, i);
            found += store_places(places + found, (__mmask16)(above >> 16), i + 16);
        }
    }
    return found;
}

static size_t screen_32(uint32_t *places, const uint32_t *sums, const uint8_t *cell, size_t n,
                        const uint32_t limits[BRAGG_CELLS])
{
    const __m512i a = _mm512_loadu_si512(limits), b = _mm512_loadu_si512(limits + 16);
    const __m512i c = _mm512_loadu_si512(limits + 32), d = _mm512_loadu_si512(limits + 48);
    size_t found = 0;
    for (size_t i = 0; i < n; i += 16) {
        const __m512i index = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(cell + i)));
        const __mmask16 upper = _mm512_test_epi32_mask(index, _mm512_set1_epi32(32));
        const __m512i limit = _mm512_mask_blend_epi32(upper, _mm512_permutex2var_epi32(a, index, b),
                                                      _mm512_permutex2var_epi32(c, index, d));
        const __mmask16 above = _mm512_cmpgt_epu32_mask(_mm512_loadu_si512(sums + i), limit);
        if (__builtin_expect(above != 0, 0))
            found += store_places(places + found, above, i);
    }
    return found;
}

const struct bragg_kernels bragg_kernels_avx512 = BRAGG_KERNELS;
