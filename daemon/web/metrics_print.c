#include <inttypes.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/config/config_keys.h"
#include "daemon/web/metrics.h"
#include "daemon/web/web_internal.h"

/* ---- lines ---- */

/* The value of a label as the format wants it. */
static void print_label(const char *text, FILE *out)
{
    for (; *text; text++) {
        if (*text == '\n') {
            fputs("\\n", out);
            continue;
        }
        if (*text == '\\' || *text == '"')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void print_name(const struct metric *metric, const char *label, const char *value, FILE *out)
{
    fprintf(out, "%s{%s=\"", metric->name, label);
    print_label(value, out);
    fputs("\"} ", out);
}

static void print_value(const json_t *value, FILE *out)
{
    if (json_is_integer(value))
        fprintf(out, "%" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
    else {
        config_print_real(json_number_value(value), out);
        fputc('\n', out);
    }
}

/* The member of the status that a path of names with dots leads to; NULL: there is none (yet). */
static json_t *find(const struct web *web, const char *path)
{
    json_t *at = web->status;
    while (at && *path) {
        char name[64];
        const size_t length = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)length, path);
        at = json_object_get(at, name);
        path += length + (path[length] == '.');
    }
    return at;
}

/* ---- of the status ---- */

void metric_number(const struct metric *metric, const struct web *web, FILE *out)
{
    const json_t *const value = find(web, metric->path);
    if (!json_is_number(value))
        return;
    fprintf(out, "%s ", metric->name);
    print_value(value, out);
}

void metric_members(const struct metric *metric, const struct web *web, FILE *out)
{
    const char *name;
    json_t *value;
    json_object_foreach(find(web, metric->path), name, value)
    {
        if (!json_is_number(value))
            continue;
        print_name(metric, metric->labels, name, out);
        print_value(value, out);
    }
}

void metric_members_of_members(const struct metric *metric, const struct web *web, FILE *out)
{
    const char *outer, *inner;
    json_t *members, *value;
    json_object_foreach(find(web, metric->path), outer, members)
    {
        json_object_foreach(members, inner, value)
        {
            fprintf(out, "%s{command=\"", metric->name);
            print_label(outer, out);
            fputs("\",result=\"", out);
            print_label(inner, out);
            fputs("\"} ", out);
            print_value(value, out);
        }
    }
}

void metric_link_up(const struct metric *metric, const struct web *web, FILE *out)
{
    static const char *const links[] = {"command", "data"};
    const json_t *const detector = find(web, metric->path);
    for (size_t i = 0; detector && i < sizeof links / sizeof links[0]; i++) {
        const char *const state = json_string_value(json_object_get(detector, links[i]));
        print_name(metric, "link", links[i], out);
        fprintf(out, "%d\n", state && strcmp(state, "connected") == 0);
    }
}

void metric_is_state(const struct metric *metric, const struct web *web, FILE *out)
{
    const char *const state = json_string_value(find(web, metric->path));
    if (!state)
        return;
    print_name(metric, "state", state, out);
    fputs("1\n", out);
}

void metric_version(const struct metric *metric, const struct web *web, FILE *out)
{
    const char *const version = json_string_value(find(web, "version"));
    const char *const isa = json_string_value(find(web, "isa"));
    if (version && isa)
        fprintf(out, "%s{version=\"%s\",isa=\"%s\"} 1\n", metric->name, version, isa);
}

void metric_recording_lag(const struct metric *metric, const struct web *web, FILE *out)
{
    const json_t *const frames = find(web, metric->path);
    const json_int_t placed = json_integer_value(json_object_get(frames, "placed")),
                     recorded = json_integer_value(json_object_get(frames, "recorded")),
                     unrecorded = json_integer_value(json_object_get(frames, "unrecorded"));
    if (frames)
        fprintf(out, "%s %" JSON_INTEGER_FORMAT "\n", metric->name, placed - recorded - unrecorded);
}

/* Prometheus counts what is up to a bound, the status what is between two. */
static void print_histogram(const char *name, const char *stage, const json_t *bounds,
                            const json_t *histogram, FILE *out)
{
    const json_t *const counts = json_object_get(histogram, "counts");
    json_int_t total = 0;
    for (size_t i = 0; i < json_array_size(counts); i++) {
        total += json_integer_value(json_array_get(counts, i));
        fprintf(out, "%s_bucket{stage=\"%s\",le=\"", name, stage);
        if (i < json_array_size(bounds))
            config_print_real(json_number_value(json_array_get(bounds, i)), out);
        else
            fputs("+Inf", out);
        fprintf(out, "\"} %" JSON_INTEGER_FORMAT "\n", total);
    }
    fprintf(out, "%s_sum{stage=\"%s\"} ", name, stage);
    print_value(json_object_get(histogram, "sum_s"), out);
    fprintf(out, "%s_count{stage=\"%s\"} %" JSON_INTEGER_FORMAT "\n", name, stage, total);
}

void metric_stages(const struct metric *metric, const struct web *web, FILE *out)
{
    json_t *const times = find(web, metric->path);
    const char *stage;
    json_t *histogram;
    json_object_foreach(json_object_get(times, "stages"), stage, histogram)
    {
        print_histogram(metric->name, stage, json_object_get(times, "bounds_s"), histogram, out);
    }
}

/* ---- of the web server ---- */

void metric_status_age(const struct metric *metric, const struct web *web, FILE *out)
{
    const double age_ns = (double)(clock_monotonic_ns() - web->status_ns);
    if (web->status)
        fprintf(out, "%s %.3f\n", metric->name, age_ns / (double)NS_PER_S);
}

void metric_count(const struct metric *metric, const struct web *web, FILE *out)
{
    uint64_t count;
    memcpy(&count, (const char *)web + metric->offset, sizeof count);
    fprintf(out, "%s %" PRIu64 "\n", metric->name, count);
}

void metric_refusals(const struct metric *metric, const struct web *web, FILE *out)
{
    for (enum refusal refusal = 0; refusal < N_REFUSALS; refusal++) {
        print_name(metric, "reason", refusal_name(refusal), out);
        fprintf(out, "%" PRIu64 "\n", web->refusals.counts[refusal]);
    }
}
