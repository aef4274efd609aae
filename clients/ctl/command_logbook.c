#include <errno.h>
#include <stdlib.h>

#include "clients/ctl/commands.h"
#include "clients/ctl/output.h"

/* note and series: what the files of runs are to tell beside the frames. */

static void print_noted(const json_t *result)
{
    const char *const run = json_string_value(json_object_get(result, "run"));
    printf("for %s%s\n", run ? "run " : "the next run that is recorded", run ? run : "");
}

int command_note(const struct options *options, struct client *client)
{
    return command_ask(options, client, "note",
                       json_pack("{s:s, s:s}", "text", options->words[0], "author",
                                 options->n_words > 1 ? options->words[1] : ""),
                       print_noted);
}

static void print_series(const json_t *result)
{
    const json_t *const list = json_object_get(result, "series");
    size_t i;
    json_t *series;
    if (json_array_size(list) == 0)
        printf("no series yet\n");
    json_array_foreach(list, i, series)
    {
        const json_t *const last = json_object_get(series, "last");
        printf("%-20s %g %s at %s, %s samples\n", member_text(series, "name"),
               member_number(last, "value"), member_text(series, "unit"),
               text_of_time(json_object_get(last, "time")).text,
               text_of_count(member_count(series, "samples")).text);
    }
}

int command_series(const struct options *options, struct client *client)
{
    struct error error = {0};
    char *end = NULL;
    if (options->n_words == 0)
        return command_ask(options, client, "series", NULL, print_series);
    const double value = options->n_words > 1 ? strtod(options->words[1], &end) : 0;
    if (options->n_words < 2 || end == options->words[1] || *end) {
        error_set(&error, -EINVAL, "the form is \"series NAME VALUE [UNIT]\", with a number");
        return command_failed(options, &(struct reply){0}, -EINVAL, &error);
    }
    return command_ask(options, client, "series_put",
                       json_pack("{s:s, s:f, s:s}", "name", options->words[0], "value", value,
                                 "unit", options->n_words > 2 ? options->words[2] : ""),
                       print_noted);
}
