#include "daemon/record/result_datasets.h"

#include <stdlib.h>

#include "common/log.h"
#include "daemon/record/grown_dataset.h"
#include "daemon/record/nexus.h"

/* Maps up to this size, all together, have their space from the start; larger ones get it line by
 * line as they fill. */
#define CONTIGUOUS_LIMIT (UINT64_C(64) << 20)
#define POSITIONS_AT_ONCE 65536

static int soft_link(hid_t group, const char *name, const char *target)
{
    return H5Lcreate_soft(target, group, name, H5P_DEFAULT, H5P_DEFAULT) < 0 ? -1 : 0;
}

/* The map shares its axes with /entry/data. */
static int link_axes(hid_t group, const struct result_datasets *results)
{
    static const char *const scan[] = {"scan_y", "scan_x"}, *const stack[] = {"frame"};
    if (nexus_attribute(group, "signal", "data") < 0)
        return -1;
    if (results->stack)
        return nexus_attribute_list(group, "axes", stack, 1) < 0
                   ? -1
                   : soft_link(group, "frame", "/entry/data/frame");
    if (nexus_attribute_list(group, "axes", scan, 2) < 0 ||
        soft_link(group, "scan_y", "/entry/data/scan_y") < 0)
        return -1;
    return soft_link(group, "scan_x", "/entry/data/scan_x");
}

static hid_t scan_properties(const struct result_datasets *results, hid_t memory, const void *fill)
{
    const hsize_t chunk[] = {results->positions_at_once / results->nx, results->nx};
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    if (properties < 0)
        return properties;
    /* In the file before SWMR begins: space that came later would be metadata that changed. */
    const herr_t r = results->contiguous ? H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY)
                                         : H5Pset_chunk(properties, 2, chunk);
    if (r < 0 || H5Pset_fill_value(properties, memory, fill) < 0 ||
        H5Pset_fill_time(properties, H5D_FILL_TIME_ALLOC) < 0) {
        H5Pclose(properties);
        return -1;
    }
    return properties;
}

