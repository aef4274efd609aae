#include <stdio.h>

#include "clients/ctl/arguments.h"
#include "clients/ctl/commands.h"
#include "clients/ctl/output.h"

/* log-level, and save-config: the daemon's configuration as a file. */

static void print_level(const json_t *result)
{
    printf("%s\n", member_text(result, "level"));
}

int command_log_level(const struct options *options, struct client *client)
{
    json_t *const arguments =
        options->n_words ? json_pack("{s:s}", "level", options->words[0]) : NULL;
    return command_ask(options, client, "log_level", arguments, print_level);
}

static void print_saved(const json_t *result)
{
    const json_t *text;
    size_t i;
    printf("%s\n", member_text(result, "path"));
    json_array_foreach(json_object_get(result, "changed"), i, text)
        printf("  changed    %s\n", json_string_value(text));
    json_array_foreach(json_object_get(result, "left_out"), i, text)
        printf("  not in it  %s\n", json_string_value(text));
}

int command_save_config(const struct options *options, struct client *client)
{
    json_t *const arguments = options->n_words ? arguments_of_path(options->words[0]) : NULL;
    return command_ask(options, client, "config_save", arguments, print_saved);
}
