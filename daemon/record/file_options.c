#include "daemon/record/file_options.h"

#include <stdlib.h>
#include <sysexits.h>

error_t file_options_take(struct file_options *options, int key, char *text,
                          struct argp_state *state)
{
    switch (key) {
    case 'o':
        options->output = text;
        return 0;
    case FILE_KEY_FORCE:
        options->force = true;
        return 0;
    case FILE_KEY_JSON:
        options->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->path)
            argp_error(state, "one file at a time: \"%s\" is one too many", text);
        options->path = text;
        return 0;
    case ARGP_KEY_END:
        if (!options->path)
            argp_error(state, "which file?");
        if (options->needs_output && (!options->output || !options->output[0]))
            argp_error(state, "%s", options->needs_output);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    return file_options_take(state->input, key, text, state);
}

void file_options_parse(struct file_options *options, const struct argp_option *table,
                        const char *words, const char *help, int argc, char **argv)
{
    const struct argp parser = {table, parse_option, words, help};
    if (argp_parse(&parser, argc, argv, 0, NULL, options) != 0)
        exit(EX_USAGE);
}
