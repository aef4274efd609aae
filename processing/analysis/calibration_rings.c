#include "processing/analysis/calibration_rings.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

/* A proposal and what speaks for it. */
struct proposal {
    double k_per_pixel;
    double score;
    size_t n_assigned;
};

struct problem {
    const struct ring_settings *settings;
    double radius_low, radius_high; /* where rings could have been found */
    size_t n_rings;
    struct found_ring rings[RINGS_MAX];
};

/* How far a ring may lie from where it should: the field's lenses distort by tenths of a pixel. */
static double reach(const struct found_ring *ring)
{
    return fmax(1, 4 * ring->radius_error);
}

/* The found ring nearest to a radius, or RINGS_MAX when none is within its reach. */
static size_t nearest_ring(const struct problem *problem, double radius)
{
    size_t nearest = RINGS_MAX;
    double least = INFINITY;
    for (size_t i = 0; i < problem->n_rings; i++) {
        const double distance = fabs(problem->rings[i].radius - radius);
        if (distance > reach(&problem->rings[i]) || distance >= least)
            continue;
        nearest = i;
        least = distance;
    }
    return nearest;
}

/* Assigns rings under a value. A ring that two spacings claim goes to the nearer one. */
static void assign(const struct problem *problem, double k_per_pixel,
                   struct ring_calibration *calibration)
{
    size_t owner[RINGS_MAX];
    double distance[RINGS_MAX];
    for (size_t i = 0; i < problem->n_rings; i++)
        owner[i] = RINGS_MAX;
    for (size_t spacing = 0; spacing < problem->settings->n_spacings; spacing++) {
        const double radius = 1 / (problem->settings->d_spacings[spacing] * k_per_pixel);
        const size_t ring = nearest_ring(problem, radius);
        if (ring == RINGS_MAX)
            continue;
        const double off = fabs(problem->rings[ring].radius - radius);
        if (owner[ring] != RINGS_MAX && distance[ring] <= off)
            continue;
        owner[ring] = spacing;
        distance[ring] = off;
    }
    calibration->n_assigned = 0;
    for (size_t i = 0; i < problem->n_rings; i++) {
        if (owner[i] == RINGS_MAX)
            continue;
        calibration->assigned[calibration->n_assigned++] =
            (struct ring_assignment){.spacing = owner[i],
                                     .radius = problem->rings[i].radius,
                                     .radius_error = problem->rings[i].radius_error};
    }
}

/* Whether another ring of the list is so near that the filter sees one ring, at neither's place. */
static bool is_blended(const struct problem *problem, size_t spacing, double k_per_pixel)
{
    const double *const d = problem->settings->d_spacings;
    for (size_t i = 0; i < problem->settings->n_spacings; i++) {
        const double apart = fabs(1 / d[i] - 1 / d[spacing]) / k_per_pixel;
        if (i != spacing && apart < 4 * problem->settings->width)
            return true;
    }
    return false;
}

/* Radii on k: the best value for what is assigned. Radii are not known better than 0.02 pixels. */
static bool fit(const struct problem *problem, double k_per_pixel,
                struct ring_calibration *calibration)
{
    double rk = 0, kk = 0, chi2 = 0;
    size_t n = 0;
    for (size_t i = 0; i < calibration->n_assigned; i++) {
        struct ring_assignment *const ring = &calibration->assigned[i];
        ring->blended = is_blended(problem, ring->spacing, k_per_pixel);
        if (ring->blended)
            continue;
        n++;
        const double k = 1 / problem->settings->d_spacings[ring->spacing];
        const double weight = 1 / (ring->radius_error * ring->radius_error + 4e-4);
        rk += weight * ring->radius * k;
        kk += weight * k * k;
    }
    if (!n)
        return false;
    const double pixels_per_k = rk / kk;
    for (size_t i = 0; i < calibration->n_assigned; i++) {
        struct ring_assignment *const ring = &calibration->assigned[i];
        ring->residual = ring->radius - pixels_per_k / problem->settings->d_spacings[ring->spacing];
        if (!ring->blended)
            chi2 +=
                ring->residual * ring->residual / (ring->radius_error * ring->radius_error + 4e-4);
    }
    calibration->k_per_pixel = 1 / pixels_per_k;
    calibration->reduced_chi2 = n > 1 ? chi2 / (double)(n - 1) : 0;
    calibration->k_per_pixel_error =
        sqrt(fmax(1, calibration->reduced_chi2) / kk) / (pixels_per_k * pixels_per_k);
    return true;
}

/* Rings of the list that should have been found and were not (nor hidden by one next to it), and
 * found rings up to the last assigned one that belong to none. */
static size_t count_contradictions(const struct problem *problem,
                                   const struct ring_calibration *calibration)
{
    const size_t n = calibration->n_assigned;
    size_t missing = 0, foreign = 0;
    for (size_t i = 0; i < problem->settings->n_spacings; i++) {
        const double radius = 1 / (problem->settings->d_spacings[i] * calibration->k_per_pixel);
        double nearest = INFINITY;
        for (size_t j = 0; j < problem->n_rings; j++)
            nearest = fmin(nearest, fabs(problem->rings[j].radius - radius));
        missing += radius >= problem->radius_low && radius <= problem->radius_high &&
                   nearest > 4 * problem->settings->width;
    }
    for (size_t i = 0; n && i < problem->n_rings; i++)
        foreign += problem->rings[i].radius <= calibration->assigned[n - 1].radius;
    return missing + foreign - n;
}

