#pragma once

#include <stddef.h>
#include <stdint.h>

/* For kernels that make a loop for each pixel size: `pixel_size` is a constant where it is used. */
#define PIXEL_INLINE static inline __attribute__((always_inline))

PIXEL_INLINE uint64_t pixel_value(const void *image, size_t i, uint32_t pixel_size)
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
