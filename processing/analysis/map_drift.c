#include "processing/analysis/map_drift.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "processing/analysis/fft.h"

/* Two equal parts of two maps, cut out at places of their own. */
struct cut {
    const double *map;
    uint32_t nx_map, top, left;
};

struct correlator {
    uint32_t ny, nx;
    double *values;               /* [ny][nx]: a part on its way in, at last the surface */
    fftw_complex *first, *second; /* [ny][nx / 2 + 1] */
    fftw_plan to_first, to_second, back;
};

static void correlator_finish(struct correlator *correlator)
{
    fft_plan_destroy(correlator->to_first);
    fft_plan_destroy(correlator->to_second);
    fft_plan_destroy(correlator->back);
    fftw_free(correlator->values);
    fftw_free(correlator->first);
    fftw_free(correlator->second);
}

static int correlator_init(struct correlator *correlator, uint32_t ny, uint32_t nx)
{
    const size_t n_waves = (size_t)ny * (nx / 2 + 1);
    *correlator = (struct correlator){
        .ny = ny,
        .nx = nx,
        .values = fftw_alloc_real((size_t)ny * nx),
        .first = fftw_alloc_complex(n_waves),
        .second = fftw_alloc_complex(n_waves),
    };
    if (correlator->values && correlator->first && correlator->second) {
        const int rows = (int)ny, columns = (int)nx;
        fft_planner_lock();
        correlator->to_first = fftw_plan_dft_r2c_2d(rows, columns, correlator->values,
                                                    correlator->first, FFTW_ESTIMATE);
        correlator->to_second = fftw_plan_dft_r2c_2d(rows, columns, correlator->values,
                                                     correlator->second, FFTW_ESTIMATE);
        correlator->back = fftw_plan_dft_c2r_2d(rows, columns, correlator->first,
                                                correlator->values, FFTW_ESTIMATE);
        fft_planner_unlock();
    }
    if (correlator->to_first && correlator->to_second && correlator->back)
        return 0;
    correlator_finish(correlator);
    return -ENOMEM;
}

static double cut_at(const struct cut *cut, uint32_t y, uint32_t x)
{
    return cut->map[(uint64_t)(cut->top + y) * cut->nx_map + cut->left + x];
}

static double hann(uint32_t i, uint32_t n)
{
    return 0.5 - 0.5 * cos(2 * M_PI * (i + 0.5) / n);
}

/* false: nothing varies in it. The mean is weighted by the window, so that none is left. */
static bool put_in(struct correlator *correlator, const struct cut *cut)
{
    double sum = 0, weights = 0, squares = 0;
    for (uint32_t y = 0; y < correlator->ny; y++) {
        for (uint32_t x = 0; x < correlator->nx; x++) {
            const double value = cut_at(cut, y, x);
            const double weight = hann(y, correlator->ny) * hann(x, correlator->nx);
            if (!isfinite(value))
                continue;
            sum += weight * value;
            weights += weight;
        }
    }
    const double mean = weights > 0 ? sum / weights : 0;
    for (uint32_t y = 0; y < correlator->ny; y++) {
        for (uint32_t x = 0; x < correlator->nx; x++) {
            const double value = cut_at(cut, y, x);
            const double weight = hann(y, correlator->ny) * hann(x, correlator->nx);
            const double windowed = isfinite(value) ? weight * (value - mean) : 0;
            correlator->values[(size_t)y * correlator->nx + x] = windowed;
            squares += windowed * windowed;
        }
    }
    return squares > 1e-24 * mean * mean * weights;
}

/* Product of the second spectrum with the conjugate of the first, magnitude replaced by the weight.
 */
