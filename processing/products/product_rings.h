#pragma once

#include "processing/kernels/kernels_radial.h"
#include "processing/pixels/radial_plan.h"
#include "processing/products/frame.h"

/* The rings of a product that sums counts by their distance from the centre: which pixel belongs to
 * which, in the order that the kernels take, and the kernels. */
struct product_rings {
    const struct radial_kernels *kernels;
    struct radial_bins bins;
    struct radial_plan plan;
};

/*
 * At most max_bins rings for frames of that format without the pixels that `bad` marks (NULL:
 * none). -ENOTSUP: no code for such pixels; -EINVAL: settings that mean nothing; -ENOMEM. All with
 * a sentence that names `what`, and nothing to finish.
 */
int product_rings_init(struct product_rings *rings, const struct radial_settings *settings,
                       const uint8_t *bad, const struct pixel_format *format, uint32_t max_bins,
                       enum cpu_isa isa, const char *what, struct error *error);

/* Also of zeroed ones. */
void product_rings_finish(struct product_rings *rings);

/* frame_rings of these rings; `squares` NULL: counts only. */
static inline struct frame_rings product_rings_sum(const struct product_rings *rings,
                                                   struct frame *frame, uint32_t pixel_size,
                                                   uint64_t *counts, uint64_t *squares)
{
    return frame_rings(frame, &rings->plan, rings->kernels, pixel_size, counts, squares);
}
