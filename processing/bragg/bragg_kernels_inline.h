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

typedef uint8_t lanes_8 __attribute__((vector_size(BRAGG_VECTOR_SIZE), aligned(1), may_alias));
typedef uint16_t lanes_16 __attribute__((vector_size(BRAGG_VECTOR_SIZE), aligned(2), may_alias));
typedef uint32_t lanes_32 __attribute__((vector_size(BRAGG_VECTOR_SIZE), aligned(4), may_alias));

/* Rows go in whole vectors, which may reach beyond the rectangle (masked) but never beyond the
 * image. Where counts may be more than the buffer holds, lane by lane what bits they have. */
#define PIXEL_LOADER(bits, into, limit)                                                            \
    BRAGG_INLINE void load_row_##bits##_to_##into(                                                 \
        counts_##into *restrict to, counts_##bits *restrict all,                                   \
        const counts_##bits *restrict pixels, const uint8_t *restrict masks, uint32_t n)           \
    {                                                                                              \
        for (uint32_t x = 0; x < n; x++) {                                                         \
            const counts_##bits counts = pixels[x] & (counts_##bits)(int8_t)masks[x];              \
            to[x] = (counts_##into)(counts < (limit) ? counts : (limit));                          \
            if ((bits) > (into))                                                                   \
                all[x % BRAGG_LANES] |= counts;                                                    \
        }                                                                                          \
    }                                                                                              \
    static uint32_t load_##bits##_to_##into(counts_##into *buffer, const struct bragg_grid *grid,  \
                                            const uint8_t *mask, const void *image)                \
    {                                                                                              \
        const size_t n_pixels = (size_t)grid->frame_height * grid->frame_width;                    \
        counts_##bits all[BRAGG_LANES] = {0};                                                      \
        uint32_t most = 0;                                                                         \
        for (uint32_t row = 0; row < grid->rows; row++) {                                          \
            const size_t first = bragg_frame_at(grid, row, 0);                                     \
            counts_##into *const to = buffer + bragg_buffer_at(grid, (int)row, 0);                 \
            const counts_##bits *const pixels = (const counts_##bits *)image + first;              \
            const uint8_t *const masks = mask + bragg_map_at(grid, row, 0);                        \
            const bool is_whole = first + grid->stride <= n_pixels;                                \
            for (uint32_t x = 0; is_whole && x < grid->stride; x += BRAGG_LANES)                   \
                load_row_##bits##_to_##into(to + x, all, pixels + x, masks + x, BRAGG_LANES);      \
            if (!is_whole)                                                                         \
                load_row_##bits##_to_##into(to, all, pixels, masks, grid->columns);                \
        }                                                                                          \
        for (uint32_t x = 0; x < BRAGG_LANES; x++)                                                 \
            most |= all[x];                                                                        \
        return most;                                                                               \
    }

/* Along columns for each height, the next from the one before, then those of each height over its
 * columns: some rows of the one before the same rows of the other, since a load that spans two
 * stores waits until both have left the store buffer. Up to BRAGG_TOGETHER rows go side by side, so
 * that the loops over so few rows and columns cost less than the sums. */
#define BRAGG_TOGETHER 4

/* Calls `sums` for n rows, with a constant number of them each time. */
#define BRAGG_FOR_ROWS(n, sums, to, to_row, from, from_row)                                        \
    do {                                                                                           \
        uint32_t done = 0;                                                                         \
        for (; done + BRAGG_TOGETHER <= (n); done += BRAGG_TOGETHER)                               \
            sums((to) + done * (to_row), (from) + done * (from_row), plan, BRAGG_TOGETHER);        \
        if ((n)-done == 3)                                                                         \
            sums((to) + done * (to_row), (from) + done * (from_row), plan, 3);                     \
        else if ((n)-done == 2)                                                                    \
            sums((to) + done * (to_row), (from) + done * (from_row), plan, 2);                     \
        else if ((n)-done == 1)                                                                    \
            sums((to) + done * (to_row), (from) + done * (from_row), plan, 1);                     \
    } while (0)

#define LANES_OF(bits) (8 * BRAGG_VECTOR_SIZE / (bits))

#define ADD_16(a, b) ((a) + (b))
#define ADD_32(a, b) ((a) + (b))

