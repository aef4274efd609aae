#include "processing/analysis/map_shift.h"

#include <errno.h>
#include <math.h>

static const double degree = M_PI / 180;

void shift_transform_apply(const struct shift_transform *transform, double *com_y, double *com_x,
                           uint64_t n_positions)
{
    const double cosine = cos(transform->angle * degree), sine = sin(transform->angle * degree);
    for (uint64_t i = 0; i < n_positions; i++) {
        const double y = transform->flip_y ? -com_y[i] : com_y[i], x = com_x[i];
        com_x[i] = x * cosine - y * sine;
        com_y[i] = x * sine + y * cosine;
    }
}

/* Central differences of a map at a position that is not on its border; NaN when a neighbour is. */
struct slopes {
    double yy, yx, xy, xx; /* d com_y / d row, d com_y / d column, d com_x / d row, ... */
};

static bool slopes_at(struct slopes *slopes, const double *com_y, const double *com_x, uint64_t i,
                      uint32_t nx)
{
    slopes->yy = (com_y[i + nx] - com_y[i - nx]) / 2;
    slopes->yx = (com_y[i + 1] - com_y[i - 1]) / 2;
    slopes->xy = (com_x[i + nx] - com_x[i - nx]) / 2;
    slopes->xx = (com_x[i + 1] - com_x[i - 1]) / 2;
    return isfinite(slopes->yy) && isfinite(slopes->yx) && isfinite(slopes->xy) &&
           isfinite(slopes->xx);
}

/* Second moments of curl (A) and divergence (B) without rotation. */
struct moments {
    double aa, bb, ab;
    uint64_t n;
};

enum { N_BANDS = 16 };

static void add_moments(struct moments *moments, double curl, double divergence)
{
    moments->aa += curl * curl;
    moments->bb += divergence * divergence;
    moments->ab += curl * divergence;
    moments->n++;
}

/* Bands of rows, straight and flipped: blocks for the jackknife. */
static void sum_bands(struct moments bands[2][N_BANDS], const double *com_y, const double *com_x,
                      uint32_t ny, uint32_t nx)
{
    for (uint32_t y = 1; y + 1 < ny; y++) {
        const unsigned band = (unsigned)((uint64_t)(y - 1) * N_BANDS / (ny - 2));
        for (uint32_t x = 1; x + 1 < nx; x++) {
            struct slopes slopes;
            if (!slopes_at(&slopes, com_y, com_x, (uint64_t)y * nx + x, nx))
                continue;
            add_moments(&bands[0][band], slopes.yx - slopes.xy, slopes.xx + slopes.yy);
            add_moments(&bands[1][band], -slopes.yx - slopes.xy, slopes.xx - slopes.yy);
        }
    }
}

static struct moments sum_without(const struct moments bands[N_BANDS], unsigned left_out)
{
    struct moments sum = {0};
    for (unsigned band = 0; band < N_BANDS; band++) {
        if (band == left_out)
            continue;
        sum.aa += bands[band].aa;
        sum.bb += bands[band].bb;
        sum.ab += bands[band].ab;
        sum.n += bands[band].n;
    }
    return sum;
}

/* Radians in (-pi/2, pi/2]. */
static double best_angle(const struct moments *moments)
{
    return atan2(-2 * moments->ab, moments->bb - moments->aa) / 2;
}

/* Mean square of the curl at the best (sign -1) or the worst (+1) angle. */
static double extreme_curl(const struct moments *moments, int sign)
{
    const double half_difference = (moments->aa - moments->bb) / 2;
    const double sum = (moments->aa + moments->bb) / 2 + sign * hypot(half_difference, moments->ab);
    return sum > 0 ? sum / (double)moments->n : 0;
}

static double jackknife_error(const struct moments bands[N_BANDS], double angle)
{
    double sum = 0;
    unsigned n = 0;
    for (unsigned band = 0; band < N_BANDS; band++) {
        if (!bands[band].n)
            continue;
        const struct moments others = sum_without(bands, band);
        const double difference = remainder(best_angle(&others) - angle, M_PI);
        sum += difference * difference;
        n++;
    }
    return n < 4 ? NAN : sqrt(sum * (n - 1) / n) / degree;
}

