#include "daemon/control/scan_series.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/control/commands.h"
#include "daemon/control/request.h"

int scan_series_init(struct scan_series *series, uv_loop_t *loop,
                     const struct control_service *service)
{
    *series = (struct scan_series){.service = service, .timer = malloc(sizeof *series->timer)};
    if (!series->timer)
        return -ENOMEM;
    uv_timer_init(loop, series->timer);
    series->timer->data = series;
    scan_drift_init(&series->drift, service->jobs);
    return 0;
}

static void on_timer_closed(uv_handle_t *timer)
{
    free(timer);
}

static void end_series(struct scan_series *series)
{
    uv_timer_stop(series->timer);
    json_decref(series->args);
    series->args = NULL;
    series->stopping = false;
}

void scan_series_finish(struct scan_series *series)
{
    end_series(series);
    uv_close((uv_handle_t *)series->timer, on_timer_closed);
    json_decref(series->rows);
    series->rows = NULL;
    scan_drift_finish(&series->drift);
}

void scan_series_stop(struct scan_series *series)
{
    if (!series || !series->args)
        return;
    if (uv_is_active((uv_handle_t *)series->timer))
        end_series(series);
    else
        series->stopping = true;
}

static json_t *newest_row(const struct scan_series *series)
{
    return json_array_get(series->rows, json_array_size(series->rows) - 1);
}

/* ---- what is told ---- */

static void tell(struct scan_series *series, const json_t *row, const char *format)
{
    const struct control_service *const service = series->service;
    char text[200];
    snprintf(text, sizeof text, format, (long long)json_integer_value(json_object_get(row, "scan")),
             (long long)series->scans);
    log_notice("control", "%s", text);
    service->event(service->data, "series",
                   json_pack("{s:s, s:O, s:s, s:O}", "event", "series", "run",
                             json_object_get(row, "run"), "text", text, "series", row));
}

/* `row` is that of the scan whose map was compared with the one before. */
static void on_drift(void *data, json_t *row, json_t *drift)
{
    struct scan_series *const series = data;
    json_object_set_new(row, "drift", drift);
    tell(series, row, "scan %lld of %lld: the drift since the one before is found");
}

static void add_row(struct scan_series *series, const char *run)
{
    const double gap = (double)(clock_monotonic_ns() - series->finished_ns) / (double)NS_PER_S;
    json_t *const labels = json_object_get(series->args, "labels");
    json_t *const row = json_pack("{s:I, s:I, s:s, s:O*, s:o, s:n}", "scan", series->scan, "scans",
                                  series->scans, "run", run, "labels", labels, "gap_s",
                                  series->finished_ns ? json_real(gap) : json_null(), "drift");
    json_array_append_new(series->rows, row);
    snprintf(series->run, sizeof series->run, "%s", run);
    series->finished_ns = 0;
    tell(series, row, "scan %lld of %lld is armed");
    scan_series_watch(series); /* a short scan may be over before its start is answered */
}

/* ---- the scans ---- */

json_t *scan_series_args(json_t *args, json_int_t scan)
{
    json_t *const labelled = json_copy(args);
    json_t *const given = json_object_get(args, "labels");
    if (given && !json_is_object(given))
        return labelled; /* start refuses them */
    json_t *const labels = given ? json_copy(given) : json_object();
    json_object_set_new(labels, "scan", json_integer(scan));
    json_object_set_new(labelled, "labels", labels);
    return labelled;
}

/* From now on the arguments have the label of this scan. */
static void label_scan(struct scan_series *series)
{
    json_t *const labelled = scan_series_args(series->args, series->scan);
    json_decref(series->args);
    series->args = labelled;
}

void scan_series_follow(struct scan_series *series, const json_t *args, const char *run)
{
    const json_t *const asked = json_object_get(args, "series");
    end_series(series);
    if (!asked)
        return;
    json_decref(series->rows);
    series->rows = json_array();
    series->args = json_deep_copy(args);
    json_object_del(series->args, "series");
    series->scans = json_integer_value(json_object_get(asked, "scans"));
    series->scan = 1;
    series->finished_ns = 0;
    scan_drift_begin(&series->drift, json_string_value(json_object_get(asked, "drift")));
    add_row(series, run);
}

static void on_started(void *data, const json_t *reply)
{
    struct scan_series *const series = data;
    const char *const run =
        json_string_value(json_object_get(json_object_get(reply, "result"), "id"));
    if (!series->args) /* another start came meanwhile */
        return;
    if (run) {
        add_row(series, run);
        return;
    }
    log_warning("control", "the series ends before scan %lld: %s", (long long)series->scan,
                json_string_value(json_object_get(json_object_get(reply, "error"), "message")));
    end_series(series);
}

static void on_timer(uv_timer_t *timer)
{
    struct scan_series *const series = timer->data;
    struct request *const request = request_create_internal(on_started, series);
    if (!request || !series->args)
        return;
    series->scan++;
    label_scan(series);
    command_start(series->service, request, series->args);
}

/* The scan that goes on, once it is over. */
static void take_end(struct scan_series *series, const json_t *summary)
{
    const char *const reason = json_string_value(json_object_get(summary, "reason"));
    json_t *const row = newest_row(series);
    series->finished_ns = clock_monotonic_ns();
    json_object_set(row, "file", json_object_get(summary, "file"));
    json_object_set(row, "reason", json_object_get(summary, "reason"));
    if (series->stopping || strcmp(reason, "complete") != 0 || series->scan == series->scans) {
        end_series(series);
        tell(series, row, "scan %lld of %lld is the last");
    } else {
        uv_timer_start(series->timer, on_timer, 0, 0);
    }
    scan_drift_look(&series->drift, acquisition_run(series->service->acquisition), row, on_drift,
                    series);
}

void scan_series_watch(struct scan_series *series)
{
    if (!series->args || series->finished_ns ||
        acquisition_state(series->service->acquisition) != ACQUISITION_IDLE)
        return;
    json_t *const summary = acquisition_summary(series->service->acquisition, series->run);
    if (strcmp(json_string_value(json_object_get(summary, "state")), "finished") == 0)
        take_end(series, summary);
    json_decref(summary);
}

json_t *scan_series_json(const struct scan_series *series)
{
    return json_pack("{s:b, s:I, s:I, s:O}", "going_on", series->args != NULL, "scan", series->scan,
                     "scans", series->scans, "rows", series->rows ? series->rows : json_null());
}
