#pragma once

#include "clients/ctl/array.h"

/*
 * Writes a two-dimensional array as a picture, one pixel per item, row 0 on top: grey, black at
 * statistics->low, white at statistics->high, and a blue hatch where nothing was measured
 * (`measured` is 0, or NaN). `measured` may be NULL. Returns 0 or a negative errno with a sentence.
 */
int picture_write(const char *path, const struct array *array, const struct array *measured,
                  const struct array_statistics *statistics, struct error *error);

/* Writes pixels[height][width], row 0 on top, each the number of one of n_colours (256 at most) of
 * the palette: red, green, blue of each. Returns as picture_write. */
int picture_write_colours(const char *path, const uint8_t *pixels, uint32_t height, uint32_t width,
                          const uint8_t *palette, unsigned n_colours, struct error *error);
