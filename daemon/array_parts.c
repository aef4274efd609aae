#include "daemon/array_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static json_t *part(const char *name, const char *dtype, uint64_t ny, uint64_t nx,
                    const char *dim_y, const char *dim_x, const char *units, size_t nbytes)
{
    return json_pack("{s:s, s:s, s:[I, I], s:[s, s], s:s, s:I, s:s}", "name", name, "dtype", dtype,
                     "shape", (json_int_t)ny, (json_int_t)nx, "dims", dim_y, dim_x, "units", units,
                     "nbytes", (json_int_t)nbytes, "encoding", "raw");
}

static json_t *map_header(const struct run *run, const struct product_map *map, uint64_t first,
                          uint64_t count, uint64_t ny, uint64_t nx)
{
    const char *const dtype = map->dtype == MAP_DTYPE_F64 ? "<f8" : "<u8";
    json_t *const parts = json_pack(
        "[o, o]", part("data", dtype, count, nx, "scan_y", "scan_x", map->units, count * nx * 8),
        part("measured", "|u1", count, nx, "scan_y", "scan_x", "", count * nx));
    return json_pack("{s:s, s:s, s:s, s:[I, I], s:[I, I], s:b, s:s, s:s, s:o}", "name", map->name,
                     "scan", run->plan->id, "run", run->plan->id, "shape", (json_int_t)ny,
                     (json_int_t)nx, "rows", (json_int_t)first, (json_int_t)count, "key",
                     first == 0 && count == ny, "units", map->units, "description",
                     map->description, "parts", parts);
}

int map_rows_init(struct map_rows *rows, const struct run *run, const struct product *product,
                  unsigned map, uint64_t first, uint64_t count)
{
    uint64_t ny, nx;
    run_map_shape(run, &ny, &nx);
    /* A stack grows while we look at it: take its size once. */
    rows->n_values = count * nx;
    rows->values = malloc(rows->n_values * 8 + 1);
    rows->measured = malloc(rows->n_values + 1);
    rows->header = map_header(run, &product->maps[map], first, count, ny, nx);
    if (!rows->values || !rows->measured || !rows->header) {
        map_rows_finish(rows);
        return -ENOMEM;
    }
    run_map_positions(run, product, map, first * nx, rows->n_values, rows->values, rows->measured);
    return 0;
}

void map_rows_finish(struct map_rows *rows)
{
    free(rows->values);
    free(rows->measured);
    json_decref(rows->header);
    *rows = (struct map_rows){0};
}

static int latest_init(struct pattern_image *pattern, struct run *run)
{
    pattern->size = run->format.image_size;
    pattern->image = malloc(pattern->size);
    if (!pattern->image)
        return -ENOMEM;
    pthread_mutex_lock(&run->latest_mutex);
    const uint64_t number = run->latest_number;
    memcpy(pattern->image, run->latest_image, pattern->size);
    pthread_mutex_unlock(&run->latest_mutex);
    if (number == 0)
        return -ENOENT;
    pattern->header =
        json_pack("{s:s, s:s, s:s, s:I, s:s, s:[o]}", "name", "latest", "scan", run->plan->id,
                  "run", run->plan->id, "number", (json_int_t)number, "units", "counts", "parts",
                  part("data", pixel_format_dtype(&run->format), run->format.height,
                       run->format.width, "y", "x", "counts", pattern->size));
    return pattern->header ? 0 : -ENOMEM;
}

static int product_image_init(struct pattern_image *pattern, struct run *run,
                              const struct product *product)
{
    pattern->size = sizeof(uint64_t) * run->format.height * run->format.width;
    pattern->image = malloc(pattern->size);
    if (!pattern->image)
        return -ENOMEM;
    run_image(run, product, pattern->image);
    pattern->header = json_pack("{s:s, s:s, s:s, s:s, s:[o]}", "name", product->image_name, "scan",
                                run->plan->id, "run", run->plan->id, "units", "counts", "parts",
                                part("data", "<u8", run->format.height, run->format.width, "y", "x",
                                     "counts", pattern->size));
    return pattern->header ? 0 : -ENOMEM;
}

int pattern_image_init(struct pattern_image *pattern, struct run *run, const char *name)
{
    *pattern = (struct pattern_image){0};
    int r = -ENOENT;
    if (strcmp(name, "latest") == 0)
        r = latest_init(pattern, run);
    for (unsigned i = 0; i < run->n_products; i++) {
        const struct product *const product = &run->products[i];
        if (product->image_name && strcmp(name, product->image_name) == 0)
            r = product_image_init(pattern, run, product);
    }
    if (r < 0)
        pattern_image_finish(pattern);
    return r;
}

void pattern_image_finish(struct pattern_image *pattern)
{
    free(pattern->image);
    json_decref(pattern->header);
    *pattern = (struct pattern_image){0};
}
