#pragma once

#include <stdint.h>
#include <uv.h>

#include "common/error.h"

/*
 * Makes a TCP connection, and makes it again when its owner says that it broke: what both socket
 * clients have in common. Lives on one uv loop and is used from its thread only; it never blocks
 * (names are looked up in libuv's thread pool).
 *
 * A failed try is followed by the next after 0.25 s, doubling up to 2 s; a link that lasted for 1 s
 * starts from 0.25 s again, so that a server which accepts and hangs up at once is not hammered.
 */
struct connector;

struct connector_events {
    void *data;
    /* `fd` is a connected, non-blocking socket with keep-alive on, and from now on the receiver's
     * to close. */
    void (*connected)(void *data, int fd);
    /* A try failed for another reason than the one before; the next one is already on its way. */
    void (*failed)(void *data, const struct error *error);
};

/* Begins to connect at once. Strings are copied. No callback comes before the loop runs. 0 or
 * -ENOMEM. */
int connector_create(struct connector **connector, uv_loop_t *loop, const char *host, uint16_t port,
                     const struct connector_events *events);

/* No callback comes after this; handles close on the next turns of the loop. NULL does nothing. */
void connector_destroy(struct connector *connector);

/* The connection that was handed out is gone: makes a new one after the pause that is due. */
void connector_retry(struct connector *connector);

/* "host:port", for messages. */
const char *connector_peer(const struct connector *connector);
