#pragma once

#include <stddef.h>
#include <stdint.h>

#include "processing/kernels/kernels_weights.h"
#include "processing/pixels/mask_weights.h"

/*
 * The weighted parts of masks that cover much of the frame, sixteen side by side: what makes the
 * sums of all of them cost little more than reading their weights once. A bank is made for a set of
 * products and only read afterwards.
 */
#define WEIGHT_BANK_GROUPS 8

struct weight_group {
    const struct mask_weights *masks[WEIGHT_LANES]; /* NULL: nobody's lane */
    int16_t *table;                                 /* kernels_weights.h */
};

struct weight_bank {
    const struct weight_kernels *kernels;
    size_t n_pixels;
    unsigned n_groups;
    struct weight_group groups[WEIGHT_BANK_GROUPS];
};

/*
 * Puts those of the masks, all for frames of n_pixels pixels of pixel_size bytes, that gain by it
 * into a bank; the masks must outlive it. Sets *bank, NULL when none does. 0 or -ENOMEM.
 */
int weight_bank_create(struct weight_bank **bank, const struct mask_weights *const *masks,
                       size_t n_masks, size_t n_pixels, uint32_t pixel_size, enum cpu_isa isa);
/* NULL does nothing. */
void weight_bank_destroy(struct weight_bank *bank);
