#pragma once

#include <stdbool.h>

#include "daemon/acquisition/acquisition.h"
#include "daemon/acquisition/disk_forecast.h"

/*
 * Tells of the disk while a run is recorded, as events "disk" and in the log: that it will not
 * suffice, that the writer falls behind, that the disk does not answer, that the recording has
 * failed or is not to be trusted; and when each is over. Belongs to the service thread; zeroed for
 * every run.
 */
struct disk_events {
    struct disk_growth growth;
    bool told_short, told_slow, told_silent;
    char told_error[sizeof((struct run_recording *)0)->error]; /* of the recording */
};

void disk_events_look(struct disk_events *events, const struct acquisition_observer *observer,
                      struct run *run, const struct recorder *recorder);
