#pragma once

#include <stdbool.h>
#include <uv.h>

#include "common/error.h"
#include "daemon/config/config.h"

/*
 * A process of merlind's own program that helps it (low_priority.h): what reads files that anybody
 * may have written, or takes long over them, does so outside of the daemon. It has the daemon's
 * configuration, told through a descriptor, and its stderr; what it prints comes back line by line.
 * Service thread.
 */
struct helper;

/* In its environment, its parent's process id. */
#define HELPER_PARENT "MERLIND_HELPER_OF"
/* The descriptor of its configuration, and the first one that it has no use for. */
#define HELPER_CONFIG 3
#define HELPER_FIRST_UNUSED 4
/* What it prints before a sentence, when it cannot do what it is for. */
#define HELPER_REFUSED "refused: "

struct helper_events {
    void *data;
    /* Without its end; may be changed. */
    void (*line)(void *data, char *line);
    /* It is gone, and all that it printed was told. `signal`: what killed it, 0: nothing did. */
    void (*ended)(void *data, int64_t status, int signal);
};

/* `arguments` follow the configuration, ended by NULL. A negative errno with a sentence: there is
 * no process. */
int helper_start(struct helper **helper, uv_loop_t *loop, const struct config *config,
                 char *const *arguments, const struct helper_events *events, struct error *error);

int helper_pid(const struct helper *helper);

/* Asks it to end, and makes it after two seconds; `ended` tells. */
void helper_end(struct helper *helper);
/* At once; `ended` is not called any more. NULL does nothing. */
void helper_destroy(struct helper *helper);
