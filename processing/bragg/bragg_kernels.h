#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cpu.h"
#include "processing/bragg/bragg_background.h"
#include "processing/bragg/bragg_grid.h"
#include "processing/bragg/bragg_positions.h"

/*
 * The inner loops of the search, one version per instruction set. All but the fit of the background
 * are integer arithmetic, and that one rounds in the same order in all of them, so that every
 * version gives the same result to the last bit. Sums have 16 bits where
 * the whole annulus holds less than 65536 counts, else 32. Sums of bytes, which stop at 255, tell
 * first whether there is anything to look for.
 */

/*
 * How the sums over disks of one width are made, row by row: along columns, sums over 2 h + 1 rows
 * for each half height h that the disk has, then sums of those over its columns.
 */
struct bragg_sums_plan {
    uint32_t rows, stride, buffer_stride; /* of the grid */
    uint32_t border;                      /* of the grid */
    uint32_t step;                        /* every step-th row is wanted */
    int reach;
    uint32_t n_heights;
    int half_height[BRAGG_REACH_MAX + 1]; /* rising */
    int last_column[BRAGG_REACH_MAX + 1]; /* largest |dx| of each height, falling */
};
void bragg_sums_plan_init(struct bragg_sums_plan *plan, const struct bragg_grid *grid,
                          const struct bragg_disk *disk, uint32_t step);

/* The longest vector of bytes. */
#define BRAGG_BYTES_STRIDE 64

/* Rows whose sums along columns are made before those over columns. */
#define BRAGG_SUMS_ROWS 8

/* Elements of the room for the sums along columns: of one row and one height, and of all. */
static inline size_t bragg_sums_row_room(const struct bragg_sums_plan *plan)
{
    return plan->stride + 2 * (size_t)BRAGG_BORDER;
}

static inline size_t bragg_sums_room(const struct bragg_sums_plan *plan)
{
    return bragg_sums_row_room(plan) * BRAGG_SUMS_ROWS * plan->n_heights;
}

/* Some of BRAGG_LANES places from the first on, one bit each. */
struct bragg_block {
    uint32_t first, which;
};

/* Multiples of this many pixels are told their excess. */
#define BRAGG_EXCESS_LANES 8

/* The ratio of the background between the bands: that of each, and what it is more at the next. */
struct bragg_lines {
    double ratio[BRAGG_BANDS_MAX], more[BRAGG_BANDS_MAX];
};
static inline void bragg_lines_init(struct bragg_lines *lines, const double *ratio,
                                    uint32_t n_bands)
{
    for (uint32_t b = 0; b < n_bands; b++) {
        lines->ratio[b] = ratio[b];
        lines->more[b] = ratio[b + 1 < n_bands ? b + 1 : b] - ratio[b];
    }
}

