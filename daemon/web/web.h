#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "common/error.h"
#include "daemon/config/config.h"

/*
 * The operator's page: an HTTP and WebSocket server on a thread and a loop of its own. To the rest
 * of merlind it is one more client, by ZeroMQ inside the process: it subscribes to results and
 * sends requests as any script does, so that nothing it does can hold up a frame. What goes over
 * the wire is in schemas/page.md.
 */
struct web;

struct web_service {
    const char *results_endpoint, *control_endpoint; /* inproc */
    /* Whether a request needs the token. Called on the web thread. */
    bool (*changes_state)(const char *command, const json_t *args);
    /* Of old runs that are open: where the process that shows one is talked to (texts of `size`
     * bytes; false: it is not open), and that somebody begins (1) or ends (-1) to look at it.
     * Called on the web thread, with `data`. */
    void *data;
    bool (*find_old_run)(void *data, const char *file, char *control, char *results, size_t size);
    void (*look_at_old_run)(void *data, const char *file, int change);
};

/* Listens and starts the thread. -EADDRINUSE with a sentence when the port is taken. `config` must
 * outlive it. */
int web_create(struct web **web, const struct config *config, void *zmq_context,
               const struct web_service *service, struct error *error);

/* Closes all connections and ends the thread. Waits for it. NULL does nothing. */
void web_destroy(struct web *web);

/* "http://127.0.0.1:6380/", as bound. */
const char *web_url(const struct web *web);
