#pragma once

#include <string.h>

#include "processing/bragg/bragg_background_inline.h"
#include "processing/bragg/bragg_kernels.h"

/*
 * The loops that files of kernels share, written with vectors as long as that file's instruction
 * set has them: BRAGG_VECTOR_SIZE bytes.
 */
typedef uint8_t counts_8;
typedef uint16_t counts_16;
typedef uint32_t counts_32;

#define BRAGG_INLINE static inline __attribute__((always_inline))

typedef uint16_t lanes_16 __attribute__((vector_size(BRAGG_VECTOR_SIZE), aligned(2), may_alias));
typedef uint32_t lanes_32 __attribute__((vector_size(BRAGG_VECTOR_SIZE), aligned(4), may_alias));

/* Rows go in whole vectors, which may reach beyond the rectangle (masked) but never beyond the
 * image. */
#define PIXEL_LOADER(bits, into)                                                                   \
    BRAGG_INLINE void load_row_##bits(counts_##into *restrict to,                                  \
                                      const counts_##bits *restrict pixels,                        \
                                      const uint8_t *restrict masks, uint32_t n)                   \
    {                                                                                              \
        for (uint32_t x = 0; x < n; x++)                                                           \
            to[x] = (counts_##into)(pixels[x] & (counts_##bits)(int8_t)masks[x]);                  \
    }                                                                                              \
    static void load_##bits(counts_##into *buffer, const struct bragg_grid *grid,                  \
                            const uint8_t *mask, const void *image)                                \
    {                                                                                              \
        const size_t n_pixels = (size_t)grid->frame_height * grid->frame_width;                    \
        for (uint32_t row = 0; row < grid->rows; row++) {                                          \
            const size_t first = bragg_frame_at(grid, row, 0);                                     \
            const counts_##bits *const pixels = (const counts_##bits *)image + first;              \
            const uint8_t *const masks = mask + bragg_map_at(grid, row, 0);                        \
            counts_##into *const to = buffer + bragg_buffer_at(grid, (int)row, 0);                 \
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

#define LANES_OF(bits) (8 * BRAGG_VECTOR_SIZE / (bits))

#define DISK_SUMS(bits)                                                                            \
    BRAGG_INLINE void column_sums_##bits(counts_##bits *room, size_t height_stride,                \
                                         const counts_##bits *pixels,                              \
                                         const struct bragg_sums_plan *plan, const uint32_t n)     \
    {                                                                                              \
        const uint32_t lanes = LANES_OF(bits);                                                     \
        const size_t below = plan->buffer_stride;                                                  \
        const counts_##bits *above = pixels, *under = pixels;                                      \
        lanes_##bits sum[BRAGG_TOGETHER];                                                          \
        for (uint32_t v = 0; v < n; v++)                                                           \
            sum[v] = *(const lanes_##bits *)(pixels + (size_t)v * lanes);                          \
        int half = 0;                                                                              \
        for (uint32_t i = 0; i < plan->n_heights; i++, room += height_stride) {                    \
            for (; half < plan->half_height[i]; half++) {                                          \
                above -= below;                                                                    \
                under += below;                                                                    \
                for (uint32_t v = 0; v < n; v++)                                                   \
                    sum[v] += *(const lanes_##bits *)(above + (size_t)v * lanes) +                 \
                              *(const lanes_##bits *)(under + (size_t)v * lanes);                  \
            }                                                                                      \
            for (uint32_t v = 0; v < n; v++)                                                       \
                *(lanes_##bits *)(room + (size_t)v * lanes) = sum[v];                              \
        }                                                                                          \
    }                                                                                              \
    BRAGG_INLINE void over_columns_##bits(counts_##bits *to, const counts_##bits *room,            \
                                          size_t height_stride,                                    \
                                          const struct bragg_sums_plan *plan, const uint32_t n)    \
    {                                                                                              \
        const uint32_t lanes = LANES_OF(bits);                                                     \
        lanes_##bits sum[BRAGG_TOGETHER] = {{0}};                                                  \
        int dx = plan->reach;                                                                      \
        for (uint32_t i = 0; i < plan->n_heights; i++, room += height_stride) {                    \
            const int next = i + 1 < plan->n_heights ? plan->last_column[i + 1] : 0;               \
            for (; dx > next; dx--) {                                                              \
                for (uint32_t v = 0; v < n; v++)                                                   \
                    sum[v] += *(const lanes_##bits *)(room + (size_t)v * lanes + dx) +             \
                              *(const lanes_##bits *)(room + (size_t)v * lanes - dx);              \
            }                                                                                      \
        }                                                                                          \
        room -= height_stride;                                                                     \
        for (uint32_t v = 0; v < n; v++)                                                           \
            *(lanes_##bits *)(to + (size_t)v * lanes) =                                            \
                sum[v] + *(const lanes_##bits *)(room + (size_t)v * lanes);                        \
    }                                                                                              \
    BRAGG_INLINE void column_rows_##bits(counts_##bits *room, const counts_##bits *pixels,         \
                                         const struct bragg_sums_plan *plan, uint32_t n_rows,      \
                                         const uint32_t n)                                         \
    {                                                                                              \
        const size_t height_stride = bragg_sums_row_room(plan);                                    \
        for (uint32_t row = 0; row < n_rows; row++) {                                              \
            column_sums_##bits(room, height_stride, pixels, plan, n);                              \
            room += height_stride * plan->n_heights;                                               \
            pixels += (size_t)plan->step * plan->buffer_stride;                                    \
        }                                                                                          \
    }                                                                                              \
    BRAGG_INLINE void over_rows_##bits(counts_##bits *to, const counts_##bits *room,               \
                                       const struct bragg_sums_plan *plan, uint32_t n_rows,        \
                                       const uint32_t n)                                           \
    {                                                                                              \
        const size_t height_stride = bragg_sums_row_room(plan);                                    \
        for (uint32_t row = 0; row < n_rows; row++) {                                              \
            over_columns_##bits(to, room, height_stride, plan, n);                                 \
            room += height_stride * plan->n_heights;                                               \
            to += (size_t)plan->step * plan->stride;                                               \
        }                                                                                          \
    }                                                                                              \
    static void disk_sums_##bits(counts_##bits *sums, counts_##bits *room,                         \
                                 const counts_##bits *buffer,                                      \
                                 const struct bragg_sums_plan *shared)                             \
    {                                                                                              \
        const uint32_t lanes = LANES_OF(bits), block = BRAGG_TOGETHER * lanes;                     \
        const struct bragg_sums_plan own = *shared, *const plan = &own;                            \
        const uint32_t n_rows = (plan->rows + plan->step - 1) / plan->step;                        \
        counts_##bits *const at = room + BRAGG_BORDER;                                             \
        for (uint32_t first = 0; first < n_rows; first += BRAGG_SUMS_ROWS) {                       \
            const uint32_t n =                                                                     \
                n_rows - first < BRAGG_SUMS_ROWS ? n_rows - first : BRAGG_SUMS_ROWS;               \
            const uint32_t row = first * plan->step;                                               \
            const counts_##bits *const pixels =                                                    \
                buffer + (plan->border + (size_t)row) * plan->buffer_stride + BRAGG_BORDER;        \
            counts_##bits *const to = sums + (size_t)row * plan->stride;                           \
            uint32_t x = 0;                                                                        \
            for (; x + block <= plan->stride; x += block)                                          \
                column_rows_##bits(at + x, pixels + x, plan, n, BRAGG_TOGETHER);                   \
            BRAGG_FOR_REST((plan->stride - x) / lanes, column_rows_##bits, at + x, pixels + x);    \
            for (x = 0; x + block <= plan->stride; x += block)                                     \
                over_rows_##bits(to + x, at + x, plan, n, BRAGG_TOGETHER);                         \
            BRAGG_FOR_REST((plan->stride - x) / lanes, over_rows_##bits, to + x, at + x);          \
        }                                                                                          \
    }

PIXEL_LOADER(8, 16)
PIXEL_LOADER(16, 16)
PIXEL_LOADER(32, 32)
DISK_SUMS(16)
DISK_SUMS(32)

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
        .fit_background = fit_background, .disk_sums_16 = disk_sums_16,                            \
        .disk_sums_32 = disk_sums_32, .screen_16 = screen_16, .screen_32 = screen_32,              \
        .drop_lower_16 = drop_lower_16, .drop_lower_32 = drop_lower_32                             \
    }
