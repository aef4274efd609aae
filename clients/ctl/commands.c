#include "clients/ctl/commands.h"

#include <string.h>

/* Name, how few and how many words may follow, which options go with it, and those words as a usage
 * line has them. */
static const struct command commands[] = {
    {"status", 0, 0, 0, "", command_status},
    {"start", 0, OPTIONS_MAX_WORDS,
     OPTION_SCAN | OPTION_ORDER | OPTION_POSITIONS | OPTION_REPEATS | OPTION_SKIP | OPTION_FLYBACK |
         OPTION_WAIT | OPTION_PASSIVE | OPTION_TRIGGER | OPTION_PRESET | OPTION_SET |
         OPTION_RECORD | OPTION_RECORDING | OPTION_PROGRESS | OPTION_LABEL | OPTION_SERIES,
     "--scan NYxNX [-- PROGRAM...]", command_start},
    {"view", 0, 1,
     OPTION_SCAN | OPTION_ORDER | OPTION_POSITIONS | OPTION_SKIP | OPTION_TRIGGER | OPTION_PRESET |
         OPTION_SET,
     "[NYxNX]", command_view},
    {"record", 0, OPTIONS_MAX_WORDS, OPTION_WAIT | OPTION_PROGRESS, "[-- PROGRAM...]",
     command_record},
    {"nudge", 1, 1, 0, "FRAMES", command_nudge},
    {"geometry", 0, 0,
     OPTION_SCAN | OPTION_ORDER | OPTION_POSITIONS | OPTION_REPEATS | OPTION_SKIP | OPTION_SHIFT,
     "", command_geometry},
    {"stop", 0, 0, 0, "", command_stop},
    {"run", 0, 1, OPTION_WAIT | OPTION_PROGRESS, "[ID]", command_run},
    {"series", 0, 0, OPTION_WAIT, "", command_series},
    {"note", 1, 2, 0, "TEXT [AUTHOR]", command_note},
    {"samples", 0, 3, 0, "[NAME VALUE [UNIT]]", command_samples},
    {"keep", 0, 1, 0, "[RUN|FILE]", command_keep},
    {"discard", 0, 1, 0, "[RUN]", command_discard},
    {"discarded", 0, 0, 0, "", command_discarded},
    {"runs", 0, 1, 0, "[OFFSET]", command_runs},
    {"open", 1, 1, 0, "FILE", command_open},
    {"close", 1, 1, 0, "FILE", command_close},
    {"get", 1, 1, 0, "NAME", command_get},
    {"set", 1, 2, 0, "NAME VALUE", command_set},
    {"command", 1, 1, 0, "NAME", command_command},
    {"map", 1, 1, OPTION_OUTPUT | OPTION_LIST, "NAME", command_map},
    {"put", 2, 12, 0, "NAME FILE [KEY=VALUE]...", command_put},
    {"pattern", 1, OPTIONS_MAX_WORDS, OPTION_OUTPUT, "NAME | Y X | KEY=VALUE...", command_pattern},
    {"profile", 1, 1, OPTION_OUTPUT, "NAME", command_profile},
    {"detectors", 0, 0, 0, "", command_detectors},
    {"detector", 2, OPTIONS_MAX_WORDS, 0, "NAME shape=SHAPE KEY=VALUE...", command_detector},
    {"remove-detector", 1, 1, 0, "NAME", command_remove_detector},
    {"recompute", 0, 1, OPTION_WAIT, "[NAME]", command_recompute},
    {"analyse", 1, OPTIONS_MAX_WORDS, OPTION_OUTPUT, "WHAT [KEY=VALUE]...", command_analyse},
    {"calibration", 0, OPTIONS_MAX_WORDS, 0, "[KEY=VALUE]...", command_calibration},
    {"measure", 1, OPTIONS_MAX_WORDS, 0, "WHAT [KEY=VALUE]...", command_measure},
    {"save-bad-pixels", 1, 1, 0, "FILE.npy", command_save_bad_pixels},
    {"save-gain", 1, 1, 0, "FILE.npy", command_save_gain},
    {"calibrations", 0, 0, 0, "", command_calibrations},
    {"save-calibration", 0, 1, 0, "[NAME]", command_save_calibration},
    {"remove-calibration", 1, 1, 0, "NAME", command_remove_calibration},
    {"references", 0, 0, 0, "", command_references},
    {"reference", 2, 2, OPTION_OUTPUT, "KIND NAME", command_reference},
    {"attach", 2, 2, 0, "KIND NAME", command_attach},
    {"detach", 1, 1, 0, "KIND", command_attach},
    {"remove-reference", 2, 2, 0, "KIND NAME", command_remove_reference},
    {"bragg", 0, OPTIONS_MAX_WORDS, OPTION_CSV | OPTION_CLASS_PICTURE | OPTION_RUN,
     "[WORD [NAME]] [KEY=VALUE]...", command_bragg},
    {"watch", 0, 1, 0, "[MAP]", command_watch},
    {"log-level", 0, 1, 0, "[LEVEL]", command_log_level},
    {"save-config", 0, 1, 0, "[FILE.yaml]", command_save_config},
    {"keygen", 1, 1, 0, "FILE", command_keygen},
    {"lease", 0, 2, OPTION_FORCE, "[take|renew|release] [NAME]", command_lease},
    {"request", 1, OPTIONS_MAX_WORDS, 0, "CMD [JSON | KEY=VALUE...]", command_request},
    {"ping", 0, 0, 0, "", command_ping},
    {"shutdown", 0, 0, 0, "", command_shutdown},
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}
