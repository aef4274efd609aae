#pragma once

#include <immintrin.h>

#include "processing/kernels/kernels_pixel.h"

/* Which pixels have counts, with AVX2: bit i for pixel i. */

PIXEL_INLINE uint32_t nonzero_u8(const uint8_t *pixels)
{
    const __m256i values = _mm256_loadu_si256((const __m256i *)pixels);
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(values, _mm256_setzero_si256()));
}

PIXEL_INLINE uint32_t nonzero_u16(const uint16_t *pixels)
{
    const __m256i zero = _mm256_setzero_si256();
    const __m256i a = _mm256_loadu_si256((const __m256i *)pixels);
    const __m256i b = _mm256_loadu_si256((const __m256i *)(pixels + 16));
    const __m256i zeros =
        _mm256_packs_epi16(_mm256_cmpeq_epi16(a, zero), _mm256_cmpeq_epi16(b, zero));
    /* The pack leaves the halves of a and b interleaved. */
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_permute4x64_epi64(zeros, 0xd8));
}

PIXEL_INLINE uint32_t nonzero_u32(const uint32_t *pixels)
{
    uint32_t set = 0;
    for (unsigned i = 0; i < 4; i++) {
        const __m256i values = _mm256_loadu_si256((const __m256i *)(pixels + (size_t)8 * i));
        const __m256i zeros = _mm256_cmpeq_epi32(values, _mm256_setzero_si256());
        set |= (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(zeros)) << 8 * i;
    }
    return ~set;
}

PIXEL_INLINE uint32_t nonzero(const void *pixels, uint32_t pixel_size)
{
    switch (pixel_size) {
    case 1:
        return nonzero_u8(pixels);
    case 2:
        return nonzero_u16(pixels);
    default:
        return nonzero_u32(pixels);
    }
}

/* Bit i: pixel i of 64 has counts. */
PIXEL_INLINE uint64_t nonzero_block(const uint8_t *pixels, uint32_t pixel_size)
{
    return nonzero(pixels, pixel_size) |
           (uint64_t)nonzero(pixels + (size_t)32 * pixel_size, pixel_size) << 32;
}