struct bragg_kernels {
    /* Pixels of the grid's rectangle that the mask keeps, others 0, into the buffer, whose borders
     * stay as they are. Of 16 bits into bytes, more than 255 counts as 255; returns whether there
     * are none. */
    void (*load_8)(uint8_t *bytes, const struct bragg_grid *grid, const uint8_t *mask,
                   const void *image);
    bool (*load_16_to_bytes)(uint8_t *bytes, const struct bragg_grid *grid, const uint8_t *mask,
                             const void *image);
    void (*load_16)(uint16_t *buffer, const struct bragg_grid *grid, const uint8_t *mask,
                    const void *image);
    void (*load_32)(uint32_t *buffer, const struct bragg_grid *grid, const uint8_t *mask,
                    const void *image);
    /* From one buffer to the other. */
    void (*narrow)(uint16_t *narrow, const uint32_t *wide, size_t n);
    void (*widen_8)(uint16_t *narrow, const uint8_t *bytes, size_t n);
    void (*widen_16)(uint32_t *wide, const uint16_t *narrow, size_t n);
    /* sums[i] = sum of the pixels of part i. */
    void (*sum_parts_8)(uint32_t *sums, const struct bragg_background_plan *plan,
                        const uint8_t *buffer);
    void (*sum_parts_16)(uint32_t *sums, const struct bragg_background_plan *plan,
                         const uint16_t *buffer);
    void (*sum_parts_32)(uint32_t *sums, const struct bragg_background_plan *plan,
                         const uint32_t *buffer);
    /* counts, template: of the parts; `busy`: sectors that are known to hold reflections. */
    void (*fit_background)(struct bragg_background *background,
                           const struct bragg_background_plan *plan, const uint32_t *counts,
                           const double *template, uint64_t busy);
    /* Sums over the disk round each pixel of every step-th row, [rows][stride]. Of bytes, sums of
     * more than 255 are 255; rows must have at least a vector of them (BRAGG_BYTES_STRIDE). */
    void (*disk_sums_8)(uint8_t *sums, uint8_t *room, const uint8_t *buffer,
                        const struct bragg_sums_plan *plan);
    void (*disk_sums_16)(uint16_t *sums, uint16_t *room, const uint16_t *buffer,
                         const struct bragg_sums_plan *plan);
    void (*disk_sums_32)(uint32_t *sums, uint32_t *room, const uint32_t *buffer,
                         const struct bragg_sums_plan *plan);
    /* Whether there is a place where sums[i] > limits[cell[i]]; of cells and sums
     * BRAGG_BYTES_STRIDE more may be read, which must be no places. */
    bool (*any_above_8)(const uint8_t *sums, const uint8_t *cell, size_t n,
                        const uint8_t limits[BRAGG_CELLS]);
    /* Where sums[i] > limits[cell[i]], rising, in the rows that are wanted; `blocks` has room for
     * those of a map. Returns how many blocks have such a place. */
    size_t (*screen_16)(struct bragg_block *blocks, const uint16_t *sums, const uint8_t *cell,
                        const struct bragg_sums_plan *plan, const uint16_t limits[BRAGG_CELLS]);
    size_t (*screen_32)(struct bragg_block *blocks, const uint32_t *sums, const uint8_t *cell,
                        const struct bragg_sums_plan *plan, const uint32_t limits[BRAGG_CELLS]);
    /* Takes places out of n blocks that have a higher one beside them, `first` or `second` away
     * forth or back: one that has more than `slack` of their cell more counts, and more than
     * `limit`. */
    void (*drop_lower_16)(struct bragg_block *blocks, size_t n, const uint16_t *sums,
                          const uint8_t *cell, ptrdiff_t first, ptrdiff_t second,
                          const uint16_t slack[BRAGG_CELLS], const uint16_t limit[BRAGG_CELLS]);
    void (*drop_lower_32)(struct bragg_block *blocks, size_t n, const uint32_t *sums,
                          const uint8_t *cell, ptrdiff_t first, ptrdiff_t second,
                          const uint32_t slack[BRAGG_CELLS], const uint32_t limit[BRAGG_CELLS]);
    /* The most counts that a pixel has that is at most `reach` rows and columns away; some to the
     * right of them count too. Rows of pixels are `stride` apart. */
    uint32_t (*highest_around_16)(const uint16_t *pixels, size_t stride, int reach);
    uint32_t (*highest_around_32)(const uint32_t *pixels, size_t stride, int reach);
    /* Counts less background of n pixels (bragg_expected_at); NAN where they are not used. */
    void (*excess_16)(double *excess, const uint16_t *pixels, const double *template,
                      const float *band_at, const struct bragg_lines *lines, size_t n);
    void (*excess_32)(double *excess, const uint32_t *pixels, const double *template,
                      const float *band_at, const struct bragg_lines *lines, size_t n);
};

/* The processor must have `isa`. */
const struct bragg_kernels *bragg_kernels_for(enum cpu_isa isa);

/* What bragg_kernels_for chooses from. */
extern const struct bragg_kernels bragg_kernels_plain, bragg_kernels_avx2, bragg_kernels_avx512;
