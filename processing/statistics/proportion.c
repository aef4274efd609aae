#include "processing/statistics/proportion.h"

#include <math.h>

#include "processing/statistics/distributions.h"

const struct interval interval_unknown = {0, 1};

static double clip(double value)
{
    return fmin(fmax(value, 0), 1);
}

struct interval wilson_interval_with(double p, double n, double quantile)
{
    if (!(n > 0))
        return interval_unknown;
    const double z2 = quantile * quantile, scale = 1 / (1 + z2 / n);
    const double centre = (p + z2 / (2 * n)) * scale;
    const double half = quantile * sqrt(p * (1 - p) / n + z2 / (4 * n * n)) * scale;
    /* What rounding leaves of 0 at the ends is not to be printed. */
    return (struct interval){
        .low = p > 0 ? clip(centre - half) : 0,
        .high = p < 1 ? clip(centre + half) : 1,
    };
}

struct interval wilson_interval(double x, double n, double confidence)
{
    return wilson_interval_with(n > 0 ? x / n : 0, n, normal_quantile((1 + confidence) / 2));
}

struct interval clopper_pearson_interval(double x, double n, double confidence)
{
    if (!(n > 0))
        return interval_unknown;
    const double tail = (1 - confidence) / 2;
    return (struct interval){
        .low = x > 0 ? beta_quantile(tail, x, n - x + 1) : 0,
        .high = x < n ? beta_quantile(1 - tail, x + 1, n - x) : 1,
    };
}

struct interval logit_interval(double p, double error, double quantile)
{
    const double logit = log(p / (1 - p)), half = quantile * error / (p * (1 - p));
    return (struct interval){
        .low = 1 / (1 + exp(half - logit)),
        .high = 1 / (1 + exp(-half - logit)),
    };
}

struct corrected_fraction rogan_gladen(double observed, struct interval interval,
                                       const struct error_rates *rates, double confidence)
{
    const double fpr = rates->false_positive, power = rates->true_positive - fpr;
    if (!(power > 0))
        return (struct corrected_fraction){NAN, {NAN, NAN}};
    const double f = clip((observed - fpr) / power);
    const double of_rates =
        normal_quantile((1 + confidence) / 2) *
        hypot(f * rates->true_positive_error, (1 - f) * rates->false_positive_error) / power;
    const double low = hypot((observed - interval.low) / power, of_rates);
    const double high = hypot((interval.high - observed) / power, of_rates);
    /* Around the value before clipping: an observed fraction below the FPR is 0 with an upper end
     * that knows how far below. */
    const double centre = (observed - fpr) / power;
    return (struct corrected_fraction){
        .fraction = f,
        .interval = {clip(centre - low), clip(centre + high)},
    };
}
