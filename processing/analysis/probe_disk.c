#include "processing/analysis/probe_disk.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "processing/analysis/least_squares.h"

/* LEVEL is that of the disk above the background. */
enum { CENTRE_Y, CENTRE_X, E1, E2, RADIUS, SIGMA, LEVEL, BACKGROUND, N_PARAMETERS };

static const double edge_over_sigma = 2.5631031310892007; /* 10 % to 90 % of a Gaussian step */

struct image {
    const double *counts;
    uint32_t height, width;
};

static double deviance(const double *p, void *context, struct normal_equations *equations)
{
    const struct image *const image = context;
    double sum = 0;
    if (!(p[SIGMA] > 0.05 && p[SIGMA] < 4 * p[RADIUS] && p[RADIUS] > 0.5) || !(p[LEVEL] > 0) ||
        !(p[BACKGROUND] > 0) || hypot(p[E1], p[E2]) > 0.5)
        return INFINITY;
    for (uint32_t y = 0; y < image->height; y++) {
        for (uint32_t x = 0; x < image->width; x++) {
            const double count = image->counts[(uint64_t)y * image->width + x];
            const double dy = y - p[CENTRE_Y], dx = x - p[CENTRE_X];
            const double vy = p[E2] * dx + (1 - p[E1]) * dy, vx = (1 + p[E1]) * dx + p[E2] * dy;
            const double radius = fmax(hypot(vy, vx), 1e-9), t = (radius - p[RADIUS]) / p[SIGMA];
            const double step = erfc(t * M_SQRT1_2) / 2, mean = p[BACKGROUND] + p[LEVEL] * step;
            if (!isfinite(count))
                continue;
            sum += poisson_deviance(count, mean);
            if (!equations)
                continue;
            const double slope = -p[LEVEL] * exp(-t * t / 2) / (sqrt(2 * M_PI) * p[SIGMA]);
            const double along = slope / radius;
            const double gradient[N_PARAMETERS] = {
                [CENTRE_Y] = -along * (vx * p[E2] + vy * (1 - p[E1])),
                [CENTRE_X] = -along * (vx * (1 + p[E1]) + vy * p[E2]),
                [E1] = along * (vx * dx - vy * dy),
                [E2] = along * (vx * dy + vy * dx),
                [RADIUS] = -slope,
                [SIGMA] = -slope * t,
                [LEVEL] = step,
                [BACKGROUND] = 1,
            };
            normal_equations_add(equations, gradient, count - mean, 1 / mean);
        }
    }
    return sum;
}

/* Mean of the measured pixels around one; a hot pixel alone is not the brightest place. */
static double mean_around(const struct image *image, uint32_t y, uint32_t x)
{
    double sum = 0;
    unsigned n = 0;
    for (uint32_t v = y - 1; v <= y + 1; v++) {
        for (uint32_t u = x - 1; u <= x + 1; u++) {
            const double count = image->counts[(uint64_t)v * image->width + u];
            if (!isfinite(count))
                continue;
            sum += count;
            n++;
        }
    }
    return n >= 5 ? sum / n : 0;
}

/* Pixels whose surroundings are above half of the brightest: centre and area of a first disk. */
static bool guess(double *p, const struct image *image)
{
    double highest = 0, n = 0, sum_y = 0, sum_x = 0, inside = 0, outside = 0, n_outside = 0;
    for (uint32_t y = 1; y + 1 < image->height; y++) {
        for (uint32_t x = 1; x + 1 < image->width; x++)
            highest = fmax(highest, mean_around(image, y, x));
    }
    for (uint32_t y = 1; y + 1 < image->height; y++) {
        for (uint32_t x = 1; x + 1 < image->width; x++) {
            const double mean = mean_around(image, y, x);
            if (mean > highest / 2) {
                n += 1;
                sum_y += y;
                sum_x += x;
                inside += mean;
            } else {
                outside += mean;
                n_outside += 1;
            }
        }
    }
    if (!(highest > 0) || !(n_outside > 0))
        return false;
    p[CENTRE_Y] = sum_y / n;
    p[CENTRE_X] = sum_x / n;
    p[E1] = p[E2] = 0;
    p[RADIUS] = fmax(sqrt(n / M_PI), 1);
    p[SIGMA] = 0.8;
    p[BACKGROUND] = fmax(fmin(outside / n_outside, highest / 10), 1e-6 * highest);
    p[LEVEL] = inside / n - p[BACKGROUND];
    return p[LEVEL] > 0;
}

