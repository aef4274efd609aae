#pragma once

#include <string.h>

#include "processing/bragg/bragg_kernels.h"

/*
 * The loops that files of kernels share, written with vectors of 64 bytes, which the compiler
 * splits into what that file's instruction set has.
 */
#define BRAGG_INLINE static inline __attribute__((always_inline))

typedef uint16_t lanes_16 __attribute__((vector_size(64), aligned(2), may_alias));
typedef uint32_t lanes_32 __attribute__((vector_size(64), aligned(4), may_alias));

#define PIXEL_LOADER(bits, type)                                                                   \
    static uint64_t load_##bits(uint32_t *buffer, const struct bragg_grid *grid,                   \
                                const uint32_t *mask, const void *image)                           \
    {                                                                                              \
        uint64_t total = 0;                                                                        \
        for (uint32_t row = 0; row < grid->rows; row++) {                                          \
            const type *const pixels = (const type *)image + bragg_frame_at(grid, row, 0);         \
            const uint32_t *const masks = mask + bragg_map_at(grid, row, 0);                       \
            uint32_t *const to = buffer + bragg_buffer_at(grid, (int)row, 0);                      \
            const uint32_t columns = grid->columns;                                                \
            uint64_t sum = 0;                                                                      \
            for (uint32_t x = 0; x < columns; x++) {                                               \
                to[x] = pixels[x] & masks[x];                                                      \
                sum += to[x];                                                                      \
            }                                                                                      \
            total += sum;                                                                          \
        }                                                                                          \
        return total;                                                                              \
    }

/* Along a row: sums over 2 h + 1 pixels for each half width h that the disk has, each from the one
 * before. */
#define ROW_SUMS(bits, type)                                                                       \
    BRAGG_INLINE void row_sums_##bits(type *planes, size_t plane_size, const type *pixels,         \
                                      const struct bragg_sums_plan *plan, uint32_t x)              \
    {                                                                                              \
        lanes_##bits sum = *(const lanes_##bits *)(pixels + x);                                    \
        int half = 0;                                                                              \
        for (uint32_t p = 0; p < plan->n_planes; p++) {                                            \
            for (; half < plan->half_width[p]; half++)                                             \
                sum += *(const lanes_##bits *)(pixels + x - half - 1) +                            \
                       *(const lanes_##bits *)(pixels + x + half + 1);                             \
            *(lanes_##bits *)(planes + p * plane_size + x) = sum;                                  \
        }                                                                                          \
    }

#define DISK_SUMS(bits, type)                                                                      \
    ROW_SUMS(bits, type)                                                                           \
    static void disk_sums_##bits(type *sums, type *planes, const type *buffer,                     \
                                 const struct bragg_sums_plan *plan)                               \
    {                                                                                              \
        const uint32_t lanes = 64 / sizeof(type), reach = (uint32_t)plan->reach;                   \
        const uint32_t rows = plan->rows + 2 * reach;                                              \
        const size_t plane_size = (size_t)rows * plan->stride;                                     \
        for (uint32_t row = 0; row < rows; row++) {                                                \
            const type *const pixels =                                                             \
                buffer + (plan->border - reach + row) * plan->buffer_stride + BRAGG_BORDER;        \
            for (uint32_t x = 0; x < plan->stride; x += lanes)                                     \
                row_sums_##bits(planes + (size_t)row * plan->stride, plane_size, pixels, plan, x); \
        }                                                                                          \
        const type *row_of[2 * BRAGG_REACH_MAX + 1];                                               \
        for (uint32_t row = 0; row < plan->rows; row += plan->step) {                              \
            for (int dy = -plan->reach; dy <= plan->reach; dy++)                                   \
                row_of[dy + plan->reach] = planes + plan->plane[dy < 0 ? -dy : dy] * plane_size +  \
                                           (size_t)((int)(row + reach) + dy) * plan->stride;       \
            for (uint32_t x = 0; x < plan->stride; x += lanes) {                                   \
                lanes_##bits sum = {0};                                                            \
                for (uint32_t i = 0; i <= 2 * reach; i++)                                          \
                    sum += *(const lanes_##bits *)(row_of[i] + x);                                 \
                *(lanes_##bits *)(sums + (size_t)row * plan->stride + x) = sum;                    \
            }                                                                                      \
        }                                                                                          \
    }

PIXEL_LOADER(8, uint8_t)
PIXEL_LOADER(16, uint16_t)
PIXEL_LOADER(32, uint32_t)
DISK_SUMS(16, uint16_t)
DISK_SUMS(32, uint32_t)

static void narrow_buffer(uint16_t *restrict narrow, const uint32_t *restrict buffer, size_t n)
{
    for (size_t i = 0; i < n; i++)
        narrow[i] = (uint16_t)buffer[i];
}

#define BRAGG_KERNELS                                                                              \
    {                                                                                              \
        .load = {load_8, load_16, load_32}, .narrow = narrow_buffer, .disk_sums_16 = disk_sums_16, \
        .disk_sums_32 = disk_sums_32, .screen_16 = screen_16, .screen_32 = screen_32               \
    }
