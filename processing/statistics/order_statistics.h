#pragma once

#include <stddef.h>

void sort_doubles(double *values, size_t n);

/* The value below which a part p (0 to 1) of n > 0 sorted values lies, between two of them where it
 * falls so: numpy's default, Hyndman and Fan's (1996) definition 7. */
double sorted_quantile(const double *sorted, size_t n, double p);
