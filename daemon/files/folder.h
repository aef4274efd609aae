#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/*
 * Folders below a directory that belongs to us. Each part of a path is opened for itself and none
 * may be a symbolic link, so that nothing leads out of the directory.
 */

/* Opens `path`, relative to the directory `base`, "" being that itself, and makes the folders that
 * are not there when `make` is set. Returns a descriptor or a negative errno. */
int folder_open(int base, const char *path, bool make);

/* The highest number N of entries prefixN or prefixNsuffix..., where what follows the suffix begins
 * with a dot; 0: there is none. */
uint64_t folder_highest(int folder, const char *prefix, const char *suffix);

/* Renames, and never onto something that is there: -EEXIST. */
int folder_rename(int from, const char *old, int to, const char *new);

bool folder_has(int folder, const char *name);
