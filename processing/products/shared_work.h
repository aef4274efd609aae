#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "processing/kernels/kernels_radial.h"
#include "processing/pixels/radial_plan.h"
#include "processing/products/weight_bank.h"

/*
 * What the products of a set can have computed once for all of them: weighted sums of many masks,
 * and the counts and squares of rings that two products have in common. Made with the set and only
 * read afterwards. Products find their part through the frame (frame.h), and compute it for
 * themselves where there is none.
 */
#define SHARED_RINGS_MAX 4

struct shared_work {
    struct weight_bank *bank;       /* NULL: no masks to put together */
    const struct radial_plan *plan; /* whose rings are summed; NULL: no two have the same */
    const struct radial_plan *same[SHARED_RINGS_MAX]; /* all that have these rings, `plan` too */
    unsigned n_same;
};

struct pixel_format;
struct product;

/* For products whose frames are all of this format. The products must outlive it. NULL: there is
 * nothing to share, or no memory; then all is computed as if there were none. */
struct shared_work *shared_work_create(struct product *const *products, size_t n,
                                       const struct pixel_format *format, enum cpu_isa isa);
/* NULL does nothing. */
void shared_work_destroy(struct shared_work *shared);

static inline bool shared_work_has_rings(const struct shared_work *shared,
                                         const struct radial_plan *plan)
{
    for (unsigned i = 0; i < shared->n_same; i++) {
        if (shared->same[i] == plan)
            return true;
    }
    return false;
}
