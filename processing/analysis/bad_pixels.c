#include "processing/analysis/bad_pixels.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { REACH = 2, MAX_NEIGHBOURS = 24, MIN_NEIGHBOURS = 8 };

struct frame {
    const uint64_t *sums, *squares;
    double n_frames;
    uint32_t height, width;
    const uint8_t *known;
};

static double sum_at(const struct frame *frame, uint64_t i)
{
    return (double)frame->sums[i];
}

/* Variance over mean of a pixel's counts; 1 for one that never counted. */
static double dispersion_at(const struct frame *frame, uint64_t i)
{
    const double mean = (double)frame->sums[i] / frame->n_frames;
    if (mean == 0)
        return 1;
    const double squares = (double)frame->squares[i] - mean * (double)frame->sums[i];
    return squares / (frame->n_frames - 1) / mean;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Values of the neighbours within `reach`, sorted, known bad ones left out. Returns how many. */
static unsigned neighbours(double values[MAX_NEIGHBOURS], const struct frame *frame, uint32_t y,
                           uint32_t x, uint32_t reach,
                           double (*value_at)(const struct frame *, uint64_t))
{
    const uint32_t top = y > reach ? y - reach : 0, left = x > reach ? x - reach : 0;
    unsigned n = 0;
    for (uint32_t v = top; v <= y + reach && v < frame->height; v++) {
        for (uint32_t u = left; u <= x + reach && u < frame->width; u++) {
            const uint64_t i = (uint64_t)v * frame->width + u;
            if ((v == y && u == x) || (frame->known && frame->known[i]))
                continue;
            values[n++] = value_at(frame, i);
        }
    }
    qsort(values, n, sizeof *values, compare_doubles);
    return n;
}

/* Of sorted values. */
static double median(const double *values, unsigned n)
{
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/*
 * What to expect of a pixel with these sorted neighbours: their median; where counts are so few
 * that this is 0 or nearly, the mean of all but the two highest (which may be hot themselves), one
 * count added since the mean is not known better than that.
 */
static double expectation(const double *values, unsigned n)
{
    double sum = 1;
    for (unsigned i = 0; i + 2 < n; i++)
        sum += values[i];
    return fmax(median(values, n), sum / (n - 2));
}

/*
 * P(X >= count) of a Poisson law, count > 0, also between whole counts: the regularised incomplete
 * gamma function P(count, mean), by its series, which only shrinks for mean < count + 1.
 */
static double poisson_tail(double count, double mean)
{
    if (count <= mean)
        return 1; /* not of interest here */
    if (mean <= 0)
        return 0;
    int sign;
    double term = 1, sum = 1;
    for (double i = count + 1; term > 1e-12 * sum; i++)
        sum += term *= mean / i;
    return exp(count * log(mean) - mean - lgamma_r(count + 1, &sign)) * sum;
}

/* Real structure is as sharp as the point spread allows: next to a peak there is another high
 * pixel. */
static double allowed_structure(const struct frame *frame, uint32_t y, uint32_t x)
{
    double values[MAX_NEIGHBOURS];
    const unsigned n = neighbours(values, frame, y, x, 1, sum_at);
    return n < 2 ? INFINITY : 1.5 * (values[n - 2] + 1);
}

struct limits {
    double overdispersion, dead_expectation, chance, noise_limit;
    bool even;
};

static bool is_hot(const struct frame *frame, const struct limits *limits, uint32_t y, uint32_t x,
                   double expected)
{
    const double sum = sum_at(frame, (uint64_t)y * frame->width + x), f = limits->overdispersion;
    if (sum <= expected || poisson_tail(sum / f, expected / f) >= limits->chance)
        return false;
    if (limits->even)
        return true;
    const double allowed = allowed_structure(frame, y, x);
    return sum > allowed && poisson_tail(sum / f, allowed / f) < limits->chance;
}

static bool is_noisy(const struct frame *frame, const struct limits *limits, uint32_t y, uint32_t x)
{
    const uint64_t i = (uint64_t)y * frame->width + x;
    double values[MAX_NEIGHBOURS];
    if (frame->sums[i] < 20)
        return false;
    const unsigned n = neighbours(values, frame, y, x, REACH, dispersion_at);
    const double limit = limits->noise_limit * fmax(1, median(values, n));
    return dispersion_at(frame, i) > limit * (1 + 5 * sqrt(2 / (frame->n_frames - 1)));
}

static uint8_t judge(const struct frame *frame, const struct limits *limits, uint32_t y, uint32_t x)
{
    double values[MAX_NEIGHBOURS];
    const unsigned n = neighbours(values, frame, y, x, REACH, sum_at);
    if (n < MIN_NEIGHBOURS)
        return 0;
    if (frame->sums[(uint64_t)y * frame->width + x] == 0)
        return median(values, n) >= limits->dead_expectation ? BAD_PIXEL_DEAD : 0;
    uint8_t bad = is_hot(frame, limits, y, x, expectation(values, n)) ? BAD_PIXEL_HOT : 0;
    if (frame->squares && is_noisy(frame, limits, y, x))
        bad |= BAD_PIXEL_NOISY;
    return bad;
}

static double or_default(double value, double otherwise)
{
    return value == 0 ? otherwise : value;
}

int bad_pixels_find(uint8_t *mask, struct bad_pixels *found, const uint64_t *sums,
                    const uint64_t *squares, uint64_t n_frames, uint32_t height, uint32_t width,
                    const uint8_t *known, const struct bad_pixel_settings *settings,
                    struct error *error)
{
    const struct frame frame = {
        .sums = sums,
        .squares = n_frames >= 2 ? squares : NULL,
        .n_frames = (double)n_frames,
        .height = height,
        .width = width,
        .known = known,
    };
    const struct limits limits = {
        .overdispersion = settings->overdispersion,
        .dead_expectation = or_default(settings->dead_expectation, 20),
        .chance = or_default(settings->chance, 1e-6) / ((double)height * width),
        .noise_limit = or_default(settings->noise_limit, 3),
        .even = settings->even,
    };
    if (!(limits.overdispersion >= 1 && limits.dead_expectation > 0 && limits.chance > 0 &&
          limits.noise_limit > 1))
        return error_set(error, -EINVAL,
                         "bad pixels: overdispersion %g (at least 1), dead pixels where %g counts "
                         "are expected (above 0), chance %g (above 0), noise limit %g (above 1)",
                         settings->overdispersion, limits.dead_expectation, settings->chance,
                         limits.noise_limit);
    *found = (struct bad_pixels){0};
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            const uint64_t i = (uint64_t)y * width + x;
            const uint8_t bad = known && known[i] ? 0 : judge(&frame, &limits, y, x);
            mask[i] = bad;
            found->n_dead += (bad & BAD_PIXEL_DEAD) != 0;
            found->n_hot += (bad & BAD_PIXEL_HOT) != 0;
            found->n_noisy += (bad & BAD_PIXEL_NOISY) != 0;
            found->n_bad += bad != 0;
        }
    }
    return 0;
}

uint64_t bad_pixels_saturated(uint8_t *mask, const uint32_t *maximum, uint64_t n_pixels,
                              uint32_t full_scale)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < n_pixels; i++) {
        const bool saturated = full_scale >= 2 && maximum[i] >= full_scale;
        n += saturated;
        if (mask)
            mask[i] = saturated;
    }
    return n;
}
