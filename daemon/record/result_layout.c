#include "daemon/record/result_datasets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/record/grown_dataset.h"
#include "daemon/record/nexus.h"
#include "processing/products/bragg_product.h"
#include "processing/products/profile_products.h"
#include "processing/run/run_products.h"

/* Maps up to this size, all together, have their space from the start; larger ones get it line by
 * line as they fill. */
#define CONTIGUOUS_LIMIT (UINT64_C(64) << 20)
#define POSITIONS_AT_ONCE 65536

int result_describe(hid_t dataset, const char *units, const char *description)
{
    if (nexus_attribute(dataset, "units", units ? units : "") < 0)
        return -1;
    return nexus_attribute(dataset, "description", description);
}

/* ---- maps ---- */

/* The maps share their axes. */
static int link_axes(hid_t group, const struct result_datasets *results, const char *signal,
                     const char *inner)
{
    const struct scan_geometry shape = {.repeats = (uint32_t)results->passes};
    const char *axes[4] = {"frame"};
    const size_t n = results->stack ? 1 : nexus_scan_axis_names(axes, &shape);
    axes[n] = inner;
    if (nexus_attribute(group, "signal", signal) < 0 ||
        nexus_attribute_list(group, "axes", axes, inner ? n + 1 : n) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (nexus_link(group, axes[i], results->axes_home) < 0)
            return -1;
    }
    return 0;
}

static hid_t scan_properties(const struct result_datasets *results, hid_t memory, const void *fill)
{
    const hsize_t chunk[] = {1, results->positions_at_once / results->nx, results->nx};
    const int left_out = results->passes > 1 ? 0 : 1;
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    if (properties < 0)
        return properties;
    /* In the file before SWMR begins: space that came later would be metadata that changed. */
    const herr_t r = results->contiguous ? H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY)
                                         : H5Pset_chunk(properties, 3 - left_out, chunk + left_out);
    if (r < 0 || H5Pset_fill_value(properties, memory, fill) < 0 ||
        H5Pset_fill_time(properties, H5D_FILL_TIME_ALLOC) < 0) {
        H5Pclose(properties);
        return -1;
    }
    return properties;
}

