#include <stdlib.h>

#include "clients/ctl/commands.h"
#include "clients/ctl/output.h"

/* runs, open, close: finished recordings, and those that are looked at again. */

static void print_bragg(const json_t *bragg)
{
    const json_t *const interval = json_object_get(bragg, "interval");
    if (!json_is_object(bragg))
        return;
    printf(", BR %.1f %% (%.0f to %.0f %%)", 100 * member_number(bragg, "fraction"),
           100 * json_number_value(json_array_get(interval, 0)),
           100 * json_number_value(json_array_get(interval, 1)));
}

static void print_labels(json_t *labels)
{
    const char *name;
    json_t *value;
    json_object_foreach(labels, name, value)
    {
        char *const text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        printf(", %s=%s", name, json_is_string(value) ? json_string_value(value) : text);
        free(text);
    }
}

static void print_shape(const json_t *scan)
{
    if (json_is_array(scan))
        printf(", %.0fx%.0f", json_number_value(json_array_get(scan, 0)),
               json_number_value(json_array_get(scan, 1)));
}

static void print_run(const json_t *run)
{
    printf("%s\n", member_text(run, "file"));
    if (*member_text(run, "error")) {
        printf("    %s\n", member_text(run, "error"));
        return;
    }
    printf("    %s", text_of_time(json_object_get(run, "started")).text);
    print_shape(json_object_get(run, "scan"));
    printf(", %s, %s", member_text(run, "reason"), text_of_bytes(member_number(run, "bytes")).text);
    print_bragg(json_object_get(run, "bragg"));
    print_labels(json_object_get(run, "labels"));
    printf("\n");
}

static void print_runs(const json_t *result)
{
    const json_t *const runs = json_object_get(result, "runs");
    size_t i;
    json_t *run;
    json_array_foreach(runs, i, run) print_run(run);
    printf("%zu of %.0f recordings\n", json_array_size(runs), member_number(result, "total"));
}

int command_runs(const struct options *options, struct client *client)
{
    const long offset = options->n_words > 0 ? strtol(options->words[0], NULL, 10) : 0;
    return command_ask(options, client, "runs", json_pack("{s:I}", "offset", (json_int_t)offset),
                       print_runs);
}

static void print_opened(const json_t *result)
{
    printf("%s is open; to talk to it: merlinctl -e %s\n", member_text(result, "file"),
           member_text(result, "control"));
}

int command_open(const struct options *options, struct client *client)
{
    return command_ask(options, client, "run_open", json_pack("{s:s}", "file", options->words[0]),
                       print_opened);
}

static void print_closed(const json_t *result)
{
    printf("closed: %s\n", member_text(result, "file"));
}

int command_close(const struct options *options, struct client *client)
{
    return command_ask(options, client, "run_close", json_pack("{s:s}", "file", options->words[0]),
                       print_closed);
}
