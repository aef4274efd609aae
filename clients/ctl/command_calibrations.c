#include <stdio.h>

#include "clients/ctl/commands.h"
#include "clients/ctl/output.h"

/* The table of calibrations by high tension and camera length. */

static void print_entry(const json_t *entry)
{
    printf("%-32s  %5g kV  %6g mm  %s ", member_text(entry, "name"), member_number(entry, "kv"),
           member_number(entry, "camera_length_mm"),
           text_of_time(json_object_get(entry, "time")).text);
    json_t *const values = json_object_get(entry, "values");
    const char *name;
    json_t *value;
    json_object_foreach(values, name, value) printf(" %s", name);
    printf("%s\n", json_is_true(json_object_get(entry, "used")) ? "  (in use)" : "");
}

static void print_table(const json_t *result)
{
    const json_t *const entries = json_object_get(result, "calibrations");
    size_t i;
    const json_t *entry;
    json_array_foreach(entries, i, entry) print_entry(entry);
    if (json_array_size(entries) == 0)
        printf("no calibration is kept: save-calibration keeps the one that is in force\n");
}

int command_calibrations(const struct options *options, struct client *client)
{
    return command_ask(options, client, "calibrations", NULL, print_table);
}

static void print_saved(const json_t *result)
{
    printf("kept as %s\n", member_text(result, "name"));
}

int command_save_calibration(const struct options *options, struct client *client)
{
    json_t *const arguments =
        options->n_words ? json_pack("{s:s}", "name", options->words[0]) : NULL;
    return command_ask(options, client, "calibration_save", arguments, print_saved);
}

int command_remove_calibration(const struct options *options, struct client *client)
{
    return command_ask(options, client, "calibration_remove",
                       json_pack("{s:s}", "name", options->words[0]), print_table);
}