static hid_t scan_map_create(const struct result_datasets *results, hid_t group, const char *name,
                             hid_t type, hid_t memory, const void *fill)
{
    const hsize_t extent[] = {results->passes, results->ny, results->nx};
    const int left_out = results->passes > 1 ? 0 : 1;
    const hid_t space = H5Screate_simple(3 - left_out, extent + left_out, NULL);
    const hid_t properties = scan_properties(results, memory, fill);
    hid_t dataset = -1;
    if (space >= 0 && properties >= 0)
        dataset = H5Dcreate2(group, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    if (properties >= 0)
        H5Pclose(properties);
    if (space >= 0)
        H5Sclose(space);
    return dataset;
}

hid_t result_positions_create(const struct result_datasets *results, hid_t group, const char *name,
                              hid_t type, hid_t memory, const void *fill)
{
    return results->stack ? grown_dataset_create(group, name, type, memory, fill)
                          : scan_map_create(results, group, name, type, memory, fill);
}

hid_t result_positions_group(const struct result_datasets *results, hid_t parent, const char *name,
                             const char *signal, const char *inner)
{
    const hid_t group = nexus_group(parent, name, "NXdata");
    if (group >= 0 && link_axes(group, results, signal, inner) < 0) {
        H5Gclose(group);
        return -1;
    }
    return group;
}

/* A group of that name with a dataset "data" over the positions. */
static hid_t map_create(const struct result_datasets *results, hid_t parent, const char *name,
                        hid_t type, hid_t memory, const void *fill)
{
    const hid_t group = result_positions_group(results, parent, name, "data", NULL);
    if (group < 0)
        return group;
    const hid_t dataset = result_positions_create(results, group, "data", type, memory, fill);
    H5Gclose(group);
    return dataset;
}

hid_t result_map_create(const struct result_datasets *results, hid_t parent,
                        const struct product_map *map)
{
    static const uint64_t no_counts = 0;
    const double nothing = __builtin_nan("");
    const hid_t dataset =
        map->dtype == MAP_DTYPE_F64
            ? map_create(results, parent, map->name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &nothing)
            : map_create(results, parent, map->name, H5T_STD_U64LE, H5T_NATIVE_UINT64, &no_counts);
    if (dataset < 0 || result_describe(dataset, map->units, map->description) < 0)
        return -1;
    return dataset;
}

static int create_measured(struct result_datasets *results, hid_t parent, const struct run *run,
                           unsigned layer)
{
    static const uint8_t no = 0;
    char name[PRODUCT_NAME_SIZE];
    const char *const layer_name = run_layer_name(run, layer);
    snprintf(name, sizeof name, "%s%smeasured", layer_name, *layer_name ? "/" : "");
    results->measured[layer] =
        map_create(results, parent, name, H5T_STD_U8LE, H5T_NATIVE_UINT8, &no);
    if (results->measured[layer] < 0)
        return -1;
    return result_describe(results->measured[layer], "", "1 where a frame was analysed");
}

/* ---- arrays ---- */

static hid_t array_dataset(hid_t group, const struct product_array *array)
{
    const hsize_t extent[] = {array->shape[0], array->shape[1]};
    const hid_t type = array->dtype == MAP_DTYPE_F64 ? H5T_IEEE_F64LE : H5T_STD_U64LE;
    const hid_t space = H5Screate_simple((int)array->rank, extent, NULL);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset = -1;
    if (space >= 0 && properties >= 0 && H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY) >= 0)
        dataset = H5Dcreate2(group, "data", type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    if (properties >= 0)
        H5Pclose(properties);
    if (space >= 0)
        H5Sclose(space);
    return dataset;
}

static bool is_pattern(const struct product_array *array, const struct run *run)
{
    return array->rank == 2 && array->shape[0] == run->format.height &&
           array->shape[1] == run->format.width;
}

static double pixel_size_k(const struct run *run)
{
    return calibration_number(&run->plan->calibration, CALIBRATION_PIXEL_SIZE_K, 0);
}

const char *result_ring_axis(const struct run *run)
{
    return pixel_size_k(run) > 0 ? "k" : "radius";
}

int result_ring_axes_create(hid_t group, uint32_t n_rings, double width, const struct run *run)
{
    const double size = pixel_size_k(run);
    const struct nexus_scale radius = {width / 2, width, "px"};
    const struct nexus_scale k = {width / 2 * size, width * size, "1/nm"};
    if (nexus_axis(group, "radius", n_rings, &radius, "radius of the ring's middle") < 0)
        return -1;
    return size > 0 ? nexus_axis(group, "k", n_rings, &k, "k = 1/d of the ring's middle") : 0;
}

/* The index stays beside them. */
static int give_ring_axes(hid_t group, hid_t dataset, const struct product_array *array,
                          const struct run *run)
{
    const char *const axis = result_ring_axis(run);
    if (nexus_attribute(group, "signal", "data") < 0 ||
        nexus_attribute_list(group, "axes", &axis, 1) < 0 ||
        nexus_attribute_list(dataset, "dims", &axis, 1) < 0 ||
        nexus_axis(group, "index_0", array->shape[0], &(struct nexus_scale){0, 1, ""},
                   "index of the ring") < 0)
        return -1;
    return result_ring_axes_create(group, array->shape[0], array->ring_width, run);
}

/* A pattern has the axes of the frames; others count from 0. */
static int give_axes(hid_t group, hid_t dataset, const struct product_array *array,
                     const struct run *run)
{
    static const char *const pattern[] = {"y", "x"}, *const others[] = {"index_0", "index_1"};
    const char *const *const axes = is_pattern(array, run) ? pattern : others;
    const unsigned rank = array->rank == 2 ? 2 : 1;
    if (array->ring_width > 0)
        return give_ring_axes(group, dataset, array, run);
    if (nexus_attribute(group, "signal", "data") < 0 ||
        nexus_attribute_list(group, "axes", axes, rank) < 0 ||
        nexus_attribute_list(dataset, "dims", axes, rank) < 0)
        return -1;
    for (unsigned i = 0; i < rank; i++) {
        const int r = axes == pattern
                          ? nexus_link(group, axes[i], "/entry/data")
                          : nexus_axis(group, axes[i], array->shape[i],
                                       &(struct nexus_scale){0, 1, ""}, "index of the element");
        if (r < 0)
            return -1;
    }
    return 0;
}

hid_t result_array_create(hid_t parent, const struct product_array *array, const struct run *run)
{
    const hid_t group = nexus_group(parent, array->name, "NXdata");
    if (group < 0)
        return -1;
    const hid_t dataset = array_dataset(group, array);
    int r = dataset < 0 ? -1 : result_describe(dataset, array->units, array->description);
    if (r >= 0)
        r = give_axes(group, dataset, array, run);
    H5Gclose(group);
    return r < 0 ? -1 : dataset;
}

/* ---- all ---- */

/* Two results of one name: the settings should not have let it happen, and it must not cost the
 * recording. */
static bool name_taken(hid_t parent, const char *name)
{
    if (H5Lexists(parent, name, H5P_DEFAULT) <= 0)
        return false;
    log_warning("record", "two results are called %s; the second one is not recorded", name);
    return true;
}

static int create_arrays(struct result_datasets *results, hid_t parent, const struct run *run,
                         const struct product *product)
{
    for (unsigned i = 0; i < product->n_arrays; i++) {
        if (name_taken(parent, product->arrays[i].name))
            continue;
        const hid_t dataset = result_array_create(parent, &product->arrays[i], run);
        if (dataset < 0)
            return -1;
        results->arrays[results->n_arrays++] = (struct result_array){dataset, product, i};
    }
    return 0;
}

static int create_maps(struct result_datasets *results, hid_t parent, const struct product *product)
{
    for (unsigned i = 0; i < product->n_maps; i++) {
        if (name_taken(parent, product->maps[i].name))
            continue;
        const hid_t dataset = result_map_create(results, parent, &product->maps[i]);
        if (dataset < 0)
            return -1;
        results->maps[results->n_maps++] = (struct result_map){dataset, product, i};
    }
    return 0;
}

/* The names of results begin with their layer's, which is a group. */
static int create_layer(struct result_datasets *results, hid_t parent, const struct run *run,
                        unsigned layer)
{
    if (run->n_layers > 1) {
        const hid_t group = nexus_group(parent, run_layer_name(run, layer), "NXcollection");
        if (group < 0)
            return -1;
        H5Gclose(group);
    }
    return create_measured(results, parent, run, layer);
}

static int create_all(struct result_datasets *results, hid_t parent, const struct run *run,
                      const struct product_set *set)
{
    for (unsigned layer = 0; layer < results->n_layers; layer++) {
        if (create_layer(results, parent, run, layer) < 0)
            return -1;
    }
    for (unsigned i = 0; i < set->n; i++) {
        const struct product *const product = set->products[i];
        if (create_arrays(results, parent, run, product) < 0)
            return -1;
        if (product_is_radial_profile(product) &&
            profile_datasets_create(&results->profiles, results, parent, run, product) < 0)
            return -1;
    }
    for (unsigned i = 0; i < set->n; i++) {
        const struct product *const product = set->products[i];
        const int r = product_is_bragg(product)
                          ? bragg_datasets_create(&results->bragg, results, parent, run, product)
                          : create_maps(results, parent, product);
        if (r < 0)
            return -1;
    }
    return 0;
}

static uint64_t choose_positions_at_once(const struct result_datasets *results)
{
    if (results->stack)
        return POSITIONS_AT_ONCE;
    if (results->nx >= POSITIONS_AT_ONCE)
        return results->nx;
    const uint64_t lines = POSITIONS_AT_ONCE / results->nx;
    return (lines < results->ny ? lines : results->ny) * results->nx;
}

static int allocate(struct result_datasets *results, const struct product_set *set)
{
    unsigned n_maps = 0, n_arrays = 0;
    for (unsigned i = 0; i < set->n; i++) {
        n_maps += set->products[i]->n_maps;
        n_arrays += set->products[i]->n_arrays;
    }
    const double n_positions = (double)results->passes * (double)results->ny * (double)results->nx;
    results->positions_at_once = choose_positions_at_once(results);
    results->contiguous = n_positions * (8. * n_maps + results->n_layers) <= CONTIGUOUS_LIMIT;
    results->maps = calloc(n_maps + 1, sizeof *results->maps);
    results->arrays = calloc(n_arrays + 1, sizeof *results->arrays);
    results->values = malloc(results->positions_at_once * sizeof *results->values);
    results->measured_values = malloc(results->positions_at_once);
    if (!results->maps || !results->arrays || !results->values || !results->measured_values)
        return -1;
    return 0;
}

int result_datasets_describe(struct result_datasets *results, const struct run *run)
{
    *results = (struct result_datasets){
        .n_layers = run->n_layers,
        .stack = run->scan.ny == 0,
        .passes = scan_geometry_passes(&run->scan),
        .ny = run->scan.ny,
        .nx = run->scan.nx,
        .axes_home = run->scan.ny > 0 && scan_geometry_is_stack(&run->scan) ? "/entry/geometry"
                                                                            : "/entry/data",
        .changed_first = UINT64_MAX,
    };
    for (unsigned layer = 0; layer < RUN_MAX_LAYERS; layer++)
        results->measured[layer] = -1;
    return allocate(results, run_set(run));
}

int result_datasets_create(struct result_datasets *results, hid_t entry, const struct run *run)
{
    const struct product_set *const set = run_set(run);
    if (result_datasets_describe(results, run) < 0)
        return -1;
    const hid_t group = nexus_group(entry, "results", "NXprocess");
    if (group < 0)
        return -1;
    const int r = create_all(results, group, run, set);
    H5Gclose(group);
    return r;
}
