#include "tests/bench/bragg/power.h"

#include <math.h>

#include "processing/statistics/distributions.h"

/* ln P(X >= counts) for B + excess: the reflection's own counts are overdispersed, not speckled. */
static double upper_log(const struct power_question *question, double counts, double excess)
{
    const double b = question->background, mean = b + excess;
    const double of_background = question->overdispersion * b + question->speckle * b * b;
    const double variance =
        of_background / (1 - question->share) + question->overdispersion * excess;
    return negative_binomial_upper_log(counts, mean, fmax(variance, mean));
}

double power_threshold(const struct power_question *question)
{
    const double limit = log(question->alpha / question->positions);
    double low = 0, high = 16;
    while (upper_log(question, high, 0) >= limit)
        high *= 2;
    while (high - low > 1) {
        const double middle = floor((low + high) / 2);
        if (upper_log(question, middle, 0) < limit)
            high = middle;
        else
            low = middle;
    }
    return high;
}

static double mean_power(const struct power_question *question, double threshold, double counts)
{
    double sum = 0;
    for (int i = 0; i < POWER_PLACES; i++)
        sum += exp(upper_log(question, threshold, counts * question->parts[i]));
    return sum / POWER_PLACES;
}

double power_counts(const struct power_question *question, double probability)
{
    const double threshold = power_threshold(question);
    double low = 0, high = 16;
    while (mean_power(question, threshold, high) < probability)
        high *= 2;
    while (high - low > 1e-3 * high) {
        const double middle = (low + high) / 2;
        if (mean_power(question, threshold, middle) < probability)
            low = middle;
        else
            high = middle;
    }
    return high;
}
