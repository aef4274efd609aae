#include <stdlib.h>

#include "clients/ctl/options_internal.h"

/* Options of "start" that tell what is recorded, where, under which name, and how often. */

static void take_scans(struct options *options, const char *text, struct argp_state *state)
{
    char *end;
    options->scans = strtoll(text, &end, 10);
    if (end == text || *end || options->scans < 1 || options->scans > 100000)
        argp_error(state, "--scans is a whole number from 1 to 100000, not \"%s\"", text);
}

error_t options_take_recording(struct options *options, int key, char *text,
                               struct argp_state *state)
{
    switch (key) {
    case KEY_RECORD:
    case KEY_NO_RECORD:
        options->given |= OPTION_RECORD;
        options->record = key == KEY_RECORD;
        return 0;
    case KEY_ASK:
        options->given |= OPTION_RECORDING;
        options->ask = true;
        return 0;
    case KEY_NAME:
        options->given |= OPTION_RECORDING;
        options_check_text(text, state);
        options->name = text;
        return 0;
    case KEY_DIRECTORY:
        options->given |= OPTION_RECORDING;
        options_check_text(text, state);
        options->directory = text;
        return 0;
    case KEY_SCANS:
        options->given |= OPTION_SERIES;
        take_scans(options, text, state);
        return 0;
    case KEY_DRIFT:
        options->given |= OPTION_SERIES;
        options_check_text(text, state);
        options->drift = text;
        return 0;
    default:
        return options_take_geometry(options, key, text, state);
    }
}
