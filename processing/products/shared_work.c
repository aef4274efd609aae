#include "processing/products/shared_work.h"

#include <stdlib.h>
#include <string.h>

#include "processing/products/product.h"

/* ---- masks ---- */

/* Puts the masks of all products into `masks` when that is not NULL. Returns how many they are. */
static size_t list_masks(const struct mask_weights **masks, struct product *const *products,
                         size_t n)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        const struct product *const product = products[i];
        for (unsigned j = 0; product->class->weights && j < product->n_columns; j++) {
            const struct mask_weights *mask;
            for (unsigned k = 0; (mask = product->class->weights(product, j, k)) != NULL; k++) {
                if (masks)
                    masks[found] = mask;
                found++;
            }
        }
    }
    return found;
}

static void bank_masks(struct shared_work *shared, struct product *const *products, size_t n,
                       const struct pixel_format *format, enum cpu_isa isa)
{
    const size_t n_masks = list_masks(NULL, products, n);
    const struct mask_weights **const masks =
        calloc(n_masks + 1, sizeof(const struct mask_weights *));
    if (!masks)
        return;
    list_masks(masks, products, n);
    (void)weight_bank_create(&shared->bank, masks, n_masks, (size_t)format->height * format->width,
                             format->pixel_size, isa);
    free(masks);
}

/* ---- rings ---- */

static bool are_same(const struct radial_plan *a, const struct radial_plan *b)
{
    const struct radial_bins *const x = a->bins, *const y = b->bins;
    return x->n_bins == y->n_bins && x->height == y->height && x->width == y->width &&
           memcmp(x->bin_of, y->bin_of, (size_t)x->height * x->width * sizeof *x->bin_of) == 0;
}

/* Products of different layers may have the same rings: a frame is of one layer only. */
static void find_rings(struct shared_work *shared, struct product *const *products, size_t n)
{
    for (size_t i = 0; i < n && shared->n_same < SHARED_RINGS_MAX; i++) {
        const struct radial_plan *const plan =
            products[i]->class->rings ? products[i]->class->rings(products[i]) : NULL;
        if (!plan || (shared->n_same > 0 && !are_same(plan, shared->same[0])))
            continue;
        shared->same[shared->n_same++] = plan;
    }
    if (shared->n_same < 2)
        shared->n_same = 0;
    else
        shared->plan = shared->same[0];
}

/* ---- both ---- */

struct shared_work *shared_work_create(struct product *const *products, size_t n,
                                       const struct pixel_format *format, enum cpu_isa isa)
{
    struct shared_work *const shared = calloc(1, sizeof *shared);
    if (!shared)
        return NULL;
    bank_masks(shared, products, n, format, isa);
    find_rings(shared, products, n);
    if (shared->bank || shared->plan)
        return shared;
    shared_work_destroy(shared);
    return NULL;
}

void shared_work_destroy(struct shared_work *shared)
{
    if (!shared)
        return;
    weight_bank_destroy(shared->bank);
    free(shared);
}
