#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cpu.h"
#include "processing/kernels/kernels.h"
#include "processing/kernels/kernels_squares.h"
#include "processing/pixels/radial_bins.h"
#include "processing/products/frame.h"
#include "processing/products/variance_formulas.h"

/*
 * The accumulator of the variance: per pixel the sum of n for each block of frames and of
 * n(n - 1) over all, and the moments of each ring for each block. One worker's; see
 * processing/run/product_set.h.
 *
 * Sums of n go through a tile of integers twice as wide as a pixel, which is added to its block's
 * sums when the frames go on to another block or before a pixel could overflow. Pairs of bytes go
 * through a 32-bit tile in the same way; those of wider pixels have 64 bits, or twice 64.
 */
struct variance_layout {
    const struct kernels *kernels;
    const struct square_kernels *square_kernels;
    void (*widen_pairs)(uint64_t *restrict sums, const void *restrict tile, size_t n_pixels);
    uint32_t pixel_size, n_bins, n_blocks, block_length;
    size_t n_pixels;
    size_t rings, patterns, pairs, tile, pairs_tile; /* offsets in bytes */
    size_t tile_size, pairs_tile_size;               /* bytes, 0: none */
    size_t size;                                     /* of an accumulator */
};

void variance_layout_init(struct variance_layout *layout, const struct radial_bins *bins,
                          uint32_t pixel_size, uint32_t n_blocks, uint32_t block_length,
                          enum cpu_isa isa);

/* Adds a frame and its rings to the block of its exposure (frame index). */
void variance_sums_add(const struct variance_layout *layout, void *accumulator, uint64_t exposure,
                       struct frame *frame, const uint64_t *counts, const uint64_t *squares);

void variance_sums_merge(const struct variance_layout *layout, void *into, const void *from);

/* Frames of each block, and of all. */
const uint64_t *variance_block_frames(const void *accumulator);
uint64_t variance_frames(const struct variance_layout *layout, const void *accumulator);

/* Adds the sums of n of a block to counts[n_pixels]. */
void variance_add_block_counts(const struct variance_layout *layout, const void *accumulator,
                               uint32_t block, uint64_t *counts);

/* Sum of n(n - 1) of a pixel. */
wide_count variance_pairs(const struct variance_layout *layout, const void *accumulator,
                          size_t pixel);

/* Moments of the rings in a block, [n_bins]. */
const struct ring_moments *variance_block_rings(const struct variance_layout *layout,
                                                const void *accumulator, uint32_t block);
