#include "processing/analysis/calibration.h"

#include <errno.h>
#include <math.h>

/* CODATA 2022; the first three are exact. */
static const double planck = 6.62607015e-34;             /* J s */
static const double elementary_charge = 1.602176634e-19; /* C */
static const double speed_of_light = 299792458;          /* m / s */
static const double electron_mass = 9.1093837139e-31;    /* kg */

double electron_wavelength(double kv)
{
    if (!(kv >= 1 && kv <= 10000))
        return NAN;
    const double energy = elementary_charge * kv * 1e3;
    const double rest = electron_mass * speed_of_light * speed_of_light;
    return planck / sqrt(2 * electron_mass * energy * (1 + energy / (2 * rest))) * 1e9;
}

double k_per_pixel_of_camera(double camera_length_mm, double wavelength_nm, double pitch_um)
{
    if (!(camera_length_mm > 0 && wavelength_nm > 0 && pitch_um > 0))
        return NAN;
    return pitch_um * 1e-3 / (camera_length_mm * wavelength_nm);
}

double angle_of_radius(double radius, double k_per_pixel, double wavelength_nm)
{
    return radius * k_per_pixel * wavelength_nm * 1e3;
}

double electrons_of_beam(double current_pa, double seconds)
{
    return current_pa * 1e-12 * seconds / elementary_charge;
}

int counts_per_electron(double *value, double *value_error, const struct vacuum_exposure *exposure,
                        struct error *error)
{
    if (!(exposure->counts > 0 && exposure->frames > 0 && exposure->exposure_s > 0 &&
          exposure->current_pa > 0 && exposure->current_error_pa >= 0 &&
          exposure->overdispersion > 0))
        return error_set(error, -EINVAL,
                         "counts per electron need counts (%g), frames (%g), exposure (%g s) and "
                         "current (%g pA) above 0",
                         exposure->counts, exposure->frames, exposure->exposure_s,
                         exposure->current_pa);
    const double electrons =
        exposure->frames * electrons_of_beam(exposure->current_pa, exposure->exposure_s);
    *value = exposure->counts / electrons;
    *value_error = *value * hypot(sqrt(exposure->overdispersion / exposure->counts),
                                  exposure->current_error_pa / exposure->current_pa);
    return 0;
}
