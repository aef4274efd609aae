#include "daemon/bragg/bragg_references.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bragg/bragg_reference_json.h"
#include "daemon/json_time.h"

/* ---- keeping ---- */

/* Whole numbers up to here are the same as doubles. */
#define SUM_MAX (UINT64_C(1) << 53)

static int to_doubles(double *values, const uint64_t *sums, size_t n, struct error *error)
{
    for (size_t i = 0; i < n; i++) {
        if (sums[i] > SUM_MAX)
            return error_set(error, -ERANGE,
                             "a pixel of the template has more than 2^53 counts: measure the "
                             "reference on fewer frames");
        values[i] = (double)sums[i];
    }
    return 0;
}

int bragg_references_put(struct kept_store *store, const char *name,
                         const struct bragg_reference *reference, json_t *origin,
                         struct error *error)
{
    const struct bragg_reference_values *const values = bragg_reference_values(reference);
    const size_t n = (size_t)values->height * values->width;
    double *const sums = malloc(n * sizeof *sums);
    uint8_t *const bad = calloc(n, 1);
    json_t *const document = bragg_reference_json(reference);
    int r = sums && bad && document && json_object_update(document, origin) == 0
                ? to_doubles(sums, values->template_sums, n, error)
                : error_set(error, -ENOMEM, "no memory to keep a reference");
    for (size_t i = 0; r == 0 && bad && values->bad && i < n; i++)
        bad[i] = values->bad[i] != 0;
    const struct kept_array arrays[] = {
        {"template", {NPY_F8, values->height, values->width, (const uint8_t *)sums}},
        {"bad", {NPY_U1, values->height, values->width, bad}},
    };
    if (r == 0)
        r = kept_store_put(store, BRAGG_REFERENCES_KIND, name, document, arrays, 2, error);
    json_decref(origin);
    json_decref(document);
    free(bad);
    free(sums);
    return r;
}

/* ---- reading ---- */

static int read_sums(const struct kept_store *store, const struct kept *kept,
                     const struct bragg_reference_values *values, uint64_t *sums,
                     struct error *error)
{
    struct npy_array array;
    void *bytes;
    int r = kept_store_read(store, kept, "template", &array, &bytes, error);
    if (r < 0)
        return r;
    if (array.height != values->height || array.width != values->width)
        r = error_set(error, -EBADMSG, "the template of reference %s is of another size",
                      kept->name);
    for (size_t i = 0; r == 0 && i < (size_t)array.height * array.width; i++)
        sums[i] = (uint64_t)npy_value(&array, i);
    free(bytes);
    return r;
}

static int read_bad(const struct kept_store *store, const struct kept *kept,
                    const struct bragg_reference_values *values, uint8_t *bad, struct error *error)
{
    struct npy_array array;
    void *bytes;
    int r = kept_store_read(store, kept, "bad", &array, &bytes, error);
    if (r < 0)
        return r;
    if (array.height != values->height || array.width != values->width)
        r = error_set(error, -EBADMSG, "the mask of reference %s is of another size", kept->name);
    for (size_t i = 0; r == 0 && i < (size_t)array.height * array.width; i++)
        bad[i] = npy_value(&array, i) != 0;
    free(bytes);
    return r;
}

static int load(const struct kept_store *store, const struct kept *kept,
                struct bragg_reference **reference, struct error *error)
{
    struct bragg_reference_values values;
    int r = bragg_reference_from_json(&values, kept->document, error);
    if (r < 0)
        return r;
    const size_t n = (size_t)values.height * values.width;
    uint64_t *const sums = malloc(n * sizeof *sums);
    uint8_t *const bad = malloc(n);
    r = sums && bad ? read_sums(store, kept, &values, sums, error)
                    : error_set(error, -ENOMEM, "no memory for reference %s", kept->name);
    if (r == 0 && bad)
        r = read_bad(store, kept, &values, bad, error);
    values.template_sums = sums;
    values.bad = bad;
    if (r == 0)
        r = bragg_reference_create(reference, &values, error);
    free(bad);
    free(sums);
    return r;
}

int bragg_references_load(const struct kept_store *store, const char *name,
                          struct bragg_reference **reference, struct error *error)
{
    const struct kept *const kept = kept_store_find(store, BRAGG_REFERENCES_KIND, name);
    if (!kept)
        return error_set(error, -ENOENT,
                         "there is no reference %s: measure and save one (bragg_reference)", name);
    return load(store, kept, reference, error);
}

json_t *bragg_references_list(const struct kept_store *store)
{
    json_t *const list = json_array();
    const struct kept *kept = NULL;
    while ((kept = kept_store_next(store, BRAGG_REFERENCES_KIND, kept))) {
        json_t *const one = json_copy(kept->document);
        json_object_set_new(one, "name", json_string(kept->name));
        json_object_set_new(one, "saved", json_time(kept->saved_ns));
        json_array_append_new(list, one);
    }
    return list;
}
