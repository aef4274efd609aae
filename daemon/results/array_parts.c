#include "daemon/results/array_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/results/result_list.h"
#include "processing/run/given_maps.h"

static const char *dtype_name(enum map_dtype dtype)
{
    return dtype == MAP_DTYPE_F64 ? "<f8" : dtype == MAP_DTYPE_U8 ? "|u1" : "<u8";
}

/* A raw part; `shape` and `dims` are taken over. */
static json_t *part(const char *name, const char *dtype, json_t *shape, json_t *dims,
                    const char *units, size_t nbytes)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:s, s:I, s:s}", "name", name, "dtype", dtype, "shape",
                     shape, "dims", dims, "units", units, "nbytes", (json_int_t)nbytes, "encoding",
                     "raw");
}

/* ---- maps ---- */

static json_t *map_shape(const struct run_map_shape *shape)
{
    if (shape->passes > 1)
        return json_pack("[I, I, I]", (json_int_t)shape->passes, (json_int_t)shape->ny,
                         (json_int_t)shape->nx);
    return json_pack("[I, I]", (json_int_t)shape->ny, (json_int_t)shape->nx);
}

struct rows_span {
    uint64_t first, count;
    bool whole; /* in the shape of the map, not as rows */
};

static json_t *map_part(const char *name, const char *dtype, const struct run_map_shape *shape,
                        const struct rows_span *span, const char *units, size_t item_size)
{
    const size_t nbytes = span->count * shape->nx * item_size;
    if (span->whole && shape->passes > 1)
        return part(name, dtype, map_shape(shape),
                    json_pack("[s, s, s]", "repeat", "scan_y", "scan_x"), units, nbytes);
    return part(name, dtype, json_pack("[I, I]", (json_int_t)span->count, (json_int_t)shape->nx),
                json_pack("[s, s]", "scan_y", "scan_x"), units, nbytes);
}

/* Number of the frame from which a result is computed live; null: no frame came since it was added,
 * or it is given as a whole. */
static json_t *since_json(const struct product *product)
{
    const uint64_t first = atomic_load_explicit(&product->since->first_frame, memory_order_relaxed);
    return first == UINT64_MAX || product->given ? json_null()
                                                 : json_integer((json_int_t)first + 1);
}

json_t *map_provenance_json(const struct product *product)
{
    char *const text = product->given ? given_maps_provenance(product) : NULL;
    json_t *const json = text ? json_loads(text, 0, NULL) : NULL;
    free(text);
    return json ? json : json_null();
}

static json_t *map_header(const struct run *run, const struct product *product, unsigned map,
                          const struct run_map_shape *shape, const struct rows_span *span)
{
    const struct product_map *const described = &product->maps[map];
    json_t *const parts = json_pack("[o, o]",
                                    map_part("data", dtype_name(described->dtype), shape, span,
                                             described->units, map_dtype_size(described->dtype)),
                                    map_part("measured", "|u1", shape, span, "", 1));
    return json_pack("{s:s, s:s, s:s, s:o, s:[I, I], s:b, s:I, s:o, s:s, s:s, s:o, s:o}", "name",
                     described->name, "scan", run->plan->id, "run", run->plan->id, "shape",
                     map_shape(shape), "rows", (json_int_t)span->first, (json_int_t)span->count,
                     "key", span->first == 0 && span->count == shape->passes * shape->ny,
                     "geometry", (json_int_t)run_view(run)->version, "since", since_json(product),
                     "units", described->units, "description", described->description, "provenance",
                     map_provenance_json(product), "parts", parts);
}

static int fill_rows(struct map_rows *rows, const struct run *run, const struct product *product,
                     unsigned map, const struct run_map_shape *shape, const struct rows_span *span)
{
    *rows = (struct map_rows){0};
    if (__builtin_mul_overflow(span->count, shape->nx, &rows->n_values) ||
        rows->n_values > MAP_VALUES_MAX)
        return -EFBIG;
    rows->value_size = map_dtype_size(product->maps[map].dtype);
    rows->values = malloc(rows->n_values * rows->value_size + 1);
    rows->measured = malloc(rows->n_values + 1);
    rows->header = map_header(run, product, map, shape, span);
    if (!rows->values || !rows->measured || !rows->header) {
        map_rows_finish(rows);
        return -ENOMEM;
    }
    run_map_positions(run, run_scan(run), product, map, span->first * shape->nx, rows->n_values,
                      rows->values, rows->measured);
    return 0;
}

int map_rows_init(struct map_rows *rows, const struct run *run, const struct product *product,
                  unsigned map, uint64_t first, uint64_t count)
{
    /* A stack grows while we look at it: its size is taken once. */
    const struct run_map_shape shape = run_map_shape(run, run_scan(run));
    const struct rows_span span = {.first = first, .count = count};
    return fill_rows(rows, run, product, map, &shape, &span);
}

int map_whole_init(struct map_rows *rows, const struct run *run, const struct product *product,
                   unsigned map)
{
    const struct run_map_shape shape = run_map_shape(run, run_scan(run));
    const struct rows_span span = {.count = shape.passes * shape.ny, .whole = true};
    return fill_rows(rows, run, product, map, &shape, &span);
}

