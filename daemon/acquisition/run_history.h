#pragma once

#include <jansson.h>

#include "processing/run/run.h"

#define RUN_HISTORY_LENGTH 16

/*
 * The newest runs, for those who ask how one ended. Belongs to the service thread. Entries are
 * summaries; the newest run itself is kept by the acquisition as long as its maps may be asked for.
 */
struct run_history {
    json_t *summaries[RUN_HISTORY_LENGTH]; /* oldest first, NULL where there is none yet */
};

void run_history_finish(struct run_history *history);

/* Takes the summary; it replaces the one of the same id. */
void run_history_put(struct run_history *history, json_t *summary);

/* Forgets a run that did not come about. */
void run_history_drop(struct run_history *history, const char *id);

/* Borrowed; NULL: not there. `id` NULL: the newest. */
json_t *run_history_find(const struct run_history *history, const char *id);
