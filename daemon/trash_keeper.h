#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/acquisition/acquisition.h"
#include "daemon/jobs.h"

/* Removes discarded files whose time is over, now and then, in a job: removing a large file may
 * take seconds. Service thread. */
struct trash_keeper {
    uint64_t next_ns; /* monotonic */
    bool busy;
};

void trash_keeper_look(struct trash_keeper *keeper, struct jobs *jobs,
                       const struct acquisition *acquisition);
