#include "processing/statistics/toroidal_shift.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "common/random.h"

struct overlap {
    uint64_t n[2], x[2]; /* outside, in the phase: positions, and those with reflections */
};

static void add_run(struct overlap *overlap, const uint8_t *reflections, const uint8_t *phase,
                    uint32_t n)
{
    unsigned n_in = 0, n_out = 0, x_in = 0, x_out = 0;
    for (uint32_t i = 0; i < n; i++) {
        const unsigned both = (reflections[i] | phase[i]) <= 1;
        n_in += both & phase[i];
        n_out += both & ~phase[i];
        x_in += both & phase[i] & reflections[i];
        x_out += both & ~phase[i] & reflections[i];
    }
    overlap->n[0] += n_out;
    overlap->n[1] += n_in;
    overlap->x[0] += x_out;
    overlap->x[1] += x_in;
}

/* The reflections of (y, x) against the phase of (y + dy, x + dx), around the edges. */
static struct overlap overlap_at(const uint8_t *reflections, const uint8_t *phase, uint32_t ny,
                                 uint32_t nx, uint32_t dy, uint32_t dx)
{
    struct overlap overlap = {0};
    for (uint32_t y = 0; y < ny; y++) {
        const uint8_t *const row = reflections + (size_t)y * nx;
        const uint8_t *const other = phase + (size_t)((y + dy) % ny) * nx;
        add_run(&overlap, row, other + dx, nx - dx);
        add_run(&overlap, row + (nx - dx), other, dx);
    }
    return overlap;
}

/* NAN: one of the fractions has no positions. */
static double difference_of(const struct overlap *overlap)
{
    if (overlap->n[0] == 0 || overlap->n[1] == 0)
        return NAN;
    return (double)overlap->x[1] / (double)overlap->n[1] -
           (double)overlap->x[0] / (double)overlap->n[0];
}

static double difference_at(const uint8_t *reflections, const uint8_t *phase, uint32_t ny,
                            uint32_t nx, uint32_t dy, uint32_t dx)
{
    const struct overlap overlap = overlap_at(reflections, phase, ny, nx, dy, dx);
    return difference_of(&overlap);
}

int toroidal_shift_test(struct toroidal_shift *test, const uint8_t *reflections,
                        const uint8_t *phase, uint32_t ny, uint32_t nx, uint64_t max_shifts,
                        uint64_t seed, struct error *error)
{
    const uint64_t n = (uint64_t)ny * nx;
    if (ny == 0 || nx == 0 || n > INT32_MAX)
        return error_set(error, -EINVAL, "maps of %u x %u positions cannot be compared", ny, nx);
    *test = (struct toroidal_shift){
        .difference = difference_at(reflections, phase, ny, nx, 0, 0),
        .p = 1,
    };
    if (isnan(test->difference))
        return 0;
    const uint64_t limit = max_shifts ? max_shifts : 1999;
    const bool all = n - 1 <= limit;
    uint64_t as_large = 0;
    for (uint64_t i = 1; i <= (all ? n - 1 : limit); i++) {
        const uint64_t shift = all ? i : 1 + random_hash(seed, 1, i) % (n - 1);
        const double difference = difference_at(reflections, phase, ny, nx, (uint32_t)(shift / nx),
                                                (uint32_t)(shift % nx));
        if (isnan(difference))
            continue;
        test->n_shifts++;
        /* Differences that are equal but for rounding count. */
        as_large += fabs(difference) >= fabs(test->difference) - 1e-12;
    }
    test->p = (1 + (double)as_large) / (1 + (double)test->n_shifts);
    return 0;
}

/* ---- several scans ---- */

/* Draw 0 is no shift. NAN: no scan counts. */
static double common_difference(const struct shifted_scan *scans, size_t n_scans, uint64_t draw,
                                uint64_t seed)
{
    double sum = 0, weights = 0;
    for (size_t i = 0; i < n_scans; i++) {
        const struct shifted_scan *const scan = &scans[i];
        const uint64_t n = (uint64_t)scan->ny * scan->nx;
        const uint64_t shift = draw ? random_hash(seed, 2 + i, draw) % n : 0;
        const struct overlap overlap =
            overlap_at(scan->reflections, scan->phase, scan->ny, scan->nx,
                       (uint32_t)(shift / scan->nx), (uint32_t)(shift % scan->nx));
        const double difference = difference_of(&overlap);
        if (isnan(difference))
            continue;
        const double n_out = (double)overlap.n[0], n_in = (double)overlap.n[1];
        const double weight = n_in * n_out / (n_in + n_out);
        sum += weight * difference;
        weights += weight;
    }
    return weights > 0 ? sum / weights : NAN;
}

int toroidal_shift_common(struct toroidal_shift *test, const struct shifted_scan *scans,
                          size_t n_scans, uint64_t n_draws, uint64_t seed, struct error *error)
{
    for (size_t i = 0; i < n_scans; i++)
        if (scans[i].ny == 0 || scans[i].nx == 0 || (uint64_t)scans[i].ny * scans[i].nx > INT32_MAX)
            return error_set(error, -EINVAL, "maps of %u x %u positions cannot be compared",
                             scans[i].ny, scans[i].nx);
    *test =
        (struct toroidal_shift){.difference = common_difference(scans, n_scans, 0, seed), .p = 1};
    if (isnan(test->difference))
        return 0;
    uint64_t as_large = 0;
    for (uint64_t draw = 1; draw <= (n_draws ? n_draws : 1999); draw++) {
        const double difference = common_difference(scans, n_scans, draw, seed);
        if (isnan(difference))
            continue;
        test->n_shifts++;
        as_large += fabs(difference) >= fabs(test->difference) - 1e-12;
    }
    test->p = (1 + (double)as_large) / (1 + (double)test->n_shifts);
    return 0;
}
