#pragma once

#include "daemon/config/config.h"

/*
 * Keeping the configuration that is in force, with what clients have changed since merlind began.
 */

/* Another owner of the same values; config_finish ends it. -ENOMEM. */
int config_copy(struct config *copy, const struct config *config);

/* Gives the keys whose values differ from those of `before` the origin CONFIG_FROM_CLIENT. */
void config_mark_changes(struct config *config, const struct config *before);

/* What the command log_level does: also to the log itself. */
void config_change_log_level(struct config *config, enum log_level level);

/* The text of a file that reads back as `config`, to be freed. -EINVAL: it would not, and error
 * says which key is to blame. */
int config_text(const struct config *config, char **text, struct error *error);
