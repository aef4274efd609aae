#include "clients/ctl/arguments.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clients/ctl/positions.h"

static json_t *skip_argument(const struct options *options)
{
    json_t *const skip = json_object();
    if (options->skip_start >= 0)
        json_object_set_new(skip, "start", json_integer(options->skip_start));
    if (options->skip_line >= 0)
        json_object_set_new(skip, "line", json_integer(options->skip_line));
    if (options->skip_end >= 0)
        json_object_set_new(skip, "end", json_integer(options->skip_end));
    return skip;
}

int arguments_add_geometry(json_t *arguments, const struct options *options, struct error *error)
{
    if (options->given & OPTION_SCAN)
        json_object_set_new(
            arguments, "scan",
            json_pack("[I, I]", (json_int_t)options->scan_ny, (json_int_t)options->scan_nx));
    if (options->given & OPTION_ORDER)
        json_object_set_new(arguments, "order", json_string(options->order));
    if (options->given & OPTION_REPEATS)
        json_object_set_new(arguments, "repeats", json_integer(options->repeats));
    if (options->given & OPTION_SKIP)
        json_object_set_new(arguments, "skip", skip_argument(options));
    if (options->given & OPTION_SHIFT)
        json_object_set_new(arguments, "shift", json_integer(options->shift));
    if (!(options->given & OPTION_POSITIONS))
        return 0;
    json_t *positions;
    const int result = positions_read(&positions, options->positions_file, error);
    if (result == 0)
        json_object_set_new(arguments, "positions", positions);
    return result;
}

json_t *arguments_of_path(const char *path)
{
    char here[4096];
    if (*path == '/' || !getcwd(here, sizeof here))
        return json_pack("{s:s}", "path", path);
    return json_pack("{s:o}", "path", json_sprintf("%s/%s", here, path));
}

bool arguments_add_word(json_t *arguments, const char *word)
{
    const char *const equals = strchr(word, '=');
    if (!equals || equals == word)
        return false;
    json_t *value = json_loads(equals + 1, JSON_DECODE_ANY, NULL);
    if (!value)
        value = json_string(equals + 1);
    char key[64];
    snprintf(key, sizeof key, "%.*s", (int)(equals - word), word);
    return json_object_set_new(arguments, key, value) == 0;
}

int arguments_add_words(json_t *arguments, const struct options *options, unsigned first,
                        const char *hint, struct error *error)
{
    for (unsigned i = first; i < options->n_words; i++) {
        if (!arguments_add_word(arguments, options->words[i]))
            return error_set(error, -EINVAL, "\"%s\" is not KEY=VALUE%s", options->words[i], hint);
    }
    return 0;
}