static double measured_pixels(const struct image *image)
{
    double n = 0;
    for (uint64_t i = 0; i < (uint64_t)image->height * image->width; i++)
        n += isfinite(image->counts[i]) != 0;
    return n;
}

static void describe(struct probe_disk *disk, const double *p, least_squares_matrix covariance,
                     double reduced_chi2, double overdispersion)
{
    const double scale = sqrt(overdispersion * fmax(1, reduced_chi2));
    const double e = hypot(p[E1], p[E2]);
    *disk = (struct probe_disk){
        .centre_y = p[CENTRE_Y],
        .centre_x = p[CENTRE_X],
        .centre_y_error = scale * sqrt(covariance[CENTRE_Y][CENTRE_Y]),
        .centre_x_error = scale * sqrt(covariance[CENTRE_X][CENTRE_X]),
        .radius = p[RADIUS],
        .radius_error = scale * sqrt(covariance[RADIUS][RADIUS]),
        .axis_ratio = (1 + e) / (1 - e),
        .axis_ratio_error = scale * sqrt(2 * (covariance[E1][E1] + covariance[E2][E2])),
        .axis_azimuth = e > 0 ? atan2(-p[E2], -p[E1]) * 90 / M_PI : 0,
        .edge_width = edge_over_sigma * p[SIGMA],
        .edge_width_error = edge_over_sigma * scale * sqrt(covariance[SIGMA][SIGMA]),
        .level = p[LEVEL] + p[BACKGROUND],
        .background = p[BACKGROUND],
        .counts = p[LEVEL] * M_PI * p[RADIUS] * p[RADIUS],
        .reduced_chi2 = reduced_chi2,
    };
}

static int judge(const struct probe_disk *disk, const struct image *image, struct error *error)
{
    const double reach = disk->radius * sqrt(disk->axis_ratio);
    if (disk->counts < 1000 || disk->level < 2 * disk->background || disk->radius < 1.5)
        return error_set(error, -ENODATA,
                         "no probe disk: the best fit has a radius of %.2f pixels, %.0f counts, "
                         "level %.3g on a background of %.3g; at least 1.5 pixels, 1000 counts and "
                         "twice the background are needed",
                         disk->radius, disk->counts, disk->level, disk->background);
    if (disk->centre_y - reach < 0 || disk->centre_y + reach > image->height - 1 ||
        disk->centre_x - reach < 0 || disk->centre_x + reach > image->width - 1)
        return error_set(error, -ERANGE,
                         "the probe disk of radius %.1f pixels at (y, x) = (%.1f, %.1f) is cut by "
                         "the border of the frame: move it to the middle",
                         disk->radius, disk->centre_y, disk->centre_x);
    return 0;
}

int probe_disk_measure(struct probe_disk *disk, const double *counts, uint32_t height,
                       uint32_t width, double overdispersion, struct error *error)
{
    struct image image = {counts, height, width};
    double p[N_PARAMETERS], minimum;
    least_squares_matrix covariance;
    if (height < 8 || width < 8 || !(overdispersion >= 1))
        return error_set(error, -EINVAL,
                         "a probe disk in %u x %u pixels with overdispersion %g: give at least 8 x "
                         "8 and 1",
                         height, width, overdispersion);
    if (!guess(p, &image))
        return error_set(error, -ENODATA, "no probe disk: nothing stands out of the frame");
    const int result =
        least_squares_minimise(p, N_PARAMETERS, deviance, &image, covariance, &minimum);
    if (result < 0)
        return error_set(error, -ERANGE,
                         "the probe disk near (y, x) = (%.1f, %.1f) of about %.1f pixels radius "
                         "cannot be fitted: is it one disk on a dark background?",
                         p[CENTRE_Y], p[CENTRE_X], p[RADIUS]);
    const double freedom = measured_pixels(&image) - N_PARAMETERS;
    describe(disk, p, covariance, minimum / freedom / overdispersion, overdispersion);
    return judge(disk, &image, error);
}
