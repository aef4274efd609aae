#include "clients/ctl/array.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/output.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "arrays are used as they come off the wire");

static bool parse_dtype(struct array *array, const char *dtype)
{
    if (strlen(dtype) != 3 || !strchr("<|", dtype[0]) || !strchr("uif", dtype[1]) ||
        !strchr("1248", dtype[2]))
        return false;
    array->kind = dtype[1];
    array->item_size = (size_t)(dtype[2] - '0');
    const bool wide_float = array->kind != 'f' || array->item_size >= 4;
    return wide_float && (dtype[0] == '|') == (array->item_size == 1);
}

static bool parse_shape(struct array *array, const json_t *shape)
{
    array->n_dims = json_array_size(shape);
    array->count = 1;
    if (array->n_dims < 1 || array->n_dims > ARRAY_MAX_DIMS)
        return false;
    for (size_t i = 0; i < array->n_dims; i++) {
        const json_t *const length = json_array_get(shape, i);
        if (!json_is_integer(length) || json_integer_value(length) < 0)
            return false;
        array->shape[i] = (size_t)json_integer_value(length);
        if (__builtin_mul_overflow(array->count, array->shape[i], &array->count))
            return false;
    }
    return true;
}

static int describe(struct array *array, const json_t *part, zmq_msg_t *bytes, struct error *error)
{
    const char *const name = member_text(part, "name");
    size_t size;
    if (!parse_dtype(array, member_text(part, "dtype")) ||
        !parse_shape(array, json_object_get(part, "shape")) ||
        strcmp(member_text(part, "encoding"), "raw") != 0 ||
        __builtin_mul_overflow(array->count, array->item_size, &size))
        return error_set(error, -EPROTO,
                         "the daemon describes \"%s\" in a way this merlinctl does not know", name);
    if (size != zmq_msg_size(bytes))
        return error_set(error, -EPROTO, "\"%s\" came with %zu bytes where %zu are announced", name,
                         zmq_msg_size(bytes), size);
    array->data = zmq_msg_data(bytes);
    return 0;
}

int array_from_reply(struct array *array, struct reply *reply, const char *name,
                     struct error *error)
{
    const json_t *const parts = json_object_get(reply->result, "parts");
    *array = (struct array){0};
    for (size_t i = 0; i < json_array_size(parts) && i < reply->n_parts; i++) {
        const json_t *const part = json_array_get(parts, i);
        if (!strcmp(member_text(part, "name"), name)) {
            /* Never of a copy: short messages lie inside the zmq_msg_t itself. */
            return describe(array, part, &reply->parts[i], error);
        }
    }
    return error_set(error, -ENOENT, "the answer holds no \"%s\"", name);
}

static uint64_t load_unsigned(const uint8_t *at, size_t size)
{
    uint64_t value = 0;
    memcpy(&value, at, size);
    return value;
}

double array_value(const struct array *array, size_t index)
{
    const uint8_t *const at = array->data + index * array->item_size;
    const uint64_t bits = load_unsigned(at, array->item_size);
    if (array->kind == 'u')
        return (double)bits;
    if (array->kind == 'i') {
        const unsigned unused = (unsigned)(64 - 8 * array->item_size);
        return (double)((int64_t)(bits << unused) >> unused);
    }
    float narrow;
    double wide;
    if (array->item_size == sizeof narrow) {
        memcpy(&narrow, at, sizeof narrow);
        return (double)narrow;
    }
    memcpy(&wide, at, sizeof wide);
    return wide;
}

bool array_is_measured(const struct array *array, const struct array *measured, size_t index)
{
    if (measured && array_value(measured, index) == 0)
        return false;
    return array->kind != 'f' || isfinite(array_value(array, index));
}

static int compare_doubles(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void summarise(struct array_statistics *statistics, double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_doubles);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    const double last = (double)(n - 1);
    *statistics = (struct array_statistics){
        .measured = n,
        .min = values[0],
        .max = values[n - 1],
        .mean = sum / (double)n,
        .low = values[(size_t)floor(0.001 * last)],
        .high = values[(size_t)ceil(0.999 * last)],
    };
}

int array_statistics(struct array_statistics *statistics, const struct array *array,
                     const struct array *measured)
{
    *statistics = (struct array_statistics){0, NAN, NAN, NAN, NAN, NAN};
    double *const values = malloc(array->count * sizeof *values + 1);
    if (!values)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < array->count; i++)
        if (array_is_measured(array, measured, i))
            values[n++] = array_value(array, i);
    if (n > 0)
        summarise(statistics, values, n);
    free(values);
    return 0;
}