static bool within_tolerance(const struct ring_settings *settings, double k_per_pixel)
{
    return !(settings->nominal > 0) ||
           fabs(k_per_pixel / settings->nominal - 1) <= settings->tolerance;
}

/* Assigns, fits, and assigns again by the better value. A missing or a foreign ring counts half:
 * weak rings are missed, and other phases are there. */
static struct proposal weigh(const struct problem *problem, double k_per_pixel,
                             struct ring_calibration *calibration)
{
    struct proposal proposal = {.k_per_pixel = k_per_pixel, .score = -INFINITY};
    for (unsigned round = 0; round < 3; round++) {
        assign(problem, proposal.k_per_pixel, calibration);
        if (!calibration->n_assigned || !fit(problem, proposal.k_per_pixel, calibration))
            return proposal;
        proposal.k_per_pixel = calibration->k_per_pixel;
    }
    if (!within_tolerance(problem->settings, proposal.k_per_pixel))
        return proposal;
    const size_t contradictions = count_contradictions(problem, calibration);
    if (2 * contradictions > calibration->n_assigned)
        return proposal;
    proposal.n_assigned = calibration->n_assigned;
    proposal.score = (double)calibration->n_assigned - 0.5 * (double)contradictions;
    return proposal;
}

/* Whether two values put the outermost ring at the same place. */
static bool is_same(const struct problem *problem, const struct proposal *a,
                    const struct proposal *b)
{
    return fabs(a->k_per_pixel / b->k_per_pixel - 1) * problem->radius_high < 1;
}

static void find_proposals(const struct problem *problem, struct proposal *best,
                           struct proposal *second)
{
    struct ring_calibration unused;
    *best = *second = (struct proposal){.score = -INFINITY};
    for (size_t ring = 0; ring < problem->n_rings; ring++) {
        for (size_t spacing = 0; spacing < problem->settings->n_spacings; spacing++) {
            const double value =
                1 / (problem->settings->d_spacings[spacing] * problem->rings[ring].radius);
            const struct proposal proposal = weigh(problem, value, &unused);
            if (proposal.score > best->score) {
                if (!is_same(problem, &proposal, best))
                    *second = *best;
                *best = proposal;
            } else if (proposal.score > second->score && !is_same(problem, &proposal, best)) {
                *second = proposal;
            }
        }
    }
}

/* The found radii, as a list for a sentence. */
static void list_rings(char *text, size_t size, const struct problem *problem)
{
    size_t length = 0;
    text[0] = 0;
    for (size_t i = 0; i < problem->n_rings && length + 12 < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s%.1f", i ? ", " : "",
                                   problem->rings[i].radius);
}

static int judge(const struct problem *problem, const struct proposal *best,
                 const struct proposal *second, struct error *error)
{
    const size_t wanted = problem->settings->nominal > 0 ? 2 : 3;
    char radii[160];
    list_rings(radii, sizeof radii, problem);
    if (problem->n_rings < wanted)
        return error_set(error, -ENODATA,
                         "%zu rings stand out%s%s and %zu are needed: sum more frames, or give "
                         "another width",
                         problem->n_rings, problem->n_rings ? ", radii " : "", radii, wanted);
    if (best->n_assigned < wanted)
        return error_set(error, -EDOM,
                         "the rings at %s pixels do not fit the d-spacings (within the tolerance "
                         "around the nominal value): is it another crystal, or camera length?",
                         radii);
    if (best->score - second->score <= 1)
        return error_set(error, -EDOM,
                         "the rings at %s pixels fit the d-spacings with %.5g and with %.5g nm^-1 "
                         "per pixel: give more rings or a nominal value",
                         radii, best->k_per_pixel, second->k_per_pixel);
    return 0;
}

static int refuse_settings(const struct ring_settings *settings, struct error *error)
{
    if (settings->n_spacings < 1 || settings->n_spacings > RINGS_MAX)
        return error_set(error, -EINVAL, "%zu d-spacings: give 1 to %d", settings->n_spacings,
                         RINGS_MAX);
    for (size_t i = 0; i < settings->n_spacings; i++) {
        if (!(settings->d_spacings[i] > 0 && isfinite(settings->d_spacings[i])))
            return error_set(error, -EINVAL, "d-spacing %zu is %g nm: give a length above 0", i + 1,
                             settings->d_spacings[i]);
    }
    if (settings->nominal > 0 && !(settings->tolerance > 0))
        return error_set(error, -EINVAL, "a nominal k per pixel needs a tolerance above 0");
    return 0;
}

int rings_calibrate(struct ring_calibration *calibration, const struct ring_profile *profile,
                    const struct ring_settings *settings, struct error *error)
{
    struct problem problem = {
        .settings = settings,
        .radius_low = 5 * settings->width,
        .radius_high = (double)profile->n - 5 * settings->width,
    };
    struct proposal best, second;
    int result = refuse_settings(settings, error);
    if (result < 0)
        return result;
    result = rings_find(problem.rings, &problem.n_rings, profile, settings->width, error);
    if (result < 0)
        return result;
    find_proposals(&problem, &best, &second);
    result = judge(&problem, &best, &second, error);
    if (result < 0)
        return result;
    *calibration = (struct ring_calibration){.n_found = problem.n_rings};
    weigh(&problem, best.k_per_pixel, calibration);
    return 0;
}
