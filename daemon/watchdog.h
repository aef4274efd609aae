#pragma once

#include <stdbool.h>
#include <uv.h>

#include "daemon/acquisition/acquisition.h"

/*
 * Tells systemd that merlind lives (WatchdogSec= of the unit), as long as the service thread, whose
 * loop this timer belongs to, ingest and all workers get on. Looks four times in an interval, so
 * that a thread has to stand still for most of it before systemd ends the service. Without
 * WATCHDOG_USEC in the environment nothing happens.
 */
struct watchdog {
    uv_timer_t timer;
    struct acquisition *acquisition;
    bool runs;
    bool told; /* of the thread that stands still */
};

void watchdog_start(struct watchdog *watchdog, uv_loop_t *loop, struct acquisition *acquisition);
/* Also of a zeroed one. Its handle closes on the loop's next turn. */
void watchdog_close(struct watchdog *watchdog);
