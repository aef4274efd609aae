#pragma once

#include <jansson.h>

#include "common/error.h"

/*
 * Reads scan positions from FILE.npy (integers, [n, 2]: y, x) or FILE.csv (a line for each: y and
 * x, with a comma, a semicolon or blanks between; empty lines, lines that begin with # and a first
 * line of words are passed over) as [[y, x], ...]. A negative errno with a sentence that names file
 * and line.
 */
int positions_read(json_t **positions, const char *path, struct error *error);