static void whiten(const struct correlator *correlator, double smoothing)
{
    const uint32_t ny = correlator->ny, nx = correlator->nx, n_waves = nx / 2 + 1;
    const double exponent = -2 * M_PI * M_PI * smoothing * smoothing;
    for (uint32_t l = 0; l < ny; l++) {
        const double qy = (l <= ny / 2 ? (double)l : (double)l - ny) / ny;
        for (uint32_t k = 0; k < n_waves; k++) {
            double *const a = correlator->first[(size_t)l * n_waves + k];
            const double *const b = correlator->second[(size_t)l * n_waves + k];
            const double qx = (double)k / nx;
            const double real = b[0] * a[0] + b[1] * a[1], imaginary = b[1] * a[0] - b[0] * a[1];
            const double size = hypot(real, imaginary);
            const double weight = size > 0 ? exp(exponent * (qy * qy + qx * qx)) / size : 0;
            a[0] = weight * real;
            a[1] = weight * imaginary;
        }
    }
}

/* Up to one side length outside it begins again. */
static double surface_at(const struct correlator *correlator, int64_t y, int64_t x)
{
    const int64_t ny = correlator->ny, nx = correlator->nx;
    const int64_t row = y < 0 ? y + ny : y < ny ? y : y - ny;
    const int64_t column = x < 0 ? x + nx : x < nx ? x : x - nx;
    return correlator->values[row * nx + column];
}

static int64_t signed_shift(int64_t i, uint32_t n)
{
    return i <= n / 2 ? i : i - n;
}

/* Offset of a Gaussian's top from the middle of three points on it. */
static double gaussian_top(double before, double middle, double after)
{
    if (!(before > 0 && after > 0))
        return 0;
    const double left = log(before), right = log(after), bend = left - 2 * log(middle) + right;
    return bend < 0 ? fmax(-0.5, fmin(0.5, 0.5 * (left - right) / bend)) : 0;
}

/* rms of the surface farther than 4 smoothings from the peak. */
static double background(const struct correlator *correlator, int64_t peak_y, int64_t peak_x,
                         double smoothing)
{
    const int64_t ny = correlator->ny, nx = correlator->nx;
    double squares = 0, n = 0;
    for (int64_t y = 0; y < ny; y++) {
        for (int64_t x = 0; x < nx; x++) {
            const double dy = remainder((double)(y - peak_y), (double)ny);
            const double dx = remainder((double)(x - peak_x), (double)nx);
            if (dy * dy + dx * dx <= 16 * smoothing * smoothing)
                continue;
            const double value = correlator->values[y * nx + x];
            squares += value * value;
            n += 1;
        }
    }
    return n > 0 ? sqrt(squares / n) : INFINITY;
}

/* Mean square of the background at a shift over that of the whole surface, along one side: the
 * autocorrelation of the squared Hann window. */
static double background_share(double shift, uint32_t n)
{
    const double angle = 2 * M_PI * shift / n;
    return 1 + 8.0 / 9 * cos(angle) + 1.0 / 18 * cos(2 * angle);
}

/* Mean bend of the peak along both axes: minus its second difference. */
static double peak_bend(const struct correlator *correlator, int64_t y, int64_t x)
{
    return 2 * surface_at(correlator, y, x) -
           (surface_at(correlator, y - 1, x) + surface_at(correlator, y + 1, x) +
            surface_at(correlator, y, x - 1) + surface_at(correlator, y, x + 1)) /
               2;
}

/* The error: background of rms b, smoothed by s, has slopes of rms b / (sqrt(2) s), which push the
 * top of the peak by that over its bend. */
