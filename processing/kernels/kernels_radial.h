#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/cpu.h"
#include "processing/kernels/kernels_choose.h"
#include "processing/pixels/radial_bins.h"
#include "processing/pixels/radial_plan.h"

/*
 * The inner loops of radial profiles: counts, and squares of counts, of each ring of a frame. As
 * kernels.h: integer arithmetic, every version gives the same to the last bit, any address that is
 * a multiple of the pixel size, nothing outside the frame is read.
 */
struct radial_kernels {
    /* counts[bin] = sum of n, for plan->bins->n_bins bins. */
    void (*counts)(const struct radial_plan *plan, const void *image, uint64_t *counts);

    /* The same and squares[bin] = sum of n^2, modulo 2^64. */
    void (*squares)(const struct radial_plan *plan, const void *image, uint64_t *counts,
                    uint64_t *squares);
};

/* The kernels for pixels of 1, 2 or 4 bytes, NULL for others. The processor must have `isa`. */
const struct radial_kernels *radial_kernels_for(enum cpu_isa isa, uint32_t pixel_size);

/* Whether these kernels need the tiles of a plan (radial_plan_init). */
bool radial_kernels_need_tiles(enum cpu_isa isa);

/* What radial_kernels_for chooses from: the order is 1, 2, 4 bytes. */
extern const struct radial_kernels radial_kernels_plain[KERNELS_PIXEL_SIZES];
extern const struct radial_kernels radial_kernels_avx2[KERNELS_PIXEL_SIZES];
extern const struct radial_kernels radial_kernels_avx512[KERNELS_PIXEL_SIZES];
