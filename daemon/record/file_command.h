#pragma once

#include <stdbool.h>
#include <sysexits.h>

#include "common/error.h"

/*
 * merlin-file: one subcommand per file, file_SUBCOMMAND.c, each with the options of its own. What
 * they share: a recording as it is read (file_recording.h), geometries (file_geometry.h), copying
 * (file_copy.h), a new file that appears only when it is whole (file_output.h).
 *
 * A subcommand gets its own words, argv[0] being "merlin-file SUBCOMMAND" for messages, and returns
 * the exit status: 0 or one of sysexits.h.
 */
struct file_command {
    const char *name;
    const char *words; /* as in a usage line */
    const char *what;  /* for the list of commands */
    int (*run)(int argc, char **argv);
};

int file_command_figure(int argc, char **argv);
int file_command_info(int argc, char **argv);
int file_command_export(int argc, char **argv);
int file_command_recover(int argc, char **argv);
int file_command_reshape(int argc, char **argv);
int file_command_slim(int argc, char **argv);
int file_command_verify(int argc, char **argv);

/* The exit status for a negative errno; `reading`: nothing was written yet, so a file that cannot
 * be used is the original. */
int file_exit_status(int code, bool reading);

/* A full disk or a closed pipe behind stdout must not pass for success. Returns the exit status. */
int file_command_flush(int status);

/* Prints the sentence on stderr and returns `status`. */
int file_command_failed(int status, const struct error *error);
