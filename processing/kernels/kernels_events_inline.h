#pragma once

#include <string.h>

#include "processing/kernels/kernels_events.h"
#include "processing/kernels/kernels_pixel.h"
#include "processing/pixels/bit_order.h"

/* Pieces of the lists, for the file of each instruction set. */

/* Pixels from `first` on, one by one. `n` are in the list. */
PIXEL_INLINE size_t list_rest(uint32_t *pixels, size_t n, const void *image, size_t first,
                              size_t n_pixels, uint32_t pixel_size, size_t max)
{
    for (size_t i = first; i < n_pixels && n <= max; i++) {
        pixels[n] = (uint32_t)i;
        n += pixel_value(image, i, pixel_size) != 0;
    }
    return n;
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
