#pragma once

#include "processing/kernels/kernels_radial.h"
#include "processing/pixels/radial_plan.h"
#include "processing/products/product.h"

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

/*
 * What products of rings have in common when they are prepared and finished. Their state is one
 * block that begins with its rings and owns nothing else.
 *
 * product_of_rings_begin gives the product its class, its format and a zeroed state; -ENOMEM with a
 * sentence that names `what`. product_of_rings_end gives it its n_arrays arrays, which it owns, or
 * takes everything back when `status`, of what was done in between, is an error or `arrays` is
 * NULL; it returns the status of the whole. product_of_rings_finish is the class's `finish`.
 */
int product_of_rings_begin(struct product *product, const struct product_class *class,
                           const struct pixel_format *format, size_t state_size, const char *what,
                           struct error *error);
int product_of_rings_end(struct product *product, int status, struct product_array *arrays,
                         unsigned n_arrays, const char *what, struct error *error);
void product_of_rings_finish(struct product *product);

/* frame_rings of these rings; `squares` NULL: counts only. */
static inline struct frame_rings product_rings_sum(const struct product_rings *rings,
                                                   struct frame *frame, uint32_t pixel_size,
                                                   uint64_t *counts, uint64_t *squares)
{
    return frame_rings(frame, &rings->plan, rings->kernels, pixel_size, counts, squares);
}
