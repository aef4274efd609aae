#include "processing/statistics/effective_size.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "processing/statistics/distributions.h"

#define MAX_DISTANCE 32
#define PRIOR_WEIGHT 5

/* Pairs of positions by distance, rounded; every pair once. */
struct pairs {
    unsigned max_distance;
    uint64_t n[MAX_DISTANCE + 1];
    uint64_t unlike[MAX_DISTANCE + 1];
};

static void count_pairs_at(struct pairs *pairs, unsigned distance, const uint8_t *map, uint32_t ny,
                           uint32_t nx, uint32_t dy, int32_t dx)
{
    const uint32_t first = dx < 0 ? (uint32_t)-dx : 0, end = dx > 0 ? nx - (uint32_t)dx : nx;
    for (uint32_t y = 0; y + dy < ny; y++) {
        const uint8_t *const a = map + (size_t)y * nx, *const b = a + (size_t)dy * nx + dx;
        unsigned n = 0, unlike = 0;
        for (uint32_t x = first; x < end; x++) {
            n += (a[x] | b[x]) <= 1;
            unlike += (a[x] ^ b[x]) & ((a[x] | b[x]) <= 1);
        }
        pairs->n[distance] += n;
        pairs->unlike[distance] += unlike;
    }
}

static void count_pairs(struct pairs *pairs, const uint8_t *map, uint32_t ny, uint32_t nx)
{
    const uint32_t shorter = ny < nx ? ny : nx, longer = ny < nx ? nx : ny;
    /* A single line has only its own length. */
    const uint32_t limit = shorter > 1 ? (shorter * 3 + 4) / 5 : (longer * 3 + 4) / 5;
    *pairs = (struct pairs){.max_distance = limit < MAX_DISTANCE ? limit : MAX_DISTANCE};
    const int32_t reach = (int32_t)pairs->max_distance;
    for (int32_t dy = 0; dy <= reach && (uint32_t)dy < ny; dy++)
        for (int32_t dx = dy == 0 ? 1 : -reach; dx <= reach; dx++) {
            const unsigned distance = (unsigned)lrint(sqrt(dy * dy + dx * dx));
            if (distance <= pairs->max_distance && (uint32_t)abs(dx) < nx)
                count_pairs_at(pairs, distance, map, ny, nx, (uint32_t)dy, dx);
        }
}

/* Sum of rho over all ordered pairs, a position with itself included, over n^2. */
static double mean_correlation(const struct pairs *pairs, const double *rho, double n)
{
    double sum = n;
    for (unsigned h = 1; h <= pairs->max_distance; h++)
        sum += 2 * (double)pairs->n[h] * rho[h];
    return sum / (n * n);
}

/* Falling and positive, for this variance of a single position; returns where it was cut. */
static unsigned correlations(double *rho, const struct pairs *pairs, double variance)
{
    double last = 1;
    unsigned h = 1;
    for (; h <= pairs->max_distance && last > 0; h++) {
        if (pairs->n[h] > 0)
            last = fmin(last, 1 - (double)pairs->unlike[h] / (2 * (double)pairs->n[h]) / variance);
        rho[h] = fmax(last, 0);
    }
    const unsigned range = last > 0 ? h : h - 1;
    for (; h <= pairs->max_distance; h++)
        rho[h] = 0;
    return range;
}

/* Mean correlation of the map itself; the variance of one position follows from it. */
static double estimate(const struct pairs *pairs, double p, double n, double *range)
{
    double rho[MAX_DISTANCE + 1], mean = 1 / n;
    for (unsigned i = 0; i < 50; i++) {
        /* Above 0.8 the whole map is one piece: no more can be told. */
        const double variance = p * (1 - p) / (1 - fmin(mean, 0.8)), before = mean;
        *range = correlations(rho, pairs, variance);
        mean = mean_correlation(pairs, rho, n);
        if (fabs(mean - before) < 1e-9)
            break;
    }
    return mean;
}

static double assumed(const struct pairs *pairs, double block, double n)
{
    double rho[MAX_DISTANCE + 1];
    for (unsigned h = 0; h <= pairs->max_distance; h++)
        rho[h] = fmax(0, 1 - h / block);
    return mean_correlation(pairs, rho, n);
}

static void fill(struct effective_size *size, const struct pairs *pairs, double block,
                 double confidence)
{
    const double n = (double)size->n, p = (double)size->x / n;
    const double minority = fmin((double)size->x, n - (double)size->x);
    const double weight = minority / (minority + PRIOR_WEIGHT);
    double log_effect = (1 - weight) * log(n * assumed(pairs, block, n));
    if (minority > 0)
        log_effect += weight * log(fmax(1, n * estimate(pairs, p, n, &size->range)));
    size->n_effective = fmin(n, fmax(1.5, n / exp(log_effect)));
    size->design_effect = n / size->n_effective;
    const double degrees = fmax(1, size->n_effective - 1);
    size->interval = wilson_interval_with(p, size->n_effective,
                                          student_t_quantile((1 + confidence) / 2, degrees));
}

int effective_size_of_map(struct effective_size *size, const uint8_t *map, uint32_t ny, uint32_t nx,
                          double block, double confidence, struct error *error)
{
    *size = (struct effective_size){.interval = interval_unknown, .design_effect = 1};
    if (ny == 0 || nx == 0 || (uint64_t)ny * nx > INT32_MAX)
        return error_set(error, -EINVAL, "a map of %u x %u positions has no statistics", ny, nx);
    if (!(block >= 1))
        return error_set(error, -EINVAL, "the block length is %g positions, but must be at least 1",
                         block);
    for (size_t i = 0; i < (size_t)ny * nx; i++) {
        size->n += map[i] <= 1;
        size->x += map[i] == 1;
    }
    if (size->n == 0)
        return 0;
    struct pairs pairs;
    count_pairs(&pairs, map, ny, nx);
    fill(size, &pairs, block, confidence);
    return 0;
}
