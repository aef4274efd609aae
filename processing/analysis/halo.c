#include "processing/analysis/halo.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "processing/analysis/halo_profile.h"
#include "processing/analysis/least_squares.h"

enum { CENTRE_Y, CENTRE_X, E1, E2, N_SHAPE };

struct bin {
    double area, counts, squares, radii; /* sums over its pixels */
    double gradient[N_SHAPE];            /* sum of d model / d shape */
};

struct ring {
    const struct halo_settings *settings;
    const double *counts;
    uint32_t height, width;
    double shape[N_SHAPE];
    struct halo_profile profile; /* of the present shape */
    unsigned n_bins;
    struct bin *bins;
};

/* A pixel of the ring: its corrected radius, and the place in the middle of the ring's matrix. */
struct place {
    double count, radius, dy, dx, vy, vx;
    unsigned bin;
};

static bool place_at(struct place *place, const struct ring *ring, uint32_t y, uint32_t x)
{
    place->count = ring->counts[(uint64_t)y * ring->width + x];
    place->dy = y - ring->shape[CENTRE_Y];
    place->dx = x - ring->shape[CENTRE_X];
    place->vy = ring->shape[E2] * place->dx + (1 - ring->shape[E1]) * place->dy;
    place->vx = (1 + ring->shape[E1]) * place->dx + ring->shape[E2] * place->dy;
    place->radius = sqrt(place->vy * place->vy + place->vx * place->vx);
    const double bin = floor(place->radius - ring->settings->inner);
    if (!(bin >= 0 && bin < ring->n_bins) || !isfinite(place->count))
        return false;
    place->bin = (unsigned)bin;
    return true;
}

static void sum_bins(const struct ring *ring)
{
    memset(ring->bins, 0, ring->n_bins * sizeof *ring->bins);
    for (uint32_t y = 0; y < ring->height; y++) {
        for (uint32_t x = 0; x < ring->width; x++) {
            struct place place;
            if (!place_at(&place, ring, y, x))
                continue;
            struct bin *const bin = &ring->bins[place.bin];
            bin->area += 1;
            bin->counts += place.count;
            bin->squares += place.count * place.count;
            bin->radii += place.radius;
        }
    }
}

/* Spread of the counts within the bins over what the Poisson law makes: least where the rings of
 * the pattern are those of the bins. */
static double dispersion(const struct ring *ring)
{
    double sum = 0, freedom = 0;
    sum_bins(ring);
    for (unsigned i = 0; i < ring->n_bins; i++) {
        const struct bin *const bin = &ring->bins[i];
        if (!(bin->counts > 0) || bin->area < 2)
            continue;
        sum += (bin->squares - bin->counts * bin->counts / bin->area) * bin->area / bin->counts;
        freedom += bin->area - 1;
    }
    return freedom > 0 ? sum / freedom : INFINITY;
}

/* Walks the centre downhill, with shorter and shorter steps, to where scoring steps converge. */
static void find_centre(struct ring *ring)
{
    double least = dispersion(ring);
    for (double step = ring->settings->inner / 6; step > 0.3; step /= 2) {
        for (unsigned tries = 0; tries < 20; tries++) {
            const double from[2] = {ring->shape[CENTRE_Y], ring->shape[CENTRE_X]};
            double best[2] = {from[0], from[1]};
            for (unsigned direction = 0; direction < 8; direction++) {
                ring->shape[CENTRE_Y] = from[0] + step * sin(direction * M_PI_4);
                ring->shape[CENTRE_X] = from[1] + step * cos(direction * M_PI_4);
                const double now = dispersion(ring);
                if (!(now < least))
                    continue;
                least = now;
                best[0] = ring->shape[CENTRE_Y];
                best[1] = ring->shape[CENTRE_X];
            }
            ring->shape[CENTRE_Y] = best[0];
            ring->shape[CENTRE_X] = best[1];
            if (best[0] == from[0] && best[1] == from[1])
                break;
        }
    }
}

