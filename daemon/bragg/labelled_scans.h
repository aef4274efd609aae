#pragma once

#include <jansson.h>
#include <stddef.h>

#include "processing/run/run.h"

/*
 * What is remembered of finished runs with labels ("strain": 8) for the table of a series: how many
 * of their patterns hold which Bragg reflections, how sure that is, and at which dose. Until the
 * daemon ends. Belongs to the service thread.
 */
struct labelled_scans {
    size_t n;
    struct labelled_scan *scans;
};

#define LABELLED_SCANS_MAX 1000

void labelled_scans_finish(struct labelled_scans *scans);

/* Takes a finished run in; does nothing where it has no labels or no Bragg reflections. The oldest
 * scan is forgotten for a new one when there are too many. */
void labelled_scans_add(struct labelled_scans *scans, const struct run *run);

/* The table over all scans that have the label, as the member `series` of bragg.json. NULL with a
 * sentence: -ENODATA, no scan has it; -ENOMEM. */
json_t *labelled_scans_series(const struct labelled_scans *scans, const char *label,
                              double confidence, struct error *error);
