#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/*
 * Two-dimensional arrays in numpy's .npy format, versions 1.0, 2.0 and 3.0 (numpy.lib.format):
 * magic
 * "\x93NUMPY", version, length of the header, a Python dictionary with descr, fortran_order and
 * shape, and the values. The bytes are not trusted. Only what a mask needs is taken, and nothing
 * else is guessed: C order, exactly two axes, as many bytes as the shape says, and one of the types
 * below.
 */
enum npy_type { NPY_BOOL, NPY_U1, NPY_I1, NPY_F4, NPY_F8 };

struct npy_array {
    enum npy_type type; /* |b1 |u1 |i1 <f4 <f8 */
    uint32_t height, width;
    const uint8_t *values; /* in the bytes given, at any address */
};

/* -EBADMSG: not such a file; -ENOTSUP: an array of another type, order or number of axes, with what
 * to do about it. */
int npy_parse(struct npy_array *array, const void *bytes, size_t size, struct error *error);

/* Value i of height * width, in C order. Bool gives 0 or 1. */
double npy_value(const struct npy_array *array, size_t i);

/* "|b1", ... and bytes of a value. */
const char *npy_descr(enum npy_type type);
size_t npy_value_size(enum npy_type type);
