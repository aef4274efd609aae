#include "processing/analysis/halo_profile.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "processing/analysis/least_squares.h"

/* The background is exp(LEVEL + FALL (R - middle of the window)). */
enum { LEVEL, FALL, HEIGHT, RADIUS, SIGMA, N_PARAMETERS };

static const double fwhm_over_sigma = 2.3548200450309493;

struct window {
    const struct halo_profile_point *points;
    unsigned n;
    double low, high;
};

static double middle(const struct window *window)
{
    return (window->low + window->high) / 2;
}

static double deviance(const double *p, void *context, struct normal_equations *equations)
{
    const struct window *const window = context;
    double sum = 0;
    if (!(p[SIGMA] > 0.3 && p[SIGMA] < 4 * (window->high - window->low)) || fabs(p[FALL]) > 20)
        return INFINITY;
    for (unsigned i = 0; i < window->n; i++) {
        const struct halo_profile_point *const point = &window->points[i];
        const double t = (point->radius - p[RADIUS]) / p[SIGMA], bell = exp(-t * t / 2);
        const double outwards = point->radius - middle(window);
        const double background = exp(p[LEVEL] + p[FALL] * outwards);
        const double mean = point->area * (background + p[HEIGHT] * bell);
        if (!(mean > 0) || !isfinite(mean))
            return INFINITY;
        sum += poisson_deviance(point->counts, mean);
        if (!equations)
            continue;
        const double gradient[N_PARAMETERS] = {
            [LEVEL] = point->area * background,
            [FALL] = point->area * background * outwards,
            [HEIGHT] = point->area * bell,
            [RADIUS] = point->area * p[HEIGHT] * bell * t / p[SIGMA],
            [SIGMA] = point->area * p[HEIGHT] * bell * t * t / p[SIGMA],
        };
        normal_equations_add(equations, gradient, point->counts - mean, 1 / mean);
    }
    return sum;
}

static double density(const struct window *window, unsigned from, unsigned to)
{
    double counts = 0, area = 0;
    for (unsigned i = from; i < to; i++) {
        counts += window->points[i].counts;
        area += window->points[i].area;
    }
    return fmax(counts, 1) / area;
}

/* Background through both ends of the window, peak where most is above it. */
static void guess(double *p, const struct window *window)
{
    const unsigned end = window->n / 6 + 1;
    const double first = log(density(window, 0, end));
    const double last = log(density(window, window->n - end, window->n));
    p[LEVEL] = (first + last) / 2;
    p[FALL] = (last - first) / (window->high - window->low) * window->n / (window->n - end);
    p[SIGMA] = (window->high - window->low) / 6;
    p[HEIGHT] = 0;
    p[RADIUS] = middle(window);
    for (unsigned i = 1; i + 1 < window->n; i++) {
        const double radius = window->points[i].radius;
        const double above =
            density(window, i - 1, i + 2) - exp(p[LEVEL] + p[FALL] * (radius - middle(window)));
        if (above <= p[HEIGHT])
            continue;
        p[HEIGHT] = above;
        p[RADIUS] = radius;
    }
}

static int refuse(const struct halo_profile *profile, const struct window *window,
                  struct error *error)
{
    if (!(profile->radius > window->low && profile->radius < window->high) ||
        profile->width > window->high - window->low)
        return error_set(
            error, -ERANGE,
            "the window from %.1f to %.1f pixels does not hold the peak: a Gaussian of "
            "FWHM %.1f at %.1f fits best",
            window->low, window->high, profile->width, profile->radius);
    if (profile->height >= 5 * profile->height_error)
        return 0;
    return error_set(error, -ENODATA,
                     "no peak stands out between %.1f and %.1f pixels: its height would be %.3g +- "
                     "%.2g counts per pixel on %.3g",
                     window->low, window->high, profile->height, profile->height_error,
                     profile->background);
}

int halo_profile_fit(struct halo_profile *profile, const struct halo_profile_point *points,
                     unsigned n, double overdispersion, struct error *error)
{
    if (n < N_PARAMETERS + 1)
        return error_set(error, -ENODATA, "a peak needs at least %d radii, there are %u",
                         N_PARAMETERS + 1, n);
    struct window window = {points, n, points[0].radius, points[n - 1].radius};
    double p[N_PARAMETERS], minimum;
    least_squares_matrix covariance;
    guess(p, &window);
    if (!(p[HEIGHT] > 0))
        return error_set(error, -ENODATA, "no peak stands out between %.1f and %.1f pixels",
                         window.low, window.high);
    const int result =
        least_squares_minimise(p, N_PARAMETERS, deviance, &window, covariance, &minimum);
    if (result < 0)
        return error_set(error, -ERANGE,
                         "the profile between %.1f and %.1f pixels is not that of a peak on a "
                         "falling background: give a window from valley to valley",
                         window.low, window.high);
    const double reduced_chi2 = minimum / overdispersion / (n - N_PARAMETERS);
    const double scale = overdispersion * fmax(1, reduced_chi2);
    *profile = (struct halo_profile){
        .radius = p[RADIUS],
        .radius_error = sqrt(scale * covariance[RADIUS][RADIUS]),
        .width = fwhm_over_sigma * p[SIGMA],
        .width_error = fwhm_over_sigma * sqrt(scale * covariance[SIGMA][SIGMA]),
        .height = p[HEIGHT],
        .height_error = sqrt(scale * covariance[HEIGHT][HEIGHT]),
        .background = exp(p[LEVEL] + p[FALL] * (p[RADIUS] - middle(&window))),
        .fall = p[FALL],
        .reduced_chi2 = reduced_chi2,
    };
    return refuse(profile, &window, error);
}

static double bell_at(const struct halo_profile *profile, double radius)
{
    const double t = (radius - profile->radius) * fwhm_over_sigma / profile->width;
    return profile->height * exp(-t * t / 2);
}

static double background_at(const struct halo_profile *profile, double radius)
{
    return profile->background * exp(profile->fall * (radius - profile->radius));
}

double halo_profile_slope(const struct halo_profile *profile, double radius)
{
    const double sigma = profile->width / fwhm_over_sigma;
    return -bell_at(profile, radius) * (radius - profile->radius) / (sigma * sigma) +
           profile->fall * background_at(profile, radius);
}
