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

PLAIN_PART_SUMS(8)
PLAIN_PART_SUMS(16)
PLAIN_PART_SUMS(32)

#define PLAIN_SCREEN(bits)                                                                         \
    static uint32_t find_above_##bits(const counts_##bits *sums, const uint8_t *cell,              \
                                      const counts_##bits limits[BRAGG_CELLS])                     \
    {                                                                                              \
        uint32_t which = 0;                                                                        \
        for (uint32_t k = 0; k < BRAGG_LANES; k++)                                                 \
            which |= (uint32_t)(sums[k] > limits[cell[k]]) << k;                                   \
        return which;                                                                              \
    }                                                                                              \
    SCREEN(bits)                                                                                   \
    static void drop_lower_in_##bits(struct bragg_block *block, const counts_##bits *sums,         \
                                     const uint8_t *cell, const ptrdiff_t beside[4],               \
                                     const counts_##bits slack[BRAGG_CELLS],                       \
                                     const counts_##bits limit[BRAGG_CELLS])                       \
    {                                                                                              \
        for (uint32_t left = block->which; left; left &= left - 1) {                               \
            const uint32_t bit = left & -left;                                                     \
            const size_t at = block->first + (uint32_t)__builtin_ctz(left);                        \
            const uint64_t own = (uint64_t)sums[at] + slack[cell[at]];                             \
            for (int k = 0; k < 4; k++) {                                                          \
                const size_t other = at + (size_t)beside[k];                                       \
                if (cell[other] != BRAGG_NO_PLACE && sums[other] > own &&                          \
                    sums[other] > limit[cell[at]])                                                 \
                    block->which &= ~bit;                                                          \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    static void drop_lower_##bits(struct bragg_block *blocks, size_t n, const counts_##bits *sums, \
                                  const uint8_t *cell, ptrdiff_t first, ptrdiff_t second,          \
                                  const counts_##bits slack[BRAGG_CELLS],                          \
                                  const counts_##bits limit[BRAGG_CELLS])                          \
    {                                                                                              \
        const ptrdiff_t beside[4] = {-first, -second, second, first};                              \
        for (size_t i = 0; i < n; i++)                                                             \
            drop_lower_in_##bits(&blocks[i], sums, cell, beside, slack, limit);                    \
    }

PLAIN_SCREEN(16)
PLAIN_SCREEN(32)

#define PLAIN_EXCESS(bits)                                                                         \
    static void excess_##bits(double *restrict excess, const counts_##bits *restrict pixels,       \
                              const double *restrict template, const float *restrict band_at,      \
                              const struct bragg_lines *restrict lines, size_t n)                  \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            const double band = band_at[i];                                                        \
            const int32_t lower = (int32_t)band;                                                   \
            const double ratio = lines->ratio[lower] + (band - lower) * lines->more[lower];        \
            const double difference = pixels[i] - template[i] * ratio;                             \
            excess[i] = template[i] > 0 ? difference : NAN;                                        \
        }                                                                                          \
    }

PLAIN_EXCESS(16)
PLAIN_EXCESS(32)