#define DISK_SUMS(bits)                                                                            \
    BRAGG_INLINE void column_sums_##bits(counts_##bits *room, const counts_##bits *pixels,         \
                                         const struct bragg_sums_plan *plan, const uint32_t n)     \
    {                                                                                              \
        const size_t row = (size_t)plan->step * plan->buffer_stride;                               \
        const size_t room_row = bragg_sums_row_room(plan) * plan->n_heights;                       \
        const size_t below = plan->buffer_stride;                                                  \
        const counts_##bits *above = pixels, *under = pixels;                                      \
        lanes_##bits sum[BRAGG_TOGETHER];                                                          \
        for (uint32_t v = 0; v < n; v++)                                                           \
            sum[v] = *(const lanes_##bits *)(pixels + v * row);                                    \
        int half = 0;                                                                              \
        for (uint32_t i = 0; i < plan->n_heights; i++, room += bragg_sums_row_room(plan)) {        \
            for (; half < plan->half_height[i]; half++) {                                          \
                above -= below;                                                                    \
                under += below;                                                                    \
                for (uint32_t v = 0; v < n; v++)                                                   \
                    sum[v] =                                                                       \
                        ADD_##bits(sum[v], ADD_##bits(*(const lanes_##bits *)(above + v * row),    \
                                                      *(const lanes_##bits *)(under + v * row)));  \
            }                                                                                      \
            for (uint32_t v = 0; v < n; v++)                                                       \
                *(lanes_##bits *)(room + v * room_row) = sum[v];                                   \
        }                                                                                          \
    }                                                                                              \
    BRAGG_INLINE void over_columns_##bits(counts_##bits *to, const counts_##bits *room,            \
                                          const struct bragg_sums_plan *plan, const uint32_t n)    \
    {                                                                                              \
        const size_t row = (size_t)plan->step * plan->stride;                                      \
        const size_t room_row = bragg_sums_row_room(plan) * plan->n_heights;                       \
        lanes_##bits sum[BRAGG_TOGETHER] = {{0}};                                                  \
        int dx = plan->reach;                                                                      \
        for (uint32_t i = 0; i < plan->n_heights; i++, room += bragg_sums_row_room(plan)) {        \
            const int next = i + 1 < plan->n_heights ? plan->last_column[i + 1] : 0;               \
            for (; dx > next; dx--) {                                                              \
                for (uint32_t v = 0; v < n; v++)                                                   \
                    sum[v] = ADD_##bits(                                                           \
                        sum[v], ADD_##bits(*(const lanes_##bits *)(room + v * room_row + dx),      \
                                           *(const lanes_##bits *)(room + v * room_row - dx)));    \
            }                                                                                      \
        }                                                                                          \
        room -= bragg_sums_row_room(plan);                                                         \
        for (uint32_t v = 0; v < n; v++)                                                           \
            *(lanes_##bits *)(to + v * row) =                                                      \
                ADD_##bits(sum[v], *(const lanes_##bits *)(room + v * room_row));                  \
    }                                                                                              \
    static void disk_sums_##bits(counts_##bits *sums, counts_##bits *room,                         \
                                 const counts_##bits *buffer,                                      \
                                 const struct bragg_sums_plan *shared)                             \
    {                                                                                              \
        const uint32_t lanes = LANES_OF(bits);                                                     \
        const struct bragg_sums_plan own = *shared, *const plan = &own;                            \
        const uint32_t n_rows = (plan->rows + plan->step - 1) / plan->step;                        \
        const size_t room_row = bragg_sums_row_room(plan) * plan->n_heights;                       \
        const size_t pixel_row = (size_t)plan->step * plan->buffer_stride;                         \
        const size_t sums_row = (size_t)plan->step * plan->stride;                                 \
        const counts_##bits *pixels =                                                              \
            buffer + (size_t)plan->border * plan->buffer_stride + BRAGG_BORDER;                    \
        for (uint32_t first = 0; first < n_rows; first += BRAGG_SUMS_ROWS) {                       \
            const uint32_t n =                                                                     \
                n_rows - first < BRAGG_SUMS_ROWS ? n_rows - first : BRAGG_SUMS_ROWS;               \
            for (uint32_t x = 0; x < plan->stride; x += lanes) {                                   \
                /* The last vector may repeat some of the one before. */                           \
                const uint32_t at = x + lanes <= plan->stride ? x : plan->stride - lanes;          \
                BRAGG_FOR_ROWS(n, column_sums_##bits, room + BRAGG_BORDER + at, room_row,          \
                               pixels + at, pixel_row);                                            \
            }                                                                                      \
            for (uint32_t x = 0; x < plan->stride; x += lanes) {                                   \
                const uint32_t at = x + lanes <= plan->stride ? x : plan->stride - lanes;          \
                BRAGG_FOR_ROWS(n, over_columns_##bits, sums + at, sums_row,                        \
                               room + BRAGG_BORDER + at, room_row);                                \
            }                                                                                      \
            pixels += n * pixel_row;                                                               \
            sums += n * sums_row;                                                                  \
        }                                                                                          \
    }

PIXEL_LOADER(8, 8, UINT8_MAX)
PIXEL_LOADER(16, 8, UINT8_MAX)
PIXEL_LOADER(16, 16, UINT16_MAX)
PIXEL_LOADER(32, 32, UINT32_MAX)

static void load_8(uint8_t *bytes, const struct bragg_grid *grid, const uint8_t *mask,
                   const void *image)
{
    load_8_to_8(bytes, grid, mask, image);
}

static bool load_16_to_bytes(uint8_t *bytes, const struct bragg_grid *grid, const uint8_t *mask,
                             const void *image)
{
    return load_16_to_8(bytes, grid, mask, image) <= UINT8_MAX;
}

static void load_16(uint16_t *buffer, const struct bragg_grid *grid, const uint8_t *mask,
                    const void *image)
{
    load_16_to_16(buffer, grid, mask, image);
}

static void load_32(uint32_t *buffer, const struct bragg_grid *grid, const uint8_t *mask,
                    const void *image)
{
    load_32_to_32(buffer, grid, mask, image);
}

/* By find_above, which tells those of BRAGG_LANES places that are above their limits. */
#define SCREEN(bits)                                                                               \
    static size_t screen_##bits(struct bragg_block *blocks, const counts_##bits *sums,             \
                                const uint8_t *cell, const struct bragg_sums_plan *plan,           \
                                const counts_##bits limits[BRAGG_CELLS])                           \
    {                                                                                              \
        const uint32_t n_rows = plan->rows, stride = plan->stride, step = plan->step;              \
        size_t found = 0;                                                                          \
        for (uint32_t row = 0; row < n_rows; row += step) {                                        \
            for (uint32_t at = row * stride; at < (row + 1) * stride; at += BRAGG_LANES) {         \
                const uint32_t which = find_above_##bits(sums + at, cell + at, limits);            \
                blocks[found] = (struct bragg_block){at, which};                                   \
                found += which != 0;                                                               \
            }                                                                                      \
        }                                                                                          \
        return found;                                                                              \
    }

#define HIGHEST_AROUND(bits)                                                                       \
    static uint32_t highest_around_##bits(const counts_##bits *pixels, size_t stride, int reach)   \
    {                                                                                              \
        const int lanes = LANES_OF(bits);                                                          \
        counts_##bits highest = 0;                                                                 \
        lanes_##bits most = {0};                                                                   \
        const counts_##bits *row = pixels - (size_t)reach * stride - reach;                        \
        for (int dy = -reach; dy <= reach; dy++, row += stride) {                                  \
            for (int x = 0; x <= 2 * reach; x += lanes) {                                          \
                const lanes_##bits counts = *(const lanes_##bits *)(row + x);                      \
                const lanes_##bits above = (lanes_##bits)(counts > most);                          \
                most = (counts & above) | (most & ~above);                                         \
            }                                                                                      \
        }                                                                                          \
        for (int i = 0; i < lanes; i++)                                                            \
            highest = most[i] > highest ? most[i] : highest;                                       \
        return highest;                                                                            \
    }

HIGHEST_AROUND(16)
HIGHEST_AROUND(32)

DISK_SUMS(8)
DISK_SUMS(16)
DISK_SUMS(32)

static void narrow_buffer(uint16_t *restrict narrow, const uint32_t *restrict wide, size_t n)
{
    for (size_t i = 0; i < n; i++)
        narrow[i] = (uint16_t)wide[i];
}

static void widen_8_bits(uint16_t *restrict narrow, const uint8_t *restrict bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        narrow[i] = bytes[i];
}

static void widen_16_bits(uint32_t *restrict wide, const uint16_t *restrict narrow, size_t n)
{
    for (size_t i = 0; i < n; i++)
        wide[i] = narrow[i];
}

#define BRAGG_KERNELS                                                                              \
    {                                                                                              \
        .load_8 = load_8, .load_16_to_bytes = load_16_to_bytes, .load_16 = load_16,                \
        .load_32 = load_32, .narrow = narrow_buffer, .widen_8 = widen_8_bits,                      \
        .widen_16 = widen_16_bits, .sum_parts_8 = sum_parts_8, .sum_parts_16 = sum_parts_16,       \
        .sum_parts_32 = sum_parts_32, .fit_background = fit_background,                            \
        .disk_sums_8 = disk_sums_8, .any_above_8 = any_above_8, .disk_sums_16 = disk_sums_16,      \
        .disk_sums_32 = disk_sums_32, .screen_16 = screen_16, .screen_32 = screen_32,              \
        .drop_lower_16 = drop_lower_16, .drop_lower_32 = drop_lower_32,                            \
        .highest_around_16 = highest_around_16, .highest_around_32 = highest_around_32,            \
        .excess_16 = excess_16, .excess_32 = excess_32                                             \
    }
