#include "daemon/results/put_map.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/result_names.h"
#include "processing/run/given_maps.h"

/* ---- the numbers as they came ---- */

struct item_type {
    char kind; /* 'u', 'i', 'f', 'b' */
    unsigned size;
};

static bool read_type(struct item_type *type, const char *text)
{
    const bool prefixed = *text == '<' || *text == '|';
    const char *const word = text + prefixed;
    if (!*word || !strchr("uifb", *word) || !strchr("1248", word[1]) || !word[1] || word[2])
        return false;
    *type = (struct item_type){*word, (unsigned)(word[1] - '0')};
    if (*text == '|' && type->size != 1)
        return false;
    return type->kind == 'f' ? type->size >= 4 : type->kind == 'b' ? type->size == 1 : true;
}

static enum map_dtype kept_as(const struct item_type *type)
{
    return type->kind == 'u' || type->kind == 'b' ? MAP_DTYPE_U64 : MAP_DTYPE_F64;
}

static double read_float(const struct item_type *type, const uint8_t *item)
{
    float single;
    double value;
    if (type->size == 8) {
        memcpy(&value, item, sizeof value);
        return value;
    }
    memcpy(&single, item, sizeof single);
    return single;
}

static uint64_t read_unsigned(const struct item_type *type, const uint8_t *item)
{
    uint64_t value = 0;
    memcpy(&value, item, type->size);
    return type->kind == 'b' ? value != 0 : value;
}

static int64_t read_signed(const struct item_type *type, const uint8_t *item)
{
    const unsigned unused = 64 - 8 * type->size;
    return (int64_t)(read_unsigned(type, item) << unused) >> unused;
}

/* The bits of the value as it is kept. false: NaN, which is none. */
static bool read_item(const struct item_type *type, const uint8_t *item, uint64_t *bits)
{
    if (kept_as(type) == MAP_DTYPE_U64) {
        *bits = read_unsigned(type, item);
        return true;
    }
    const double value =
        type->kind == 'f' ? read_float(type, item) : (double)read_signed(type, item);
    memcpy(bits, &value, sizeof value);
    return !isnan(value);
}

/* ---- does it fit ---- */

static int check_size(const struct put_map *map, const struct item_type *type, struct error *error)
{
    uint64_t n = type->size;
    for (unsigned i = 0; i < map->rank; i++) {
        if (__builtin_mul_overflow(n, map->shape[i], &n))
            n = UINT64_MAX;
    }
    if (n == map->size)
        return 0;
    return error_set(error, -EINVAL,
                     "shape and dtype make %" PRIu64 " bytes, the binary part has %zu", n,
                     map->size);
}

/* Exposures that the run has, or will have. */
static uint64_t exposures_of(const struct run *run)
{
    const uint64_t end = frame_table_end(run->frames);
    const uint64_t known = run->recycle ? run->recycle : run->frames_to_come;
    return known > end || run->recycle ? known : end;
}

static int check_exposures(const struct run *run, const struct put_map *map, struct error *error)
{
    const uint64_t n = exposures_of(run);
    if (map->shape[0] >= 1 && map->shape[0] <= n)
        return 0;
    return error_set(error, -ERANGE,
                     "%" PRIu64 " values for a run of %" PRIu64
                     " exposures: give the values of the "
                     "first exposures of the run, in their order, at most one each",
                     map->shape[0], n);
}

static int check_positions(const struct run *run, const struct put_map *map, const char **field,
                           struct error *error)
{
    const struct scan_geometry *const scan = run_scan(run);
    const uint64_t *const side = &map->shape[map->rank - 2];
    const uint64_t passes = scan_geometry_passes(scan);
    if (scan->ny == 0)
        return error_set(error, -ERANGE,
                         "the run has no scan shape: put values of each exposure, [n], or tell the "
                         "shape first (geometry)");
    if (side[0] != scan->ny || side[1] != scan->nx || (map->rank == 3 && map->shape[0] != passes))
        return error_set(
            error, -ERANGE,
            "the map must have the shape of the scan as it is seen, [%" PRIu32 ", %" PRIu32 "]%s",
            scan->ny, scan->nx, passes > 1 ? ", or with a first axis for all passes" : "");
    if (map->pass == PUT_MAP_ALL_PASSES || (uint64_t)map->pass < passes)
        return 0;
    *field = "args.pass";
    return error_set(error, -ERANGE,
                     "there is no pass %" PRId64 ": they are counted from 0 "
                     "to %" PRIu64,
                     map->pass, passes - 1);
}

/* A result that is none of those that were put. In a run of several layers the name alone is that
 * of the first one. */
