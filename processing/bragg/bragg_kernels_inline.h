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

#define PART_SUMS(bits, type)                                                                      \
    static void sum_parts_##bits(uint32_t *sums, const uint32_t *part_start, uint32_t n_parts,     \
                                 const uint32_t *pixels, const type *buffer)                       \
    {                                                                                              \
        for (uint32_t i = 0; i < n_parts; i++) {                                                   \
            uint32_t sum = 0;                                                                      \
            for (uint32_t j = part_start[i]; j < part_start[i + 1]; j++)                           \
                sum += buffer[pixels[j]];                                                          \
            sums[i] = sum;                                                                         \
        }                                                                                          \
    }

/* One row of sums: along columns for each height, the next from the one before, then those of each
 * height over its columns. */
#define DISK_SUMS(bits, type)                                                                      \
    BRAGG_INLINE void column_sums_##bits(type *room, size_t room_stride, const type *pixels,       \
                                         const struct bragg_sums_plan *plan)                       \
    {                                                                                              \
        const size_t below = plan->buffer_stride;                                                  \
        lanes_##bits sum = *(const lanes_##bits *)pixels;                                          \
        int half = 0;                                                                              \
        for (uint32_t i = 0; i < plan->n_heights; i++, room += room_stride) {                      \
            for (; half < plan->half_height[i]; half++) {                                          \
                const size_t away = (size_t)(half + 1) * below;                                    \
                sum += *(const lanes_##bits *)(pixels + away) +                                    \
                       *(const lanes_##bits *)(pixels - away);                                     \
            }                                                                                      \
            *(lanes_##bits *)room = sum;                                                           \
        }                                                                                          \
    }                                                                                              \
    BRAGG_INLINE void over_columns_##bits(type *to, const type *room, size_t room_stride,          \
                                          const struct bragg_sums_plan *plan)                      \
    {                                                                                              \
        lanes_##bits sum = {0};                                                                    \
        int dx = plan->reach;                                                                      \
        for (uint32_t i = 0; i < plan->n_heights; i++, room += room_stride) {                      \
            const int next = i + 1 < plan->n_heights ? plan->last_column[i + 1] : 0;               \
            for (; dx > next; dx--)                                                                \
                sum += *(const lanes_##bits *)(room + dx) + *(const lanes_##bits *)(room - dx);    \
        }                                                                                          \
        *(lanes_##bits *)to = sum + *(const lanes_##bits *)(room - room_stride);                   \
    }                                                                                              \
    static void disk_sums_##bits(type *sums, type *room, const type *buffer,                       \
                                 const struct bragg_sums_plan *plan)                               \
    {                                                                                              \
        const uint32_t lanes = 64 / sizeof(type);                                                  \
        const size_t room_stride = plan->stride + 2 * BRAGG_BORDER;                                \
        for (uint32_t row = 0; row < plan->rows; row += plan->step) {                              \
            const type *const pixels =                                                             \
                buffer + (size_t)(plan->border + row) * plan->buffer_stride + BRAGG_BORDER;        \
            type *const to = sums + (size_t)row * plan->stride;                                    \
            for (uint32_t x = 0; x < plan->stride; x += lanes)                                     \
                column_sums_##bits(room + BRAGG_BORDER + x, room_stride, pixels + x, plan);        \
            for (uint32_t x = 0; x < plan->stride; x += lanes)                                     \
                over_columns_##bits(to + x, room + BRAGG_BORDER + x, room_stride, plan);           \
        }                                                                                          \
    }

PIXEL_LOADER(8, uint8_t, uint16_t)
PIXEL_LOADER(16, uint16_t, uint16_t)
PIXEL_LOADER(32, uint32_t, uint32_t)
PART_SUMS(16, uint16_t)
PART_SUMS(32, uint32_t)
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
