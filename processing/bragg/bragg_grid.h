#pragma once

#include <stddef.h>
#include <stdint.h>

#include "processing/bragg/bragg_disk.h"

/*
 * The rectangle round the annulus, and how patterns lie in memory while they are searched. Maps are
 * [rows][stride]. The buffer of pixels has a border of zeros as wide as the largest disk reaches:
 * the right border of a row is the left one of the next. Buffers come in 16 and in 32 bits a pixel.
 */
#define BRAGG_LANES 32           /* rows of maps are whole vectors of the kernels */
#define BRAGG_BORDER BRAGG_LANES /* columns; at least the reach of any disk */

struct bragg_grid {
    uint32_t top, left;     /* in the frame */
    uint32_t rows, columns; /* of the rectangle */
    uint32_t stride;        /* of maps */
    uint32_t border;        /* rows above and below in the buffer */
    uint32_t buffer_stride;
    size_t map_size, buffer_size; /* elements */
    uint32_t frame_height, frame_width;
};

void bragg_grid_init(struct bragg_grid *grid, const struct bragg_settings *settings,
                     uint32_t height, uint32_t width, uint32_t reach);

/* Where a pixel of the rectangle (or of its border, negative) is in the buffer. */
static inline size_t bragg_buffer_at(const struct bragg_grid *grid, int row, int column)
{
    return (size_t)((int)grid->border + row) * grid->buffer_stride + BRAGG_BORDER +
           (size_t)(ptrdiff_t)column;
}

static inline size_t bragg_map_at(const struct bragg_grid *grid, uint32_t row, uint32_t column)
{
    return (size_t)row * grid->stride + column;
}

static inline size_t bragg_frame_at(const struct bragg_grid *grid, uint32_t row, uint32_t column)
{
    return (size_t)(grid->top + row) * grid->frame_width + grid->left + column;
}
