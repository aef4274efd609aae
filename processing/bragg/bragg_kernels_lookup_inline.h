#pragma once

#include <stddef.h>
#include <stdint.h>

#include "processing/bragg/bragg_kernels.h"

/* In plain C what needs look-ups and gathers: for the sets that have none worth using. */

#define PLAIN_PART_SUMS(bits)                                                                      \
    static void sum_parts_##bits(uint32_t *sums, const struct bragg_background_plan *plan,         \
                                 const counts_##bits *buffer)                                      \
    {                                                                                              \
        const uint32_t n = plan->n_sectors, *pixels = plan->pixels;                                \
        for (uint32_t b = 0; b < plan->n_bands; b++) {                                             \
            for (uint32_t s = 0; s < n; s++) {                                                     \
                uint32_t sum = 0;                                                                  \
                for (uint32_t k = 0; k < plan->band_room[b]; k++)                                  \
                    sum += buffer[pixels[(size_t)k * n + s]];                                      \
                *sums++ = sum;                                                                     \
            }                                                                                      \
            pixels += (size_t)plan->band_room[b] * n;                                              \
        }                                                                                          \
    }

PLAIN_PART_SUMS(16)
PLAIN_PART_SUMS(32)

#define PLAIN_SCREEN(bits)                                                                         \
    static size_t screen_##bits(uint32_t *places, const counts_##bits *sums, const uint8_t *cell,  \
                                size_t n, const counts_##bits limits[BRAGG_CELLS])                 \
    {                                                                                              \
        size_t found = 0;                                                                          \
        for (size_t i = 0; i < n; i++) {                                                           \
            places[found] = (uint32_t)i;                                                           \
            found += sums[i] > limits[cell[i]];                                                    \
        }                                                                                          \
        return found;                                                                              \
    }

PLAIN_SCREEN(16)
PLAIN_SCREEN(32)
