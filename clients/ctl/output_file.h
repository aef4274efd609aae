#pragma once

#include <stdio.h>

#include "common/error.h"

enum output_file_kind { OUTPUT_FILE_OTHER, OUTPUT_FILE_NPY, OUTPUT_FILE_PNG };

/* By the end of the name. */
enum output_file_kind output_file_kind(const char *path);

/*
 * A file that appears under its name only when it is whole: a viewer that looks at it again and
 * again never sees half of one. What is there and is not an ordinary file (a pipe, a link,
 * /dev/stdout) is written into directly.
 */
struct output_file {
    FILE *stream;
    const char *path;
    char temporary[4096]; /* "" when written directly */
};

/* 0 or a negative errno with a sentence. */
int output_file_open(struct output_file *file, const char *path, struct error *error);

/* Completes the file. On failure nothing is left behind. */
int output_file_commit(struct output_file *file, struct error *error);

/* Gives up. */
void output_file_abandon(struct output_file *file);
