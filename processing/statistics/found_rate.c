#include "processing/statistics/found_rate.h"

#include <math.h>

bool found_rate_tells(const struct found_rate *rate, double false_positive)
{
    return rate->n > 0 && (double)rate->found / (double)rate->n > false_positive;
}

void found_rate_set(struct error_rates *rates, const struct found_rate *rate)
{
    const double n = (double)rate->n, found = (double)rate->found;
    const double middle = (found + 2) / (n + 4);
    rates->true_positive = found / n;
    rates->true_positive_error = sqrt(middle * (1 - middle) / (n + 4));
}
