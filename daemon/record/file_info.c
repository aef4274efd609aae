#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/record/file_command.h"
#include "daemon/record/file_info.h"

enum option_key { KEY_JSON = 256 };

static const struct argp_option option_table[] = {
    {"json", KEY_JSON, 0, 0, "One JSON object instead of words", 1},
    {0},
};

static const char help_doc[] =
    "Tell what is in a file that merlind recorded, also while it is being recorded: which run it "
    "is, how it ended, its scan, its frames and its results.\vMore in merlin-file(1).";

struct info_options {
    const char *path;
    bool json;
};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct info_options *const options = state->input;
    switch (key) {
    case KEY_JSON:
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
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int tell(struct file_recording *recording, bool as_json)
{
    json_t *const info = file_info_json(recording);
    struct error error = {0};
    if (file_recording_check(recording, &error) < 0) {
        json_decref(info);
        return file_command_failed(EX_DATAERR, &error);
    }
    if (as_json) {
        json_dumpf(info, stdout, JSON_REAL_PRECISION(9));
        putchar('\n');
    } else {
        file_info_print(stdout, info);
    }
    json_decref(info);
    return EX_OK;
}

int file_command_info(int argc, char **argv)
{
    static const struct argp parser = {option_table, parse_option, "FILE", help_doc};
    struct info_options options = {0};
    struct file_recording recording;
    struct error error = {0};
    if (argp_parse(&parser, argc, argv, 0, NULL, &options) != 0)
        exit(EX_USAGE);
    const int r = file_recording_open(&recording, options.path, &error);
    const int status = r == 0 ? tell(&recording, options.json)
                              : file_command_failed(file_exit_status(r, true), &error);
    file_recording_close(&recording);
    return status;
}
