#pragma once

#include <jansson.h>
#include <uv.h>

#include "common/error.h"
#include "daemon/acquisition/acquisition.h"
#include "daemon/jobs.h"

/*
 * The control socket: a ROUTER that any number of clients may ask, REQ or DEALER. Every request
 * gets exactly one reply, at once or when the detector has answered. Belongs to the service thread.
 * The protocol is in schemas/protocol.md.
 */
struct control;

struct control_service {
    void *data;
    struct acquisition *acquisition;
    struct jobs *jobs;
    struct live_icom *icom;
    /* The whole status, new reference. */
    json_t *(*status)(void *data);
    /* Somebody asked to shut the daemon down. */
    void (*shut_down)(void *data);
};

/* Binds to `endpoint` (a port of 0 or * means any free one). -EADDRINUSE with a sentence when it is
 * taken. */
int control_create(struct control **control, uv_loop_t *loop, void *zmq_context,
                   const char *endpoint, const struct control_service *service,
                   struct error *error);
void control_destroy(struct control *control);

/* Where clients inside this process connect, in the same ZeroMQ context. */
#define CONTROL_INPROC "inproc://merlind-control"

/* Whether a request with these args (an object, or NULL) changes the state of the daemon, of the
 * detector or of what is kept. What is no command changes nothing. Usable from every thread. */
bool control_command_changes_state(const char *name, const json_t *args);

/* The endpoint as bound. */
const char *control_endpoint(const struct control *control);

/* Requests answered so far, {command: {result: number}}; result is "ok" or the code of the error.
 * New reference. */
json_t *control_counts(const struct control *control);
