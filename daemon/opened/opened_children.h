#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

#include "daemon/acquisition/acquisition.h"
#include "daemon/config/config.h"

/*
 * The processes that show old runs (opened_service.h), at most recording.opened of them, each the
 * daemon of one recording. A recording that is opened again while it is open is the same one. When
 * there are too many, the one that was opened first and that no viewer of the page looks at makes
 * room.
 *
 * Belongs to the service thread, but for opened_children_find and opened_children_look, which any
 * thread may call: what they need is under a mutex that is never held for long.
 */
struct opened_children;

#define OPENED_ENDPOINT_SIZE 120

/* Where one of them is talked to. */
struct opened_endpoints {
    char control[OPENED_ENDPOINT_SIZE], results[OPENED_ENDPOINT_SIZE];
};

struct opened_observer {
    void *data;
    /* One was opened or has ended: for event/. Takes the body over. */
    void (*event)(void *data, const char *event, json_t *body);
};

/* The configuration is borrowed. -ENOMEM. */
int opened_children_create(struct opened_children **children, uv_loop_t *loop,
                           const struct config *config, const struct opened_observer *observer,
                           struct error *error);

/* Opens a recording, or finds it open; answers when it can be talked to, with {file, control,
 * results, pid}, or why it cannot. */
void opened_children_open(struct opened_children *children, const char *file,
                          acquisition_answer_fn answer, void *data);

/* Ends one; answers at once. */
void opened_children_close(struct opened_children *children, const char *file,
                           acquisition_answer_fn answer, void *data);

/* Those that are open, for the status: [{file, pid, viewers, control, results}]. New reference. */
json_t *opened_children_json(struct opened_children *children);

/* false: no such recording is open. */
bool opened_children_find(struct opened_children *children, const char *file,
                          struct opened_endpoints *endpoints);

/* Somebody begins (1) or ends (-1) to look at it on the page. */
void opened_children_look(struct opened_children *children, const char *file, int change);

/* Ends all. Requests that wait are answered first. Its handles close on the loop's next turns. NULL
 * does nothing. */
void opened_children_destroy(struct opened_children *children);
