#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/cpu.h"

/* 1-bit payloads, analysed as they came (bit_order.h). */
struct bit_kernels {
    /* Bits that are set in both the mask and the payload, which may lie at any address. The mask is
     * aligned to 64 and n_words a multiple of 8. */
    uint64_t (*count)(const uint64_t *mask, const uint8_t *payload, size_t n_words);
};

/* The processor must have `isa`. */
const struct bit_kernels *bit_kernels_for(enum cpu_isa isa);

extern const struct bit_kernels bit_kernels_plain[1];
extern const struct bit_kernels bit_kernels_avx2[1];
extern const struct bit_kernels bit_kernels_avx512[1];
