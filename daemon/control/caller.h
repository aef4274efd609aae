#pragma once

#include <stdbool.h>
#include <zmq.h>

#include "common/client_role.h"

/*
 * Who asks, as far as the connection tells. Without CURVE nobody is known, and whoever can connect
 * may do everything; with it the client's key has a name and a role (security.clients).
 */
#define CALLER_NAME_SIZE 64

struct caller {
    enum client_role role;
    bool local;                  /* on this computer: loopback, ipc or inproc */
    char name[CALLER_NAME_SIZE]; /* for a person: of the key, else the address */
};

/* Of the connection that a message came through: its identity, and a frame behind that, since the
 * identity has no properties when the socket was asked for its events before. */
void caller_read(struct caller *caller, zmq_msg_t *identity, zmq_msg_t *message);
