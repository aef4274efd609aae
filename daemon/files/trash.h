#pragma once

#include <jansson.h>

#include "common/error.h"

/*
 * Where files of discarded runs are until their time is over: a folder of that name in the
 * directory of recordings, in which they have the path that they had. The links beside a file
 * (NAME.hspy, NAME.nxs) go with it. When a file was discarded is the time at which its inode was
 * changed last.
 */
#define TRASH_FOLDER ".trash"
#define TRASH_PATH_SIZE 1100

/* Moves a file of `directory` into its trash, or out of it; `now` receives where it is then. Never
 * onto another file: a name that is taken gets "_2", "_3" behind it. Returns 0 or a negative errno
 * with a sentence. */
int trash_put(const char *directory, const char *path, char now[TRASH_PATH_SIZE],
              struct error *error);
int trash_take_out(const char *directory, const char *path, char now[TRASH_PATH_SIZE],
                   struct error *error);

/* Appends {file, bytes, discarded: [s, ns], kept_until: [s, ns]} for each file there. */
void trash_list(const char *directory, double hours, json_t *files);

/* Removes what has been there for longer. Returns how many files. */
unsigned trash_empty(const char *directory, double hours);
