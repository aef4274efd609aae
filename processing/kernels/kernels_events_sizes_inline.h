#pragma once

#include "processing/kernels/kernels_events.h"

/* For the end of each instruction set's file, after its `list`: one function for each size of a
 * pixel, so that the size is a constant in the loops. */

static size_t list_u8(uint32_t *pixels, uint32_t *more, size_t *n_more, const void *image,
                      size_t n_pixels, size_t max)
{
    return list(pixels, more, n_more, image, n_pixels, 1, max);
}

static size_t list_u16(uint32_t *pixels, uint32_t *more, size_t *n_more, const void *image,
                       size_t n_pixels, size_t max)
{
    return list(pixels, more, n_more, image, n_pixels, 2, max);
}

static size_t list_u32(uint32_t *pixels, uint32_t *more, size_t *n_more, const void *image,
                       size_t n_pixels, size_t max)
{
    return list(pixels, more, n_more, image, n_pixels, 4, max);
}
