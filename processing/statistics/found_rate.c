#include "processing/statistics/found_rate.h"

#include <math.h>

bool found_rate_tells(const struct found_rate *rate, double false_positive)
{
    return rate->n > 0 && (double)rate->found / (double)rate->n > false_positive;
}

static double error_of(const struct found_rate *rate)
{
    const double n = (double)rate->n, middle = ((double)rate->found + 2) / (n + 4);
    return sqrt(middle * (1 - middle) / (n + 4));
}

void found_rate_set(struct error_rates *rates, const struct found_rate *rate)
{
    rates->true_positive = (double)rate->found / (double)rate->n;
    rates->true_positive_error = error_of(rate);
    rates->true_positive_from = RATE_TESTED;
}

bool found_rate_set_false(struct error_rates *rates, const struct found_rate *alarms)
{
    if (alarms->n == 0)
        return false;
    rates->false_positive = (double)alarms->found / (double)alarms->n;
    rates->false_positive_error = error_of(alarms);
    rates->false_positive_from = RATE_TESTED;
    return true;
}

bool found_rates_tested(struct error_rates *rates, const struct found_rate *alarms,
                        const struct found_rate *found)
{
    if (alarms->contrast != found->contrast || !found_rate_set_false(rates, alarms) ||
        !found_rate_tells(found, rates->false_positive))
        return false;
    found_rate_set(rates, found);
    return true;
}
