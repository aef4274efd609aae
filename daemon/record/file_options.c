#include "daemon/record/file_options.h"

#include <stdlib.h>
#include <sysexits.h>

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct file_options *const options = state->input;
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

void file_options_parse(struct file_options *options, const struct argp_option *table,
                        const char *words, const char *help, int argc, char **argv)
{
    const struct argp parser = {table, parse_option, words, help};
    if (argp_parse(&parser, argc, argv, 0, NULL, options) != 0)
        exit(EX_USAGE);
}
