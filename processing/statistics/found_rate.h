#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "processing/statistics/proportion.h"

/* How often reflections of a contrast are found: so many were put into patterns, so many of them
 * were found again. */
struct found_rate {
    double contrast;
    uint64_t n, found; /* n 0: it was not tried */
};

/* Whether any were put in, and more were found than false alarms are: a fraction can be corrected.
 */
bool found_rate_tells(const struct found_rate *rate, double false_positive);

/* As true-positive rate. Its error is that of Agresti and Coull (Am. Stat. 52, 119, 1998), which is
 * not 0 where all are found. */
void found_rate_set(struct error_rates *rates, const struct found_rate *rate);
