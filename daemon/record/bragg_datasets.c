#include "daemon/record/bragg_datasets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/bragg/bragg_run_json.h"
#include "daemon/record/bragg_reflections.h"
#include "daemon/record/grown_dataset.h"
#include "daemon/record/nexus.h"
#include "daemon/record/result_datasets.h"
#include "processing/bragg_run/bragg_final.h"
#include "processing/products/bragg_product.h"
#include "processing/run/run_products.h"

#define REFERENCE_CAPACITY 8192
/* Half of it is for the regions that are excluded. */
#define STATISTICS_CAPACITY 98304
#define STATISTICS_MAX ((size_t)8 << 20)
#define BYTES_OF_A_TILE 256

const struct product *bragg_datasets_newest(const struct product *product, const struct run *run)
{
    if (!product_is_bragg(product))
        return product;
    const struct product *const newest = run_bragg(run);
    return newest ? newest : product;
}

/* ---- making ---- */

static int make_map(struct result_datasets *results, hid_t group, const struct product *product,
                    unsigned map)
{
    static const uint8_t not_analysed = BRAGG_NOT_ANALYSED;
    static const uint64_t none = 0;
    const double nothing = __builtin_nan("");
    const struct product_map *const facts = &product->maps[map];
    const char *const name = strrchr(facts->name, '/') + 1;
    const hid_t dataset = facts->dtype == MAP_DTYPE_U8
                              ? result_positions_create(results, group, name, H5T_STD_U8LE,
                                                        H5T_NATIVE_UINT8, &not_analysed)
                          : facts->dtype == MAP_DTYPE_F64
                              ? result_positions_create(results, group, name, H5T_IEEE_F64LE,
                                                        H5T_NATIVE_DOUBLE, &nothing)
                              : result_positions_create(results, group, name, H5T_STD_U16LE,
                                                        H5T_NATIVE_UINT64, &none);
    if (dataset < 0 || result_describe(dataset, facts->units, facts->description) < 0)
        return -1;
    results->maps[results->n_maps++] = (struct result_map){dataset, product, map};
    return 0;
}

static hid_t make_live(const struct result_datasets *results, hid_t group, const char *name,
                       const char *description)
{
    static const uint8_t not_analysed = BRAGG_NOT_ANALYSED;
    const hid_t dataset = result_positions_create(results, group, name, H5T_STD_U8LE,
                                                  H5T_NATIVE_UINT8, &not_analysed);
    return dataset < 0 || result_describe(dataset, "", description) < 0 ? -1 : dataset;
}

/* `dims` tells it from a map, even where the scan has the shape of a frame. */
static hid_t make_template(hid_t group, const struct run *run)
{
    static const char *const dims[] = {"y", "x"};
    const hsize_t extent[] = {run->format.height, run->format.width};
    const hid_t space = H5Screate_simple(2, extent, NULL);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset = -1;
    if (space >= 0 && properties >= 0 && H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY) >= 0)
        dataset = H5Dcreate2(group, "template", H5T_STD_U64LE, space, H5P_DEFAULT, properties,
                             H5P_DEFAULT);
    if (properties >= 0)
        H5Pclose(properties);
    if (space >= 0)
        H5Sclose(space);
    if (dataset < 0 || nexus_attribute_list(dataset, "dims", dims, 2) < 0 ||
        result_describe(dataset, "counts",
                        "sum of the frames that patterns are compared with, in the ring of the "
                        "Bragg reflections") < 0)
        return -1;
    return dataset;
}

static size_t statistics_capacity(const struct result_datasets *results,
                                  const struct product *product)
{
    const uint32_t given = bragg_product_setup(product)->tile;
    const uint64_t tile = given ? given : 10;
    const uint64_t rows = results->passes * results->ny;
    const uint64_t tiles = (rows + tile - 1) / tile * ((results->nx + tile - 1) / tile);
    const uint64_t size = STATISTICS_CAPACITY + BYTES_OF_A_TILE * tiles;
    return size < STATISTICS_MAX ? (size_t)size : STATISTICS_MAX;
}

static int make_rest(struct bragg_datasets *datasets, const struct result_datasets *results,
                     hid_t group, const struct run *run, const struct product *product)
{
    datasets->live_class = datasets->live_epoch = -1;
    if (bragg_product_is_provisional(product)) {
        datasets->live_class =
            make_live(results, group, "live_class", "classes as they were found live");
        datasets->live_epoch = make_live(
            results, group, "live_epoch",
            "epoch of the template that live_class was found with: e covers the frames from 128 * "
            "2^(e-1) on and has the sum of the frames of the epochs before the last one");
        if (datasets->live_class < 0 || datasets->live_epoch < 0)
            return -1;
    }
    datasets->reflections = bragg_reflections_create(group);
    datasets->statistics_capacity = statistics_capacity(results, product);
    datasets->statistics = nexus_text_create(group, "statistics", datasets->statistics_capacity);
    datasets->reference = nexus_text_create(group, "reference", REFERENCE_CAPACITY);
    datasets->template_sums = make_template(group, run);
    return datasets->reflections < 0 || datasets->statistics < 0 || datasets->reference < 0 ||
                   datasets->template_sums < 0
               ? -1
               : 0;
}

