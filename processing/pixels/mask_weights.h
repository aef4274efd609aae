#pragma once

#include <stddef.h>
#include <stdint.h>

#include "processing/pixels/mask.h"

/*
 * A mask whose pixels have weights, laid out for the kernels as struct mask is.
 *
 * Weights are integers of 16 bits (weight_planes.h makes them of real ones), so that a sum over a
 * frame is exact and does not depend on the order in which it is taken. A block in which every
 * pixel has either no weight or the most common one (the inside of a disk with a smooth edge, a
 * detector with a few dead pixels) is listed in `flat`, which the kernels of binary masks sum much
 * faster than weights; the others carry a weight for each pixel. A binary mask has only `flat`,
 * with weight 1.
 *
 *     sum = flat_weight * masked_sum(&flat, image) + weighted_sum(this, image)
 */
struct loose_weight {
    uint32_t pixel; /* index into the image */
    int16_t weight;
};

struct mask_weights {
    struct mask flat;
    int16_t flat_weight;
    size_t n_blocks;
    uint64_t *offsets;      /* [n_blocks] bytes from the start of the image, of each block */
    int16_t *weights;       /* [n_blocks][pixels of a block], aligned to 64 */
    int64_t sum_of_weights; /* of all in `weights` */
    size_t n_loose;
    struct loose_weight *loose; /* pixels after the last whole block, those in `flat` left out */
};

/* Lays out weights[n_pixels], none of them -32768, for pixels of 1, 2 or 4 bytes. 0 or -ENOMEM. */
int mask_weights_init(struct mask_weights *mask, const int16_t *weights, size_t n_pixels,
                      uint32_t pixel_size);

/* Also of a zeroed mask. */
void mask_weights_finish(struct mask_weights *mask);
