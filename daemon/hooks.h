#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "daemon/config/config.h"

/*
 * The program of hooks.on_scan_end, started when a run is over. It is the configuration's alone;
 * nothing of a client gets into its command line. One at a time, in the order of the runs; runs
 * wait for none. Its input is a file in memory and its output goes to the log's own stream, so that
 * neither can hold merlind up. Belongs to the service thread.
 */
struct hooks {
    uv_loop_t *loop;
    const struct hook_settings *settings; /* may change with a reload */
    const char *endpoint;                 /* of the control socket, for the program's environment */
    void *data;
    /* Tells of a hook's end under event/; takes `body` over. */
    void (*event)(void *data, const char *event, json_t *body);
    json_t *waiting; /* summaries of runs that are over */
    json_t *summary; /* of the run that the program is at; NULL: none goes on */
    pid_t process;   /* leader of a group of its own */
    int descriptor;  /* a pidfd of it */
    uint64_t began_ns;
    bool too_long; /* it was told to end */
    uv_poll_t watch;
    uv_timer_t limit;
};

/* `settings` and `endpoint` have to stay. */
void hooks_init(struct hooks *hooks, uv_loop_t *loop, const struct hook_settings *settings,
                const char *endpoint);

/* A run is over; `summary` as in the protocol. Does nothing when no program is configured. */
void hooks_scan_ended(struct hooks *hooks, const json_t *summary);

/* Whether a program goes on, or one waits for its turn. */
bool hooks_busy(const struct hooks *hooks);

/* Ends what goes on at once. Handles close on the loop's next turns. */
void hooks_finish(struct hooks *hooks);
