#include "processing/statistics/phase_mask.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "processing/statistics/order_statistics.h"

const char *const threshold_rule_names[] = {"half", "median", "otsu", NULL};

#define OTSU_BINS 256

/* The upper edge of the bin after which the classes are farthest apart; in the middle of all that
 * are equally far, as between two peaks with nothing in between. */
static double otsu_level(const double *sorted, uint64_t n, double low, double high)
{
    double counts[OTSU_BINS] = {0}, moment = 0;
    for (uint64_t i = 0; i < n; i++) {
        const double bin = floor((sorted[i] - low) / (high - low) * OTSU_BINS);
        counts[(int)fmin(fmax(bin, 0), OTSU_BINS - 1)]++;
    }
    for (int i = 0; i < OTSU_BINS; i++)
        moment += i * counts[i];
    double below = 0, moment_below = 0, best = -1, first = 0, last = 0;
    for (int i = 0; i + 1 < OTSU_BINS; i++) {
        below += counts[i];
        moment_below += i * counts[i];
        const double above = (double)n - below;
        if (below <= 0 || above <= 0)
            continue;
        const double distance = moment_below / below - (moment - moment_below) / above;
        const double between = below * above * distance * distance;
        if (between > best * (1 + 1e-12)) {
            best = between;
            first = i + 1;
        }
        if (between >= best * (1 - 1e-12))
            last = i + 1;
    }
    return low + (first + last) / 2 / OTSU_BINS * (high - low);
}

static double level_of(const struct threshold *threshold, const double *sorted, uint64_t n)
{
    switch (threshold->rule) {
    case THRESHOLD_HALF:
        return threshold->low + 0.5 * (threshold->high - threshold->low);
    case THRESHOLD_MEDIAN:
        return sorted_quantile(sorted, n, 0.5);
    case THRESHOLD_OTSU:
        return otsu_level(sorted, n, threshold->low, threshold->high);
    default:
        return threshold->level;
    }
}

static int find_level(struct threshold *threshold, const double *sorted, uint64_t n,
                      struct error *error)
{
    if (n == 0)
        return error_set(error, -ENODATA, "the map that is to make the phase is not measured");
    threshold->low = sorted_quantile(sorted, n, 0.005);
    threshold->high = sorted_quantile(sorted, n, 0.995);
    if (threshold->rule != THRESHOLD_VALUE && !(threshold->high > threshold->low))
        return error_set(error, -ENODATA,
                         "the map that is to make the phase is %g everywhere, so that nothing "
                         "tells phases apart",
                         threshold->low);
    threshold->level = level_of(threshold, sorted, n);
    return 0;
}

int phase_from_map(uint8_t *phase, struct threshold *threshold, const double *values, uint64_t n,
                   struct error *error)
{
    double *const sorted = malloc((n ? n : 1) * sizeof *sorted);
    if (!sorted)
        return error_set(error, -ENOMEM, "no memory for the threshold of a map");
    uint64_t n_values = 0;
    for (uint64_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            sorted[n_values++] = values[i];
    sort_doubles(sorted, n_values);
    const int result = find_level(threshold, sorted, n_values, error);
    free(sorted);
    if (result)
        return result;
    threshold->n_phase = 0;
    for (uint64_t i = 0; i < n; i++) {
        phase[i] = isnan(values[i]) ? 255 : values[i] > threshold->level;
        threshold->n_phase += phase[i] == 1;
    }
    threshold->n_other = n_values - threshold->n_phase;
    return 0;
}

int phase_check_circular(const double *map_weights, const uint8_t *annulus, uint64_t n_pixels,
                         uint64_t *n_shared, struct error *error)
{
    uint64_t shared = 0;
    for (uint64_t i = 0; i < n_pixels; i++)
        shared += map_weights[i] != 0 && annulus[i] != 0;
    if (n_shared)
        *n_shared = shared;
    if (shared == 0)
        return 0;
    return error_set(error, -EDOM,
                     "the map that is to make the phase looks at %llu pixels of the annulus in "
                     "which reflections are looked for, so that a reflection would make its own "
                     "phase; take a detector inside or outside of it",
                     (unsigned long long)shared);
}
