#include "processing/pixels/radial_bins.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

double radial_radius(const struct radial_settings *settings, double y, double x)
{
    const double dy = y - settings->centre_y, dx = x - settings->centre_x;
    if (settings->ellipse_ratio == 1)
        return sqrt(dy * dy + dx * dx);
    const double angle = settings->ellipse_angle * (M_PI / 180);
    const double u = dx * cos(angle) + dy * sin(angle);
    const double v = dy * cos(angle) - dx * sin(angle);
    return sqrt(u * u / settings->ellipse_ratio + v * v * settings->ellipse_ratio);
}

static void fill_in_defaults(struct radial_settings *settings, uint32_t height, uint32_t width)
{
    if (!settings->centre_given) {
        settings->centre_y = (height - 1.0) / 2;
        settings->centre_x = (width - 1.0) / 2;
        settings->centre_given = true;
    }
    if (settings->ellipse_ratio == 0)
        settings->ellipse_ratio = 1;
    if (settings->bin_width == 0)
        settings->bin_width = 1;
}

static int check(const struct radial_settings *settings, uint32_t max_bins, struct error *error)
{
    if (!isfinite(settings->centre_y) || !isfinite(settings->centre_x))
        return error_set(error, -EINVAL,
                         "rings: centre (%g, %g) is not a place; give [y, x] in pixels",
                         settings->centre_y, settings->centre_x);
    if (!(settings->ellipse_ratio >= 1 && settings->ellipse_ratio <= 10))
        return error_set(
            error, -EINVAL,
            "rings: ellipse of ratio %g; give its long axis divided by its short one, 1 to 10",
            settings->ellipse_ratio);
    if (!isfinite(settings->ellipse_angle))
        return error_set(error, -EINVAL, "rings: ellipse of angle %g; give degrees",
                         settings->ellipse_angle);
    if (!(settings->bin_width >= 1e-3) || !isfinite(settings->bin_width))
        return error_set(error, -EINVAL, "rings: bin width %g; give pixels, 0.001 or more",
                         settings->bin_width);
    if (settings->n_bins > max_bins)
        return error_set(error, -EINVAL,
                         "rings: %" PRIu32 " bins are more than the %" PRIu32
                         " that fit; take fewer or wider ones",
                         settings->n_bins, max_bins);
    return 0;
}

/* Bin of the pixel, however far out. */
static double bin_at(const struct radial_settings *settings, uint32_t y, uint32_t x)
{
    return floor(radial_radius(settings, y, x) / settings->bin_width);
}

/* Radius grows outwards in all directions, so that the farthest pixel is a corner. */
static uint32_t bins_to_the_farthest(const struct radial_bins *bins, uint32_t max_bins)
{
    double last = 0;
    for (unsigned corner = 0; corner < 4; corner++) {
        const uint32_t y = corner & 2 ? bins->height - 1 : 0, x = corner & 1 ? bins->width - 1 : 0;
        last = fmax(last, bin_at(&bins->settings, y, x));
    }
    return last < max_bins ? (uint32_t)last + 1 : max_bins;
}

static void assign(struct radial_bins *bins, const uint8_t *bad)
{
    size_t i = 0;
    for (uint32_t y = 0; y < bins->height; y++) {
        for (uint32_t x = 0; x < bins->width; x++, i++) {
            const double bin = bin_at(&bins->settings, y, x);
            const bool has_bin = bin < bins->n_bins && !(bad && bad[i]);
            bins->bin_of[i] = has_bin ? (uint16_t)bin : (uint16_t)bins->n_bins;
            if (has_bin)
                bins->areas[bins->bin_of[i]]++;
        }
    }
    for (uint32_t bin = 0; bin < bins->n_bins; bin++) {
        if (bins->areas[bin] > bins->largest_area)
            bins->largest_area = (uint32_t)bins->areas[bin];
    }
}

int radial_bins_init(struct radial_bins *bins, const struct radial_settings *settings,
                     const uint8_t *bad, uint32_t height, uint32_t width, uint32_t max_bins,
                     struct error *error)
{
    memset(bins, 0, sizeof *bins);
    bins->height = height;
    bins->width = width;
    bins->settings = *settings;
    fill_in_defaults(&bins->settings, height, width);
    const int status = check(&bins->settings, max_bins, error);
    if (status)
        return status;
    if (!bins->settings.n_bins)
        bins->settings.n_bins = bins_to_the_farthest(bins, max_bins);
    bins->n_bins = bins->settings.n_bins;
    bins->bin_of = malloc((size_t)height * width * sizeof *bins->bin_of);
    bins->areas = calloc(bins->n_bins, sizeof *bins->areas);
    if (!bins->bin_of || !bins->areas) {
        radial_bins_finish(bins);
        return error_set(error, -ENOMEM, "no memory for %" PRIu32 " rings", bins->n_bins);
    }
    assign(bins, bad);
    return 0;
}

void radial_bins_finish(struct radial_bins *bins)
{
    free(bins->bin_of);
    free(bins->areas);
    memset(bins, 0, sizeof *bins);
}
