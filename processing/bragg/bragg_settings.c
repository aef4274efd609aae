#include "processing/bragg/bragg_settings.h"

#include <errno.h>
#include <math.h>

#include "processing/bragg/bragg_disk.h"

void bragg_settings_init(struct bragg_settings *settings)
{
    *settings = (struct bragg_settings){
        .alpha = BRAGG_ALPHA,
        .overdispersion = BRAGG_OVERDISPERSION,
        .speckle = NAN,
        .contrast_min = BRAGG_CONTRAST_MIN,
        .centre_uncertainty = BRAGG_CENTRE_UNCERTAINTY,
    };
}

/* Above this radius the aperture is wider than what the smallest clusters add to it. */
#define NEEDS_NO_WIDE_RADIUS 6.0

double bragg_wide_radius(const struct bragg_settings *settings)
{
    if (settings->wide_radius < 0)
        return 0;
    if (settings->wide_radius > 0)
        return settings->wide_radius;
    return settings->disk_radius < NEEDS_NO_WIDE_RADIUS ? 1.6 * settings->disk_radius : 0;
}

static int check_circle(const struct bragg_settings *s, uint32_t height, uint32_t width,
                        struct error *error)
{
    if (!(s->centre_y >= 0 && s->centre_y <= height - 1.0 && s->centre_x >= 0 &&
          s->centre_x <= width - 1.0))
        return error_set(error, -EINVAL,
                         "bragg.centre: [%g, %g] is not inside the frame of %u x %u pixels (y, x)",
                         s->centre_y, s->centre_x, height, width);
    if (!(s->inner >= 0 && s->outer > s->inner))
        return error_set(error, -EINVAL,
                         "bragg.annulus: [%g, %g] must be an inner and a larger outer radius in "
                         "pixels",
                         s->inner, s->outer);
    const double room = fmin(fmin(s->centre_y, height - 1.0 - s->centre_y),
                             fmin(s->centre_x, width - 1.0 - s->centre_x)) +
                        0.5;
    if (!(s->outer <= room))
        return error_set(error, -EINVAL,
                         "bragg.annulus: outer radius %g does not fit the frame of %u x %u pixels: "
                         "from the centre [%g, %g] there are %g pixels to the nearest border",
                         s->outer, height, width, s->centre_y, s->centre_x, room);
    return 0;
}

static int check_radii(const struct bragg_settings *s, struct error *error)
{
    if (!(s->disk_radius >= 0.5 && s->disk_radius <= BRAGG_DISK_RADIUS_MAX))
        return error_set(error, -EINVAL,
                         "bragg.disk_radius: %g must be the radius of a Bragg disk, 0.5 to %g "
                         "pixels",
                         s->disk_radius, BRAGG_DISK_RADIUS_MAX);
    if (s->wide_radius > 0 &&
        !(s->wide_radius > s->disk_radius && s->wide_radius <= BRAGG_DISK_RADIUS_MAX))
        return error_set(error, -EINVAL,
                         "bragg.wide_radius: %g must be above disk_radius (%g) and at most %g "
                         "pixels",
                         s->wide_radius, s->disk_radius, BRAGG_DISK_RADIUS_MAX);
    if (!(s->outer - s->inner >= s->disk_radius && s->outer - s->inner >= 3))
        return error_set(error, -EINVAL,
                         "bragg.annulus: [%g, %g] is narrower than disk_radius (%g) or 3 pixels",
                         s->inner, s->outer, s->disk_radius);
    return 0;
}

static int check_numbers(const struct bragg_settings *s, struct error *error)
{
    if (!(s->alpha >= 1e-6 && s->alpha <= 0.2))
        return error_set(error, -EINVAL, "bragg.alpha: %g must be from 1e-6 to 0.2", s->alpha);
    if (!isnan(s->overdispersion) && !(s->overdispersion >= 1 && s->overdispersion <= 100))
        return error_set(error, -EINVAL,
                         "bragg.overdispersion: %g must be from 1 to 100, or `measure`",
                         s->overdispersion);
    if (!isnan(s->speckle) && !(s->speckle >= 0 && s->speckle <= 1))
        return error_set(error, -EINVAL, "bragg.speckle: %g must be from 0 to 1, or `measure`",
                         s->speckle);
    if (!(s->contrast_min >= 0 && s->contrast_min <= 1e6))
        return error_set(error, -EINVAL, "bragg.contrast_min: %g must be from 0 to 1e6",
                         s->contrast_min);
    if (!(s->centre_uncertainty >= 0 && s->centre_uncertainty <= 5))
        return error_set(error, -EINVAL, "bragg.centre_uncertainty: %g must be from 0 to 5 pixels",
                         s->centre_uncertainty);
    return 0;
}

/* Good pixels of the annulus against all of it. */
static int check_mask(const struct bragg_settings *s, uint32_t height, uint32_t width,
                      const uint8_t *bad, struct error *error)
{
    uint64_t n_good = 0, n_all = 0;
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            if (!bragg_in_annulus(s, y, x))
                continue;
            n_all++;
            n_good += !bad || !bad[(size_t)y * width + x];
        }
    }
    if (n_good * 5 >= n_all && n_good > 0)
        return 0;
    return error_set(
        error, -EINVAL,
        "calibration.bad_pixels: only %llu of the %llu pixels of the annulus [%g, %g] are not "
        "masked, a fifth is needed",
        (unsigned long long)n_good, (unsigned long long)n_all, s->inner, s->outer);
}

int bragg_settings_check(const struct bragg_settings *settings, uint32_t height, uint32_t width,
                         const uint8_t *bad, struct error *error)
{
    int rc = check_circle(settings, height, width, error);
    if (rc == 0)
        rc = check_radii(settings, error);
    if (rc == 0)
        rc = check_numbers(settings, error);
    return rc == 0 ? check_mask(settings, height, width, bad, error) : rc;
}
