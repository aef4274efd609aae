#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/control/control.h"

struct reply_part;

/*
 * Requests that were sent to the background: they are answered at once with the id of an operation,
 * and what would have been their reply is kept until it is fetched (command operation) or newer
 * ones need the room; an event tells that it is there. Belongs to the service thread.
 */
#define OPERATIONS_MAX 16
#define OPERATIONS_MAX_BYTES ((size_t)1 << 30)
#define OPERATION_ID_SIZE 24

struct operation {
    char id[OPERATION_ID_SIZE]; /* "": a free place */
    char command[48];
    json_t *reply; /* owned, as it would have been sent; NULL: it is going on */
    unsigned n_parts;
    void **values;            /* [n_parts], owned, as each is */
    struct reply_part *parts; /* [n_parts], of those; owned */
};

struct operations {
    const struct control_service *service;
    unsigned long long begun;
    struct operation list[OPERATIONS_MAX]; /* the oldest first */
};

void operations_init(struct operations *operations, const struct control_service *service);
void operations_finish(struct operations *operations);

/* Copies the id of a new one. -EBUSY: all places are taken by such as are going on. */
int operations_begin(struct operations *operations, const char *command,
                     char id[OPERATION_ID_SIZE]);

/* Takes a reference on the reply and copies the parts. */
void operations_end(struct operations *operations, const char *id, json_t *reply,
                    const struct reply_part *parts, unsigned n_parts);

/* NULL: there is none (any more). */
const struct operation *operations_find(const struct operations *operations, const char *id);

/* {id, command, over, ok, error}, new reference. */
json_t *operation_json(const struct operation *operation);
