#include "daemon/bragg/labelled_scans.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/bragg/bragg_series_json.h"
#include "processing/bragg_run/bragg_scan.h"
#include "processing/run/run_products.h"

#define CONFIDENCE 0.95

struct labelled_scan {
    char id[37];
    json_t *labels;
    struct class_counts counts;
    struct effective_size effective;
    double dose; /* mean counts per pixel of the annulus */
};

static void forget(struct labelled_scan *scan)
{
    json_decref(scan->labels);
    scan->labels = NULL;
}

void labelled_scans_finish(struct labelled_scans *scans)
{
    for (size_t i = 0; i < scans->n; i++)
        forget(&scans->scans[i]);
    free(scans->scans);
    *scans = (struct labelled_scans){0};
}

/* ---- taking in ---- */

static int measure(struct labelled_scan *made, const struct run *run, struct error *error)
{
    struct bragg_scan_part part;
    struct bragg_scan scan = {0};
    const struct bragg_statistics_settings settings = bragg_scan_settings(run);
    int r = bragg_scan_whole(&part, run, run_scan(run), error);
    if (r == 0)
        r = bragg_scan_init(&scan, run, &part, error);
    const size_t n = r == 0 ? (size_t)part.ny * part.nx : 0;
    uint8_t *const binary = malloc(n + 1);
    if (r == 0 && !binary)
        r = error_set(error, -ENOMEM, "no memory");
    if (r == 0) {
        made->counts = class_counts_of(scan.classes, n);
        made->dose = scan.dose;
        class_binary_map(binary, scan.classes, NULL, 0, n);
        r = effective_size_of_map(&made->effective, binary, part.ny, part.nx,
                                  settings.block ? settings.block : 3, CONFIDENCE, error);
    }
    free(binary);
    bragg_scan_finish(&scan);
    return r;
}

static struct labelled_scan *make_room(struct labelled_scans *scans)
{
    if (scans->n == LABELLED_SCANS_MAX) {
        forget(&scans->scans[0]);
        memmove(scans->scans, scans->scans + 1, --scans->n * sizeof *scans->scans);
    }
    struct labelled_scan *const more = realloc(scans->scans, (scans->n + 1) * sizeof *scans->scans);
    if (!more)
        return NULL;
    scans->scans = more;
    return &more[scans->n];
}

void labelled_scans_add(struct labelled_scans *scans, const struct run *run)
{
    struct error error = {0};
    struct labelled_scan made = {0};
    if (!*run->plan->labels || !run_bragg(run))
        return;
    if (measure(&made, run, &error) < 0) {
        log_error("acquisition", "run %s is in no series: %s", run->plan->id, error.text);
        return;
    }
    memcpy(made.id, run->plan->id, sizeof made.id);
    made.labels = json_loads(run->plan->labels, 0, NULL);
    struct labelled_scan *const room = made.labels ? make_room(scans) : NULL;
    if (!room) {
        forget(&made);
        return;
    }
    *room = made;
    scans->n++;
}

/* ---- the table ---- */

/* A label's value as text, for free(); NULL: the scan does not have it. */
static char *value_of(const struct labelled_scan *scan, const char *label)
{
    char text[40];
    const json_t *const value = json_object_get(scan->labels, label);
    if (json_is_string(value))
        return strdup(json_string_value(value));
    if (!json_is_number(value))
        return NULL;
    snprintf(text, sizeof text, "%.10g", json_number_value(value));
    return strdup(text);
}

static size_t choose(const struct labelled_scans *scans, const char *label,
                     struct series_scan *chosen)
{
    size_t n = 0;
    for (size_t i = 0; i < scans->n; i++) {
        const struct labelled_scan *const scan = &scans->scans[i];
        char *const value = value_of(scan, label);
        if (value)
            chosen[n++] = (struct series_scan){
                .name = scan->id,
                .value = value,
                .counts = scan->counts,
                .n_effective = scan->effective.n_effective,
                .interval = scan->effective.interval,
                .dose = scan->dose,
                .thickness = NAN,
                .drift = NAN,
            };
    }
    return n;
}

json_t *labelled_scans_series(const struct labelled_scans *scans, const char *label,
                              double confidence, struct error *error)
{
    struct series series = {0};
    struct series_scan *const chosen = calloc(scans->n + 1, sizeof *chosen);
    const size_t n = chosen ? choose(scans, label, chosen) : 0;
    json_t *json = NULL;
    if (!chosen)
        error_set(error, -ENOMEM, "no memory for a series");
    else if (n == 0)
        error_set(error, -ENODATA,
                  "no scan with Bragg reflections was finished that has the label %s: give "
                  "labels with start",
                  label);
    else if (series_init(&series, chosen, n, false, confidence, error) == 0)
        json = bragg_series_json(&series, label, chosen, n, confidence);
    series_finish(&series);
    for (size_t i = 0; i < n; i++)
        free((char *)chosen[i].value);
    free(chosen);
    return json;
}
