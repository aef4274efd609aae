#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "processing/pixels/radial_bins.h"

/*
 * How the vector kernels sum rings without a histogram.
 *
 * A histogram takes a pixel at a time. But where the radius grows along a row, the 64 pixels of a
 * piece of a row lie in about 64 different bins, one after the other, and a byte permutation puts
 * each into a lane of its bin; rows below are added to the same lanes. Where the radius grows along
 * columns rather, the same is done with the transposed tile.
 *
 * The frame is cut into tiles of 64 x 64 pixels. A step permutes one row of a tile (or of its
 * transpose) into lanes; several steps of a row follow where bins hold several of its pixels. A
 * strip is a series of steps with the same lanes: 64 bins from `base` on. Pixels that would need a
 * step almost for themselves are loose: they are added one by one.
 *
 * Lane l (a byte of the vector) belongs to bin base + 16 (l % 4) + l / 4: the four bytes of a
 * 32-bit word are 16 bins apart, so that widened sums are four vectors of neighbouring bins.
 */
#define RADIAL_TILE 64

/* Sums of a lane take 16 bits: 257 bytes of 255. */
#define RADIAL_STRIP_MAX_STEPS 257

struct radial_step {
    _Alignas(64) uint8_t source[RADIAL_TILE]; /* of each lane: column of the row */
};

struct radial_strip {
    uint32_t first_step;
    uint16_t n_steps;
    uint16_t base; /* bin of lane 0 */
};

struct radial_tile {
    uint32_t y, x;                     /* of its first pixel */
    uint32_t height, width;            /* at most RADIAL_TILE */
    uint32_t first_strip, n_strips[2]; /* along rows, then of the transpose */
    uint32_t first_loose, n_loose;
};

struct radial_plan {
    const struct radial_bins *bins;
    size_t n_tiles; /* 0: the plan has no tiles */
    struct radial_tile *tiles;
    size_t n_strips;
    struct radial_strip *strips;
    size_t n_steps;
    struct radial_step *steps;
    uint64_t *lanes;   /* [n_steps]: bit l: lane l has a pixel */
    uint8_t *step_row; /* [n_steps]: row of the tile */
    size_t n_loose;
    uint32_t *loose; /* indices of pixels, by tile */
};

/* Frames of this many pixels or more have no tiles: 32-bit sums of bytes could overflow. */
#define RADIAL_PLAN_MAX_PIXELS (UINT32_C(1) << 24)

/* A plan for `bins`, which must outlive it. Without `tiles` it is only that. 0 or -ENOMEM. */
int radial_plan_init(struct radial_plan *plan, const struct radial_bins *bins, bool tiles);

/* Also of a zeroed plan. */
void radial_plan_finish(struct radial_plan *plan);
