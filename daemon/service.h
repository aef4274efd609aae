#pragma once

#include "common/error.h"
#include "daemon/config/config.h"

/*
 * The service: everything that happens on the main thread's loop. Binds the sockets, makes the
 * pipeline, prints the ready line, serves until SIGTERM, SIGINT or a client's request, and then
 * drains.
 *
 * Returns 0 after an orderly end, or a negative errno with a sentence when it could not start.
 */
int service_run(const struct config *config, struct error *error);
