#include "processing/statistics/reflections.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define MAX_BINS 65536

static int histogram_init(struct histogram *histogram, double step, double end, struct error *error)
{
    *histogram = (struct histogram){.step = step};
    const double bins = ceil(end / step - 1e-9);
    if (!(step > 0) || !(bins >= 1) || bins > MAX_BINS)
        return error_set(error, -EINVAL, "a histogram up to %g in steps of %g has no 1 to %d bins",
                         end, step, MAX_BINS);
    histogram->n_bins = (uint32_t)bins;
    histogram->counts = calloc(histogram->n_bins, sizeof *histogram->counts);
    return histogram->counts ? 0 : error_set(error, -ENOMEM, "no memory for a histogram");
}

void histogram_finish(struct histogram *histogram)
{
    free(histogram->counts);
    histogram->counts = NULL;
}

static void histogram_add(struct histogram *histogram, double value)
{
    const double bin = floor((value - histogram->start) / histogram->step);
    if (bin < 0)
        histogram->below++;
    else if (bin >= histogram->n_bins)
        histogram->above++;
    else
        histogram->counts[(uint32_t)bin]++;
}

int reflection_lengths(struct histogram *histogram, const struct scan_reflection *reflections,
                       size_t n, double pixel_size, double step, double max_length,
                       struct error *error)
{
    const int result = histogram_init(histogram, step, max_length, error);
    for (size_t i = 0; result == 0 && i < n; i++)
        histogram_add(histogram, hypot(reflections[i].gy, reflections[i].gx) * pixel_size);
    return result;
}

int reflection_azimuths(struct histogram *histogram, const struct scan_reflection *reflections,
                        size_t n, double step, struct error *error)
{
    const int result = histogram_init(histogram, step, 360, error);
    for (size_t i = 0; result == 0 && i < n; i++) {
        const double azimuth = atan2(reflections[i].gy, reflections[i].gx) * 180 / M_PI;
        histogram_add(histogram, azimuth < 0 ? fmin(azimuth + 360, nextafter(360, 0)) : azimuth);
    }
    return result;
}

static bool phase_fits(const struct crystal_phase *phase, double k, double tolerance)
{
    for (size_t i = 0; i < phase->n_spacings; i++)
        if (fabs(k * phase->spacings[i] - 1) <= tolerance)
            return true;
    return false;
}

void reflection_phases(int32_t *phases, uint64_t *counts, const struct scan_reflection *reflections,
                       size_t n, double pixel_size, const struct crystal_phase *known,
                       size_t n_phases, double tolerance)
{
    for (size_t i = 0; i < n_phases + 2; i++)
        counts[i] = 0;
    for (size_t i = 0; i < n; i++) {
        const double k = hypot(reflections[i].gy, reflections[i].gx) * pixel_size;
        phases[i] = PHASE_NONE;
        for (size_t j = 0; j < n_phases; j++)
            if (phase_fits(&known[j], k, tolerance))
                phases[i] = phases[i] == PHASE_NONE ? (int32_t)j : PHASE_AMBIGUOUS;
        counts[phases[i] >= 0 ? (size_t)phases[i] : n_phases + (phases[i] == PHASE_AMBIGUOUS)]++;
    }
}
