#include "processing/analysis/flat_field.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>

static void find_mean(struct flat_field *result, const double *counts, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(counts[i]))
            continue;
        sum += counts[i];
        result->n_good++;
    }
    result->mean = result->n_good ? sum / (double)result->n_good : 0;
    for (size_t i = 0; i < n; i++)
        squares += isnan(counts[i]) ? 0 : pow(counts[i] - result->mean, 2);
    if (result->n_good > 1 && sum > 0)
        result->spread = sqrt(squares / (double)(result->n_good - 1)) / result->mean;
}

int flat_field_measure(float *gain, struct flat_field *result, const double *counts,
                       uint32_t height, uint32_t width, double overdispersion, struct error *error)
{
    const size_t n = (size_t)height * width;
    *result = (struct flat_field){.least = INFINITY, .most = 0};
    find_mean(result, counts, n);
    if (result->mean < FLAT_FIELD_COUNTS)
        return error_set(error, -ENODATA,
                         "a pixel has %.0f counts, which would make the gain noisy by %.0f %%: sum "
                         "more frames, until it has %d (10,000 for 1 %%)",
                         result->mean, 100 / sqrt(fmax(result->mean, 1)), FLAT_FIELD_COUNTS);
    result->noise = sqrt(overdispersion / result->mean);
    for (size_t i = 0; i < n; i++) {
        const double value = isnan(counts[i]) ? 1 : result->mean / counts[i];
        if (!(value >= 0.25 && value <= 4))
            return error_set(error, -EDOM,
                             "pixel (y, x) = (%zu, %zu) has %.0f counts where the mean is %.0f: "
                             "light the detector evenly, and find bad pixels first "
                             "(calibration_measure bad_pixels, even, apply)",
                             i / width, i % width, counts[i], result->mean);
        gain[i] = (float)value;
        if (isnan(counts[i]))
            continue;
        result->least = fmin(result->least, value);
        result->most = fmax(result->most, value);
    }
    return 0;
}
