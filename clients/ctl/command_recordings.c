#include <string.h>

#include "clients/ctl/commands.h"
#include "clients/ctl/output.h"

/* keep, discard and discarded: files of runs, and the trash. */

static void print_moved(const json_t *result)
{
    printf("%s: %s\n", strcmp(member_text(result, "fate"), "keep") == 0 ? "kept" : "discarded",
           member_text(result, "file"));
}

/* A word with a slash is a file in the trash, another one a run. */
int command_keep(const struct options *options, struct client *client)
{
    const char *const word = options->n_words > 0 ? options->words[0] : NULL;
    json_t *const arguments =
        word ? json_pack("{s:s}", strchr(word, '/') ? "file" : "run", word) : NULL;
    return command_ask(options, client, "recording_keep", arguments, print_moved);
}

int command_discard(const struct options *options, struct client *client)
{
    json_t *const arguments =
        options->n_words > 0 ? json_pack("{s:s}", "run", options->words[0]) : NULL;
    return command_ask(options, client, "recording_discard", arguments, print_moved);
}

static void print_discarded(const json_t *result)
{
    const json_t *const files = json_object_get(result, "files");
    size_t i;
    json_t *file;
    if (json_array_size(files) == 0)
        printf("nothing is discarded\n");
    json_array_foreach(files, i, file)
        printf("%s  %s, until %s\n", member_text(file, "file"),
               text_of_bytes(member_number(file, "bytes")).text,
               text_of_time(json_object_get(file, "kept_until")).text);
}

int command_discarded(const struct options *options, struct client *client)
{
    return command_ask(options, client, "recordings_discarded", NULL, print_discarded);
}
