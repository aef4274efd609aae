#pragma once

#include <stddef.h>
#include <stdio.h>

/*
 * merlind's figures in Prometheus' text format 0.0.4: those of the status, as old as it is, and
 * those of the web server. docs/metrics.md lists them.
 */
struct web;
struct metric;

/* Writes the samples of one metric, a line each. */
typedef void (*metric_fn)(const struct metric *metric, const struct web *web, FILE *out);

struct metric {
    const char *name;
    const char *type;   /* "gauge", "counter", "histogram" */
    const char *labels; /* for the reader: "fate"; NULL: none */
    const char *help;   /* a sentence without a full stop */
    metric_fn print;
    const char *path; /* in the status, members with dots between; NULL: not there */
    size_t offset;    /* of a count in struct web */
};

/* Ended by a NULL name. */
extern const struct metric metrics[];

/* All of them, to be freed; NULL: no memory. */
char *metrics_text(const struct web *web);

/* The table of docs/metrics.md. */
void metrics_print_table(FILE *out);

/* metrics_print.c: ways to print, for the table. */
void metric_number(const struct metric *metric, const struct web *web, FILE *out);
void metric_members(const struct metric *metric, const struct web *web, FILE *out);
void metric_members_of_members(const struct metric *metric, const struct web *web, FILE *out);
void metric_link_up(const struct metric *metric, const struct web *web, FILE *out);
void metric_is_state(const struct metric *metric, const struct web *web, FILE *out);
void metric_version(const struct metric *metric, const struct web *web, FILE *out);
void metric_recording_lag(const struct metric *metric, const struct web *web, FILE *out);
void metric_stages(const struct metric *metric, const struct web *web, FILE *out);
void metric_status_age(const struct metric *metric, const struct web *web, FILE *out);
void metric_count(const struct metric *metric, const struct web *web, FILE *out);
void metric_refusals(const struct metric *metric, const struct web *web, FILE *out);
