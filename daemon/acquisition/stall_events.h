#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/acquisition/acquisition.h"
#include "processing/run/stall_watch.h"

struct run;

/*
 * Tells of the places where the detector was held up, as events and in the log, while the run goes
 * on. A detector that is read much too slowly is held up many times a second: then a few are told
 * one by one, and of the others how many there were. Belongs to the service thread; zeroed for
 * every run.
 */
struct stall_events {
    uint64_t next;      /* number of the first episode that was not told */
    uint64_t second_ns; /* beginning of the second that is counted, monotonic */
    unsigned told;      /* in that second */
    uint64_t untold;    /* episodes */
    struct stall_episode
        waiting; /* the first untold one, with the last frame and the time of all */
};

/* Looks for stalls among the frames that have come (run_check_stalls) and tells of them. `end`: the
 * run is over, and nothing is kept back. */
void stall_events_look(struct stall_events *events, const struct acquisition_observer *observer,
                       struct run *run, bool end);
