#include "processing/kernels/kernels_saturation.h"

#define SATURATION(bits)                                                                           \
    static uint64_t count_u##bits(const void *image, size_t n_pixels, uint32_t full)               \
    {                                                                                              \
        const uint##bits##_t *const pixels = image;                                                \
        uint64_t count = 0;                                                                        \
        for (size_t i = 0; i < n_pixels; i++)                                                      \
            count += pixels[i] >= full;                                                            \
        return count;                                                                              \
    }                                                                                              \
    static void add_u##bits(uint32_t *restrict counts, const void *restrict image,                 \
                            size_t n_pixels, uint32_t full)                                        \
    {                                                                                              \
        const uint##bits##_t *const pixels = image;                                                \
        for (size_t i = 0; i < n_pixels; i++)                                                      \
            counts[i] += pixels[i] >= full;                                                        \
    }

SATURATION(8)
SATURATION(16)
SATURATION(32)

const struct saturation_kernels saturation_kernels_plain[KERNELS_PIXEL_SIZES] = {
    {count_u8, add_u8},
    {count_u16, add_u16},
    {count_u32, add_u32},
};
