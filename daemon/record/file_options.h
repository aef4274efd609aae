#pragma once

#include <argp.h>
#include <stdbool.h>

/* The words of a subcommand that takes one file and makes at most one: FILE, -o NEW, --force,
 * --json. */
struct file_options {
    const char *path, *output;
    bool force, json;
    const char *needs_output; /* what to say when -o is missing; NULL: there is none to give */
};

/* Keys of more options follow FILE_KEY_JSON. */
enum file_option_key { FILE_KEY_FORCE = 256, FILE_KEY_JSON };

/* One of them, for the parser of a subcommand that has more; ends the program as below.
 * ARGP_ERR_UNKNOWN: it is another one. */
error_t file_options_take(struct file_options *options, int key, char *text,
                          struct argp_state *state);

/* Parses by a table of those of 'o' and the above that the subcommand has. Ends the program with a
 * sentence when the words make no sense. */
void file_options_parse(struct file_options *options, const struct argp_option *table,
                        const char *words, const char *help, int argc, char **argv);
