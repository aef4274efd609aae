#include "daemon/record/late_results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/record/nexus.h"
#include "processing/products/bragg_product.h"
#include "processing/run/run_products.h"

/* ---- which ---- */

static bool contains(const struct product_set *set, const struct product *product)
{
    for (unsigned i = 0; i < set->n; i++) {
        if (set->products[i] == product)
            return true;
    }
    return false;
}

/* The first frame that a product of the newest set was computed of, UINT64_MAX: none. */
static uint64_t first_frame_of(const struct product_set *newest, const struct product *product)
{
    uint64_t first = UINT64_MAX;
    for (const struct product_set *set = newest; set && contains(set, product); set = set->older) {
        const uint64_t frame = atomic_load_explicit(&set->first_frame, memory_order_relaxed);
        if (frame < first)
            first = frame;
    }
    return first;
}

/* The map of that name in the file, when its product is computed no more. */
static const struct result_map *find_old_map(const struct result_datasets *results,
                                             const struct product_set *set, const char *name)
{
    for (unsigned i = 0; i < results->n_maps; i++) {
        const struct result_map *const map = &results->maps[i];
        if (strcmp(map->product->maps[map->map].name, name) == 0)
            return contains(set, map->product) ? NULL : map;
    }
    return NULL;
}

static const struct result_array *find_old_array(const struct result_datasets *results,
                                                 const struct product_set *set, const char *name)
{
    for (unsigned i = 0; i < results->n_arrays; i++) {
        const struct result_array *const array = &results->arrays[i];
        if (strcmp(array->product->arrays[array->array].name, name) == 0)
            return contains(set, array->product) ? NULL : array;
    }
    return NULL;
}

static bool is_in_file(const struct result_datasets *results, const struct product *product)
{
    for (unsigned i = 0; i < results->n_maps; i++) {
        if (results->maps[i].product == product)
            return true;
    }
    for (unsigned i = 0; i < results->n_arrays; i++) {
        if (results->arrays[i].product == product)
            return true;
    }
    return false;
}

/* Frames of a product that were computed again, from the file. */
static uint64_t recomputed_of(const struct product *product)
{
    return atomic_load_explicit(&product->recomputed, memory_order_relaxed);
}

/* Frames in place before a product's first one, which it would have to be computed of again. */
static uint64_t earlier_frames(const struct run *run, const struct product *product,
                               uint64_t first_frame)
{
    uint64_t n = 0;
    for (uint64_t exposure = 0; exposure < first_frame; exposure++) {
        const struct frame_facts *const facts =
            frame_table_look(run->frames, exposure * run->n_layers + product->layer);
        n += facts && atomic_load_explicit(&facts->state, memory_order_acquire) == FRAME_ANALYSED &&
             facts->position >= 0 &&
             !(atomic_load_explicit(&facts->flags, memory_order_relaxed) & FRAME_FLAG_LATE);
    }
    return n;
}

static bool is_late(const struct result_datasets *results, const struct product_set *set,
                    const struct product *product)
{
    if (product_is_bragg(product) && results->bragg.made)
        return false;
    return !product->given && !is_in_file(results, product) &&
           (first_frame_of(set, product) != UINT64_MAX || recomputed_of(product) > 0);
}

bool late_results_are_there(const struct result_datasets *results, const struct run *run)
{
    const struct product_set *const set = run_set(run);
    for (unsigned i = 0; i < set->n; i++) {
        if (is_late(results, set, set->products[i]))
            return true;
    }
    return false;
}

/* ---- where ---- */

/* The dataset of a result that is in the file, without what was said of it. */
static hid_t open_again(hid_t parent, const char *name)
{
    char path[PRODUCT_NAME_SIZE + 8];
    snprintf(path, sizeof path, "%s/data", name);
    const hid_t dataset = H5Dopen2(parent, path, H5P_DEFAULT);
    if (dataset < 0)
        return dataset;
    if (nexus_attribute_remove(dataset, "units") < 0 ||
        nexus_attribute_remove(dataset, "description") < 0) {
        H5Dclose(dataset);
        return -1;
    }
    return dataset;
}

/* The name is free or is made free. 0: something else has it, which stays. */
static int free_name(hid_t parent, const char *name, bool replaced)
{
    const htri_t taken = H5Lexists(parent, name, H5P_DEFAULT);
    if (taken <= 0)
        return taken < 0 ? -1 : 1;
    if (!replaced) {
        log_warning("record", "two results are called %s; the later one is not recorded", name);
        return 0;
    }
    return H5Ldelete(parent, name, H5P_DEFAULT) < 0 ? -1 : 1;
}

