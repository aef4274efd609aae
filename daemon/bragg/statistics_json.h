#pragma once

#include <jansson.h>

#include "processing/statistics/class_counts.h"
#include "processing/statistics/proportion.h"

/* What the statistics of one scan and of a series are written with. New references. */

/* "none", "two_beam" and so on: what the classes are called. */
extern const char *const class_names[SCAN_CLASSES];

/* null where it is not finite: JSON has no such number. */
json_t *number_json(double value);

/* [low, high] */
json_t *interval_json(struct interval interval);

/* {n, none, two_beam, three_beam, on_axis, multiple, fraction, wilson} */
json_t *class_counts_json(const struct class_counts *counts, double confidence);
