#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "processing/statistics/proportion.h"

/* How often reflections of a contrast are found: of so many patterns into which one was put (true
 * positives), or that are known to be glass (false ones; of at least that contrast, 0: any). */
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
/* As false-positive rate, with the same error; false: it was not tried. */
bool found_rate_set_false(struct error_rates *rates, const struct found_rate *alarms);

/* Sets both from tests. false: one of them was not tried, or they are of different contrasts, or no
 * more are found than false alarms are. */
bool found_rates_tested(struct error_rates *rates, const struct found_rate *alarms,
                        const struct found_rate *found);
