#pragma once

#include <stdio.h>

#include "clients/ctl/array.h"

/*
 * A map in characters, for a terminal: every character is a block of positions, the darker the
 * lower its mean, from the 0.1 to the 99.9 percentile; a dot where nothing is measured yet. At most
 * `columns` wide and `rows` high; a character is taken to be twice as high as wide. The passes of a
 * scan with repeats lie below each other.
 */
void thumbnail_print(FILE *out, const struct array *map, const struct array *measured,
                     unsigned columns, unsigned rows);
