#include "processing/run/run_products.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/huge_memory.h"
#include "processing/run/given_maps.h"
#include "processing/tables/column_table.h"

const struct product_set *run_set(const struct run *run)
{
    return atomic_load_explicit(&run->set, memory_order_acquire);
}

const uint8_t *run_bad_pixels(const struct run *run)
{
    return pixel_mask_fit(run->plan->calibration.bad_pixels, run->format.height, run->format.width);
}

unsigned run_product_threads(const struct run *run)
{
    return 3 * run->n_workers;
}

const float *run_gain(const struct run *run)
{
    const struct mask_values *const gain = run->plan->calibration.gain;
    const bool fits =
        gain && gain->height == run->format.height && gain->width == run->format.width;
    return fits ? gain->values : NULL;
}

struct detector_pixels run_detector_pixels(const struct run *run)
{
    return (struct detector_pixels){.bad = run_bad_pixels(run), .gain = run_gain(run)};
}

/* ---- one product ---- */

static void partials_destroy(const struct product *product)
{
    struct product_partial *const partials = product->partials;
    for (unsigned i = 0; partials && i < product->n_partials; i++) {
        huge_memory_unmap(partials[i].own, product->accumulator_size);
        huge_memory_unmap(partials[i].shared, product->accumulator_size);
        pthread_mutex_destroy(&partials[i].mutex);
    }
    free(partials);
}

/* One for each of n - 1 workers, and one that others add to. */
static int partials_create(struct product *product, unsigned n)
{
    product->partials = calloc(n, sizeof *product->partials);
    if (!product->partials)
        return -ENOMEM;
    product->n_partials = n;
    for (unsigned i = 0; i < n; i++)
        pthread_mutex_init(&product->partials[i].mutex, NULL);
    for (unsigned i = 0; i < n; i++) {
        struct product_partial *const partial = &product->partials[i];
        /* Touched by whoever adds to them first: here it would hold the first frames up. */
        const bool has_own = i + 1 < n;
        partial->own = has_own ? huge_memory_map(product->accumulator_size) : NULL;
        partial->shared = huge_memory_map(product->accumulator_size);
        if ((has_own && !partial->own) || !partial->shared)
            return -ENOMEM;
    }
    return 0;
}

static void prefix(char name[PRODUCT_NAME_SIZE], const char *layer)
{
    char bare[PRODUCT_NAME_SIZE];
    snprintf(bare, sizeof bare, "%s", name);
    if (*layer)
        snprintf(name, PRODUCT_NAME_SIZE, "%s/%.60s", layer, bare);
}

static void name_layer(struct product *product, const char *layer)
{
    for (unsigned i = 0; i < product->n_maps; i++)
        prefix(product->maps[i].name, layer);
    for (unsigned i = 0; i < product->n_arrays; i++)
        prefix(product->arrays[i].name, layer);
}

static void product_destroy(struct product *product)
{
    if (!product)
        return;
    partials_destroy(product);
    column_table_destroy(product->columns);
    product->class->finish(product);
    free(product);
}

/* Profiles of single frames, which no map needs, are kept as far as they fit into this. */
#define PROFILE_COLUMNS_MAX (UINT64_C(1) << 30) /* bytes */

static bool keeps_columns(const struct product *product, const struct run *run)
{
    const uint64_t exposures = run->recycle ? run->recycle : run->frames_to_come;
    if (product->n_maps > 0)
        return true;
    return exposures > 0 &&
           exposures * product->n_columns * sizeof(uint64_t) <= PROFILE_COLUMNS_MAX;
}

static int give_room(struct product *product, const struct run *run)
{
    if (product->given) { /* rows are written again, which is what recycling allows */
        product->columns = column_table_create(given_maps_columns(product),
                                               run->recycle ? run->recycle : UINT64_MAX);
        return product->columns ? 0 : -ENOMEM;
    }
    if (product->n_columns > 0 && keeps_columns(product, run)) {
        product->columns = column_table_create(product->n_columns, run->recycle);
        if (!product->columns)
            return -ENOMEM;
    }
    return product->accumulator_size > 0 ? partials_create(product, run->n_workers + 1) : 0;
}

static int keep_product(struct run *run, struct product *product, struct error *error)
{
    int r = 0;
    pthread_mutex_lock(&run->products_mutex);
    const unsigned n = atomic_load_explicit(&run->n_products, memory_order_relaxed);
    if (n == RUN_MAX_PRODUCTS) {
        r = error_set(
            error, -ENOSPC,
            "this run has had %d results already, those that were moved or removed among them: "
            "changes are possible again in the next one",
            RUN_MAX_PRODUCTS);
    } else {
        run->products[n] = product;
        atomic_store_explicit(&run->n_products, n + 1, memory_order_release);
    }
    pthread_mutex_unlock(&run->products_mutex);
    return r;
}

struct product *run_add_product(struct run *run, const struct product *prepared, unsigned layer,
                                const char *source, struct error *error)
{
    struct product *const product = malloc(sizeof *product);
    if (!product) {
        struct product unused = *prepared;
        unused.class->finish(&unused);
        error_set(error, -ENOMEM, "no memory for the live results");
        return NULL;
    }
    *product = *prepared;
    product->layer = layer;
    snprintf(product->source, sizeof product->source, "%s", source);
    if (!product->given)
        name_layer(product, run_layer_name(run, layer));
    const int r = give_room(product, run) < 0
                      ? error_set(error, -ENOMEM, "no memory for the live results")
                      : keep_product(run, product, error);
    if (r == 0)
        return product;
    product_destroy(product);
    return NULL;
}

/* ---- sets ---- */

static bool contains(const struct product *const *products, size_t n, const struct product *product)
{
    for (size_t i = 0; i < n; i++) {
        if (products[i] == product)
            return true;
    }
    return false;
}

static struct product_set *change_set(struct run *run, const struct product *const *removed,
                                      size_t n_removed, struct product *const *added,
                                      size_t n_added)
{
    struct product_set *const old = atomic_load_explicit(&run->set, memory_order_relaxed);
    const size_t n_old = old ? old->n : 0;
    struct product_set *const set =
        calloc(1, sizeof *set + (n_old + n_added) * sizeof(struct product *));
    if (!set)
        return NULL;
    set->version = old ? old->version + 1 : 1;
    set->older = old;
    atomic_init(&set->first_frame, UINT64_MAX);
    for (size_t i = 0; i < n_old; i++) {
        if (!contains(removed, n_removed, old->products[i]))
            set->products[set->n++] = old->products[i];
    }
    for (size_t i = 0; i < n_added; i++) {
        added[i]->since = set;
        set->products[set->n++] = added[i];
    }
    set->shared = shared_work_create(set->products, set->n, &run->format, cpu_isa_best());
    atomic_store_explicit(&run->set, set, memory_order_release);
    return set;
}

struct product_set *run_change_set(struct run *run, const struct product *const *removed,
                                   size_t n_removed, struct product *const *added, size_t n_added)
{
    pthread_mutex_lock(&run->products_mutex);
    struct product_set *const set = change_set(run, removed, n_removed, added, n_added);
    pthread_mutex_unlock(&run->products_mutex);
    return set;
}

void run_products_finish(struct run *run)
{
    const unsigned n = atomic_load_explicit(&run->n_products, memory_order_acquire);
    for (unsigned i = 0; i < n; i++)
        product_destroy(run->products[i]);
    struct product_set *set = atomic_load_explicit(&run->set, memory_order_acquire);
    while (set) {
        struct product_set *const older = set->older;
        shared_work_destroy(set->shared);
        free(set);
        set = older;
    }
}