static hid_t reopen_map(hid_t parent, const struct product_map *map)
{
    const hid_t dataset = open_again(parent, map->name);
    return dataset < 0 || result_describe(dataset, map->units, map->description) < 0 ? -1 : dataset;
}

static hid_t reopen_array(hid_t parent, const struct product_array *array)
{
    const hid_t dataset = open_again(parent, array->name);
    return dataset < 0 || result_describe(dataset, array->units, array->description) < 0 ? -1
                                                                                         : dataset;
}

static bool same_kind(const struct product_array *a, const struct product_array *b)
{
    return a->dtype == b->dtype && a->rank == b->rank && a->shape[0] == b->shape[0] &&
           (a->rank == 1 || a->shape[1] == b->shape[1]);
}

/* ---- writing; what is left open after a failure is closed with the file ---- */

struct late {
    const struct result_datasets *results;
    const struct run *run;
    const struct product_set *set;
    hid_t parent;
    uint64_t first_frame;                /* of the product at hand */
    uint64_t recomputed, not_recomputed; /* frames before that */
};

static int write_number(hid_t dataset, const char *name, uint64_t number)
{
    if (nexus_attribute_remove(dataset, name) < 0)
        return -1;
    return nexus_attribute_number(dataset, name, number);
}

static int finish_dataset(const struct late *late, hid_t dataset, int written)
{
    if (written < 0 || write_number(dataset, "first_frame", late->first_frame) < 0 ||
        write_number(dataset, "recomputed", late->recomputed) < 0 ||
        write_number(dataset, "not_recomputed", late->not_recomputed) < 0)
        return -1;
    return H5Dclose(dataset) < 0 ? -1 : 0;
}

static int write_map(const struct late *late, struct result_map map)
{
    const struct product_map *const facts = &map.product->maps[map.map];
    const struct result_map *const old = find_old_map(late->results, late->set, facts->name);
    if (old && old->product->maps[old->map].dtype == facts->dtype) {
        map.dataset = reopen_map(late->parent, facts);
    } else {
        const int r = free_name(late->parent, facts->name, old != NULL);
        if (r <= 0)
            return r;
        map.dataset = result_map_create(late->results, late->parent, facts);
    }
    if (map.dataset < 0)
        return -1;
    return finish_dataset(late, map.dataset, result_map_write(late->results, late->run, &map));
}

static int write_array(const struct late *late, struct result_array array, const void *sums)
{
    const struct product_array *const facts = &array.product->arrays[array.array];
    const struct result_array *const old = find_old_array(late->results, late->set, facts->name);
    if (old && same_kind(&old->product->arrays[old->array], facts)) {
        array.dataset = reopen_array(late->parent, facts);
    } else {
        const int r = free_name(late->parent, facts->name, old != NULL);
        if (r <= 0)
            return r;
        array.dataset = result_array_create(late->parent, facts, late->run);
    }
    if (array.dataset < 0)
        return -1;
    return finish_dataset(late, array.dataset, result_array_write(&array, sums));
}

static int write_arrays(const struct late *late, const struct product *product)
{
    void *const sums = run_sums(product);
    int r = sums ? 0 : -1;
    for (unsigned i = 0; r == 0 && i < product->n_arrays; i++)
        r = write_array(late, (struct result_array){-1, product, i}, sums);
    free(sums);
    return r;
}

static int write_product(const struct late *late, const struct product *product)
{
    for (unsigned i = 0; i < product->n_maps; i++) {
        if (write_map(late, (struct result_map){-1, product, i}) < 0)
            return -1;
    }
    return product->n_arrays > 0 ? write_arrays(late, product) : 0;
}

int late_results_write(const struct result_datasets *results, hid_t file, const struct run *run)
{
    struct late late = {.results = results, .run = run, .set = run_set(run)};
    late.parent = H5Gopen2(file, "/entry/results", H5P_DEFAULT);
    int r = late.parent < 0 ? -1 : 0;
    for (unsigned i = 0; r >= 0 && i < late.set->n; i++) {
        const struct product *const product = late.set->products[i];
        late.first_frame = first_frame_of(late.set, product);
        if (late.first_frame == UINT64_MAX)
            late.first_frame = frame_table_end(run->frames);
        late.recomputed = recomputed_of(product);
        late.not_recomputed = earlier_frames(run, product, late.first_frame) - late.recomputed;
        if (!is_late(results, late.set, product))
            continue;
        r = product_is_bragg(product)
                ? bragg_datasets_write_late(results, late.parent, run, product)
                : write_product(&late, product);
    }
    if (late.parent >= 0)
        H5Gclose(late.parent);
    return r;
}
