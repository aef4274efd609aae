#pragma once

#include <stddef.h>

#include "common/error.h"
#include "processing/statistics/proportion.h"

/*
 * The fraction of several scans and how sure it is, with whole scans as the units: patterns of one
 * scan are alike, and scans differ. The headline for two scans or more.
 *
 * p = sum x_i / sum n_i; s^2 = K / (K - 1) * sum (x_i - p n_i)^2 / (sum n_i)^2 (Cochran, Sampling
 * Techniques, 1977, 9A), at least that of independent patterns; the interval is that of Student's
 * law with K - 1 degrees of freedom on the log odds. The design effect is s^2 over p (1 - p) / n.
 *
 * Scans that are all 0 or all 1 say nothing about s: the interval is then Wilson's for n_effective
 * patterns (the sum of the scans' own, effective_size.h) with the same quantile.
 */
struct clustered {
    size_t n_scans; /* with patterns */
    double n, x, fraction;
    double error; /* s */
    double design_effect;
    struct interval interval;
};

/* x[i] of n[i] patterns in each of n_scans; scans without any are left out. -ENODATA: fewer than
 * two are left. */
int clustered_fraction(struct clustered *clustered, const double *x, const double *n,
                       size_t n_scans, double n_effective, double confidence, struct error *error);
