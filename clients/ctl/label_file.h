#pragma once

#include <jansson.h>

#include "common/error.h"

/*
 * A person's classes from a text file, a line each: y, x, class, the class being a name (none,
 * two-beam or two_beam ...). Lines that begin with # and a first line of names are passed over.
 * [[y, x, class], ...], new reference. -EINVAL with a sentence that names the line; -ENOMEM.
 */
int label_file_read(json_t **labels, const char *path, struct error *error);