/* d model / d shape at a pixel. */
static void gradient_at(double *gradient, const struct ring *ring, const struct place *place)
{
    const double e1 = ring->shape[E1], e2 = ring->shape[E2];
    const double slope = halo_profile_slope(&ring->profile, place->radius) / place->radius;
    gradient[CENTRE_Y] = -slope * (place->vx * e2 + place->vy * (1 - e1));
    gradient[CENTRE_X] = -slope * (place->vx * (1 + e1) + place->vy * e2);
    gradient[E1] = slope * (place->vx * place->dx - place->vy * place->dy);
    gradient[E2] = slope * (place->vx * place->dy + place->vy * place->dx);
}

static void sum_gradients(const struct ring *ring)
{
    for (unsigned i = 0; i < ring->n_bins; i++)
        memset(ring->bins[i].gradient, 0, sizeof ring->bins[i].gradient);
    for (uint32_t y = 0; y < ring->height; y++) {
        for (uint32_t x = 0; x < ring->width; x++) {
            struct place place;
            double gradient[N_SHAPE];
            if (!place_at(&place, ring, y, x))
                continue;
            gradient_at(gradient, ring, &place);
            for (unsigned i = 0; i < N_SHAPE; i++)
                ring->bins[place.bin].gradient[i] += gradient[i];
        }
    }
}

/* Data and model, both less their means over the bin: only what depends on the azimuth is left. */
static void add_azimuthal(const struct ring *ring, struct normal_equations *equations)
{
    sum_gradients(ring);
    for (uint32_t y = 0; y < ring->height; y++) {
        for (uint32_t x = 0; x < ring->width; x++) {
            struct place place;
            double gradient[N_SHAPE];
            if (!place_at(&place, ring, y, x) || !(ring->bins[place.bin].counts > 0))
                continue;
            const struct bin *const bin = &ring->bins[place.bin];
            const double mean = bin->counts / bin->area, radius = bin->radii / bin->area;
            const double within =
                halo_profile_slope(&ring->profile, radius) * (place.radius - radius);
            gradient_at(gradient, ring, &place);
            for (unsigned i = 0; i < N_SHAPE; i++)
                gradient[i] -= bin->gradient[i] / bin->area;
            normal_equations_add(equations, gradient, place.count - mean - within, 1 / mean);
        }
    }
}

static double bounded(double value, double limit)
{
    return fmax(-limit, fmin(limit, value));
}

/* The bins' sums as the profile's fit wants them. */
static int fit_profile(struct ring *ring, struct error *error)
{
    struct halo_profile_point *const points = malloc(ring->n_bins * sizeof *points);
    if (!points)
        return error_set(error, -ENOMEM, "no memory to fit a halo");
    unsigned n = 0;
    for (unsigned i = 0; i < ring->n_bins; i++) {
        const struct bin *const bin = &ring->bins[i];
        if (bin->area > 0)
            points[n++] =
                (struct halo_profile_point){bin->radii / bin->area, bin->area, bin->counts};
    }
    const int result =
        halo_profile_fit(&ring->profile, points, n, ring->settings->overdispersion, error);
    free(points);
    return result;
}

static int refuse_few(const struct ring *ring, struct error *error)
{
    const double wanted = ring->settings->minimum_counts > 0 ? ring->settings->minimum_counts : 1e4;
    double counts = 0;
    for (unsigned i = 0; i < ring->n_bins; i++)
        counts += ring->bins[i].counts;
    if (counts >= wanted)
        return 0;
    return error_set(
        error, -ENODATA,
        "between %g and %g pixels from (y, x) = (%.1f, %.1f) there are %.0f counts, and "
        "a halo needs %.0f: sum more frames",
        ring->settings->inner, ring->settings->outer, ring->shape[CENTRE_Y], ring->shape[CENTRE_X],
        counts, wanted);
}

/* `part` of one scoring step; `length` is that of what was taken, in standard errors. */
static int improve_shape(struct ring *ring, least_squares_matrix covariance, double part,
                         double *length, struct error *error)
{
    static const double limits[N_SHAPE] = {2, 2, 0.03, 0.03};
    struct normal_equations equations;
    double step[N_SHAPE];
    normal_equations_init(&equations, N_SHAPE);
    add_azimuthal(ring, &equations);
    if (normal_equations_solve(&equations, 0, step, covariance) < 0)
        return error_set(error, -EDOM,
                         "the part of the ring that is not masked does not fix its centre and "
                         "ellipse");
    double gain = 0;
    for (unsigned i = 0; i < N_SHAPE; i++) {
        gain += step[i] * equations.right[i];
        ring->shape[i] += part * bounded(step[i], limits[i]);
    }
    *length = part * sqrt(fmax(gain, 0));
    return 0;
}

