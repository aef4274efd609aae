#include "detector/sim/random.h"

#include <math.h>

/* Box and Muller 1958. */
void random_normal_pair(struct random_stream *stream, double pair[2])
{
    const double length = sqrt(-2 * log(1 - random_unit(stream)));
    const double angle = 2 * M_PI * random_unit(stream);
    pair[0] = length * cos(angle);
    pair[1] = length * sin(angle);
}

/* By multiplication: a draw per count, for small means. */
static uint64_t poisson_small(struct random_stream *stream, double mean)
{
    const double limit = exp(-mean);
    uint64_t counts = 0;
    for (double product = random_unit(stream); product > limit; product *= random_unit(stream))
        counts++;
    return counts;
}

/* Transformed rejection with squeeze (algorithm PTRS of Hoermann 1993), a constant number of draws
 * for means from 10 up. */
static uint64_t poisson_large(struct random_stream *stream, double mean)
{
    const double b = 0.931 + 2.53 * sqrt(mean);
    const double a = -0.059 + 0.02483 * b;
    const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    const double v_squeeze = 0.9277 - 3.6224 / (b - 2);
    const double log_mean = log(mean);
    for (;;) {
        const double u = random_unit(stream) - 0.5;
        const double v = random_unit(stream);
        const double distance = 0.5 - fabs(u);
        const double counts = floor((2 * a / distance + b) * u + mean + 0.43);
        if (distance >= 0.07 && v <= v_squeeze)
            return (uint64_t)counts;
        if (counts < 0 || (distance < 0.013 && v > distance))
            continue;
        int sign;
        const double bound = counts * log_mean - mean - lgamma_r(counts + 1, &sign);
        if (log(v * inverse_alpha / (a / (distance * distance) + b)) <= bound)
            return (uint64_t)counts;
    }
}

uint64_t random_poisson(struct random_stream *stream, double mean)
{
    if (mean <= 0)
        return 0;
    return mean < 10 ? poisson_small(stream, mean) : poisson_large(stream, mean);
}
