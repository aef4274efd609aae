#pragma once

#include "processing/kernels/kernels_bits.h"
#include "processing/pixels/bit_order.h"

/*
 * Some pixels of a 1-bit frame, in the order of its payload: how many of them are set is AND and
 * population count, without decoding.
 */
struct bit_mask {
    uint64_t *words;       /* [n_words], aligned to 64; NULL: none, the frame must be decoded */
    size_t first, n_words; /* the part of the payload where chosen pixels lie, in words */
    const struct bit_kernels *kernels;
};

/* The pixels whose `selected` is not 0. An order without words gives a mask without. 0 or -ENOMEM.
 */
int bit_mask_init(struct bit_mask *mask, const uint8_t *selected, const struct bit_order *order,
                  enum cpu_isa isa);

/* Also of a zeroed mask. */
void bit_mask_finish(struct bit_mask *mask);

/* The chosen pixels that are set in a payload. */
static inline uint64_t bit_mask_count(const struct bit_mask *mask, const uint8_t *payload)
{
    return mask->kernels->count(mask->words, payload + 8 * mask->first, mask->n_words);
}
