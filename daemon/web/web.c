#include "daemon/web/web.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/web/token.h"
#include "daemon/web/viewer.h"
#include "daemon/web/web_internal.h"

#define TICK_MS 500

/* ---- time ---- */

static void on_tick(uv_timer_t *timer)
{
    struct web *const web = timer->data;
    const uint64_t now = clock_monotonic_ns();
    for (struct viewer *viewer = web->viewers, *next; viewer; viewer = next) {
        next = viewer->next;
        viewer_tick(viewer, now);
    }
    web_sources_check(web);
}

static void on_pace(uv_timer_t *timer)
{
    struct web *const web = timer->data;
    web->pace_ns = 0;
    for (struct viewer *viewer = web->viewers; viewer; viewer = viewer->next) {
        if (viewer->pacing)
            lws_callback_on_writable(viewer->wsi);
    }
}

void web_wake_at(struct web *web, uint64_t ns)
{
    if (web->pace_ns && web->pace_ns <= ns)
        return;
    const uint64_t now = clock_monotonic_ns();
    const uint64_t wait_ms = ns > now ? (ns - now + 999999) / 1000000 : 0;
    web->pace_ns = ns;
    uv_update_time(&web->loop);
    uv_timer_start(&web->pace, on_pace, wait_ms, 0);
}

/* ---- the thread ---- */

/* Lets the loop run empty. */
static void close_all(struct web *web)
{
    web->stopping = true;
    listener_stop(&web->listener);
    uv_close((uv_handle_t *)&web->tick, NULL);
    uv_close((uv_handle_t *)&web->pace, NULL);
    uv_close((uv_handle_t *)&web->stop, NULL);
    if (web->context)
        lws_context_destroy(web->context);
    web_source_close_live(web);
}

static void on_stop(uv_async_t *async)
{
    close_all(async->data);
}

/* The library frees its context when it is destroyed once more, after a loop that is not its own
 * has let go of all handles. */
static void run_to_the_end(struct web *web)
{
    uv_run(&web->loop, UV_RUN_DEFAULT);
    if (web->context)
        lws_context_destroy(web->context);
    uv_run(&web->loop, UV_RUN_DEFAULT);
    web->context = NULL;
}

static void *thread_main(void *data)
{
    struct web *const web = data;
    pthread_setname_np(pthread_self(), "web");
    run_to_the_end(web);
    return NULL;
}

/* ---- start and end ---- */

static void make_url(struct web *web)
{
    snprintf(web->url, sizeof web->url, "%s://%s/",
             *web->config->web.tls_certificate ? "https" : "http", web->listener.address);
}

static int check_reach(const struct web *web, struct error *error)
{
    const struct web_settings *const settings = &web->config->web;
    if (web->listener.is_loopback || *settings->tls_certificate)
        return 0;
    if (!settings->allow_insecure)
        return error_set(error, -EPERM,
                         "web.listen %s can be reached from other computers, and nothing would be "
                         "encrypted: set web.tls_certificate and web.tls_key, or "
                         "web.allow_insecure: true",
                         settings->listen);
    log_warning("web", "the page can be reached from other computers and is not encrypted, the "
                       "token neither (web.allow_insecure)");
    return 0;
}

static int make_loop(struct web *web, struct error *error)
{
    int r = uv_loop_init(&web->loop);
    if (r < 0)
        return error_set(error, r, "cannot make an event loop: %s", uv_strerror(r));
    r = uv_async_init(&web->loop, &web->stop, on_stop);
    if (r < 0) {
        uv_loop_close(&web->loop);
        return error_set(error, r, "cannot make an event loop: %s", uv_strerror(r));
    }
    uv_timer_init(&web->loop, &web->tick);
    uv_timer_init(&web->loop, &web->pace);
    web->stop.data = web->tick.data = web->pace.data = web;
    return 0;
}

static int start(struct web *web, struct error *error)
{
    uv_timer_start(&web->tick, on_tick, TICK_MS, TICK_MS);
    int r = web_source_start_live(web);
    if (r == 0)
        r = listener_start(&web->listener, &web->loop, web_server_adopt, web);
    if (r == 0)
        r = -pthread_create(&web->thread, NULL, thread_main, web);
    return r < 0 ? error_set(error, r, "cannot start the page's server: %s", strerror(-r)) : 0;
}

static void say_where(const struct web *web)
{
    if (*web->config->web.token)
        log_notice("web", "page: %s (with #token= and web.token behind it, to operate)", web->url);
    else
        log_notice("web", "page: %s#token=%s", web->url, web->token);
}

static void free_web(struct web *web)
{
    topic_cache_finish(&web->live.cache);
    json_decref(web->status);
    listener_finish(&web->listener);
    token_remove(web->token_file);
    free(web);
}

int web_create(struct web **out, const struct config *config, void *zmq_context,
               const struct web_service *service, struct error *error)
{
    struct web *const web = calloc(1, sizeof *web);
    if (!web)
        return error_set(error, -ENOMEM, "no memory");
    web->config = config;
    web->service = *service;
    web->listener.fd = -1;
    int r = make_loop(web, error);
    if (r < 0) {
        free(web);
        return r;
    }
    r = token_make(web->token, sizeof web->token, web->token_file, sizeof web->token_file, config,
                   error);
    if (r == 0)
        r = listener_open(&web->listener, config->web.listen, error);
    if (r == 0)
        r = check_reach(web, error);
    if (r == 0)
        r = web_source_open_live(web, zmq_context, error);
    if (r == 0)
        r = web_server_create(web, error);
    if (r == 0) {
        make_url(web);
        web_source_watches_changed(&web->live);
        r = start(web, error);
    }
    if (r < 0) {
        close_all(web);
        run_to_the_end(web);
        uv_loop_close(&web->loop);
        free_web(web);
        return r;
    }
    say_where(web);
    *out = web;
    return 0;
}

void web_destroy(struct web *web)
{
    if (!web)
        return;
    uv_async_send(&web->stop);
    pthread_join(web->thread, NULL);
    if (uv_loop_close(&web->loop) < 0)
        log_error("web", "handles were left open at the end");
    free_web(web);
}

const char *web_url(const struct web *web)
{
    return web->url;
}
