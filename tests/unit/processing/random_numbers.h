#pragma once

#include <math.h>
#include <stdint.h>

/* Reproducible random numbers for tests (xorshift64*, Vigna 2016). The seed must not be 0. */
struct random_numbers {
    uint64_t state;
};

/* In (0, 1). */
static inline double random_uniform(struct random_numbers *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return ((double)(random->state * UINT64_C(2685821657736338717) >> 11) + 0.5) / 0x1p53;
}

static inline double random_gaussian(struct random_numbers *random)
{
    const double radius = sqrt(-2 * log(random_uniform(random)));
    return radius * cos(2 * M_PI * random_uniform(random));
}

/* Exact below a mean of 500, rounded Gaussian above. */
static inline double random_poisson(struct random_numbers *random, double mean)
{
    if (mean > 500)
        return fmax(0, round(mean + sqrt(mean) * random_gaussian(random)));
    const double limit = exp(-mean);
    double product = random_uniform(random);
    unsigned count = 0;
    while (product > limit) {
        product *= random_uniform(random);
        count++;
    }
    return count;
}
