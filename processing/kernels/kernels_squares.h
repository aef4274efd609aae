#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/cpu.h"
#include "processing/kernels/kernels_choose.h"

/* Inner loops of patterns: what is done with each pixel for itself. As kernels.h. */
struct square_kernels {
    /* maximum[i] = the larger of maximum[i] and image[i], both of the image's pixel size. */
    void (*maximum)(void *restrict maximum, const void *restrict image, size_t n_pixels);

    /*
     * sums[i] += n, pairs[i] += n(n - 1): the sum of n^2 is that of both, and where a pixel has at
     * most one count, as nearly all have at low doses, there are none (kernels_events.h). Sums are
     * twice as wide as pixels, pairs four times: 4 bytes, 8, and for pixels of 4 bytes two
     * uint64_t[n_pixels] one after the other: sums of the lower and of the upper 32 bits.
     */
    void (*accumulate)(void *restrict sums, void *restrict pairs, const void *restrict image,
                       size_t n_pixels);
};

/* The kernels for pixels of 1, 2 or 4 bytes, NULL for others. The processor must have `isa`. */
const struct square_kernels *square_kernels_for(enum cpu_isa isa, uint32_t pixel_size);

/* What square_kernels_for chooses from: the order is 1, 2, 4 bytes. */
extern const struct square_kernels square_kernels_plain[KERNELS_PIXEL_SIZES];
extern const struct square_kernels square_kernels_avx2[KERNELS_PIXEL_SIZES];
extern const struct square_kernels square_kernels_avx512[KERNELS_PIXEL_SIZES];
