#pragma once

#include <jansson.h>
#include <uv.h>

#include "common/error.h"
#include "daemon/config/config.h"
#include "daemon/jobs.h"

/*
 * The list of finished recordings in and below recording.directory and recording.roots, the newest
 * first. Directories are looked through by a job, files are read by a helper (run_card.h), so that
 * neither a large archive nor a damaged file costs the daemon anything; what was read is kept while
 * the file does not change. Service thread.
 */
struct run_list;

/* At a time. */
#define RUN_LIST_PAGE_MAX 24

/*
 * result: {total, offset, runs: [...], parts}, taken over; `pictures`: the raw part that belongs to
 * it, [runs][RUN_CARD_SIDE][RUN_CARD_SIDE] bytes, borrowed. result NULL: error says why.
 */
typedef void (*run_list_answer_fn)(void *data, json_t *result, const uint8_t *pictures, size_t size,
                                   const struct error *error);

/* All are borrowed. -ENOMEM. */
int run_list_create(struct run_list **list, uv_loop_t *loop, struct jobs *jobs,
                    const struct config *config, struct error *error);

/* Runs [offset, offset + limit), limit at most RUN_LIST_PAGE_MAX. */
void run_list_ask(struct run_list *list, uint64_t offset, uint64_t limit, run_list_answer_fn answer,
                  void *data);

/* Once jobs are closed; who waits gets an error. NULL does nothing. */
void run_list_destroy(struct run_list *list);
