#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "clients/ctl/array.h"

/* Writes an array as a .npy file, version 1.0 of numpy's format. Returns 0 or a negative errno with
 * a sentence. */
int npy_write(const char *path, const struct array *array, struct error *error);

/* What the header of a .npy file says of the array behind it. */
struct npy_file {
    char kind;        /* 'u', 'i' or 'f' */
    size_t item_size; /* bytes: 1, 2, 4, 8; little endian */
    bool fortran_order;
    size_t n_dims;
    size_t shape[ARRAY_MAX_DIMS];
};

/* Reads the header and leaves `in` at the first item. -EINVAL with a sentence: not such a file. */
int npy_read_header(struct npy_file *file, FILE *in, const char *path, struct error *error);