/* "bragg", of a layer "LAYER/bragg". */
static hid_t make_group(const struct result_datasets *results, hid_t parent,
                        const struct product *product)
{
    char name[PRODUCT_NAME_SIZE];
    snprintf(name, sizeof name, "%s", product->maps[0].name);
    *strrchr(name, '/') = '\0';
    return result_positions_group(results, parent, name, "class", NULL);
}

int bragg_datasets_create(struct bragg_datasets *datasets, struct result_datasets *results,
                          hid_t parent, const struct run *run, const struct product *product)
{
    const hid_t group = make_group(results, parent, product);
    int r = group < 0 ? -1 : 0;
    for (unsigned i = 0; i < product->n_maps && r == 0; i++)
        r = make_map(results, group, product, i);
    if (r == 0)
        r = make_rest(datasets, results, group, run, product);
    if (group >= 0)
        H5Gclose(group);
    datasets->made = r == 0;
    return r;
}

/* ---- filling ---- */

struct live_values {
    const struct run *run;
    const struct product *product;
    bool epochs;
};

static void fill_live(const void *data, uint64_t first, uint64_t n, void *values)
{
    const struct live_values *const live = data;
    uint8_t *const value = values;
    for (uint64_t i = 0; i < n; i++) {
        struct bragg_found found;
        const int64_t frame = scan_geometry_frame_index(&live->run->scan, first + i);
        value[i] = BRAGG_NOT_ANALYSED;
        if (frame >= 0 && bragg_product_look(live->product, (uint64_t)frame, &found))
            value[i] = live->epochs ? (uint8_t)found.epoch : found.class;
    }
}

static int write_live(const struct bragg_datasets *datasets, const struct result_datasets *results,
                      const struct run *run)
{
    struct live_values live = {.run = run, .product = bragg_final_provisional(run)};
    if (datasets->live_class < 0 || !live.product)
        return 0;
    if (result_positions_write(results, run, datasets->live_class, H5T_NATIVE_UINT8, fill_live,
                               &live) < 0)
        return -1;
    live.epochs = true;
    return result_positions_write(results, run, datasets->live_epoch, H5T_NATIVE_UINT8, fill_live,
                                  &live);
}

/* A text that does not fit helps nobody. */
static int write_text(hid_t dataset, size_t capacity, char *text, const char *what)
{
    const size_t size = text ? strlen(text) : 0;
    int r = 0;
    if (size > capacity)
        log_warning("record", "%s (%zu bytes) have no room in the file (%zu)", what, size,
                    capacity);
    else if (size > 0)
        r = nexus_text_write(dataset, text, size);
    free(text);
    return r;
}

static int write_template(const struct bragg_datasets *datasets, const struct product *product)
{
    const struct bragg_reference *const reference = bragg_product_reference(product);
    if (!reference)
        return 0;
    return H5Dwrite(datasets->template_sums, H5T_NATIVE_UINT64, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                    bragg_reference_values(reference)->template_sums) < 0
               ? -1
               : 0;
}

int bragg_datasets_complete(const struct bragg_datasets *datasets,
                            const struct result_datasets *results, const struct run *run)
{
    const struct product *const product = run_bragg(run);
    if (!datasets->made || !product)
        return 0;
    if (write_live(datasets, results, run) < 0 ||
        bragg_reflections_write(datasets->reflections, run, product) < 0 ||
        write_template(datasets, product) < 0 ||
        write_text(datasets->reference, REFERENCE_CAPACITY, bragg_run_reference_text(run),
                   "what is told of the Bragg reference") < 0)
        return -1;
    return write_text(datasets->statistics, datasets->statistics_capacity,
                      bragg_run_statistics_text(run), "the statistics of the Bragg reflections");
}

int bragg_datasets_write_late(const struct result_datasets *results, hid_t parent,
                              const struct run *run, const struct product *product)
{
    struct result_map maps[8];
    struct bragg_datasets datasets = {0};
    struct result_datasets late = *results;
    late.maps = maps;
    late.n_maps = 0;
    if (bragg_datasets_create(&datasets, &late, parent, run, product) < 0)
        return -1;
    for (unsigned i = 0; i < late.n_maps; i++) {
        if (result_map_write(&late, run, &late.maps[i]) < 0)
            return -1;
    }
    return bragg_datasets_complete(&datasets, &late, run);
}
