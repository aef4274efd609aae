#pragma once

#include <stdio.h>

#include "daemon/config/config.h"

/* The command line of merlind(8). */
struct options {
    /* Set by the caller, may be NULL: prints the versions of the libraries below that of merlind
     * for --version. */
    void (*print_libraries)(FILE *out);
    /* For --check-host, as host_check.h has it. */
    unsigned (*check_host)(const struct config *config, FILE *out);
    /* Prints what a list of recordings shows of n files (daemon/opened/run_card.h). */
    int (*print_cards)(char *const *files, size_t n, FILE *out);
    int exit_code; /* set when options_load says that there is nothing more to do */
};

/* Exit codes as sysexits.h has them; the unit does not restart after these. */
enum { EXIT_CODE_USAGE = 64, EXIT_CODE_CONFIG = 78 };

/*
 * Reads the command line, and the configuration into `config`: the defaults, then the file of -c,
 * then every -o in order, then what -v and -q say of log.level. There is no file unless -c names
 * one.
 *
 * Returns 0 to go on; the caller finishes `config`. Returns 1 when the process has done what it was
 * asked for (--check-config, --print-config, ...) or cannot do it: options->exit_code is what to
 * return from main, messages are on stderr and `config` needs no finishing. Never returns for
 * --help,
 * --version and wrong usage (exit code 64).
 */
int options_load(int argc, char **argv, struct options *options, struct config *config);
