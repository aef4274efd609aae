#include "processing/run/run_bragg.h"

#include <errno.h>
#include <math.h>

#include "processing/run/run_products.h"

static void complete_centre(const struct run *run, struct bragg_settings *settings)
{
    const struct calibration_value *const centre =
        &run->plan->calibration.values[CALIBRATION_CENTRE];
    if (!isnan(settings->centre_y))
        return;
    settings->centre_y = centre->known ? centre->value[0] : (run->format.height - 1) / 2.;
    settings->centre_x = centre->known ? centre->value[1] : (run->format.width - 1) / 2.;
}

static int find_missing(const struct bragg_settings *settings, struct error *error)
{
    if (isnan(settings->inner))
        return error_set(error, -EINVAL,
                         "bragg.annulus is not set: give [inner, outer] in pixels, or ask for a "
                         "proposal (request bragg_propose)");
    if (isnan(settings->disk_radius))
        return error_set(error, -EINVAL,
                         "bragg.disk_radius is not set and the calibration does not know the "
                         "radius of the probe's disk: give it in pixels, or measure it");
    return 0;
}

int run_bragg_settings(const struct bragg_plan *plan, const struct run *run,
                       struct bragg_settings *settings, struct error *error)
{
    *settings = plan->settings;
    complete_centre(run, settings);
    if (isnan(settings->disk_radius))
        settings->disk_radius =
            calibration_number(&run->plan->calibration, CALIBRATION_DISK_RADIUS, NAN);
    const int r = find_missing(settings, error);
    return r < 0 ? r
                 : bragg_settings_check(settings, run->format.height, run->format.width,
                                        run_bad_pixels(run), error);
}
