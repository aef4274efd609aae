#pragma once

#include <jansson.h>

#include "daemon/control/control.h"

/*
 * The configuration as it is now: the one merlind was started with, and in it what clients have set
 * since. `left_out` (a new array of sentences) gets what is in force and has no key to stand under.
 * config_finish ends it. -ENOMEM.
 */
int running_config_init(struct config *running, const struct control_service *service,
                        json_t **left_out);
