#pragma once

#include <stdbool.h>

#include "daemon/web/bridge.h"
#include "daemon/web/topic_cache.h"

struct web;
struct viewer;

/*
 * What a viewer looks at: merlind itself, or a process of it that shows an old run. Each has its
 * subscriber, and its newest of every topic that somebody watches. Belongs to the web thread; those
 * of old runs live as long as somebody looks at them.
 */
struct web_source {
    struct web_source *next;
    struct web *web;
    char file[1024]; /* of the old run; "": merlind itself */
    char control_endpoint[128];
    struct bridge bridge;
    struct topic_cache cache;
    unsigned n_viewers;
};

/* merlind itself: before the thread starts, and its end. */
int web_source_open_live(struct web *web, void *zmq_context, struct error *error);
int web_source_start_live(struct web *web);
void web_source_close_live(struct web *web);

/* That of an old run; NULL: it is not open. */
struct web_source *web_source_of_run(struct web *web, const char *file);

/* A viewer looks at it from now on, or not any more. */
void web_source_take(struct web_source *source);
void web_source_release(struct web_source *source);

/* Somebody watches something else. */
void web_source_watches_changed(struct web_source *source);

/* Sends away who looks at old runs that are not open any more. Every second or so. */
void web_sources_check(struct web *web);
