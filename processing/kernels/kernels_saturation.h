#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/cpu.h"
#include "processing/kernels/kernels_choose.h"

/* Inner loops that look for pixels at full scale of the counter. As kernels.h. */
struct saturation_kernels {
    /* How many of n_pixels are at least `full`, which is not 0 and fits a pixel. */
    uint64_t (*count)(const void *image, size_t n_pixels, uint32_t full);

    /* counts[i] += 1 where pixel i is. */
    void (*add)(uint32_t *restrict counts, const void *restrict image, size_t n_pixels,
                uint32_t full);
};

/* The kernels for pixels of 1, 2 or 4 bytes, NULL for others. The processor must have `isa`. */
const struct saturation_kernels *saturation_kernels_for(enum cpu_isa isa, uint32_t pixel_size);

/* What saturation_kernels_for chooses from: the order is 1, 2, 4 bytes. */
extern const struct saturation_kernels saturation_kernels_plain[KERNELS_PIXEL_SIZES];
extern const struct saturation_kernels saturation_kernels_avx2[KERNELS_PIXEL_SIZES];
extern const struct saturation_kernels saturation_kernels_avx512[KERNELS_PIXEL_SIZES];
