#pragma once

#include <jansson.h>
#include <uv.h>

#include "common/error.h"
#include "daemon/acquisition/acquisition.h"
#include "daemon/config/config.h"
#include "daemon/jobs.h"

/*
 * The control socket: a ROUTER that any number of clients may ask, REQ or DEALER. Every request
 * gets exactly one reply, at once or when the detector has answered. Belongs to the service thread.
 * The protocol is in schemas/protocol.md.
 */
struct control;
struct lease;
struct scan_series;
struct operations;
struct key_ring;

/* Finished recordings (daemon/opened). */
struct control_runs {
    void *data;
    /* `answer` gets {total, offset, runs, parts}, taken over, and the raw part that belongs to it,
     * borrowed; or NULL and why. At once or later. */
    void (*list)(void *data, uint64_t offset, uint64_t limit,
                 void (*answer)(void *data, json_t *result, const uint8_t *pictures, size_t size,
                                const struct error *error),
                 void *answer_data);
    void (*open)(void *data, const char *file, acquisition_answer_fn answer, void *answer_data);
    void (*close)(void *data, const char *file, acquisition_answer_fn answer, void *answer_data);
};

struct control_service {
    void *data;
    struct config *config; /* the daemon's own: the level of the log may be changed */
    struct acquisition *acquisition;
    bool shows_old_run; /* there is no detector, and nothing that is kept may be changed */
    struct jobs *jobs;
    struct live_icom *icom;
    const struct control_runs *runs;
    struct lease *lease; /* the control socket's own, as the next: it fills them in */
    struct scan_series *series;
    struct operations *operations;
    /* The whole status, new reference. */
    json_t *(*status)(void *data);
    /* To be published under event/; takes `body` over. */
    void (*event)(void *data, const char *event, json_t *body);
    /* Something that the status tells has changed. */
    void (*status_changed)(void *data);
    /* Somebody asked to shut the daemon down. */
    void (*shut_down)(void *data);
};

/* Binds to control.endpoint (a port of 0 or * means any free one). -EADDRINUSE with a sentence when
 * it is taken. `ring` (NULL: none) asks clients for their keys. */
int control_create(struct control **control, uv_loop_t *loop, void *zmq_context,
                   const struct config *config, const struct key_ring *ring,
                   const struct control_service *service, struct error *error);
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

/* The acquisition's state has changed. */
void control_state_changed(struct control *control);

/* Who holds the lease, as status tells it: an object, or null. */
json_t *control_lease(const struct control *control);
