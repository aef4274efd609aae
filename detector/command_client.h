#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "common/error.h"

/*
 * The client of Merlin's command socket. Lives on one uv loop and is used from its thread only; it
 * never blocks.
 *
 * It keeps the connection open by itself (a new try after 0.25 s, doubling up to 2 s), sends one
 * command at a time in the order given, and calls back once for each: with the value and status
 * code of the reply, with -ETIMEDOUT after 2 s without one, or with -ENOTCONN when the link is down
 * or breaks. Replies of another type or name than the command just sent (late replies of an earlier
 * one) are dropped and counted.
 */
struct command_client;

enum command_type { COMMAND_GET, COMMAND_SET, COMMAND_CMD };

/* Status codes of a reply (Merlin manual v1.0). */
enum command_code {
    COMMAND_CODE_OK = 0,
    COMMAND_CODE_BUSY = 1,
    COMMAND_CODE_NOT_RECOGNISED = 2,
    COMMAND_CODE_OUT_OF_RANGE = 3,
};

struct command_reply {
    int status;       /* 0: a reply came; else -ETIMEDOUT, -ENOTCONN, -ECANCELED (client destroyed),
                         -EBADMSG */
    int code;         /* enum command_code when status is 0 */
    const char *name; /* the name that was sent */
    const char *value; /* of a GET; "" otherwise. Valid during the callback only */
};

typedef void (*command_reply_fn)(void *data, const struct command_reply *reply);

/*
 * Called when the connection came up (`error` is NULL) or went down, and when a try to connect
 * failed, once per reason. When a link breaks this comes before the callbacks of the commands that
 * break with it.
 */
typedef void (*command_link_fn)(void *data, bool connected, const struct error *error);

/* Starts to connect at once. The strings are copied. */
int command_client_create(struct command_client **client, uv_loop_t *loop, const char *host,
                          uint16_t port, command_link_fn on_link, void *data);

/* Outstanding commands are called back with -ECANCELED before this returns; handles close on the
 * next turns of the loop. NULL does nothing. */
void command_client_destroy(struct command_client *client);

bool command_client_connected(const struct command_client *client);

/*
 * Queues a command. `value` is for COMMAND_SET only. `reply` may be NULL; it is never called from
 * within this function. Returns 0, -ENOMEM, -ENOBUFS (1,000 wait already), -ECANCELED (the client
 * is being destroyed), or -EINVAL: a name that is empty, longer than 100 bytes or holds anything
 * but letters, digits and
 * '_'; a value with control characters or longer than 1,000 bytes.
 */
int command_client_send(struct command_client *client, enum command_type type, const char *name,
                        const char *value, command_reply_fn reply, void *data);

/* Replies that were dropped because they answered nothing that was asked, or were no replies at
 * all. */
uint64_t command_client_dropped_replies(const struct command_client *client);

/* What a status code means, with its remedy, for a person. */
const char *command_code_text(int code);
