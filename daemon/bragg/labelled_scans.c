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
    char *how; /* what was told of its maps was told under these words; NULL: nothing */
    struct series_scan seen; /* when it was finished; name and value are NULL */
    struct series_scan told; /* of its maps */
};

static void forget(struct labelled_scan *scan)
{
    json_decref(scan->labels);
    free(scan->how);
    scan->labels = NULL;
    scan->how = NULL;
}

static struct labelled_scan *find(const struct labelled_scans *scans, const char *id)
{
    for (size_t i = 0; i < scans->n; i++)
        if (strcmp(scans->scans[i].id, id) == 0)
            return &scans->scans[i];
    return NULL;
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
    int r = bragg_scan_whole(&part, run, run_scan(run), error);
    if (r == 0)
        r = bragg_scan_init(&scan, run, &part, error);
    if (r == 0) {
        made->seen = (struct series_scan){.dose = scan.dose, .thickness = NAN, .drift = NAN};
        const struct series_scan_maps maps = bragg_scan_series_maps(&scan, run);
        r = series_scan_measure(&made->seen, &maps, CONFIDENCE, error);
    }
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

/* What was known of a run before it was searched again. */
static void drop(struct labelled_scans *scans, const char *id)
{
    size_t kept = 0;
    for (size_t i = 0; i < scans->n; i++) {
        if (strcmp(scans->scans[i].id, id) == 0)
            forget(&scans->scans[i]);
        else
            scans->scans[kept++] = scans->scans[i];
    }
    scans->n = kept;
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
    drop(scans, run->plan->id);
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

void labelled_scans_renew(struct labelled_scans *scans, const struct run *run)
{
    if (find(scans, run->plan->id))
        labelled_scans_add(scans, run);
}

void labelled_scans_take(struct labelled_scans *scans, const struct run *run)
{
    if (run && atomic_load_explicit(&run->phase, memory_order_acquire) == RUN_FINISHED &&
        !find(scans, run->plan->id))
        labelled_scans_add(scans, run);
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

static bool has_labels(const struct labelled_scan *scan, json_t *where)
{
    const char *name;
    json_t *wanted;
    json_object_foreach(where, name, wanted)
    {
        const json_t *const value = json_object_get(scan->labels, name);
        const bool numbers = json_is_number(value) && json_is_number(wanted);
        if (numbers ? json_number_value(value) != json_number_value(wanted)
                    : !json_equal(value, wanted))
            return false;
    }
    return true;
}

static int add_member(struct labelled_series *series, const struct labelled_scan *scan,
                      json_t *where)
{
    char *const value = has_labels(scan, where) ? value_of(scan, series->label) : NULL;
    if (!value)
        return 0;
    char *const name = strdup(scan->id);
    series->texts[2 * series->n] = name;
    series->texts[2 * series->n + 1] = value;
    struct series_scan *const member = &series->members[series->n++];
    *member = scan->seen;
    member->name = name;
    member->value = value;
    return name ? 0 : -ENOMEM;
}

int labelled_series_init(struct labelled_series *series, const struct labelled_scans *scans,
                         const char *label, json_t *where, struct error *error)
{
    int r = 0;
    *series = (struct labelled_series){
        .label = strdup(label),
        .members = calloc(scans->n + 1, sizeof *series->members),
        .texts = calloc(2 * scans->n + 1, sizeof *series->texts),
    };
    if (!series->label || !series->members || !series->texts)
        r = -ENOMEM;
    for (size_t i = 0; r == 0 && i < scans->n; i++)
        r = add_member(series, &scans->scans[i], where);
    if (r < 0)
        error_set(error, r, "no memory for a series");
    else if (series->n == 0)
        r = error_set(error, -ENODATA,
                      "no scan with Bragg reflections was finished that has the label %s%s: give "
                      "labels with start",
                      label, where ? " and those asked for" : "");
    if (r < 0)
        labelled_series_finish(series);
    return r;
}

void labelled_series_finish(struct labelled_series *series)
{
    for (size_t i = 0; series->texts && i < 2 * series->n; i++)
        free(series->texts[i]);
    free(series->texts);
    free(series->members);
    free(series->label);
    *series = (struct labelled_series){0};
}

json_t *labelled_series_json(struct labelled_series *series, const struct series_settings *settings,
                             struct error *error)
{
    struct series made = {0};
    json_t *json = NULL;
    if (series_init(&made, series->members, series->n, settings, error) == 0)
        json = bragg_series_json(&made, series, settings->confidence);
    series_finish(&made);
    return json;
}

/* ---- what was told of scans ---- */

void labelled_scans_remember(struct labelled_scans *scans, const char *how,
                             const struct series_scan *member)
{
    struct labelled_scan *const scan = find(scans, member->name);
    char *const words = scan ? strdup(how) : NULL;
    if (!words)
        return;
    free(scan->how);
    scan->how = words;
    scan->told = *member;
}

bool labelled_scans_recall(const struct labelled_scans *scans, const char *how,
                           struct series_scan *member)
{
    const struct labelled_scan *const scan = find(scans, member->name);
    const char *const name = member->name, *const value = member->value;
    if (!scan || !scan->how || strcmp(scan->how, how) != 0)
        return false;
    *member = scan->told;
    member->name = name;
    member->value = value;
    return true;
}
