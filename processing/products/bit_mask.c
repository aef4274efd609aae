#include "processing/products/bit_mask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t chosen_bits(const uint8_t *selected, const struct bit_order *order, size_t word)
{
    uint64_t bits = 0;
    for (unsigned bit = 0; bit < 64; bit++)
        bits |= (uint64_t)(selected[bit_order_pixel(order, word, bit)] != 0) << bit;
    return bits;
}

/* Cuts off what is empty at both ends, in whole steps. */
static void trim(struct bit_mask *mask)
{
    size_t first = 0, end = mask->n_words;
    while (end > 0 && mask->words[end - 1] == 0)
        end--;
    while (first < end && mask->words[first] == 0)
        first++;
    first -= first % BIT_ORDER_STEP;
    end = (end + BIT_ORDER_STEP - 1) / BIT_ORDER_STEP * BIT_ORDER_STEP;
    memmove(mask->words, mask->words + first, (end - first) * sizeof *mask->words);
    mask->first = first;
    mask->n_words = end - first;
}

int bit_mask_init(struct bit_mask *mask, const uint8_t *selected, const struct bit_order *order,
                  enum cpu_isa isa)
{
    memset(mask, 0, sizeof *mask);
    if (order->n_words == 0)
        return 0;
    mask->words = aligned_alloc(64, order->n_words * sizeof *mask->words);
    if (!mask->words)
        return -ENOMEM;
    mask->kernels = bit_kernels_for(isa);
    mask->n_words = order->n_words;
    for (size_t word = 0; word < order->n_words; word++)
        mask->words[word] = chosen_bits(selected, order, word);
    trim(mask);
    return 0;
}

void bit_mask_finish(struct bit_mask *mask)
{
    free(mask->words);
    memset(mask, 0, sizeof *mask);
}
