#pragma once

#include <stdbool.h>
#include <uv.h>

#include "common/error.h"

/*
 * Work that takes more than a few milliseconds, off the service thread: analyses that clients ask
 * for, integrated maps, sums over the frames on disk. It runs in libuv's thread pool, behind the
 * threads of a frame's path (nice). All functions on the service thread.
 */
struct jobs {
    uv_loop_t *loop;
    bool closed;
    bool has_long; /* a long one is going on */
};

/* `work` on another thread, then `done` on the service thread: `cancelled` when the daemon is
 * ending, and there is nobody to tell any more. Both get `data`. Returns 0 or a negative errno:
 * neither is called. */
int jobs_start(struct jobs *jobs, void (*work)(void *data),
               void (*done)(void *data, bool cancelled), void *data);

/* The same of work that reads the frames of a run again and takes as long as that: one at a time,
 * so that others find a thread too. -EBUSY: another one is going on; all errors with a sentence. */
int jobs_start_long(struct jobs *jobs, void (*work)(void *data),
                    void (*done)(void *data, bool cancelled), void *data, struct error *error);

/* From now on all are cancelled when they are done. */
void jobs_close(struct jobs *jobs);
