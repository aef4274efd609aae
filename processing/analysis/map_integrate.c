#include "processing/analysis/map_integrate.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "processing/analysis/fft.h"

/*
 * Both borders work on one buffer per component, transformed in place or to `wave_*`, and one plan
 * back. Periodic: complex half spectra [ny][nx / 2 + 1]. Mirror: a shift in y is a sum of sin(pi l
 * (y + 1/2) / ny) cos(pi k (x + 1/2) / nx), in x the other way round, and phi of cosines only.
 */
struct map_integrator {
    struct map_integrator_settings settings;
    double *values_y, *values_x;   /* [ny][nx] */
    fftw_complex *wave_y, *wave_x; /* periodic only, [ny][nx / 2 + 1] */
    fftw_plan forward_y, forward_x, backward;
};

static int refuse(const struct map_integrator_settings *settings, struct error *error)
{
    if (settings->ny < 1 || settings->nx < 1 || settings->ny > 1U << 15 || settings->nx > 1U << 15)
        return error_set(error, -EINVAL, "a map of %u x %u cannot be integrated: give 1 to 32768",
                         settings->ny, settings->nx);
    if (!(settings->step_y > 0 && settings->step_x > 0 && isfinite(settings->step_y) &&
          isfinite(settings->step_x)))
        return error_set(error, -EINVAL, "the scan steps %g and %g must be above 0",
                         settings->step_y, settings->step_x);
    if (!(settings->high_pass >= 0))
        return error_set(error, -EINVAL, "the high-pass %g must be 0 (none) or above",
                         settings->high_pass);
    return 0;
}

static void plan_mirror(struct map_integrator *integrator)
{
    const int ny = (int)integrator->settings.ny, nx = (int)integrator->settings.nx;
    double *const y = integrator->values_y, *const x = integrator->values_x;
    integrator->forward_y =
        fftw_plan_r2r_2d(ny, nx, y, y, FFTW_RODFT10, FFTW_REDFT10, FFTW_ESTIMATE);
    integrator->forward_x =
        fftw_plan_r2r_2d(ny, nx, x, x, FFTW_REDFT10, FFTW_RODFT10, FFTW_ESTIMATE);
    integrator->backward =
        fftw_plan_r2r_2d(ny, nx, y, y, FFTW_REDFT01, FFTW_REDFT01, FFTW_ESTIMATE);
}

static void plan_periodic(struct map_integrator *integrator)
{
    const int ny = (int)integrator->settings.ny, nx = (int)integrator->settings.nx;
    integrator->forward_y =
        fftw_plan_dft_r2c_2d(ny, nx, integrator->values_y, integrator->wave_y, FFTW_ESTIMATE);
    integrator->forward_x =
        fftw_plan_dft_r2c_2d(ny, nx, integrator->values_x, integrator->wave_x, FFTW_ESTIMATE);
    integrator->backward =
        fftw_plan_dft_c2r_2d(ny, nx, integrator->wave_y, integrator->values_y, FFTW_ESTIMATE);
}

static bool prepare(struct map_integrator *integrator)
{
    const size_t n = (size_t)integrator->settings.ny * integrator->settings.nx;
    const size_t n_waves = (size_t)integrator->settings.ny * (integrator->settings.nx / 2 + 1);
    const bool periodic = integrator->settings.border == MAP_BORDER_PERIODIC;
    integrator->values_y = fftw_alloc_real(n);
    integrator->values_x = fftw_alloc_real(n);
    if (!integrator->values_y || !integrator->values_x)
        return false;
    if (periodic) {
        integrator->wave_y = fftw_alloc_complex(n_waves);
        integrator->wave_x = fftw_alloc_complex(n_waves);
        if (!integrator->wave_y || !integrator->wave_x)
            return false;
    }
    fft_planner_lock();
    (periodic ? plan_periodic : plan_mirror)(integrator);
    fft_planner_unlock();
    return integrator->forward_y && integrator->forward_x && integrator->backward;
}

int map_integrator_create(struct map_integrator **out,
                          const struct map_integrator_settings *settings, struct error *error)
{
    const int result = refuse(settings, error);
    if (result < 0)
        return result;
    struct map_integrator *const integrator = calloc(1, sizeof *integrator);
    if (integrator)
        integrator->settings = *settings;
    if (!integrator || !prepare(integrator)) {
        map_integrator_destroy(integrator);
        return error_set(error, -ENOMEM, "no memory to integrate a map of %u x %u", settings->ny,
                         settings->nx);
    }
    *out = integrator;
    return 0;
}

