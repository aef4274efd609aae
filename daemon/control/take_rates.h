#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "processing/statistics/proportion.h"

/* Error rates as requests have them: {fpr, tpr, fpr_error, tpr_error}, errors 0 where they are left
 * out. What is "measure" is 0 and the caller's to measure: fpr in the glass that was named in a
 * null test, tpr by reflections that are put in. */
struct taken_rates {
    struct error_rates rates;
    bool measures_false, measures_true;
};

/* With `may_measure_true` tpr may be "measure". false: `given` is none such. */
bool rates_take(struct taken_rates *taken, bool may_measure_true, const json_t *given);

/* Whether the rate `name` of {fpr, tpr ...} is "measure"; NULL has none. */
bool rates_measures(const json_t *rates, const char *name);

/* What is wrong then. */
#define RATES_SENTENCE                                                                             \
    "rates must be {fpr, tpr}, from 0 to 1 and tpr above fpr; fpr may be measure, tpr of "         \
    "contrast_rates too"
