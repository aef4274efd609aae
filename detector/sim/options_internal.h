#pragma once

#include "detector/sim/options.h"

/* What the parts of the command line's reading share. */

extern const char options_help[];

/* Says what is wrong and how to get help; returns EX_USAGE. */
__attribute__((format(printf, 1, 2))) int options_usage_error(const char *format, ...);

/* One of `names` (NULL at the end): stores its place. Returns OPTIONS_RUN or EX_USAGE. */
int options_parse_word(const char *option, const char *text, const char *const *names, int *place);

/* Checks layout against chips, and fills in what was left out. Returns OPTIONS_RUN or EX_USAGE. */
int options_settle_format(struct options *options);
