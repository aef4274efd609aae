#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/cpu.h"
#include "processing/bragg/bragg_grid.h"
#include "processing/bragg/bragg_positions.h"

/*
 * The inner loops of the search, one version per instruction set. All of them are integer
 * arithmetic, so that every version gives the same result to the last bit. Sums have 16 bits where
 * the whole annulus holds less than 65536 counts, else 32.
 */

/* How the sums over disks of one width are made: sums along rows of each half width that the disk
 * has, then sums of those over its rows. */
struct bragg_sums_plan {
    uint32_t rows, stride, buffer_stride; /* of the grid */
    uint32_t border;                      /* of the grid */
    uint32_t step;                        /* every step-th row is wanted */
    int reach;
    uint32_t n_planes;
    int half_width[BRAGG_REACH_MAX + 1]; /* of each plane, rising */
    uint32_t plane[BRAGG_REACH_MAX + 1]; /* of the disk's row |dy| */
};
void bragg_sums_plan_init(struct bragg_sums_plan *plan, const struct bragg_grid *grid,
                          const struct bragg_disk *disk, uint32_t step);

/* Elements of the planes: [n_planes][rows + 2 reach][stride]. */
size_t bragg_planes_size(const struct bragg_sums_plan *plan);

struct bragg_kernels {
    /* Pixels of the grid's rectangle that the mask keeps, others 0, into the buffer, whose borders
     * stay as they are. Returns their sum. The order is 1, 2, 4 bytes a pixel. */
    uint64_t (*load[3])(uint32_t *buffer, const struct bragg_grid *grid, const uint32_t *mask,
                        const void *image);
    /* The buffer in 16 bits. */
    void (*narrow)(uint16_t *narrow, const uint32_t *buffer, size_t n);
    /* Sums over the disk round each pixel of every step-th row, [rows][stride]. */
    void (*disk_sums_16)(uint16_t *sums, uint16_t *planes, const uint16_t *buffer,
                         const struct bragg_sums_plan *plan);
    void (*disk_sums_32)(uint32_t *sums, uint32_t *planes, const uint32_t *buffer,
                         const struct bragg_sums_plan *plan);
    /* Where sums[i] > limits[cell[i]], rising; n is a multiple of BRAGG_LANES. Returns how many. */
    size_t (*screen_16)(uint32_t *places, const uint16_t *sums, const uint8_t *cell, size_t n,
                        const uint16_t limits[BRAGG_CELLS]);
    size_t (*screen_32)(uint32_t *places, const uint32_t *sums, const uint8_t *cell, size_t n,
                        const uint32_t limits[BRAGG_CELLS]);
};

/* The processor must have `isa`. */
const struct bragg_kernels *bragg_kernels_for(enum cpu_isa isa);

/* What bragg_kernels_for chooses from. */
extern const struct bragg_kernels bragg_kernels_plain, bragg_kernels_avx2, bragg_kernels_avx512;
