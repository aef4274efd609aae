#pragma once

#include <stdbool.h>
#include <zmq.h>

/*
 * Who asks, as far as the connection tells. Without CURVE nobody is known, and whoever can connect
 * may do everything; with it the client's key has a name and a role (security.clients).
 */
enum client_role {
    ROLE_VIEWER,   /* reads */
    ROLE_OPERATOR, /* runs scans, changes settings */
    ROLE_EXPERT    /* may also send to the detector what can harm it */
};

#define CALLER_NAME_SIZE 64

struct caller {
    enum client_role role;
    bool local;                  /* on this computer: loopback, ipc or inproc */
    char name[CALLER_NAME_SIZE]; /* for a person: of the key, else the address */
};

/* Of the connection that a message came through. */
void caller_read(struct caller *caller, zmq_msg_t *message);

/* "viewer", "operator", "expert"; false when the name is none of these. */
const char *client_role_name(enum client_role role);
bool client_role_from_name(const char *name, enum client_role *role);