static bool has_result(const struct product *product, const char *name)
{
    for (unsigned i = 0; i < product->n_maps + product->n_arrays; i++) {
        const char *const full =
            i < product->n_maps ? product->maps[i].name : product->arrays[i - product->n_maps].name;
        const char *const slash = strrchr(full, '/');
        if (strcmp(slash ? slash + 1 : full, name) == 0)
            return true;
    }
    return false;
}

/* Also those that are computed no more: the file has them. */
static int check_name(const struct run *run, const char *name, struct error *error)
{
    const unsigned n = atomic_load_explicit(&run->n_products, memory_order_acquire);
    bool taken = result_name_is_reserved(name);
    for (unsigned i = 0; i < n && !taken; i++) {
        const struct product *const product = run->products[i];
        taken = !product->given && has_result(product, name);
    }
    if (!taken)
        return 0;
    return error_set(error, -EEXIST,
                     "%s is the name of a result that merlind computes: choose another", name);
}

/* ---- taking it over ---- */

static int give(struct product *product, int64_t exposure, const struct item_type *type,
                const uint8_t *item, struct put_result *result)
{
    uint64_t bits;
    if (exposure < 0) {
        result->without++;
        return 0;
    }
    if (!read_item(type, item, &bits))
        return 0;
    result->values++;
    return given_maps_put(product, (uint64_t)exposure, &bits, 1) ? 0 : -ENOMEM;
}

static int give_exposures(struct product *product, const struct put_map *map,
                          const struct item_type *type, struct put_result *result)
{
    const uint8_t *item = map->bytes;
    int r = 0;
    for (uint64_t i = 0; i < map->shape[0] && r == 0; i++, item += type->size)
        r = give(product, (int64_t)i, type, item, result);
    return r;
}

/* A map of one pass is that of `pass`, or of every pass. */
static int give_positions(struct product *product, const struct scan_geometry *scan,
                          const struct put_map *map, const struct item_type *type,
                          struct put_result *result)
{
    const uint64_t n = (uint64_t)scan->ny * scan->nx;
    const uint64_t passes = scan_geometry_passes(scan);
    const bool one = map->pass != PUT_MAP_ALL_PASSES && map->rank == 2;
    int r = 0;
    for (uint64_t pass = one ? (uint64_t)map->pass : 0; pass < passes && r == 0; pass++) {
        const uint8_t *item = map->bytes;
        item += map->rank == 3 ? pass * n * type->size : 0;
        for (uint64_t i = 0; i < n && r == 0; i++, item += type->size)
            r = give(product, scan_geometry_frame_index(scan, pass * n + i), type, item, result);
        if (one)
            break;
    }
    return r;
}

static int check_type(const struct put_map *map, struct item_type *type, const char **field,
                      struct error *error)
{
    *field = "args.dtype";
    if (!read_type(type, map->dtype))
        return error_set(error, -EINVAL,
                         "dtype must be one of numpy's f4, f8, i1 to i8, u1 to u8 and b1, "
                         "little-endian, as \"<f4\"");
    *field = "args.shape";
    return check_size(map, type, error);
}

int put_map_numbers(double **values, const struct put_map *map, const char **field,
                    struct error *error)
{
    struct item_type type = {.kind = 'u', .size = 1};
    const int r = check_type(map, &type, field, error);
    if (r < 0)
        return r;
    const size_t n = map->size / type.size;
    double *const made = malloc((n + 1) * sizeof *made);
    if (!made)
        return error_set(error, -ENOMEM, "no memory for an image");
    const uint8_t *item = map->bytes;
    for (size_t i = 0; i < n; i++, item += type.size)
        made[i] = type.kind == 'f'   ? read_float(&type, item)
                  : type.kind == 'i' ? (double)read_signed(&type, item)
                                     : (double)read_unsigned(&type, item);
    *values = made;
    return 0;
}

int put_map(struct run *run, const struct put_map *map, struct put_result *result,
            const char **field, struct error *error)
{
    struct item_type type = {.kind = 'u', .size = 1};
    *result = (struct put_result){0};
    int r = check_type(map, &type, field, error);
    if (r == 0)
        r = map->rank == 1 ? check_exposures(run, map, error)
                           : check_positions(run, map, field, error);
    if (r < 0)
        return r;
    *field = "args.name";
    r = check_name(run, map->name, error);
    if (r < 0)
        return r;
    *field = NULL;
    const struct given_map facts = {map->name, kept_as(&type), map->units, map->description};
    result->replaced = given_maps_find(run, map->name) != NULL;
    struct product *const product = given_maps_home(run, &facts, 1, map->provenance, error);
    if (!product)
        return error->code;
    result->dtype = facts.dtype == MAP_DTYPE_U64 ? "<u8" : "<f8";
    r = map->rank == 1 ? give_exposures(product, map, &type, result)
                       : give_positions(product, run_scan(run), map, &type, result);
    return r < 0 ? error_set(error, r, "no memory for a map")
                 : given_maps_show(run, product, error);
}
