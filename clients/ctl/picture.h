#pragma once

#include "clients/ctl/array.h"

/*
 * Writes a two-dimensional array as a picture, one pixel per item, row 0 on top: grey, black at
 * statistics->low, white at statistics->high, and a blue hatch where nothing was measured
 * (`measured` is 0, or NaN). `measured` may be NULL. Returns 0 or a negative errno with a sentence.
 */
int picture_write(const char *path, const struct array *array, const struct array *measured,
                  const struct array_statistics *statistics, struct error *error);
