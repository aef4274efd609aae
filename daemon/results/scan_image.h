#pragma once

#include <stdint.h>

/*
 * An image of another detector, in pixels of its own, on the positions of a scan of the same field:
 * values[ny][nx], the mean of pixels[height][width] over the part of the image that belongs to each
 * position, pixels at its border by the part of them that lies in it. The field is shifted by
 * (shift_y, shift_x) positions: position (y, x) shows what lies at (y + shift_y, x + shift_x) of
 * the image. NAN where less than half of the part lies in the image, or its pixels are NAN.
 */
struct scan_image {
    const double *pixels;
    uint32_t height, width;
};

void scan_image_values(double *values, const struct scan_image *image, uint32_t ny, uint32_t nx,
                       double shift_y, double shift_x);
