#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "processing/statistics/found_rate.h"

/*
 * The fraction to quote, of a scan or of a row of a series: that of positions with a reflection of
 * at least a contrast, with how often such are found. New references.
 */
struct headline {
    double min_contrast; /* 0: any reflection counts */
    const char *why_any; /* why any does */
    uint64_t count;
    double fraction;
    struct interval interval;
    double design_effect;
    bool clustered;           /* over scans; else of one */
    struct found_rate found;  /* n 0: not measured */
    struct found_rate alarms; /* in glass; likewise */
    bool corrected_known;
    struct corrected_fraction corrected;
    struct error_rates rates; /* that it was corrected with */
};

json_t *headline_json(const struct headline *headline, double confidence);

/* {contrast, n, found, tpr, interval}; null for n 0. */
json_t *found_rate_json(const struct found_rate *found, double confidence);
/* The same with fpr for tpr. */
json_t *false_rate_json(const struct found_rate *alarms, double confidence);

/* {fraction, interval, rates}, with where the rates come from; null where it is not known. */
json_t *corrected_json(bool known, const struct corrected_fraction *corrected,
                       const struct error_rates *rates);
