#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "processing/statistics/proportion.h"

/*
 * Error rates as requests have them: {fpr, tpr, fpr_error, tpr_error}, errors 0 where they are left
 * out. With `measured` (else NULL) tpr may be "measure": then it is set and the true-positive rate
 * is the caller's to measure. false: `given` is none such.
 */
bool rates_take(struct error_rates *rates, bool *measured, const json_t *given);

/* What is wrong then. */
#define RATES_SENTENCE "rates must be {fpr, tpr}, from 0 to 1 and tpr above fpr"
