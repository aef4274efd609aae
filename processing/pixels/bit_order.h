#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detector/pixel_format.h"

/*
 * Which pixel every bit of a 1-bit payload is. The payload is taken as words of 64 bits in the
 * machine's own byte order; bit b of word w is pixel first[w] + offsets[pattern[w]][b] of the
 * image. Found by asking the decoder, so that there is one description of the detector's order.
 */
#define BIT_ORDER_PATTERNS 4

/* Kernels take so many words at a time. */
#define BIT_ORDER_STEP 8

struct bit_order {
    size_t n_words; /* a multiple of BIT_ORDER_STEP. 0: the payload is not of bits, or too odd */
    uint32_t *first;
    uint8_t *pattern;
    unsigned n_patterns;
    uint8_t offsets[BIT_ORDER_PATTERNS][64];
};

/* 0 or -ENOMEM. */
int bit_order_init(struct bit_order *order, const struct pixel_format *format);

/* Also of a zeroed order. */
void bit_order_finish(struct bit_order *order);

static inline uint32_t bit_order_pixel(const struct bit_order *order, size_t word, unsigned bit)
{
    return order->first[word] + order->offsets[order->pattern[word]][bit];
}

/* Whether a format's payload has an order. */
static inline bool bit_order_applies(const struct pixel_format *format)
{
    return (format->packing == PACKING_RAW_1 || format->packing == PACKING_BITS) &&
           format->payload_size % (BIT_ORDER_STEP * sizeof(uint64_t)) == 0;
}
