#pragma once

#include <sys/types.h>

#include "clients/ctl/options.h"
#include "common/error.h"

/*
 * The program that `start ... -- COMMAND` and `record -- COMMAND` run once the detector is armed: a
 * scan generator's, say. It runs beside merlinctl, with its stdin, stdout and stderr.
 */
struct companion {
    pid_t pid; /* 0: none */
};

/* With nothing behind -- there is none, which is no error. A negative errno with a sentence. */
int companion_start(struct companion *companion, const struct options *options,
                    struct error *error);

/* Waits for its end. -ECHILD with a sentence: it says that it has failed. */
int companion_finish(struct companion *companion, const struct options *options,
                     struct error *error);
