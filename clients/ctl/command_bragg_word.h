#pragma once

#include <stdbool.h>

#include "clients/ctl/client.h"
#include "clients/ctl/options.h"

/* "bragg WORD": references, settings, series and tests of Bragg reflections. */

/* Whether the words are such a one, and not arguments of the table. */
bool bragg_word_is_one(const struct options *options);

/* Returns the exit code. */
int command_bragg_word(const struct options *options, struct client *client);
