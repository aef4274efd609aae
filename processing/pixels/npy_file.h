#pragma once

#include <stddef.h>

#include "common/error.h"
#include "processing/pixels/npy.h"

/* Files of processing/pixels/npy.h. */

/*
 * Reads an ordinary file of at most `limit` bytes whole. The array's values lie in *bytes, which
 * the caller frees. A negative errno with a sentence that does not name the file; then there is
 * nothing to free.
 */
int npy_file_read(struct npy_array *array, void **bytes, const char *path, size_t limit,
                  struct error *error);

/*
 * Makes a file that does not exist yet, version 1.0 in C order, and waits until it is on the disk.
 * A negative errno with a sentence that does not name the file; then there is no such file, unless
 * there was one (-EEXIST).
 */
int npy_file_write(const struct npy_array *array, const char *path, struct error *error);
