#pragma once

#include <stddef.h>

#include "detector/command_client.h"

/* The commands of a command_client that wait for their turn or for their reply, oldest first. */
struct command {
    struct command *next;
    enum command_type type;
    command_reply_fn reply;
    void *data;
    const char *body; /* "SET,NAME,value": the message without its prefix */
    size_t body_size;
    char name[]; /* and behind its NUL the body */
};

struct command_queue {
    struct command *first, *last;
    unsigned length;
};

/* `value` is used for COMMAND_SET only. 0, -EINVAL (see command_client_send) or -ENOMEM. */
int command_create(struct command **command, enum command_type type, const char *name,
                   const char *value);

/* Calls back and frees. */
void command_settle(struct command *command, int status, int code, const char *value);

void command_queue_append(struct command_queue *queue, struct command *command);

/* NULL: it is empty. */
struct command *command_queue_take(struct command_queue *queue);
