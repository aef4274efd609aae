#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "daemon/record/file_command.h"
#include "daemon/record/file_info.h"
#include "daemon/record/file_options.h"

static const struct argp_option option_table[] = {
    {"json", FILE_KEY_JSON, 0, 0, "One JSON object instead of words", 1},
    {0},
};

static const char help_doc[] =
    "Tell what is in a file that merlind recorded, also while it is being recorded: which run it "
    "is, how it ended, its scan, its frames and its results.\vMore in merlin-file(1).";

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
    struct file_options options = {0};
    struct file_recording recording;
    struct error error = {0};
    file_options_parse(&options, option_table, "FILE", help_doc, argc, argv);
    const int r = file_recording_open(&recording, options.path, &error);
    const int status = r == 0 ? tell(&recording, options.json)
                              : file_command_failed(file_exit_status(r, true), &error);
    file_recording_close(&recording);
    return status;
}
