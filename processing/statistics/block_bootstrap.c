#include "processing/statistics/block_bootstrap.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/random.h"
#include "processing/statistics/order_statistics.h"

#define MAX_RESAMPLES 10000000

/* Sums over the block whose first position is this one. */
struct block_sum {
    uint32_t n, x;
};

static void sum_blocks(struct block_sum *sums, const uint8_t *map, uint32_t ny, uint32_t nx,
                       uint32_t block)
{
    for (uint32_t y = 0; y < ny; y++)
        for (uint32_t x = 0; x < nx; x++) {
            struct block_sum sum = {0};
            for (uint32_t dy = 0; dy < block; dy++)
                for (uint32_t dx = 0; dx < block; dx++) {
                    const uint8_t value = map[(size_t)((y + dy) % ny) * nx + (x + dx) % nx];
                    sum.n += value <= 1;
                    sum.x += value == 1;
                }
            sums[(size_t)y * nx + x] = sum;
        }
}

static double variance_of(const double *values, size_t n)
{
    double mean = 0, sum = 0;
    for (size_t i = 0; i < n; i++)
        mean += values[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        sum += (values[i] - mean) * (values[i] - mean);
    return n > 1 ? sum / (double)(n - 1) : 0;
}

/* Fractions of the resamples that hold anything; returns how many. */
static uint32_t resample(double *fractions, const struct block_sum *sums, uint64_t n_places,
                         const struct block_bootstrap *bootstrap, uint32_t n_resamples,
                         uint64_t seed)
{
    uint32_t n_fractions = 0;
    for (uint32_t i = 0; i < n_resamples; i++) {
        struct random_stream stream = random_stream_make(seed, 0, i);
        uint64_t n = 0, x = 0;
        for (uint32_t j = 0; j < bootstrap->n_blocks; j++) {
            const uint64_t place = (uint64_t)(random_unit(&stream) * (double)n_places);
            n += sums[place].n;
            x += sums[place].x;
        }
        if (n > 0)
            fractions[n_fractions++] = (double)x / (double)n;
    }
    return n_fractions;
}

static void summarise(struct block_bootstrap *bootstrap, double *fractions, double n, double p,
                      double confidence)
{
    const double variance = variance_of(fractions, bootstrap->n_resamples);
    sort_doubles(fractions, bootstrap->n_resamples);
    bootstrap->interval.low =
        sorted_quantile(fractions, bootstrap->n_resamples, (1 - confidence) / 2);
    bootstrap->interval.high =
        sorted_quantile(fractions, bootstrap->n_resamples, (1 + confidence) / 2);
    bootstrap->design_effect = p > 0 && p < 1 ? variance * n / (p * (1 - p)) : NAN;
}

static bool can_resample(uint32_t ny, uint32_t nx, uint32_t block, uint32_t n_resamples)
{
    return ny > 0 && nx > 0 && (uint64_t)ny * nx <= INT32_MAX && block > 0 && n_resamples > 0 &&
           n_resamples <= MAX_RESAMPLES;
}

static void count(const uint8_t *map, uint64_t n_places, uint64_t *n, uint64_t *x)
{
    *n = *x = 0;
    for (uint64_t i = 0; i < n_places; i++) {
        *n += map[i] <= 1;
        *x += map[i] == 1;
    }
}

int block_bootstrap(struct block_bootstrap *bootstrap, const uint8_t *map, uint32_t ny, uint32_t nx,
                    uint32_t block, uint32_t n_resamples, uint64_t seed, double confidence,
                    struct error *error)
{
    if (!can_resample(ny, nx, block, n_resamples))
        return error_set(error, -EINVAL,
                         "cannot resample a map of %u x %u positions %u times in blocks of %u", ny,
                         nx, n_resamples, block);
    const uint64_t n_places = (uint64_t)ny * nx;
    const uint32_t shorter = ny < nx ? ny : nx, side = block < shorter ? block : shorter;
    *bootstrap = (struct block_bootstrap){
        .block = side,
        .n_blocks = ((ny + side - 1) / side) * ((nx + side - 1) / side),
    };
    uint64_t n, x;
    count(map, n_places, &n, &x);
    if (n == 0)
        return error_set(error, -ENODATA, "all positions of the map are left out");

    struct block_sum *const sums = calloc(n_places, sizeof *sums);
    double *const fractions = calloc(n_resamples, sizeof *fractions);
    int result = 0;
    if (!sums || !fractions) {
        result = error_set(error, -ENOMEM, "no memory for the block bootstrap");
        goto out;
    }
    sum_blocks(sums, map, ny, nx, side);
    bootstrap->n_resamples = resample(fractions, sums, n_places, bootstrap, n_resamples, seed);
    if (bootstrap->n_resamples > 0)
        summarise(bootstrap, fractions, (double)n, (double)x / (double)n, confidence);
    else
        result = error_set(error, -ENODATA, "no resample hit a position that is not left out");
out:
    free(fractions);
    free(sums);
    return result;
}
