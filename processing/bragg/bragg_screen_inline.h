#pragma once

#include <stddef.h>
#include <stdint.h>

/* The screen in plain C, for the sets that have no table look-up of 64 entries. */
#define PLAIN_SCREEN(bits, type)                                                                   \
    static size_t screen_##bits(uint32_t *places, const type *sums, const uint8_t *cell, size_t n, \
                                const type limits[BRAGG_CELLS])                                    \
    {                                                                                              \
        size_t found = 0;                                                                          \
        for (size_t i = 0; i < n; i++) {                                                           \
            places[found] = (uint32_t)i;                                                           \
            found += sums[i] > limits[cell[i]];                                                    \
        }                                                                                          \
        return found;                                                                              \
    }

PLAIN_SCREEN(16, uint16_t)
PLAIN_SCREEN(32, uint32_t)
