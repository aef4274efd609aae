#pragma once

#include <math.h>

#include "recorded_run.h"

/*
 * A product whose results are easy to know, with maps and arrays of all kinds: with s the sum of an
 * image's first 8 pixels,
 *   NAME_u        map u64 (f64 when `other`), factor * s
 *   NAME_f        map f64, s / factor
 *   NAME_profile  array f64 [5] (u64 [7] when `other`), factor * sum over the frames of each of the
 *                 first pixels
 *   NAME_table    array u64 [2][3], the same of the first six
 * or, when `plain`, one map NAME like NAME_u.
 */
struct probe {
    char name[16];
    uint64_t factor;
    bool other, plain;
};

#define PROBE_PIXELS 8

static const struct probe *probe_of(const struct product *product)
{
    return product->state;
}

static void probe_frame(const struct product *product, struct frame *frame, uint64_t *columns)
{
    const uint16_t *const pixels = frame_image(frame);
    columns[0] = 0;
    for (unsigned i = 0; i < PROBE_PIXELS; i++)
        columns[0] += pixels[i];
}

static void probe_accumulate(const struct product *product, uint64_t exposure, struct frame *frame,
                             const uint64_t *columns, void *accumulator)
{
    const uint16_t *const pixels = frame_image(frame);
    uint64_t *const sums = accumulator;
    for (unsigned i = 0; i < PROBE_PIXELS; i++)
        sums[i] += pixels[i];
}

static void probe_merge(const struct product *product, void *into, const void *from)
{
    uint64_t *const sums = into;
    const uint64_t *const more = from;
    for (unsigned i = 0; i < PROBE_PIXELS; i++)
        sums[i] += more[i];
}

static void put(enum map_dtype dtype, void *values, unsigned i, double value)
{
    if (dtype == MAP_DTYPE_F64)
        ((double *)values)[i] = value;
    else
        ((uint64_t *)values)[i] = (uint64_t)value;
}

static void probe_map_value(const struct product *product, unsigned map, const uint64_t *columns,
                            void *value)
{
    const double sum = (double)columns[0], factor = (double)probe_of(product)->factor;
    put(product->maps[map].dtype, value, 0, map == 0 ? sum * factor : sum / factor);
}

static void probe_array(const struct product *product, unsigned which, const void *accumulator,
                        void *values)
{
    const struct product_array *const array = &product->arrays[which];
    const uint64_t *const sums = accumulator;
    const unsigned n = array->rank == 2 ? 6 : array->shape[0];
    for (unsigned i = 0; i < n; i++)
        put(array->dtype, values, i, (double)sums[i] * (double)probe_of(product)->factor);
}

static void probe_finish(struct product *product)
{
    free(product->maps);
    free(product->arrays);
    free(product->state);
}

static const struct product_class probe_class = {
    .kind = "probe",
    .frame = probe_frame,
    .accumulate = probe_accumulate,
    .merge = probe_merge,
    .map_value = probe_map_value,
    .array = probe_array,
    .finish = probe_finish,
};

static void probe_describe(struct product *product, const struct probe *probe)
{
    const enum map_dtype whole = probe->other ? MAP_DTYPE_F64 : MAP_DTYPE_U64;
    product->maps[0] = (struct product_map){.dtype = whole, .units = "counts"};
    product->maps[1] = (struct product_map){.dtype = MAP_DTYPE_F64, .units = "1/nm"};
    product->arrays[0] = (struct product_array){
        .dtype = probe->other ? MAP_DTYPE_U64 : MAP_DTYPE_F64,
        .rank = 1,
        .shape = {probe->other ? 7 : 5},
        .units = "counts",
    };
    product->arrays[1] = (struct product_array){
        .dtype = MAP_DTYPE_U64, .rank = 2, .shape = {2, 3}, .units = "counts"};
    snprintf(product->maps[0].name, PRODUCT_NAME_SIZE, "%s%s", probe->name,
             probe->plain ? "" : "_u");
    snprintf(product->maps[1].name, PRODUCT_NAME_SIZE, "%s_f", probe->name);
    snprintf(product->arrays[0].name, PRODUCT_NAME_SIZE, "%s_profile", probe->name);
    snprintf(product->arrays[1].name, PRODUCT_NAME_SIZE, "%s_table", probe->name);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(product->maps[i].description, sizeof product->maps[i].description, "factor %u",
                 (unsigned)probe->factor);
        snprintf(product->arrays[i].description, sizeof product->arrays[i].description, "factor %u",
                 (unsigned)probe->factor);
    }
}

/* In the run, not yet computed. */
static struct product *probe_product(struct run *run, unsigned layer, struct probe probe)
{
    struct error error = {0};
    struct product prepared = {
        .class = &probe_class,
        .format = run->format,
        .n_columns = 1,
        .n_maps = probe.plain ? 1 : 2,
        .maps = calloc(2, sizeof *prepared.maps),
        .n_arrays = probe.plain ? 0 : 2,
        .arrays = calloc(2, sizeof *prepared.arrays),
        .accumulator_size = PROBE_PIXELS * sizeof(uint64_t),
        .state = malloc(sizeof probe),
    };
    memcpy(prepared.state, &probe, sizeof probe);
    probe_describe(&prepared, &probe);
    struct product *const product = run_add_product(run, &prepared, layer, probe.name, &error);
    if (!product)
        fail_msg("%s", error.text);
    return product;
}

/* From the next frame on `added` is computed and `removed` (may be NULL) no more. */
static void compute(struct run *run, const struct product *removed, struct product *added)
{
    assert_non_null(run_change_set(run, &removed, removed ? 1 : 0, &added, 1));
}
