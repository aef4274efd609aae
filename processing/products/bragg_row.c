#include "processing/products/bragg_row.h"

#include <math.h>

#include "processing/pixels/radial_bins.h"

struct bragg_rows bragg_rows_of(const struct bragg_settings *settings,
                                const struct calibration *calibration)
{
    const struct calibration_value *const ellipse = &calibration->values[CALIBRATION_ELLIPSE];
    return (struct bragg_rows){
        .rings =
            {
                .centre_given = true,
                .centre_y = settings->centre_y,
                .centre_x = settings->centre_x,
                .ellipse_ratio = ellipse->known ? ellipse->value[0] : 1,
                .ellipse_angle = ellipse->known ? ellipse->value[1] : 0,
                .bin_width = 1,
            },
        .pixel_size_k = calibration_number(calibration, CALIBRATION_PIXEL_SIZE_K, NAN),
    };
}

struct bragg_row bragg_row_of(const struct bragg_rows *rows, uint64_t frame,
                              const struct bragg_reflection *reflection)
{
    const double g_y = reflection->y - rows->rings.centre_y;
    const double g_x = reflection->x - rows->rings.centre_x;
    const double azimuth = atan2(g_y, g_x) * 180 / M_PI;
    const double k = rows->pixel_size_k * radial_radius(&rows->rings, reflection->y, reflection->x);
    return (struct bragg_row){
        .frame = frame,
        .y = reflection->y,
        .x = reflection->x,
        .counts = reflection->counts,
        .background = reflection->background,
        .contrast = reflection->contrast,
        .log10_p = reflection->log10_p,
        .sigma = reflection->sigma,
        .g_y = g_y,
        .g_x = g_x,
        .g = hypot(g_y, g_x),
        .k = k,
        .d = 1 / k,
        .azimuth = azimuth < 0 ? azimuth + 360 : azimuth,
        .partner = reflection->partner,
        .width = reflection->width,
        .flags = reflection->flags,
    };
}
