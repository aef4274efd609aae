#pragma once

#include <argp.h>

#include "clients/ctl/options.h"

/* What the files of the command line share. */

enum option_key {
    KEY_JSON = 256,
    KEY_TIMEOUT,
    KEY_SCAN,
    KEY_WAIT,
    KEY_PROGRESS,
    KEY_PASSIVE,
    KEY_TRIGGER,
    KEY_PRESET,
    KEY_ORDER,
    KEY_POSITIONS,
    KEY_REPEATS,
    KEY_FLYBACK,
    KEY_SHIFT,
    KEY_SKIP_START,
    KEY_SKIP_LINE,
    KEY_SKIP_END,
    KEY_SET,
    KEY_RECORD,
    KEY_NO_RECORD,
    KEY_ASK,
    KEY_NAME,
    KEY_DIRECTORY,
    KEY_LIST,
    KEY_CSV,
    KEY_PNG,
    KEY_SVG,
    KEY_LEASE,
    KEY_KEY,
    KEY_SERVER_KEY,
    KEY_FORCE,
    KEY_RUN,
    KEY_LABEL,
    KEY_SCANS,
    KEY_DRIFT,
};

/* Takes an option that tells a geometry. ARGP_ERR_UNKNOWN: it is none. */
error_t options_take_geometry(struct options *options, int key, char *text,
                              struct argp_state *state);

/* The same of options about the recording, and then of a geometry. */
error_t options_take_recording(struct options *options, int key, char *text,
                               struct argp_state *state);

/* The words of "view" and "nudge". */
void options_take_view_word(struct options *options, const char *word, struct argp_state *state);
void options_take_nudge_word(struct options *options, const char *word, struct argp_state *state);

/* A text that goes to the daemon as JSON, which is UTF-8; ends the program when it is not. */
void options_check_text(const char *text, struct argp_state *state);

/* When all are there: ends the program with a sentence when the options do not go with the command
 * or with each other, or its words are not what it takes. */
void options_check(struct options *options, struct argp_state *state);
