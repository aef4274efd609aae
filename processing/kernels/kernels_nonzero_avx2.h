#pragma once

#include <immintrin.h>

#include "processing/kernels/kernels_pixel.h"

/* Which pixels have more than `most` counts, 0 or 1, with AVX2: bit i for pixel i. They are those
 * that have a bit set other than those of `most`. */

PIXEL_INLINE uint32_t above_u8(const uint8_t *pixels, uint32_t most)
{
    const __m256i others = _mm256_set1_epi8((char)~most);
    const __m256i values = _mm256_loadu_si256((const __m256i *)pixels);
    return ~(uint32_t)_mm256_movemask_epi8(
        _mm256_cmpeq_epi8(_mm256_and_si256(values, others), _mm256_setzero_si256()));
}

PIXEL_INLINE __m256i not_above_u16(const uint16_t *pixels, uint32_t most)
{
    const __m256i others = _mm256_set1_epi16((short)~most);
    const __m256i values = _mm256_loadu_si256((const __m256i *)pixels);
    return _mm256_cmpeq_epi16(_mm256_and_si256(values, others), _mm256_setzero_si256());
}

PIXEL_INLINE uint32_t above_u16(const uint16_t *pixels, uint32_t most)
{
    const __m256i not_above =
        _mm256_packs_epi16(not_above_u16(pixels, most), not_above_u16(pixels + 16, most));
    /* The pack leaves the halves of the two interleaved. */
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_permute4x64_epi64(not_above, 0xd8));
}

PIXEL_INLINE uint32_t above_u32(const uint32_t *pixels, uint32_t most)
{
    const __m256i others = _mm256_set1_epi32((int)~most);
    uint32_t not_above = 0;
    for (unsigned i = 0; i < 4; i++) {
        const __m256i values = _mm256_loadu_si256((const __m256i *)(pixels + (size_t)8 * i));
        const __m256i zeros =
            _mm256_cmpeq_epi32(_mm256_and_si256(values, others), _mm256_setzero_si256());
        not_above |= (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(zeros)) << 8 * i;
    }
    return ~not_above;
}

PIXEL_INLINE uint32_t above(const void *pixels, uint32_t most, uint32_t pixel_size)
{
    switch (pixel_size) {
    case 1:
        return above_u8(pixels, most);
    case 2:
        return above_u16(pixels, most);
    default:
        return above_u32(pixels, most);
    }
}

/* The same of 64 pixels. */
PIXEL_INLINE uint64_t above_block(const uint8_t *pixels, uint32_t most, uint32_t pixel_size)
{
    return above(pixels, most, pixel_size) |
           (uint64_t)above(pixels + (size_t)32 * pixel_size, most, pixel_size) << 32;
}
