#pragma once

#include <stdint.h>

#include "common/error.h"

/*
 * A listening, non-blocking TCP socket. `*port` 0 picks a free one; the port in use is stored
 * there. `what` ("command") is for the error sentence, which names the option that changes the
 * port. Returns the socket or a negative errno.
 */
int listener_open(const char *address, uint16_t *port, const char *what, struct error *error);

/* Takes a waiting connection: non-blocking, without delay. -EAGAIN when there is none. */
int listener_accept(int listener);

/* Turns away a connection that is one too many: its client sees a reset. */
void connection_refuse(int socket);
