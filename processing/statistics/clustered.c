#include "processing/statistics/clustered.h"

#include <errno.h>
#include <math.h>

#include "processing/statistics/distributions.h"

static double squared_residuals(const double *x, const double *n, size_t n_scans, double p)
{
    double sum = 0;
    for (size_t i = 0; i < n_scans; i++)
        sum += (x[i] - p * n[i]) * (x[i] - p * n[i]);
    return sum;
}

int clustered_fraction(struct clustered *clustered, const double *x, const double *n,
                       size_t n_scans, double n_effective, double confidence, struct error *error)
{
    *clustered = (struct clustered){.fraction = NAN, .interval = interval_unknown};
    for (size_t i = 0; i < n_scans; i++) {
        clustered->n_scans += n[i] > 0;
        clustered->n += n[i];
        clustered->x += x[i];
    }
    if (clustered->n_scans < 2)
        return error_set(
            error, -ENODATA,
            "only %zu scans have classified patterns; an interval over scans needs two",
            clustered->n_scans);
    const double scans = (double)clustered->n_scans, total = clustered->n;
    const double p = clustered->x / total, independent = p * (1 - p) / total;
    const double quantile = student_t_quantile((1 + confidence) / 2, scans - 1);
    clustered->fraction = p;
    clustered->design_effect = 1;
    if (p <= 0 || p >= 1) {
        clustered->interval = wilson_interval_with(p, fmin(n_effective, total), quantile);
        return 0;
    }
    const double variance =
        scans / (scans - 1) * squared_residuals(x, n, n_scans, p) / (total * total);
    clustered->error = sqrt(fmax(variance, independent));
    clustered->design_effect = fmax(variance / independent, 1);
    clustered->interval = logit_interval(p, clustered->error, quantile);
    return 0;
}
