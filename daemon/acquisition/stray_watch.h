#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "daemon/acquisition/acquisition.h"

/*
 * Frames that belong to no run are counted where they come, and are in no file. This tells of them,
 * as an event and in the log: every ten seconds while they come, and once more when none has come
 * for a second. Belongs to the service thread; zeroed before use.
 */
struct stray_watch {
    uint64_t seen;             /* frames, all since the start */
    uint64_t came;             /* of them since the link was last free of them; 0: it is */
    uint64_t grew_ns, told_ns; /* monotonic */
    struct error why; /* the run that they would be of could not begin; code 0: not known */
};

/* A run could not begin: what comes now is of it. */
void stray_watch_refused(struct stray_watch *watch, const struct error *error);

/* `frames`: all since the start. `end`: nothing more will come. */
void stray_watch_look(struct stray_watch *watch, const struct acquisition_observer *observer,
                      uint64_t frames, bool end);
