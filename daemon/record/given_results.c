#include "daemon/record/given_results.h"

#include <stdlib.h>

#include "daemon/record/nexus.h"
#include "processing/run/given_maps.h"
#include "processing/run/run_products.h"

/* Of a map's group, generously. */
#define METADATA_BYTES (UINT64_C(1) << 16)

static bool is_due(const struct product *product, uint64_t *revision)
{
    const struct given_maps *const given = product->given;
    if (!given)
        return false;
    *revision = atomic_load_explicit(&given->revision, memory_order_acquire);
    return *revision != given->recorded;
}

bool given_results_are_due(const struct run *run)
{
    const struct product_set *const set = run_set(run);
    uint64_t revision;
    for (unsigned i = 0; i < set->n; i++) {
        if (is_due(set->products[i], &revision))
            return true;
    }
    return false;
}

uint64_t given_results_size(const struct run *run)
{
    const struct product_set *const set = run_set(run);
    const struct run_map_shape shape = run_map_shape(run, &run->scan);
    uint64_t n_maps = 0, revision;
    for (unsigned i = 0; i < set->n; i++) {
        if (is_due(set->products[i], &revision))
            n_maps += set->products[i]->n_maps;
    }
    return n_maps * (shape.passes * shape.ny * shape.nx * sizeof(uint64_t) + METADATA_BYTES);
}

/* Of a map that was put again the older one goes: only its name, HDF5 does not give the space back.
 */
static int free_name(hid_t parent, const char *name)
{
    const htri_t taken = H5Lexists(parent, name, H5P_DEFAULT);
    if (taken < 0)
        return -1;
    return taken && H5Ldelete(parent, name, H5P_DEFAULT) < 0 ? -1 : 0;
}

static int write_provenance(hid_t dataset, const struct product *product)
{
    char *const provenance = given_maps_provenance(product);
    const int r = provenance ? nexus_attribute(dataset, "provenance", provenance) : -1;
    free(provenance);
    return r;
}

static int write_map(const struct result_datasets *layout, hid_t parent, const struct run *run,
                     const struct product *product, unsigned which)
{
    const struct product_map *const facts = &product->maps[which];
    struct result_map map = {-1, product, which};
    if (free_name(parent, facts->name) < 0)
        return -1;
    map.dataset = result_map_create(layout, parent, facts);
    if (map.dataset < 0)
        return -1;
    /* What is left open after a failure is closed with the file. */
    if (result_map_write(layout, run, &map) < 0 || write_provenance(map.dataset, product) < 0)
        return -1;
    return H5Dclose(map.dataset) < 0 ? -1 : 0;
}

static int write_product(const struct result_datasets *layout, hid_t parent, const struct run *run,
                         const struct product *product, uint64_t revision)
{
    for (unsigned i = 0; i < product->n_maps; i++) {
        if (write_map(layout, parent, run, product, i) < 0)
            return -1;
    }
    product->given->recorded = revision;
    return 0;
}

int given_results_write(const struct result_datasets *layout, hid_t file, const struct run *run)
{
    const struct product_set *const set = run_set(run);
    const hid_t parent = H5Gopen2(file, "/entry/results", H5P_DEFAULT);
    int r = parent < 0 ? -1 : 0;
    for (unsigned i = 0; r >= 0 && i < set->n; i++) {
        uint64_t revision;
        if (is_due(set->products[i], &revision))
            r = write_product(layout, parent, run, set->products[i], revision);
    }
    if (parent >= 0)
        H5Gclose(parent);
    return r;
}