static void find_peak(struct map_drift *drift, const struct correlator *correlator,
                      double smoothing)
{
    const size_t n = (size_t)correlator->ny * correlator->nx;
    double height = -INFINITY;
    int64_t y = 0, x = 0;
    for (int64_t row = 0; row < correlator->ny; row++) {
        for (int64_t column = 0; column < correlator->nx; column++) {
            const double value = correlator->values[row * correlator->nx + column];
            if (value <= height)
                continue;
            height = value;
            y = row;
            x = column;
        }
    }
    drift->dy =
        (double)signed_shift(y, correlator->ny) +
        gaussian_top(surface_at(correlator, y - 1, x), height, surface_at(correlator, y + 1, x));
    drift->dx =
        (double)signed_shift(x, correlator->nx) +
        gaussian_top(surface_at(correlator, y, x - 1), height, surface_at(correlator, y, x + 1));
    const double rms =
        background(correlator, y, x, smoothing) * sqrt(background_share(drift->dy, correlator->ny) *
                                                       background_share(drift->dx, correlator->nx));
    drift->quality = rms > 0 ? height / rms : INFINITY;
    drift->error = rms / (M_SQRT2 * smoothing * peak_bend(correlator, y, x));
    drift->found = drift->quality > sqrt(2 * log((double)n)) + 2;
}

static int correlate(struct map_drift *drift, const struct cut cuts[2], uint32_t ny, uint32_t nx,
                     double smoothing)
{
    struct correlator correlator;
    int result = correlator_init(&correlator, ny, nx);
    if (result < 0)
        return result;
    bool varies = put_in(&correlator, &cuts[0]);
    fftw_execute(correlator.to_first);
    varies = put_in(&correlator, &cuts[1]) && varies;
    fftw_execute(correlator.to_second);
    if (varies) {
        whiten(&correlator, smoothing);
        fftw_execute(correlator.back);
        find_peak(drift, &correlator, smoothing);
    } else {
        result = -ENODATA;
    }
    correlator_finish(&correlator);
    return result;
}

static uint32_t magnitude(int64_t value)
{
    return (uint32_t)(value < 0 ? -value : value);
}

/* Only the parts that overlap after the shift found so far. */
static void correlate_overlap(struct map_drift *drift, const struct cut whole[2], uint32_t ny,
                              uint32_t nx, double smoothing)
{
    const int64_t dy = llround(drift->dy), dx = llround(drift->dx);
    const struct cut cuts[2] = {
        {whole[0].map, nx, dy < 0 ? magnitude(dy) : 0, dx < 0 ? magnitude(dx) : 0},
        {whole[1].map, nx, dy > 0 ? magnitude(dy) : 0, dx > 0 ? magnitude(dx) : 0},
    };
    struct map_drift rest;
    if ((dy == 0 && dx == 0) || ny - magnitude(dy) < 8 || nx - magnitude(dx) < 8)
        return;
    if (correlate(&rest, cuts, ny - magnitude(dy), nx - magnitude(dx), smoothing) < 0)
        return;
    /* A peak elsewhere is not the one that was found. */
    if (!rest.found || fabs(rest.dy) > 2 * smoothing || fabs(rest.dx) > 2 * smoothing)
        return;
    rest.dy += (double)dy;
    rest.dx += (double)dx;
    *drift = rest;
}

int map_drift_find(struct map_drift *drift, const double *first, const double *second, uint32_t ny,
                   uint32_t nx, double smoothing, struct error *error)
{
    enum { MIN_SIDE = 8, MAX_SIDE = 32768 };
    if (ny < MIN_SIDE || nx < MIN_SIDE || ny > MAX_SIDE || nx > MAX_SIDE)
        return error_set(error, -EINVAL, "drift between maps of %u x %u: give %d to %d", ny, nx,
                         MIN_SIDE, MAX_SIDE);
    if (!(smoothing >= 0.5 && smoothing <= 100))
        return error_set(error, -EINVAL, "smoothing of %g positions: give 0.5 to 100", smoothing);
    const struct cut whole[2] = {{first, nx, 0, 0}, {second, nx, 0, 0}};
    const int result = correlate(drift, whole, ny, nx, smoothing);
    if (result == -ENODATA)
        return error_set(error, result, "drift: one of the maps does not vary, or is not measured");
    if (result < 0)
        return error_set(error, result, "no memory for the drift between maps of %u x %u", ny, nx);
    if (drift->found)
        correlate_overlap(drift, whole, ny, nx, smoothing);
    return 0;
}
