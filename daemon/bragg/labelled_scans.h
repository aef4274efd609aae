#pragma once

#include <jansson.h>
#include <stddef.h>

#include "processing/run/run.h"
#include "processing/statistics/series.h"
#include "processing/statistics/toroidal_shift.h"

/*
 * What is remembered of finished runs with labels ("strain": 8) for the table of a series: how many
 * of their patterns hold which Bragg reflections, how sure that is, and at which dose; and what was
 * told later of their phase, drift and thickness and of their thinned frames
 * (labelled_scans_remember), for that is made from maps, which do not stay in memory as long. Until
 * the daemon ends. Belongs to the service thread.
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
/* The same of a run that may have been taken in already, or not be finished (or be NULL). */
void labelled_scans_take(struct labelled_scans *scans, const struct run *run);
/* Takes a run in anew that is among them: it has other classes. */
void labelled_scans_renew(struct labelled_scans *scans, const struct run *run);

/*
 * Scans on their way into a table: copies, so that any thread may add to them. members[i] is for
 * series_init; `name` is the run's id, and there is no table, drift or thickness.
 */
struct labelled_series {
    char *label;
    size_t n;
    struct series_scan *members;
    char **texts;                /* [2 n]: names and values of the members */
    struct toroidal_shift shift; /* over the scans whose maps were looked at; n_shifts 0: none */
    size_t n_shifted;            /* of how many */
};

/* All scans that have the label, and those in `where` (an object, or NULL) with the same values.
 * -ENODATA with a sentence: there is none; -ENOMEM. */
int labelled_series_init(struct labelled_series *series, const struct labelled_scans *scans,
                         const char *label, json_t *where, struct error *error);
/* Also of a zeroed one. */
void labelled_series_finish(struct labelled_series *series);

/* What `how` (a text: the request's own words) tells of a scan's phase, drift, thickness and
 * thinned frames. Remembered under other words it is forgotten. */
void labelled_scans_remember(struct labelled_scans *scans, const char *how,
                             const struct series_scan *member);
/* Fills a member with what was remembered under these words. false: nothing was. */
bool labelled_scans_recall(const struct labelled_scans *scans, const char *how,
                           struct series_scan *member);

/* The table, as the member `series` of bragg.json. NULL with a sentence. */
json_t *labelled_series_json(struct labelled_series *series, const struct series_settings *settings,
                             struct error *error);
