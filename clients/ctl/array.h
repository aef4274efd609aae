#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clients/ctl/client.h"

#define ARRAY_MAX_DIMS 4

/* An array that came as a raw part of a reply; the bytes belong to the reply. C order, little
 * endian. */
struct array {
    char kind;        /* 'u', 'i' or 'f' */
    size_t item_size; /* bytes: 1, 2, 4, 8 */
    size_t n_dims;
    size_t shape[ARRAY_MAX_DIMS];
    size_t count; /* items */
    const uint8_t *data;
};

/*
 * Finds the part `name` of a reply as result.parts describes it. -ENOENT: there is none; -EPROTO:
 * the description is none, or does not fit the bytes that came.
 */
int array_from_reply(struct array *array, struct reply *reply, const char *name,
                     struct error *error);

/* The item at `index` as a number; integers above 2^53 are rounded. */
double array_value(const struct array *array, size_t index);

/* What can be said about an image at a glance. Items that `measured` (may be NULL) marks with 0,
 * and NaN, are left out. */
struct array_statistics {
    size_t measured; /* items that count */
    double min, max, mean;
    double low, high; /* 0.1 and 99.9 percentile */
};

/* -ENOMEM, or 0. All NaN where nothing is measured. */
int array_statistics(struct array_statistics *statistics, const struct array *array,
                     const struct array *measured);

/* Whether the item counts. */
bool array_is_measured(const struct array *array, const struct array *measured, size_t index);
