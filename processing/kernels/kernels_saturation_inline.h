#pragma once

#include <string.h>

#include "processing/kernels/kernels_saturation.h"

/*
 * The kernels of each instruction set, in the compiler's own vectors of SATURATION_VECTOR bytes,
 * which is a register: wider ones gcc 12 takes to pieces. A comparison gives -1 in each lane where
 * it holds; a lane counts in a pixel's own width, so it is emptied before it can overflow.
 */
typedef uint8_t lanes_u8 __attribute__((vector_size(SATURATION_VECTOR)));
typedef uint16_t lanes_u16 __attribute__((vector_size(SATURATION_VECTOR)));
typedef uint32_t lanes_u32 __attribute__((vector_size(SATURATION_VECTOR)));

#define SATURATION_COUNT(bits, most)                                                               \
    static uint64_t count_u##bits(const void *image, size_t n_pixels, uint32_t full)               \
    {                                                                                              \
        enum { LANES = 8 * SATURATION_VECTOR / (bits) };                                           \
        const uint##bits##_t *at = image, *const end = at + n_pixels;                              \
        const lanes_u##bits limit = (lanes_u##bits){0} + (uint##bits##_t)full;                     \
        uint64_t count = 0;                                                                        \
        while (end - at >= LANES) {                                                                \
            lanes_u##bits in_lane = {0};                                                           \
            for (uint32_t i = 0; i < (most) && end - at >= LANES; i++, at += LANES) {              \
                lanes_u##bits pixels;                                                              \
                memcpy(&pixels, at, sizeof pixels);                                                \
                in_lane -= (lanes_u##bits)(pixels >= limit);                                       \
            }                                                                                      \
            for (unsigned i = 0; i < LANES; i++)                                                   \
                count += in_lane[i];                                                               \
        }                                                                                          \
        for (; at < end; at++)                                                                     \
            count += *at >= full;                                                                  \
        return count;                                                                              \
    }

SATURATION_COUNT(8, UINT8_MAX)
SATURATION_COUNT(16, UINT16_MAX)
SATURATION_COUNT(32, UINT32_MAX)

#define SATURATION_ADD(bits)                                                                       \
    static void add_u##bits(uint32_t *restrict counts, const void *restrict image,                 \
                            size_t n_pixels, uint32_t full)                                        \
    {                                                                                              \
        const uint##bits##_t *const pixels = image;                                                \
        for (size_t i = 0; i < n_pixels; i++)                                                      \
            counts[i] += pixels[i] >= full;                                                        \
    }

SATURATION_ADD(8)
SATURATION_ADD(16)
SATURATION_ADD(32)
