#include "daemon/control/put_image.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/results/map_values.h"
#include "daemon/results/scan_image.h"
#include "processing/analysis/map_drift.h"

/* An image, and where on it the scan is. */
struct placing {
    struct scan_image image;
    double *pixels; /* owned */
    struct map_pass pass;
    double shift[2], error; /* positions; error NAN: the client told the shift */
};

static int take_shift(struct placing *placing, const json_t *shift, const char **field,
                      struct error *error)
{
    if (!shift)
        return 0;
    const json_t *const y = json_array_get(shift, 0), *const x = json_array_get(shift, 1);
    placing->shift[0] = json_number_value(y);
    placing->shift[1] = json_number_value(x);
    *field = "args.image.shift";
    return json_array_size(shift) == 2 && json_is_number(y) && json_is_number(x)
               ? 0
               : error_set(error, -EINVAL, "shift must be [dy, dx], two numbers in positions");
}

/* What lies at (y, x) in the map lies at (y, x) + shift in the image. */
static int find_shift(struct placing *placing, double *values, const struct run *run,
                      const char *name, struct error *error)
{
    const struct map_pass *const pass = &placing->pass;
    struct map_drift drift;
    double *map;
    scan_image_values(values, &placing->image, pass->ny, pass->nx, 0, 0);
    int r = map_values_read(&map, run, pass, name, error);
    if (r < 0)
        return -ENODATA;
    r = map_drift_find(&drift, map, values, pass->ny, pass->nx, 1, error);
    free(map);
    if (r < 0)
        return r;
    if (!drift.found)
        return error_set(
            error, -ENODATA,
            "the image is not found in the map %.40s: take a map of the same contrast, "
            "or give the shift",
            name);
    placing->shift[0] = drift.dy;
    placing->shift[1] = drift.dx;
    placing->error = drift.error;
    return 0;
}

static int place(struct put_image *image, struct placing *placing, const json_t *wanted,
                 const struct run *run, const char **field, struct error *error)
{
    const json_t *const name = json_object_get(wanted, "register");
    const json_t *const shift = json_object_get(wanted, "shift");
    const struct map_pass *const pass = &placing->pass;
    const size_t known = (name != NULL) + (shift != NULL);
    if (!json_is_object(wanted) || json_object_size(wanted) != known || known > 1 ||
        (name && !json_is_string(name))) {
        *field = "args.image";
        return error_set(error, -EINVAL,
                         "image must be {register: the name of a map} or {shift: [dy, dx]}, or {}");
    }
    int r = take_shift(placing, shift, field, error);
    if (r == 0 && name) {
        *field = "args.image.register";
        r = find_shift(placing, image->values, run, json_string_value(name), error);
    }
    if (r < 0)
        return r;
    scan_image_values(image->values, &placing->image, pass->ny, pass->nx, placing->shift[0],
                      placing->shift[1]);
    image->told = json_pack(
        "{s:[I, I], s:[f, f], s:o, s:O?}", "shape", (json_int_t)placing->image.height,
        (json_int_t)placing->image.width, "shift", placing->shift[0], placing->shift[1], "error",
        isfinite(placing->error) ? json_real(placing->error) : json_null(), "register", name);
    return image->told ? 0 : error_set(error, -ENOMEM, "no memory for the image");
}

/* The map is then an array of the scan's shape. */
static void replace(struct put_map *map, const struct put_image *image, const struct map_pass *pass)
{
    map->dtype = "<f8";
    map->shape[0] = pass->ny;
    map->shape[1] = pass->nx;
    map->bytes = image->values;
    map->size = (size_t)pass->ny * pass->nx * sizeof *image->values;
}

int put_image_init(struct put_image *image, struct put_map *map, const json_t *args,
                   const struct run *run, const char **field, struct error *error)
{
    struct placing placing = {.error = NAN};
    *image = (struct put_image){0};
    *field = "args.shape";
    if (map->rank != 2 || map->shape[0] > UINT16_MAX || map->shape[1] > UINT16_MAX)
        return error_set(error, -EINVAL, "an image has two sides of at most 65535 pixels");
    int r = put_map_numbers(&placing.pixels, map, field, error);
    if (r < 0)
        return r;
    *field = NULL;
    placing.image =
        (struct scan_image){placing.pixels, (uint32_t)map->shape[0], (uint32_t)map->shape[1]};
    r = map_pass_choose(&placing.pass, run, NULL, MAP_PASS_NEWEST, error);
    if (r == 0) {
        const size_t n = (size_t)placing.pass.ny * placing.pass.nx;
        image->values = malloc((n + 1) * sizeof *image->values);
        r = image->values
                ? place(image, &placing, json_object_get(args, "image"), run, field, error)
                : error_set(error, -ENOMEM, "no memory for the image");
    }
    free(placing.pixels);
    if (r == 0)
        replace(map, image, &placing.pass);
    else
        put_image_finish(image);
    return r;
}

void put_image_finish(struct put_image *image)
{
    free(image->values);
    json_decref(image->told);
    *image = (struct put_image){0};
}
