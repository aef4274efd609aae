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

/* Rows go in whole vectors, which may reach beyond the rectangle (masked) but never beyond the
 * image. */
#define PIXEL_LOADER(bits, type, wide)                                                             \
    BRAGG_INLINE void load_row_##bits(wide *restrict to, const type *restrict pixels,              \
                                      const uint8_t *restrict masks, uint32_t n)                   \
    {                                                                                              \
        for (uint32_t x = 0; x < n; x++)                                                           \
            to[x] = (wide)(pixels[x] & (type)(int8_t)masks[x]);                                    \
    }                                                                                              \
    static void load_##bits(wide *buffer, const struct bragg_grid *grid, const uint8_t *mask,      \
                            const void *image)                                                     \
    {                                                                                              \
        const size_t n_pixels = (size_t)grid->frame_height * grid->frame_width;                    \
        for (uint32_t row = 0; row < grid->rows; row++) {                                          \
            const size_t first = bragg_frame_at(grid, row, 0);                                     \
            const type *const pixels = (const type *)image + first;                                \
            const uint8_t *const masks = mask + bragg_map_at(grid, row, 0);                        \
            wide *const to = buffer + bragg_buffer_at(grid, (int)row, 0);                          \
            if (first + grid->stride <= n_pixels) {                                                \
                for (uint32_t x = 0; x < grid->stride; x += BRAGG_LANES)                           \
                    load_row_##bits(to + x, pixels + x, masks + x, BRAGG_LANES);                   \
            } else {                                                                               \
                load_row_##bits(to, pixels, masks, grid->columns);                                 \
            }                                                                                      \
        }                                                                                          \
    }

/* Along columns for each height, the next from the one before, then those of each height over its
 * columns: some rows of the one before the same rows of the other, since a load that spans two
 * stores waits until both have left the store buffer. Up to BRAGG_TOGETHER vectors go side by side,
 * so that the loops over so few rows and columns cost less than the sums. */
#define BRAGG_TOGETHER 4

/* What does not fill BRAGG_TOGETHER vectors: the same code for each constant number of them. */
#define BRAGG_FOR_REST(left, rows, to, from)                                                       \
    do {                                                                                           \
        if ((left) == 3)                                                                           \
            rows(to, from, plan, n, 3);                                                            \
        else if ((left) == 2)                                                                      \
            rows(to, from, plan, n, 2);                                                            \
        else if ((left) == 1)                                                                      \
            rows(to, from, plan, n, 1);                                                            \
    } while (0)

