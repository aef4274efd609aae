#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

#include "daemon/acquisition/live_icom.h"
#include "daemon/config/config.h"
#include "daemon/publish/result_publisher.h"

/*
 * When results are published: maps, patterns and, where they are sent at once, whole rows. Belongs
 * to the service thread.
 */
struct result_timers {
    const struct config *config;
    struct result_publisher *results;
    struct live_icom *icom;
    struct acquisition *acquisition;
    uv_timer_t map, pattern, row;
    bool aligning; /* the newest run is a view */
};

void result_timers_init(struct result_timers *timers, uv_loop_t *loop, const struct config *config,
                        struct result_publisher *results, struct live_icom *icom,
                        struct acquisition *acquisition);

/* At the rates of the configuration; again when that was read again. */
void result_timers_start(struct result_timers *timers);

/* A run with this summary has begun: who aligns by its patterns gets more of them. */
void result_timers_follow(struct result_timers *timers, const json_t *summary);

void result_timers_close(struct result_timers *timers);
