#pragma once

#include <stdbool.h>
#include <uv.h>

#include "common/error.h"

struct config;

/*
 * Who may connect from other computers: CURVE keys. merlind has a secret key (security.server_key)
 * and a list of the public keys of its clients with a name and a role each (security.clients).
 * ZeroMQ asks this ring at every handshake (ZAP, RFC 27) and is told yes or no; a yes carries
 * ROLE/NAME as the user id of all that comes through that connection. Connections within the
 * process (inproc) have no handshake. Belongs to the service thread.
 *
 * The list is read at every handshake, so that a key that is added or removed counts from the next
 * connection on; connections that are there stay.
 */
struct key_ring;

/* *ring is NULL where no key is configured: then nobody is asked. To be made before the sockets
 * that it protects are bound. A negative errno with a sentence: a file is none. */
int key_ring_create(struct key_ring **ring, uv_loop_t *loop, void *zmq_context,
                    const struct config *config, struct error *error);
/* NULL does nothing. */
void key_ring_destroy(struct key_ring *ring);

/* Before a socket is bound. NULL leaves it open to everybody. */
void key_ring_protect(const struct key_ring *ring, void *socket);
