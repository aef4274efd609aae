#include <errno.h>
#include <math.h>

#include "processing/analysis/calibration_rings.h"

enum { MAX_HALF = 100 };

/* Mexican hat with sums sum w = 0 and sum w j = 0 exactly; sum w^2 = 1. */
struct hat {
    unsigned half;
    double weights[2 * MAX_HALF + 1];
};

static void hat_init(struct hat *hat, double width)
{
    double sum = 0, bells = 0, squares = 0;
    hat->half = (unsigned)ceil(5 * width);
    const int half = (int)hat->half;
    for (int j = -half; j <= half; j++) {
        const double t = j / width, bell = exp(-t * t / 2);
        hat->weights[j + half] = (1 - t * t) * bell;
        sum += (1 - t * t) * bell;
        bells += bell;
    }
    for (int j = -half; j <= half; j++) {
        const double t = j / width;
        hat->weights[j + half] -= sum / bells * exp(-t * t / 2);
        squares += hat->weights[j + half] * hat->weights[j + half];
    }
    for (int j = -half; j <= half; j++)
        hat->weights[j + half] /= sqrt(squares);
}

static double density(const struct ring_profile *profile, size_t bin)
{
    return profile->areas[bin] > 0 ? profile->counts[bin] / profile->areas[bin] : NAN;
}

static double variance(const struct ring_profile *profile, size_t bin)
{
    /* A bin without a count is not known exactly. */
    return profile->overdispersion * fmax(profile->counts[bin], 1) /
           (profile->areas[bin] * profile->areas[bin]);
}

/* NaN where the hat reaches beyond the profile or over a gap. */
static double filtered(const struct ring_profile *profile, const struct hat *hat, size_t bin)
{
    double sum = 0;
    if (bin < hat->half || bin + hat->half >= profile->n)
        return NAN;
    for (unsigned j = 0; j <= 2 * hat->half; j++)
        sum += hat->weights[j] * density(profile, bin - hat->half + j);
    return sum;
}

/* Variance of the filtered profile at a bin (order 0), or of the difference of its neighbours,
 * which moves the maximum (order 1). */
static double filtered_variance(const struct ring_profile *profile, const struct hat *hat,
                                size_t bin, int order)
{
    double sum = 0;
    const long half = hat->half;
    for (long j = -half - order; j <= half + order; j++) {
        const long i = (long)bin + j, upper = j - order, lower = j + order;
        if (i < 0 || i >= (long)profile->n || !(profile->areas[i] > 0))
            continue;
        const double up = upper >= -half && upper <= half ? hat->weights[upper + half] : 0;
        const double down = lower >= -half && lower <= half ? hat->weights[lower + half] : 0;
        const double weight = order ? up - down : up;
        sum += weight * weight * variance(profile, (size_t)i);
    }
    return sum;
}

int rings_find(struct found_ring rings[RINGS_MAX], size_t *n_rings,
               const struct ring_profile *profile, double width, struct error *error)
{
    static const double threshold = 6;
    struct hat hat;
    *n_rings = 0;
    if (!(width >= 0.5 && width <= 20))
        return error_set(error, -EINVAL, "rings %g pixels wide: give a sigma of 0.5 to 20", width);
    hat_init(&hat, width);
    for (size_t bin = 1; bin + 1 < profile->n && *n_rings < RINGS_MAX; bin++) {
        const double before = filtered(profile, &hat, bin - 1);
        const double here = filtered(profile, &hat, bin);
        const double after = filtered(profile, &hat, bin + 1);
        if (!(here > before && here >= after))
            continue;
        const double significance = here / sqrt(filtered_variance(profile, &hat, bin, 0));
        if (!(significance >= threshold))
            continue;
        const double bend = 2 * here - before - after;
        rings[(*n_rings)++] = (struct found_ring){
            .radius = (double)bin + 0.5 + (after - before) / 2 / bend,
            .radius_error = sqrt(filtered_variance(profile, &hat, bin, 1)) / 2 / bend,
            .significance = significance,
        };
    }
    return 0;
}
