#pragma once

#include <libwebsockets.h>
#include <pthread.h>
#include <uv.h>

#include "daemon/web/listener.h"
#include "daemon/web/refusals.h"
#include "daemon/web/source.h"
#include "daemon/web/web.h"

/* What is given to the socket at a time: nobody has to be kept more than this for. */
#define WEB_CHUNK ((size_t)1 << 16)
#define WEB_TOKEN_SIZE 129

struct web_counts {
    uint64_t viewers, connections; /* now */
    uint64_t viewers_ever;
    uint64_t messages, bytes; /* sent to viewers */
    uint64_t requests;        /* of viewers, passed on */
    uint64_t http;            /* answered */
};

/*
 * Made by the service thread, then owned by the web thread until it has ended: only `stop` may be
 * sent from outside, by web_destroy, which then joins the thread. `settings`, `service`, `token`
 * and `url` do not change after the start.
 */
struct web {
    const struct config *config;
    struct web_service service;
    char token[WEB_TOKEN_SIZE];
    char token_file[1024]; /* "": there is none */
    char url[340];
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t stop;
    uv_timer_t tick; /* pings, and who is silent */
    uv_timer_t pace; /* when the next viewer's rate allows more */
    uint64_t pace_ns;
    struct listener listener;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct web_source live;
    struct web_source *old_runs; /* that somebody looks at */
    struct viewer *viewers;
    uint64_t next_viewer;
    json_t *status; /* the newest, NULL before the first */
    uint64_t status_ns;
    struct refusals refusals;
    struct web_counts counts;
    bool stopping;                        /* connections end that have done nothing wrong */
    uint8_t scratch[LWS_PRE + WEB_CHUNK]; /* lws_write writes before what it is given */
};

/* server.c: the library's context, its callbacks lead to http.c and viewer.c. */
int web_server_create(struct web *web, struct error *error);
void web_server_adopt(void *data, int fd);

/* Calls back viewers at that time, for what their rate does not allow before. */
void web_wake_at(struct web *web, uint64_t ns);