void map_rows_finish(struct map_rows *rows)
{
    free(rows->values);
    free(rows->measured);
    json_decref(rows->header);
    *rows = (struct map_rows){0};
}

/* ---- patterns and profiles ---- */

static json_t *image_part(const char *dtype, uint32_t height, uint32_t width, const char *units,
                          size_t nbytes)
{
    return part("data", dtype, json_pack("[I, I]", (json_int_t)height, (json_int_t)width),
                json_pack("[s, s]", "y", "x"), units, nbytes);
}

/* "latest" alone is of the first layer. */
static bool find_latest(const struct run *run, const char *name, unsigned *layer)
{
    char wanted[PRODUCT_NAME_SIZE];
    *layer = 0;
    if (strcmp(name, "latest") == 0)
        return true;
    for (; *layer < run->n_layers; (*layer)++) {
        latest_pattern_name(run, *layer, wanted);
        if (strcmp(name, wanted) == 0)
            return true;
    }
    return false;
}

/* Where a frame is in the scan as it is seen; null: nowhere. */
static json_t *frame_position(const struct run_view *view, uint64_t number)
{
    const int64_t position = scan_geometry_position(&view->scan, number - 1);
    return position < 0 ? json_null() : json_integer((json_int_t)position);
}

/* A count of one in a counter of one bit is no sign of more. */
static json_t *full_scale_json(const struct pixel_format *format)
{
    return format->counter_depth == 1 ? json_null() : json_integer(pixel_format_full_scale(format));
}

static int latest_init(struct array_values *pattern, struct run *run, unsigned layer)
{
    char name[PRODUCT_NAME_SIZE];
    latest_pattern_name(run, layer, name);
    struct run_latest *const latest = &run->latest[layer];
    pattern->size = run->format.image_size;
    pattern->values = malloc(pattern->size);
    if (!pattern->values)
        return -ENOMEM;
    pthread_mutex_lock(&latest->mutex);
    const uint64_t number = latest->number;
    if (number > 0)
        memcpy(pattern->values, latest->image, pattern->size);
    pthread_mutex_unlock(&latest->mutex);
    if (number == 0)
        return -ENOENT;
    const struct run_view *const view = run_view(run);
    pattern->header =
        json_pack("{s:s, s:s, s:s, s:I, s:o, s:I, s:o, s:s, s:[o]}", "name", name, "scan",
                  run->plan->id, "run", run->plan->id, "number", (json_int_t)number, "position",
                  frame_position(view, number), "geometry", (json_int_t)view->version, "full_scale",
                  full_scale_json(&run->format), "units", "counts", "parts",
                  image_part(pixel_format_dtype(&run->format), run->format.height,
                             run->format.width, "counts", pattern->size));
    return pattern->header ? 0 : -ENOMEM;
}

json_t *ring_axis_json(const struct run *run, double ring_width)
{
    const double size = calibration_number(&run->plan->calibration, CALIBRATION_PIXEL_SIZE_K, 0);
    return json_pack("{s:s, s:s, s:f}", "name", size > 0 ? "k" : "radius", "units",
                     size > 0 ? "1/nm" : "px", "step", size > 0 ? size * ring_width : ring_width);
}

static int product_array_init(struct array_values *array, const struct run *run, const char *name,
                              unsigned rank)
{
    unsigned which;
    const struct product *const product = run_find_array(run, name, &which);
    if (!product || product->arrays[which].rank != rank)
        return -ENOENT;
    const struct product_array *const described = &product->arrays[which];
    const uint64_t count = (uint64_t)described->shape[0] * (rank == 2 ? described->shape[1] : 1);
    array->size = count * 8;
    array->values = malloc(array->size + 1);
    if (!array->values || run_array(run, product, which, array->values) < 0)
        return -ENOMEM;
    const char *const dtype = dtype_name(described->dtype);
    json_t *const data =
        rank == 2 ? image_part(dtype, described->shape[0], described->shape[1], described->units,
                               array->size)
                  : part("data", dtype, json_pack("[I]", (json_int_t)described->shape[0]),
                         json_pack("[s]", "bin"), described->units, array->size);
    array->header = json_pack("{s:s, s:s, s:s, s:s, s:s, s:[o]}", "name", described->name, "scan",
                              run->plan->id, "run", run->plan->id, "units", described->units,
                              "description", described->description, "parts", data);
    if (array->header && described->ring_width > 0)
        json_object_set_new(array->header, "axis", ring_axis_json(run, described->ring_width));
    return array->header ? 0 : -ENOMEM;
}

int pattern_init(struct array_values *pattern, struct run *run, const char *name)
{
    unsigned layer;
    *pattern = (struct array_values){0};
    const int r = find_latest(run, name, &layer) ? latest_init(pattern, run, layer)
                                                 : product_array_init(pattern, run, name, 2);
    if (r < 0)
        array_values_finish(pattern);
    return r;
}

int profile_init(struct array_values *profile, struct run *run, const char *name)
{
    *profile = (struct array_values){0};
    const int r = product_array_init(profile, run, name, 1);
    if (r < 0)
        array_values_finish(profile);
    return r;
}

void array_values_finish(struct array_values *array)
{
    free(array->values);
    json_decref(array->header);
    *array = (struct array_values){0};
}