/* Fills in the mean and the skewness of the divergence after the transform. */
static void look_at_divergence(struct shift_rotation *rotation, const double *com_y,
                               const double *com_x, uint32_t ny, uint32_t nx)
{
    const double cosine = cos(rotation->transform.angle * degree);
    const double sine = sin(rotation->transform.angle * degree);
    const int sign = rotation->transform.flip_y ? -1 : 1;
    double sum = 0, squares = 0, cubes = 0;
    for (uint32_t y = 1; y + 1 < ny; y++) {
        for (uint32_t x = 1; x + 1 < nx; x++) {
            struct slopes slopes;
            if (!slopes_at(&slopes, com_y, com_x, (uint64_t)y * nx + x, nx))
                continue;
            const double curl = sign * slopes.yx - slopes.xy;
            const double value = cosine * (slopes.xx + sign * slopes.yy) - sine * curl;
            sum += value;
            squares += value * value;
            cubes += value * value * value;
        }
    }
    const double n = (double)rotation->n_positions, mean = sum / n;
    const double variance = squares / n - mean * mean;
    const double third = cubes / n - 3 * mean * squares / n + 2 * mean * mean * mean;
    rotation->mean_divergence = mean;
    /* Of a constant divergence rounding is all that is left. */
    const bool constant = variance <= 1e-12 * squares / n;
    rotation->divergence_skewness = constant ? 0 : third / (variance * sqrt(variance));
}

static void settle_polarity(struct shift_rotation *rotation)
{
    const double standard_error = sqrt(6 / (double)rotation->n_positions);
    rotation->polarity_sure = fabs(rotation->divergence_skewness) > 5 * standard_error;
    if (rotation->polarity_sure && rotation->divergence_skewness > 0) {
        rotation->transform.angle += rotation->transform.angle > 0 ? -180 : 180;
        rotation->mean_divergence *= -1;
        rotation->divergence_skewness *= -1;
    }
}

int shift_rotation_find(struct shift_rotation *rotation, const double *com_y, const double *com_x,
                        uint32_t ny, uint32_t nx, struct error *error)
{
    struct moments bands[2][N_BANDS] = {0};
    if (ny >= 3 && nx >= 3)
        sum_bands(bands, com_y, com_x, ny, nx);
    const struct moments sums[2] = {sum_without(bands[0], N_BANDS), sum_without(bands[1], N_BANDS)};
    if (sums[0].n < 16)
        return error_set(error, -ENODATA,
                         "the rotation needs at least 16 positions with all four neighbours "
                         "measured, there are %llu",
                         (unsigned long long)sums[0].n);
    if (!(sums[0].aa + sums[0].bb > 0))
        return error_set(error, -EDOM,
                         "the shift does not vary over the map, so every rotation fits");
    const bool flip = extreme_curl(&sums[1], -1) < extreme_curl(&sums[0], -1);
    const double angle = best_angle(&sums[flip]);
    *rotation = (struct shift_rotation){
        .transform = {.angle = angle / degree, .flip_y = flip},
        .angle_error = jackknife_error(bands[flip], angle),
        .curl_rms = sqrt(extreme_curl(&sums[flip], -1)),
        .curl_rms_other_flip = sqrt(extreme_curl(&sums[!flip], -1)),
        .curl_rms_worst = sqrt(extreme_curl(&sums[flip], 1)),
        .n_positions = sums[flip].n,
    };
    look_at_divergence(rotation, com_y, com_x, ny, nx);
    settle_polarity(rotation);
    return 0;
}

void shift_magnitude(double *magnitude, const double *com_y, const double *com_x,
                     uint64_t n_positions)
{
    for (uint64_t i = 0; i < n_positions; i++)
        magnitude[i] = hypot(com_y[i], com_x[i]);
}

void shift_azimuth(double *azimuth, const double *com_y, const double *com_x, uint64_t n_positions)
{
    for (uint64_t i = 0; i < n_positions; i++) {
        const bool none = com_y[i] == 0 && com_x[i] == 0;
        const double angle = atan2(com_y[i], com_x[i]) / degree;
        azimuth[i] = none ? NAN : angle == -180 ? 180 : angle;
    }
}

void shift_from_quadrants(double *dpc_y, double *dpc_x, const double *const quadrants[4],
                          double azimuth_a, uint64_t n_positions)
{
    const double cosine = cos(azimuth_a * degree), sine = sin(azimuth_a * degree);
    for (uint64_t i = 0; i < n_positions; i++) {
        const double a = quadrants[0][i], b = quadrants[1][i], c = quadrants[2][i];
        const double d = quadrants[3][i], sum = a + b + c + d;
        const double along = sum != 0 ? (a - c) / sum : NAN, across = (b - d) / sum;
        dpc_x[i] = along * cosine - across * sine;
        dpc_y[i] = along * sine + across * cosine;
    }
}
