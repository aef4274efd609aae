#include "processing/bragg_run/bragg_final.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "processing/bragg_run/bragg_measure.h"
#include "processing/products/bragg_product.h"
#include "processing/run/run_products.h"
#include "processing/stored/frame_sweep.h"
#include "processing/tables/column_table.h"

bool bragg_final_is_due(const struct run *run)
{
    const struct product *const product = run_bragg(run);
    return product && bragg_product_is_provisional(product) && run->recycle == 0 &&
           run_has_images(run) && frame_table_end(run->frames) > 0;
}

const struct product *bragg_final_provisional(const struct run *run)
{
    const struct product *found = NULL;
    const unsigned n = atomic_load_explicit(&run->n_products, memory_order_acquire);
    for (unsigned i = 0; i < n; i++) {
        if (product_is_bragg(run->products[i]) && bragg_product_is_provisional(run->products[i]))
            found = run->products[i];
    }
    return found;
}

/* ---- classifying ---- */

struct classifying {
    const struct product *product;
    unsigned first_thread; /* of the product, that is the sweep's thread 0 */
    _Atomic bool failed;
};

static void classify(void *data, unsigned thread, uint64_t exposure, const void *image)
{
    struct classifying *const classifying = data;
    uint64_t columns[PRODUCT_MAX_COLUMNS];
    struct frame frame = {
        .image = image,
        .exposure = exposure,
        .thread = classifying->first_thread + thread,
    };
    classifying->product->class->frame(classifying->product, &frame, columns);
    if (!column_table_put(classifying->product->columns, exposure, columns))
        atomic_store_explicit(&classifying->failed, true, memory_order_relaxed);
}

static int classify_all(struct run *run, const struct product *product, struct error *error)
{
    struct classifying classifying = {.product = product, .first_thread = 2 * run->n_workers};
    const struct frame_sweep sweep = {
        .run = run,
        .layer = product->layer,
        .n_threads = run->n_workers,
        .waits = true,
        .each = classify,
        .data = &classifying,
    };
    const int r = frame_sweep(&sweep, error);
    if (r == 0 && classifying.failed)
        return error_set(error, -ENOMEM, "no memory for the final Bragg reflections");
    return r;
}

/* ---- all ---- */

static int measure(struct run *run, const struct product *learned,
                   struct bragg_reference **reference, struct error *error)
{
    const struct bragg_product_setup *const setup = bragg_product_setup(learned);
    const struct bragg_measuring measuring = {
        .run = run,
        .settings = setup->settings,
        .bad = setup->bad,
        .counts_min = setup->counts_min,
        .counts_max = setup->counts_max,
        /* Of a product that came later not all frames are in it. */
        .sum = learned->since->version == 1 ? bragg_product_sum(learned) : NULL,
        .waits = true,
        .n_threads = run->n_workers,
    };
    return bragg_measure(&measuring, reference, error);
}

static int replace(struct run *run, const struct product *learned,
                   struct bragg_reference *reference, struct error *error)
{
    struct product prepared = {0};
    struct bragg_product_setup setup = *bragg_product_setup(learned);
    setup.settings = bragg_reference_values(reference)->settings;
    setup.reference = reference;
    setup.in_template = true;
    int r = bragg_product_prepare(&prepared, &setup, &run->format, error);
    if (r < 0)
        return r;
    struct product *product = run_add_product(run, &prepared, learned->layer, "", error);
    if (!product)
        return -ENOMEM;
    r = classify_all(run, product, error);
    if (r < 0)
        return r;
    struct product_set *const set = run_change_set(run, &learned, 1, &product, 1);
    if (!set)
        return error_set(error, -ENOMEM, "no memory for the final Bragg reflections");
    /* It was computed of all frames. */
    atomic_store_explicit(&set->first_frame, 0, memory_order_relaxed);
    return 0;
}

int bragg_final(struct run *run, struct error *error)
{
    const struct product *const learned = run_bragg(run);
    struct bragg_reference *reference = NULL;
    int r = measure(run, learned, &reference, error);
    if (r == 0)
        r = replace(run, learned, reference, error);
    bragg_reference_unref(reference);
    if (r < 0) {
        error_prefix(error, "the Bragg reflections stay provisional");
        run_set_bragg_error(run, error);
    }
    return r;
}
