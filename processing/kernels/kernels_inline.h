#pragma once

#include "processing/kernels/kernels.h"

/*
 * Pieces that the files of kernels share. Each file is compiled for its own instruction set, so
 * everything here is inline and `pixel_size` is a constant where it is used: the compiler makes a
 * loop for each size and vectorises it as far as that file's set allows.
 */
#define KERNEL_INLINE static inline __attribute__((always_inline))

KERNEL_INLINE uint64_t pixel_at(const void *image, size_t i, uint32_t pixel_size)
{
    switch (pixel_size) {
    case 1:
        return ((const uint8_t *)image)[i];
    case 2:
        return ((const uint16_t *)image)[i];
    default:
        return ((const uint32_t *)image)[i];
    }
}

KERNEL_INLINE uint64_t loose_sum(const struct mask *mask, const void *image, uint32_t pixel_size)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < mask->n_loose; i++)
        sum += pixel_at(image, mask->loose[i], pixel_size);
    return sum;
}

KERNEL_INLINE uint64_t loose_weighted_sum(const struct mask_weights *mask, const void *image,
                                          uint32_t pixel_size)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < mask->n_loose; i++)
        sum += (uint64_t)mask->loose[i].weight * pixel_at(image, mask->loose[i].pixel, pixel_size);
    return sum;
}

/* A rectangle cut out of an image. */
struct patch {
    const uint8_t *start;   /* of its first row */
    size_t stride;          /* bytes from row to row */
    uint32_t rows, columns; /* pixels */
};

KERNEL_INLINE struct patch whole_image(const void *image, uint32_t height, uint32_t width,
                                       uint32_t pixel_size)
{
    return (struct patch){image, (size_t)width * pixel_size, height, width};
}

/* Moments of a patch, y and x counted from its first row and column. */
KERNEL_INLINE struct moments patch_moments(const struct patch *patch, uint32_t pixel_size)
{
    struct moments moments = {0};
    for (uint32_t y = 0; y < patch->rows; y++) {
        const uint8_t *const row = patch->start + y * patch->stride;
        uint64_t row_sum = 0;
        for (uint32_t x = 0; x < patch->columns; x++) {
            const uint64_t counts = pixel_at(row, x, pixel_size);
            row_sum += counts;
            moments.x += x * counts;
        }
        moments.sum += row_sum;
        moments.y += y * row_sum;
    }
    return moments;
}

/* Adds moments whose y and x were counted from (y, x). */
KERNEL_INLINE void moments_add_at(struct moments *moments, const struct moments *part, uint32_t y,
                                  uint32_t x)
{
    moments->sum += part->sum;
    moments->y += part->y + y * part->sum;
    moments->x += part->x + x * part->sum;
}

/* Adds `value` to every pixel, after the fact. */
KERNEL_INLINE void moments_add_level(struct moments *moments, uint64_t value, uint64_t rows,
                                     uint64_t columns)
{
    moments->sum += value * rows * columns;
    moments->y += value * columns * (rows * (rows - 1) / 2);
    moments->x += value * rows * (columns * (columns - 1) / 2);
}

typedef struct moments (*patch_moments_fn)(const struct patch *patch);

/* Patches are of whole vectors and of at most rows x columns, small enough for narrow sums. */
struct patch_limits {
    uint32_t rows, columns, vector_pixels;
};

/* Moments of the columns from first_column on, which fill no vector, in plain C. */
KERNEL_INLINE void moments_add_rest(struct moments *moments, const struct patch *image,
                                    uint32_t pixel_size, uint32_t first_column)
{
    struct patch rest = *image;
    rest.start += (size_t)first_column * pixel_size;
    rest.columns -= first_column;
    const struct moments of_rest = patch_moments(&rest, pixel_size);
    moments_add_at(moments, &of_rest, 0, first_column);
}

/* Moments of an image from those of its patches. */
KERNEL_INLINE void moments_by_patches(struct moments *moments, const struct patch *image,
                                      uint32_t pixel_size, struct patch_limits limits,
                                      patch_moments_fn of_patch)
{
    const uint32_t vector_columns = image->columns - image->columns % limits.vector_pixels;
    *moments = (struct moments){0};
    if (vector_columns < image->columns)
        moments_add_rest(moments, image, pixel_size, vector_columns);
    for (uint32_t y = 0; y < image->rows; y += limits.rows) {
        for (uint32_t x = 0; x < vector_columns; x += limits.columns) {
            const struct patch patch = {
                .start = image->start + y * image->stride + (size_t)x * pixel_size,
                .stride = image->stride,
                .rows = image->rows - y < limits.rows ? image->rows - y : limits.rows,
                .columns =
                    vector_columns - x < limits.columns ? vector_columns - x : limits.columns,
            };
            const struct moments part = of_patch(&patch);
            moments_add_at(moments, &part, y, x);
        }
    }
}

/* The rest has no intrinsics: the compiler vectorises it as well as a person would. */

static void accumulate_u8(void *restrict tile, const void *restrict image, size_t n_pixels)
{
    uint16_t *restrict const sums = tile;
    const uint8_t *restrict const pixels = image;
    for (size_t i = 0; i < n_pixels; i++)
        sums[i] = (uint16_t)(sums[i] + pixels[i]);
}

static void accumulate_u16(void *restrict tile, const void *restrict image, size_t n_pixels)
{
    uint32_t *restrict const sums = tile;
    const uint16_t *restrict const pixels = image;
    for (size_t i = 0; i < n_pixels; i++)
        sums[i] += pixels[i];
}

static void accumulate_u32(void *restrict tile, const void *restrict image, size_t n_pixels)
{
    uint64_t *restrict const sums = tile;
    const uint32_t *restrict const pixels = image;
    for (size_t i = 0; i < n_pixels; i++)
        sums[i] += pixels[i];
}

static void widen_u8(uint64_t *restrict sums, const void *restrict tile, size_t n_pixels)
{
    const uint16_t *restrict const narrow = tile;
    for (size_t i = 0; i < n_pixels; i++)
        sums[i] += narrow[i];
}

static void widen_u16(uint64_t *restrict sums, const void *restrict tile, size_t n_pixels)
{
    const uint32_t *restrict const narrow = tile;
    for (size_t i = 0; i < n_pixels; i++)
        sums[i] += narrow[i];
}

static void widen_u32(uint64_t *restrict sums, const void *restrict tile, size_t n_pixels)
{
    const uint64_t *restrict const narrow = tile;
    for (size_t i = 0; i < n_pixels; i++)
        sums[i] += narrow[i];
}
