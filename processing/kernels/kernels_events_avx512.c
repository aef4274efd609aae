#include <immintrin.h>

#include "processing/kernels/kernels_events_inline.h"

/* AVX-512 with BW and VBMI2: the numbers of the pixels of a block that have counts are compressed
 * as bytes, and widened to indices. */
#define BLOCK 64 /* pixels */

/* Which pixels of a block have counts, and which have more than one: bit i for pixel i. */
struct block_sets {
    uint64_t some, several;
};

PIXEL_INLINE struct block_sets sets_of(const void *pixels, uint32_t pixel_size)
{
    const uint8_t *const bytes = pixels;
    struct block_sets sets = {0, 0};
    for (unsigned i = 0; i < pixel_size; i++) {
        const __m512i values = _mm512_loadu_si512(bytes + (size_t)64 * i);
        const unsigned shift = 64 / pixel_size * i;
        if (pixel_size == 1) {
            sets.some = _mm512_test_epi8_mask(values, values);
            sets.several = _mm512_test_epi8_mask(values, _mm512_set1_epi8(~1));
        } else if (pixel_size == 2) {
            sets.some |= (uint64_t)_mm512_test_epi16_mask(values, values) << shift;
            sets.several |= (uint64_t)_mm512_test_epi16_mask(values, _mm512_set1_epi16(~1))
                            << shift;
        } else {
            sets.some |= (uint64_t)_mm512_test_epi32_mask(values, values) << shift;
            sets.several |= (uint64_t)_mm512_test_epi32_mask(values, _mm512_set1_epi32(~1))
                            << shift;
        }
    }
    return sets;
}

/* Writes first + numbers[i] for every i of the set; whole vectors. Returns how many are in the set.
 */
PIXEL_INLINE size_t put(uint32_t *pixels, uint64_t set, __m512i numbers, uint32_t first)
{
    const size_t n = (size_t)__builtin_popcountll(set);
    const __m512i packed = _mm512_maskz_compress_epi8(set, numbers);
    const __m512i base = _mm512_set1_epi32((int)first);
    _mm512_storeu_si512(
        pixels, _mm512_add_epi32(_mm512_cvtepu8_epi32(_mm512_castsi512_si128(packed)), base));
    if (n <= 16)
        return n;
    _mm512_storeu_si512(
        pixels + 16,
        _mm512_add_epi32(_mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 1)), base));
    _mm512_storeu_si512(
        pixels + 32,
        _mm512_add_epi32(_mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 2)), base));
    _mm512_storeu_si512(
        pixels + 48,
        _mm512_add_epi32(_mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 3)), base));
    return n;
}

PIXEL_INLINE __m512i counting(void)
{
    const __m512i fours =
        _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                           _mm512_set1_epi32(0x04040404));
    return _mm512_add_epi32(fours, _mm512_set1_epi32(0x03020100));
}

PIXEL_INLINE size_t list(uint32_t *pixels, uint32_t *more, size_t *n_more, const void *image,
                         size_t n_pixels, uint32_t pixel_size, size_t max)
{
    const uint8_t *const bytes = image;
    const __m512i numbers = counting();
    struct event_lists lists = {pixels, more, 0, 0};
    size_t first = 0;
    for (; first + BLOCK <= n_pixels && lists.n <= max; first += BLOCK) {
        const struct block_sets sets = sets_of(bytes + first * pixel_size, pixel_size);
        lists.n += put(pixels + lists.n, sets.some, numbers, (uint32_t)first);
        if (__builtin_expect(sets.several != 0, 0))
            lists.n_more += put(more + lists.n_more, sets.several, numbers, (uint32_t)first);
    }
    list_rest(&lists, image, first, n_pixels, pixel_size, max);
    *n_more = lists.n_more;
    return lists.n;
}

#include "processing/kernels/kernels_events_sizes_inline.h"

static size_t list_bits(uint32_t *pixels, const uint8_t *payload, const struct bit_order *order,
                        size_t max)
{
    size_t n = 0;
    for (size_t word = 0; word < order->n_words && n <= max; word++)
        n += put(pixels + n, word_at(payload, word),
                 _mm512_loadu_si512(order->offsets[order->pattern[word]]), order->first[word]);
    return n;
}

const struct event_kernels event_kernels_avx512[KERNELS_PIXEL_SIZES] = {
    {list_u8, list_bits},
    {list_u16, list_bits},
    {list_u32, list_bits},
};