void map_integrator_destroy(struct map_integrator *integrator)
{
    if (!integrator)
        return;
    fft_plan_destroy(integrator->forward_y);
    fft_plan_destroy(integrator->forward_x);
    fft_plan_destroy(integrator->backward);
    fftw_free(integrator->values_y);
    fftw_free(integrator->values_x);
    fftw_free(integrator->wave_y);
    fftw_free(integrator->wave_x);
    free(integrator);
}

/* What a wave is multiplied by, 1 / (2 pi |Q|^2) and the high-pass; 0 for Q = 0. */
static double wave_weight(double qy, double qx, double high_pass)
{
    const double square = qy * qy + qx * qx;
    if (square == 0)
        return 0;
    const double kept = high_pass > 0 ? -expm1(-M_LN2 * square / (high_pass * high_pass)) : 1;
    return kept / (2 * M_PI * square);
}

/*
 * The sine transform's element l - 1 is the wave l. phi = cos cos has the slope -2 pi q sin: hence
 * the minus. The wave l = ny of a sine has no cosine beside it and is dropped.
 */
static void weigh_mirror(const struct map_integrator *integrator)
{
    const uint32_t ny = integrator->settings.ny, nx = integrator->settings.nx;
    double *const waves = integrator->values_y;
    const double norm = 1 / (4.0 * ny * nx);
    /* Backwards, because row l of the result needs rows l and l - 1 of the same buffer. */
    for (uint32_t l = ny; l-- > 0;) {
        const double qy = l / (2 * ny * integrator->settings.step_y);
        for (uint32_t k = 0; k < nx; k++) {
            const double qx = k / (2 * nx * integrator->settings.step_x);
            const double along_y = l ? waves[(size_t)(l - 1) * nx + k] : 0;
            const double along_x = k ? integrator->values_x[(size_t)l * nx + k - 1] : 0;
            waves[(size_t)l * nx + k] = -norm *
                                        wave_weight(qy, qx, integrator->settings.high_pass) *
                                        (qy * along_y + qx * along_x);
        }
    }
}

/* Frequency of element i of n, and the one its slope has: 0 for the fastest wave of an even n,
 * whose sign is not known. */
static double frequency(uint32_t i, uint32_t n, double step, double *of_slope)
{
    const double q = (i <= n / 2 ? (double)i : (double)i - n) / (n * step);
    *of_slope = 2 * i == n ? 0 : q;
    return q;
}

static void weigh_periodic(const struct map_integrator *integrator)
{
    const uint32_t ny = integrator->settings.ny, nx = integrator->settings.nx, n_waves = nx / 2 + 1;
    const double norm = 1 / ((double)ny * nx);
    for (uint32_t l = 0; l < ny; l++) {
        double slope_y, slope_x;
        const double qy = frequency(l, ny, integrator->settings.step_y, &slope_y);
        for (uint32_t k = 0; k < n_waves; k++) {
            const double qx = frequency(k, nx, integrator->settings.step_x, &slope_x);
            double *const y = integrator->wave_y[(size_t)l * n_waves + k];
            const double *const x = integrator->wave_x[(size_t)l * n_waves + k];
            const double weight = norm * wave_weight(qy, qx, integrator->settings.high_pass);
            const double real = slope_y * y[0] + slope_x * x[0];
            const double imaginary = slope_y * y[1] + slope_x * x[1];
            y[0] = weight * imaginary; /* divided by i */
            y[1] = -weight * real;
        }
    }
}

void map_integrate(struct map_integrator *integrator, double *phi, const double *shift_y,
                   const double *shift_x)
{
    const size_t n = (size_t)integrator->settings.ny * integrator->settings.nx;
    for (size_t i = 0; i < n; i++) {
        const bool measured = isfinite(shift_y[i]) && isfinite(shift_x[i]);
        integrator->values_y[i] = measured ? shift_y[i] : 0;
        integrator->values_x[i] = measured ? shift_x[i] : 0;
    }
    fftw_execute(integrator->forward_y);
    fftw_execute(integrator->forward_x);
    if (integrator->settings.border == MAP_BORDER_PERIODIC)
        weigh_periodic(integrator);
    else
        weigh_mirror(integrator);
    fftw_execute(integrator->backward);
    for (size_t i = 0; i < n; i++)
        phi[i] = isfinite(shift_y[i]) && isfinite(shift_x[i]) ? integrator->values_y[i] : NAN;
}
