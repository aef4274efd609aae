#pragma once

#include <stdbool.h>

#include "processing/run/run.h"

/* The settings of a run as JSON text, for free(). NULL: no memory. */
char *settings_text(const struct run *run);

/*
 * The summary of a run as it will read once its file is closed as `path`: it is written into that
 * very file, hence before it is true; of a recording that was `stopped` the state stays as it is.
 * Takes over `summary` and returns a text for free(), NULL when
 * `summary` is NULL.
 */
char *summary_once_closed(char *summary, const char *path, bool stopped);
