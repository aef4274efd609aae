#include <immintrin.h>

#include "processing/kernels/kernels_events_inline.h"

/* AVX2 with BMI. There is no compression of vectors: the bits of 64 pixels at a time that have
 * counts are taken one by one. At low doses nearly all blocks have fewer than SOME of them; so many
 * are written whether they are there or not, which spares a branch that would be guessed wrong. */
#define BLOCK 64 /* pixels */
#define SOME 6

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

PIXEL_INLINE uint64_t nonzero_block(const uint8_t *pixels, uint32_t pixel_size)
{
    return nonzero(pixels, pixel_size) |
           (uint64_t)nonzero(pixels + (size_t)32 * pixel_size, pixel_size) << 32;
}

/* Writes first + i for every bit i of the set, and at least SOME entries. Returns how many bits
 * there are. */
PIXEL_INLINE size_t put(uint32_t *pixels, uint64_t set, uint32_t first)
{
    const size_t n = (size_t)__builtin_popcountll(set);
    for (size_t i = 0; i < SOME; i++) {
        pixels[i] = first + (uint32_t)_tzcnt_u64(set);
        set = _blsr_u64(set);
    }
    for (size_t i = SOME; i < n; i++) {
        pixels[i] = first + (uint32_t)_tzcnt_u64(set);
        set = _blsr_u64(set);
    }
    return n;
}

PIXEL_INLINE size_t list(uint32_t *pixels, const void *image, size_t n_pixels, uint32_t pixel_size,
                         size_t max)
{
    const uint8_t *const bytes = image;
    size_t n = 0, first = 0;
    for (; first + BLOCK <= n_pixels && n <= max; first += BLOCK)
        n +=
            put(pixels + n, nonzero_block(bytes + first * pixel_size, pixel_size), (uint32_t)first);
    return list_rest(pixels, n, image, first, n_pixels, pixel_size, max);
}

static size_t list_u8(uint32_t *pixels, const void *image, size_t n_pixels, size_t max)
{
    return list(pixels, image, n_pixels, 1, max);
}

static size_t list_u16(uint32_t *pixels, const void *image, size_t n_pixels, size_t max)
{
    return list(pixels, image, n_pixels, 2, max);
}

static size_t list_u32(uint32_t *pixels, const void *image, size_t n_pixels, size_t max)
{
    return list(pixels, image, n_pixels, 4, max);
}

static size_t list_bits(uint32_t *pixels, const uint8_t *payload, const struct bit_order *order,
                        size_t max)
{
    return list_bits_of_words(pixels, payload, order, max);
}

const struct event_kernels event_kernels_avx2[KERNELS_PIXEL_SIZES] = {
    {list_u8, list_bits},
    {list_u16, list_bits},
    {list_u32, list_bits},
};
