#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "common/error.h"
#include "daemon/web/message.h"
#include "daemon/zmq_poll.h"

/*
 * The web thread's end of the results socket. Subscribes to what viewers watch, a prefix at a time,
 * and to a prefix only where no shorter one covers it: the publisher sends whole maps to everybody
 * whenever somebody new subscribes.
 */
#define BRIDGE_TOPIC_SIZE 128
#define BRIDGE_MAX_PARTS 30

struct bridge {
    void *context, *socket;
    struct zmq_poll poll;
    char (*prefixes)[BRIDGE_TOPIC_SIZE]; /* subscribed to */
    size_t n_prefixes;
    /* A message: its topic, its header and its raw parts, borrowed. */
    void (*published)(void *data, const char *topic, const struct message_part *header,
                      const struct message_part *parts, unsigned n_parts);
    void (*stopped)(void *data);
    void *data;
};

int bridge_open(struct bridge *bridge, void *zmq_context, const char *endpoint,
                struct error *error);
int bridge_start(struct bridge *bridge, uv_loop_t *loop);
/* Closes the socket; once it was started, on the loop's next turns. `stopped` (may be NULL) is then
 * called with `data`, and may free the bridge. */
void bridge_stop(struct bridge *bridge, void (*stopped)(void *data));

/* From now on exactly these prefixes, of which some may be the same or cover others. */
void bridge_subscribe(struct bridge *bridge, const char *const *prefixes, size_t n);