static hid_t scan_map_create(const struct result_datasets *results, hid_t group, hid_t type,
                             hid_t memory, const void *fill)
{
    const hsize_t extent[] = {results->ny, results->nx};
    const hid_t space = H5Screate_simple(2, extent, NULL);
    const hid_t properties = scan_properties(results, memory, fill);
    hid_t dataset = -1;
    if (space >= 0 && properties >= 0)
        dataset = H5Dcreate2(group, "data", type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    if (properties >= 0)
        H5Pclose(properties);
    if (space >= 0)
        H5Sclose(space);
    return dataset;
}

static int describe(hid_t dataset, const char *units, const char *description)
{
    if (nexus_attribute(dataset, "units", units ? units : "") < 0)
        return -1;
    return nexus_attribute(dataset, "description", description);
}

/* A group of that name with a dataset "data" over the positions. */
static hid_t map_create(const struct result_datasets *results, hid_t parent, const char *name,
                        hid_t type, hid_t memory, const void *fill)
{
    const hid_t group = nexus_group(parent, name, "NXdata");
    if (group < 0)
        return group;
    const hid_t dataset = results->stack ? grown_dataset_create(group, "data", type, memory, fill)
                                         : scan_map_create(results, group, type, memory, fill);
    const int r = dataset < 0 ? -1 : link_axes(group, results);
    H5Gclose(group);
    return r < 0 ? -1 : dataset;
}

static int create_map(struct result_datasets *results, hid_t parent, const struct product *product,
                      unsigned map)
{
    static const uint64_t no_counts = 0;
    const double nothing = __builtin_nan("");
    const struct product_map *const facts = &product->maps[map];
    const bool is_float = facts->dtype == MAP_DTYPE_F64;
    const hid_t dataset = is_float ? map_create(results, parent, facts->name, H5T_IEEE_F64LE,
                                                H5T_NATIVE_DOUBLE, &nothing)
                                   : map_create(results, parent, facts->name, H5T_STD_U64LE,
                                                H5T_NATIVE_UINT64, &no_counts);
    if (dataset < 0)
        return -1;
    results->maps[results->n_maps++] = (struct result_map){dataset, product, map};
    return describe(dataset, facts->units, facts->description);
}

static int create_measured(struct result_datasets *results, hid_t parent)
{
    static const uint8_t no = 0;
    results->measured =
        map_create(results, parent, "measured", H5T_STD_U8LE, H5T_NATIVE_UINT8, &no);
    if (results->measured < 0)
        return -1;
    return describe(results->measured, "", "1 where a frame was analysed");
}

static hid_t image_dataset(hid_t group, const struct run *run)
{
    const hsize_t extent[] = {run->format.height, run->format.width};
    const hid_t space = H5Screate_simple(2, extent, NULL);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset = -1;
    if (space >= 0 && properties >= 0 && H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY) >= 0)
        dataset =
            H5Dcreate2(group, "data", H5T_STD_U64LE, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    if (properties >= 0)
        H5Pclose(properties);
    if (space >= 0)
        H5Sclose(space);
    return dataset;
}

static int create_image(struct result_datasets *results, hid_t parent, const struct run *run,
                        const struct product *product)
{
    static const char *const axes[] = {"y", "x"};
    const hid_t group = nexus_group(parent, product->image_name, "NXdata");
    if (group < 0)
        return -1;
    const hid_t dataset = image_dataset(group, run);
    int r = -1;
    if (dataset >= 0 && describe(dataset, "counts", "sum of all analysed frames") >= 0 &&
        nexus_attribute(group, "signal", "data") >= 0 &&
        nexus_attribute_list(group, "axes", axes, 2) >= 0 &&
        soft_link(group, "y", "/entry/data/y") >= 0)
        r = soft_link(group, "x", "/entry/data/x");
    H5Gclose(group);
    if (dataset >= 0)
        results->images[results->n_images++] = (struct result_image){dataset, product};
    return r;
}

/* Two results of one name: the settings should not have let it happen, and it must not cost the
 * recording. */
static bool name_taken(hid_t parent, const char *name)
{
    if (H5Lexists(parent, name, H5P_DEFAULT) <= 0)
        return false;
    log_warning("record", "two results are called %s; the second one is not recorded", name);
    return true;
}

static int create_all(struct result_datasets *results, hid_t parent, const struct run *run)
{
    for (unsigned i = 0; i < run->n_products; i++) {
        const struct product *const product = &run->products[i];
        if (product->image_name && !name_taken(parent, product->image_name) &&
            create_image(results, parent, run, product) < 0)
            return -1;
    }
    if (create_measured(results, parent) < 0)
        return -1;
    for (unsigned i = 0; i < run->n_products; i++) {
        const struct product *const product = &run->products[i];
        for (unsigned map = 0; map < product->n_maps; map++) {
            if (!name_taken(parent, product->maps[map].name) &&
                create_map(results, parent, product, map) < 0)
                return -1;
        }
    }
    return 0;
}

static int allocate(struct result_datasets *results, const struct run *run)
{
    unsigned n_maps = 0;
    for (unsigned i = 0; i < run->n_products; i++)
        n_maps += run->products[i].n_maps;
    results->positions_at_once = POSITIONS_AT_ONCE;
    if (!results->stack && results->nx < POSITIONS_AT_ONCE)
        results->positions_at_once -= POSITIONS_AT_ONCE % results->nx;
    else if (!results->stack)
        results->positions_at_once = results->nx;
    if (!results->stack && results->positions_at_once > results->ny * results->nx)
        results->positions_at_once = results->ny * results->nx;
    results->contiguous =
        results->ny * results->nx * (8 * (uint64_t)n_maps + 1) <= CONTIGUOUS_LIMIT;
    results->maps = calloc(n_maps + 1, sizeof *results->maps);
    results->images = calloc(run->n_products + 1, sizeof *results->images);
    results->values = malloc(results->positions_at_once * sizeof *results->values);
    results->measured_values = malloc(results->positions_at_once);
    if (!results->maps || !results->images || !results->values || !results->measured_values)
        return -1;
    return 0;
}

int result_datasets_create(struct result_datasets *results, hid_t entry, const struct run *run)
{
    *results = (struct result_datasets){
        .measured = -1,
        .stack = run->scan.ny == 0,
        .ny = run->scan.ny,
        .nx = run->scan.nx,
        .changed_first = UINT64_MAX,
    };
    if (allocate(results, run) < 0)
        return -1;
    const hid_t group = nexus_group(entry, "results", "NXprocess");
    if (group < 0)
        return -1;
    const int r = create_all(results, group, run);
    H5Gclose(group);
    return r;
}
