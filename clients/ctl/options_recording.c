#include "clients/ctl/options_internal.h"

/* Options of "start" that tell what is recorded, where, and under which name. */

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
    default:
        return options_take_geometry(options, key, text, state);
    }
}
