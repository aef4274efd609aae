#include <string.h>

#include "processing/kernels/kernels_bits.h"

static uint64_t count(const uint64_t *mask, const uint8_t *payload, size_t n_words)
{
    uint64_t n = 0;
    for (size_t i = 0; i < n_words; i++) {
        uint64_t bits;
        memcpy(&bits, payload + i * sizeof bits, sizeof bits);
        n += (uint64_t)__builtin_popcountll(bits & mask[i]);
    }
    return n;
}

const struct bit_kernels bit_kernels_plain[1] = {{count}};
