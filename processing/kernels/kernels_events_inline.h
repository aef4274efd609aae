#pragma once

#include <string.h>

#include "processing/kernels/kernels_events.h"
#include "processing/kernels/kernels_pixel.h"
#include "processing/pixels/bit_order.h"

/* Pieces of the lists, for the file of each instruction set. */

/* What is being listed. */
struct event_lists {
    uint32_t *pixels, *more;
    size_t n, n_more;
};

/* Pixels from `first` on, one by one. */
PIXEL_INLINE void list_rest(struct event_lists *lists, const void *image, size_t first,
                            size_t n_pixels, uint32_t pixel_size, size_t max)
{
    for (size_t i = first; i < n_pixels && lists->n <= max; i++) {
        const uint64_t counts = pixel_value(image, i, pixel_size);
        lists->pixels[lists->n] = (uint32_t)i;
        lists->n += counts != 0;
        if (counts > 1)
            lists->more[lists->n_more++] = (uint32_t)i;
    }
}

PIXEL_INLINE uint64_t word_at(const uint8_t *payload, size_t word)
{
    uint64_t bits;
    memcpy(&bits, payload + word * sizeof bits, sizeof bits);
    return bits;
}

/* Bit by bit. */
PIXEL_INLINE size_t list_bits_of_words(uint32_t *pixels, const uint8_t *payload,
                                       const struct bit_order *order, size_t max)
{
    size_t n = 0;
    for (size_t word = 0; word < order->n_words && n <= max; word++) {
        const uint8_t *const offsets = order->offsets[order->pattern[word]];
        for (uint64_t bits = word_at(payload, word); bits; bits &= bits - 1)
            pixels[n++] = order->first[word] + offsets[__builtin_ctzll(bits)];
    }
    return n;
}
