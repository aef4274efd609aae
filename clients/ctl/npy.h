#pragma once

#include "clients/ctl/array.h"

/* Writes an array as a .npy file, version 1.0 of numpy's format. Returns 0 or a negative errno with
 * a sentence. */
int npy_write(const char *path, const struct array *array, struct error *error);
