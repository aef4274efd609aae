#pragma once

#include "clients/ctl/array.h"
#include "clients/ctl/client.h"
#include "clients/ctl/options.h"

/* A map, pattern or profile that came with a reply: into the file of -o, and in a few numbers. */

/*
 * Of the part `data` (and `measured`, where there is one), or of the part and the item of its first
 * axis that `slice` names. Returns the exit code.
 */
struct image_slice {
    const char *part;
    size_t index;
};

int image_deliver(const struct options *options, struct reply *reply,
                  const struct image_slice *slice);

/* Sends a command and delivers what comes. Takes over `arguments`. Returns the exit code. */
int image_fetch(const struct options *options, struct client *client, const char *command,
                json_t *arguments);
