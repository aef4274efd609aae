#include <immintrin.h>

#include "processing/kernels/kernels_events_inline.h"
#include "processing/kernels/kernels_nonzero_avx2.h"

/* AVX2 with BMI. There is no compression of vectors: the bits of 64 pixels at a time that have
 * counts are taken one by one. At low doses nearly all blocks have fewer than SOME of them; so many
 * are written whether they are there or not, which spares a branch that would be guessed wrong. */
#define BLOCK 64 /* pixels, of above_block */
#define SOME 6

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

PIXEL_INLINE size_t list(uint32_t *pixels, uint32_t *more, size_t *n_more, const void *image,
                         size_t n_pixels, uint32_t pixel_size, size_t max)
{
    const uint8_t *const bytes = image;
    struct event_lists lists = {pixels, more, 0, 0};
    size_t first = 0;
    for (; first + BLOCK <= n_pixels && lists.n <= max; first += BLOCK) {
        const uint8_t *const block = bytes + first * pixel_size;
        const uint64_t several = above_block(block, 1, pixel_size);
        lists.n += put(pixels + lists.n, above_block(block, 0, pixel_size), (uint32_t)first);
        if (__builtin_expect(several != 0, 0))
            lists.n_more += put(more + lists.n_more, several, (uint32_t)first);
    }
    list_rest(&lists, image, first, n_pixels, pixel_size, max);
    *n_more = lists.n_more;
    return lists.n;
}

#include "processing/kernels/kernels_events_sizes_inline.h"

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
