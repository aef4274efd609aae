#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "clients/ctl/client.h"

/* What the command line asks for. */
enum option_set {
    OPTION_SCAN = 1 << 0,
    OPTION_WAIT = 1 << 1,
    OPTION_PASSIVE = 1 << 2,
    OPTION_TRIGGER = 1 << 3,
    OPTION_SKIP = 1 << 4,
    OPTION_SET = 1 << 5,
    OPTION_RECORD = 1 << 6,
    OPTION_OUTPUT = 1 << 7,
    OPTION_LIST = 1 << 8,
    OPTION_PROGRESS = 1 << 9,
    OPTION_PRESET = 1 << 10,
    OPTION_ORDER = 1 << 11,
    OPTION_POSITIONS = 1 << 12,
    OPTION_REPEATS = 1 << 13,
    OPTION_FLYBACK = 1 << 14,
    OPTION_SHIFT = 1 << 15,
    OPTION_CSV = 1 << 16,
    OPTION_CLASS_PICTURE = 1 << 17,
    OPTION_RUN = 1 << 18,
    OPTION_LABEL = 1 << 19,
    OPTION_RECORDING = 1 << 20,
    OPTION_FORCE = 1 << 21,
    OPTION_SERIES = 1 << 22,
};

#define OPTIONS_MAX_WORDS 14

struct options {
    const char *endpoint;
    struct client_keys keys;
    const char *lease; /* the token of a lease, NULL: none */
    double timeout_s;
    bool json;
    bool progress;  /* draw it even where stderr is no terminal */
    unsigned given; /* enum option_set: which of the commands' own options came */

    const struct command *command;
    unsigned n_words; /* that follow the command */
    char *words[OPTIONS_MAX_WORDS];
    bool has_program; /* the words follow --: a program to run once the detector is armed */

    unsigned scan_ny, scan_nx;
    const char *order;
    const char *positions_file;
    json_int_t repeats;
    json_int_t shift;                           /* frames */
    json_int_t skip_start, skip_line, skip_end; /* frames, -1: not given */
    json_int_t nudge;                           /* frames, of the word that follows "nudge" */
    const char *trigger, *preset;
    json_t *parameters;           /* {NAME: value as typed}, NULL: none */
    json_t *labels;               /* {NAME: number or text}, NULL: none */
    bool record;                  /* meaningful with OPTION_RECORD */
    bool ask;                     /* discard the file at the end, unless it is kept */
    const char *name, *directory; /* of the recording, NULL: as configured */
    json_int_t scans;             /* how often the scan is made, with OPTION_SERIES */
    const char *drift;            /* the map that is compared from scan to scan, NULL: none */
    const char *output;
    const char *run;       /* its id */
    const char *png, *svg; /* files for the map of classes, NULL: none */
};

/* Reads the command line, checks all that can be checked without the daemon, ends the program with
 * 64 when it is wrong. */
void options_parse(struct options *options, int argc, char **argv);
void options_finish(struct options *options);
