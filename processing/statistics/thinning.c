#include "processing/statistics/thinning.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "common/random.h"
#include "processing/statistics/special_functions.h"

/* Below, gaps between kept counts are drawn one by one. */
#define SMALL_MEAN 12

/* Kept counts lie a geometric distance apart (Devroye, Non-Uniform Random Variate Generation, X.4).
 */
static uint64_t binomial_by_gaps(struct random_stream *stream, uint64_t n, double p)
{
    const double scale = 1 / log1p(-p);
    double at = 0;
    for (uint64_t x = 0;; x++) {
        at += floor(log1p(-random_unit(stream)) * scale) + 1;
        if (at > (double)n)
            return x;
    }
}

/* ln of the law, but for a constant. */
static double log_weight(double x, double n, double log_odds)
{
    return x * log_odds - log_gamma(x + 1) - log_gamma(n - x + 1);
}

/* Rejection for a law whose logarithm is concave: P(mode +- x) / P(mode) is at most min(1, exp(1 -
 * x P(mode))); a flat top and two exponential flanks over it (Devroye 1986, X.1.4). */
static uint64_t binomial_by_rejection(struct random_stream *stream, uint64_t n, double p)
{
    const double tries = (double)n, log_odds = log(p / (1 - p)), mode = floor((tries + 1) * p);
    const double top = log_weight(mode, tries, log_odds);
    const double at_mode = exp(top + log_gamma(tries + 1) + tries * log1p(-p));
    const double flat = 1 + at_mode / 2;
    for (;;) {
        const bool on_top = random_unit(stream) <= flat / (1 + flat);
        const double u = random_unit(stream), beyond = on_top ? 0 : -log1p(-u);
        const double distance = floor((on_top ? u * flat : flat + beyond) / at_mode + 0.5);
        const double x = random_bits(stream) >> 63 ? mode + distance : mode - distance;
        const double log_height = log1p(-random_unit(stream)) - beyond;
        if (x >= 0 && x <= tries && log_height <= log_weight(x, tries, log_odds) - top)
            return (uint64_t)x;
    }
}

uint64_t binomial_deviate(uint64_t n, double p, uint64_t key, uint64_t number)
{
    struct random_stream stream = random_stream_make(key, 2, number);
    if (!(p > 0) || n == 0)
        return 0;
    if (p >= 1)
        return n;
    const double rarer = fmin(p, 1 - p);
    const uint64_t x = (double)n * rarer < SMALL_MEAN ? binomial_by_gaps(&stream, n, rarer)
                                                      : binomial_by_rejection(&stream, n, rarer);
    return p <= 0.5 ? x : n - x;
}

static uint64_t load_pixel(const void *pixels, uint32_t pixel_size, uint64_t i)
{
    switch (pixel_size) {
    case 1:
        return ((const uint8_t *)pixels)[i];
    case 2:
        return ((const uint16_t *)pixels)[i];
    default:
        return ((const uint32_t *)pixels)[i];
    }
}

static void store_pixel(void *pixels, uint32_t pixel_size, uint64_t i, uint64_t value)
{
    switch (pixel_size) {
    case 1:
        ((uint8_t *)pixels)[i] = (uint8_t)value;
        break;
    case 2:
        ((uint16_t *)pixels)[i] = (uint16_t)value;
        break;
    default:
        ((uint32_t *)pixels)[i] = (uint32_t)value;
        break;
    }
}

int thin_frame(void *pixels, uint32_t pixel_size, uint64_t n_pixels, double keep, uint64_t seed,
               uint64_t frame, struct error *error)
{
    if (pixel_size != 1 && pixel_size != 2 && pixel_size != 4)
        return error_set(error, -EINVAL, "pixels of %u bytes cannot be thinned", pixel_size);
    if (!(keep >= 0 && keep <= 1))
        return error_set(error, -EINVAL,
                         "the part of the counts to keep is %g, but must be from 0 to 1", keep);
    const uint64_t key = random_hash(seed, 3, frame);
    for (uint64_t i = 0; i < n_pixels; i++) {
        const uint64_t counts = load_pixel(pixels, pixel_size, i);
        if (counts > 0)
            store_pixel(pixels, pixel_size, i, binomial_deviate(counts, keep, key, i));
    }
    return 0;
}

int thinning_to_lowest(double *keep, const double *doses, uint64_t n_scans, struct error *error)
{
    double lowest = INFINITY;
    for (uint64_t i = 0; i < n_scans; i++) {
        if (!(doses[i] > 0) || isinf(doses[i]))
            return error_set(error, -EINVAL,
                             "scan %llu has a dose of %g; to thin a series all must be above 0",
                             (unsigned long long)i, doses[i]);
        lowest = fmin(lowest, doses[i]);
    }
    for (uint64_t i = 0; i < n_scans; i++)
        keep[i] = lowest / doses[i];
    return 0;
}
