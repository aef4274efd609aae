#pragma once

#include "common/error.h"
#include "daemon/config/config.h"

/* Where the configuration came from. */
struct config_source {
    void *data;
    /* Reads it again into `fresh`, which the caller finishes. -EINVAL: it is wrong, which was told
     * on stderr. */
    int (*load)(void *data, struct config *fresh);
};

/*
 * The service: everything that happens on the main thread's loop. Binds the sockets, makes the
 * pipeline, prints the ready line, serves until SIGTERM, SIGINT or a client's request, and then
 * drains. SIGHUP reads the configuration again and takes over what may change (config_reload.h);
 * `config` is changed then.
 *
 * Returns 0 after an orderly end, or a negative errno with a sentence when it could not start.
 */
int service_run(struct config *config, const struct config_source *source, struct error *error);
