#pragma once

#include "processing/kernels/kernels_squares.h"

/* Included once by the file of each instruction set, whose compiler flags make the difference: the
 * compiler vectorises these as well as a person would. */

static void maximum_u8(void *restrict maximum, const void *restrict image, size_t n_pixels)
{
    uint8_t *restrict const largest = maximum;
    const uint8_t *restrict const pixels = image;
    for (size_t i = 0; i < n_pixels; i++)
        largest[i] = pixels[i] > largest[i] ? pixels[i] : largest[i];
}

static void maximum_u16(void *restrict maximum, const void *restrict image, size_t n_pixels)
{
    uint16_t *restrict const largest = maximum;
    const uint16_t *restrict const pixels = image;
    for (size_t i = 0; i < n_pixels; i++)
        largest[i] = pixels[i] > largest[i] ? pixels[i] : largest[i];
}

static void maximum_u32(void *restrict maximum, const void *restrict image, size_t n_pixels)
{
    uint32_t *restrict const largest = maximum;
    const uint32_t *restrict const pixels = image;
    for (size_t i = 0; i < n_pixels; i++)
        largest[i] = pixels[i] > largest[i] ? pixels[i] : largest[i];
}

static void pairs_u8(void *restrict sums, void *restrict pairs, const void *restrict image,
                     size_t n_pixels)
{
    uint16_t *restrict const sum = sums;
    uint32_t *restrict const pair = pairs;
    const uint8_t *restrict const pixels = image;
    for (size_t i = 0; i < n_pixels; i++) {
        const uint16_t n = pixels[i];
        sum[i] = (uint16_t)(sum[i] + n);
        pair[i] += (uint16_t)(n * n - n);
    }
}

static void pairs_u16(void *restrict sums, void *restrict pairs, const void *restrict image,
                      size_t n_pixels)
{
    uint32_t *restrict const sum = sums;
    uint64_t *restrict const pair = pairs;
    const uint16_t *restrict const pixels = image;
    for (size_t i = 0; i < n_pixels; i++) {
        const uint32_t n = pixels[i];
        sum[i] += n;
        pair[i] += n * n - n;
    }
}

static void pairs_u32(void *restrict sums, void *restrict pairs, const void *restrict image,
                      size_t n_pixels)
{
    uint64_t *restrict const sum = sums;
    uint64_t *restrict const low = pairs;
    uint64_t *restrict const high = low + n_pixels;
    const uint32_t *restrict const pixels = image;
    for (size_t i = 0; i < n_pixels; i++) {
        const uint64_t n = pixels[i];
        sum[i] += n;
        low[i] += (uint32_t)(n * n - n);
        high[i] += (n * n - n) >> 32;
    }
}