#define DISK_SUMS(bits, type)                                                                      \
    BRAGG_INLINE void column_sums_##bits(type *room, size_t height_stride, const type *pixels,     \
                                         const struct bragg_sums_plan *plan, const uint32_t n)     \
    {                                                                                              \
        const uint32_t lanes = 64 / sizeof(type);                                                  \
        const size_t below = plan->buffer_stride;                                                  \
        const type *above = pixels, *under = pixels;                                               \
        lanes_##bits sum[BRAGG_TOGETHER];                                                          \
        for (uint32_t v = 0; v < n; v++)                                                           \
            sum[v] = *(const lanes_##bits *)(pixels + v * lanes);                                  \
        int half = 0;                                                                              \
        for (uint32_t i = 0; i < plan->n_heights; i++, room += height_stride) {                    \
            for (; half < plan->half_height[i]; half++) {                                          \
                above -= below;                                                                    \
                under += below;                                                                    \
                for (uint32_t v = 0; v < n; v++)                                                   \
                    sum[v] += *(const lanes_##bits *)(above + v * lanes) +                         \
                              *(const lanes_##bits *)(under + v * lanes);                          \
            }                                                                                      \
            for (uint32_t v = 0; v < n; v++)                                                       \
                *(lanes_##bits *)(room + v * lanes) = sum[v];                                      \
        }                                                                                          \
    }                                                                                              \
    BRAGG_INLINE void over_columns_##bits(type *to, const type *room, size_t height_stride,        \
                                          const struct bragg_sums_plan *plan, const uint32_t n)    \
    {                                                                                              \
        const uint32_t lanes = 64 / sizeof(type);                                                  \
        lanes_##bits sum[BRAGG_TOGETHER] = {{0}};                                                  \
        int dx = plan->reach;                                                                      \
        for (uint32_t i = 0; i < plan->n_heights; i++, room += height_stride) {                    \
            const int next = i + 1 < plan->n_heights ? plan->last_column[i + 1] : 0;               \
            for (; dx > next; dx--) {                                                              \
                for (uint32_t v = 0; v < n; v++)                                                   \
                    sum[v] += *(const lanes_##bits *)(room + v * lanes + dx) +                     \
                              *(const lanes_##bits *)(room + v * lanes - dx);                      \
            }                                                                                      \
        }                                                                                          \
        room -= height_stride;                                                                     \
        for (uint32_t v = 0; v < n; v++)                                                           \
            *(lanes_##bits *)(to + v * lanes) =                                                    \
                sum[v] + *(const lanes_##bits *)(room + v * lanes);                                \
    }                                                                                              \
    BRAGG_INLINE void column_rows_##bits(type *room, const type *pixels,                           \
                                         const struct bragg_sums_plan *plan, uint32_t n_rows,      \
                                         const uint32_t n)                                         \
    {                                                                                              \
        const size_t height_stride = bragg_sums_row_room(plan);                                    \
        for (uint32_t row = 0; row < n_rows; row++) {                                              \
            column_sums_##bits(room, height_stride, pixels, plan, n);                              \
            room += plan->n_heights * height_stride;                                               \
            pixels += (size_t)plan->step * plan->buffer_stride;                                    \
        }                                                                                          \
    }                                                                                              \
    BRAGG_INLINE void over_rows_##bits(type *to, const type *room,                                 \
                                       const struct bragg_sums_plan *plan, uint32_t n_rows,        \
                                       const uint32_t n)                                           \
    {                                                                                              \
        const size_t height_stride = bragg_sums_row_room(plan);                                    \
        for (uint32_t row = 0; row < n_rows; row++) {                                              \
            over_columns_##bits(to, room, height_stride, plan, n);                                 \
            room += plan->n_heights * height_stride;                                               \
            to += (size_t)plan->step * plan->stride;                                               \
        }                                                                                          \
    }                                                                                              \
    static void disk_sums_##bits(type *sums, type *room, const type *buffer,                       \
                                 const struct bragg_sums_plan *shared)                             \
    {                                                                                              \
        const uint32_t lanes = 64 / sizeof(type), block = BRAGG_TOGETHER * lanes;                  \
        const struct bragg_sums_plan own = *shared, *const plan = &own;                            \
        const uint32_t n_rows = (plan->rows + plan->step - 1) / plan->step;                        \
        type *const at = room + BRAGG_BORDER;                                                      \
        for (uint32_t first = 0; first < n_rows; first += BRAGG_SUMS_ROWS) {                       \
            const uint32_t n =                                                                     \
                n_rows - first < BRAGG_SUMS_ROWS ? n_rows - first : BRAGG_SUMS_ROWS;               \
            const uint32_t row = first * plan->step;                                               \
            const type *const pixels =                                                             \
                buffer + (size_t)(plan->border + row) * plan->buffer_stride + BRAGG_BORDER;        \
            type *const to = sums + (size_t)row * plan->stride;                                    \
            uint32_t x = 0;                                                                        \
            for (; x + block <= plan->stride; x += block)                                          \
                column_rows_##bits(at + x, pixels + x, plan, n, BRAGG_TOGETHER);                   \
            BRAGG_FOR_REST((plan->stride - x) / lanes, column_rows_##bits, at + x, pixels + x);    \
            for (x = 0; x + block <= plan->stride; x += block)                                     \
                over_rows_##bits(to + x, at + x, plan, n, BRAGG_TOGETHER);                         \
            BRAGG_FOR_REST((plan->stride - x) / lanes, over_rows_##bits, to + x, at + x);          \
        }                                                                                          \
    }

PIXEL_LOADER(8, uint8_t, uint16_t)
PIXEL_LOADER(16, uint16_t, uint16_t)
PIXEL_LOADER(32, uint32_t, uint32_t)
DISK_SUMS(16, uint16_t)
DISK_SUMS(32, uint32_t)

static void narrow_buffer(uint16_t *restrict narrow, const uint32_t *restrict wide, size_t n)
{
    for (size_t i = 0; i < n; i++)
        narrow[i] = (uint16_t)wide[i];
}

static void widen_buffer(uint32_t *restrict wide, const uint16_t *restrict narrow, size_t n)
{
    for (size_t i = 0; i < n; i++)
        wide[i] = narrow[i];
}

#define BRAGG_KERNELS                                                                              \
    {                                                                                              \
        .load_8 = load_8, .load_16 = load_16, .load_32 = load_32, .narrow = narrow_buffer,         \
        .widen = widen_buffer, .sum_parts_16 = sum_parts_16, .sum_parts_32 = sum_parts_32,         \
        .disk_sums_16 = disk_sums_16, .disk_sums_32 = disk_sums_32, .screen_16 = screen_16,        \
        .screen_32 = screen_32                                                                     \
    }