/*
 * Pixels that change their bin make the likelihood rough: where half a ring is masked, whole steps
 * wander by part of a standard error for ever. So after FULL_STEPS of them steps become shorter,
 * which averages over the roughness.
 */
static int fit_ring(struct ring *ring, least_squares_matrix covariance, struct error *error)
{
    enum { FULL_STEPS = 10, MAX_STEPS = 60 };
    int result = 0;
    sum_bins(ring);
    if ((result = refuse_few(ring, error)) < 0)
        return result;
    find_centre(ring);
    for (unsigned i = 0; i < MAX_STEPS; i++) {
        const double part = i < FULL_STEPS ? 1 : 1.0 / (i - FULL_STEPS + 2);
        double length = 0;
        sum_bins(ring);
        if ((result = refuse_few(ring, error)) < 0 || (result = fit_profile(ring, error)) < 0 ||
            (result = improve_shape(ring, covariance, part, &length, error)) < 0)
            return result;
        if (length < 0.1) {
            sum_bins(ring);
            return fit_profile(ring, error);
        }
    }
    return error_set(
        error, -ERANGE,
        "the centre of the halo does not settle, it was last at (y, x) = (%.1f, %.1f): "
        "give a better centre or window",
        ring->shape[CENTRE_Y], ring->shape[CENTRE_X]);
}

static void describe(struct halo *halo, const struct ring *ring, least_squares_matrix covariance)
{
    const struct halo_profile *const profile = &ring->profile;
    const double f = ring->settings->overdispersion;
    *halo = (struct halo){
        .centre_y = ring->shape[CENTRE_Y],
        .centre_x = ring->shape[CENTRE_X],
        .e1 = ring->shape[E1],
        .e2 = ring->shape[E2],
        .centre_y_error = sqrt(f * covariance[CENTRE_Y][CENTRE_Y]),
        .centre_x_error = sqrt(f * covariance[CENTRE_X][CENTRE_X]),
        .e1_error = sqrt(f * covariance[E1][E1]),
        .e2_error = sqrt(f * covariance[E2][E2]),
        .radius = profile->radius,
        .radius_error = profile->radius_error,
        .width = profile->width,
        .width_error = profile->width_error,
        .height = profile->height,
        .background = profile->background,
        .reduced_chi2 = profile->reduced_chi2,
    };
    for (unsigned i = 0; i < ring->n_bins; i++) {
        halo->counts += ring->bins[i].counts;
        halo->n_pixels += (uint64_t)ring->bins[i].area;
    }
}

static int refuse_settings(const struct halo_settings *settings, struct error *error)
{
    if (!(settings->inner >= 1 && settings->outer >= settings->inner + 6 && settings->outer <= 1e5))
        return error_set(error, -EINVAL,
                         "a window from %g to %g pixels: give an inner radius of at least 1 and an "
                         "outer one at least 6 pixels larger",
                         settings->inner, settings->outer);
    if (!isfinite(settings->centre_y) || !isfinite(settings->centre_x))
        return error_set(error, -EINVAL, "a halo needs an approximate centre");
    if (!(settings->overdispersion >= 1 && settings->overdispersion < 1000))
        return error_set(error, -EINVAL, "overdispersion %g: give 1 or above",
                         settings->overdispersion);
    return 0;
}

int halo_measure(struct halo *halo, const struct halo_settings *settings, const double *counts,
                 uint32_t height, uint32_t width, struct error *error)
{
    least_squares_matrix covariance;
    int result = refuse_settings(settings, error);
    if (result < 0)
        return result;
    struct ring ring = {
        .settings = settings,
        .counts = counts,
        .height = height,
        .width = width,
        .shape = {settings->centre_y, settings->centre_x},
        .n_bins = (unsigned)(settings->outer - settings->inner),
    };
    ring.bins = calloc(ring.n_bins, sizeof *ring.bins);
    if (!ring.bins)
        return error_set(error, -ENOMEM, "no memory to fit a halo");
    result = fit_ring(&ring, covariance, error);
    if (result == 0)
        describe(halo, &ring, covariance);
    free(ring.bins);
    return result;
}
