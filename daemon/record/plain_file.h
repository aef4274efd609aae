#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "common/error.h"

/* A new file that is not HDF5 and appears under its name when it is whole: NAME.partial until then.
 */
struct plain_file {
    const char *name;
    char partial[1120];
    FILE *stream;
};

/* `force`: one of that name may be replaced. 0 or a negative errno with a sentence; after 0 one of
 * the other two is to be called. */
int plain_file_begin(struct plain_file *file, const char *name, bool force, struct error *error);
/* To the disk, under its name. */
int plain_file_end(struct plain_file *file, struct error *error);
void plain_file_abandon(struct plain_file *file);

/* Something failed, for the reason in errno, while it was written. */
int plain_file_failed(const struct plain_file *file, struct error *error);
