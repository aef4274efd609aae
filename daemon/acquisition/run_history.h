#pragma once

#include <jansson.h>

#include "processing/run/run.h"

#define RUN_HISTORY_LENGTH 16
/* Runs whose results take more than so much together are not kept, the newest excepted. A
 * scan of 128 x 128 positions takes some 30 MB with Bragg reflections of 256 x 256 pixels, and 25
 * MB more with radial profiles of every frame. */
#define RUN_HISTORY_BYTES (UINT64_C(1) << 30)

/*
 * The newest runs, for those who ask how one ended or what its maps say. Belongs to the service
 * thread. Every entry has a summary; the run itself, with its maps and tables, is kept as long as
 * there is room. What was forgotten is in the run's file.
 */
struct run_history {
    struct run_entry {
        json_t *summary;
        struct run *run;           /* NULL: no frame came, or there was no room */
    } entries[RUN_HISTORY_LENGTH]; /* oldest first, zero where there is none yet */
};

void run_history_finish(struct run_history *history);

/* Takes the summary; it replaces the one of the same id. */
void run_history_put(struct run_history *history, json_t *summary);

/* Keeps the run of an entry that is there, with a reference, and lets go of older ones for which
 * there is no room any more. */
void run_history_keep(struct run_history *history, struct run *run);

/* Forgets a run that did not come about. */
void run_history_drop(struct run_history *history, const char *id);

/* Borrowed; NULL: not there. `id` NULL: the newest. */
json_t *run_history_find(const struct run_history *history, const char *id);
struct run *run_history_find_run(const struct run_history *history, const char *id);
