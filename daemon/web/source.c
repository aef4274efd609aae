#include "daemon/web/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/web/viewer.h"
#include "daemon/web/web_internal.h"

/* Common to all viewers, and kept while there are none: the status is what metrics tell. */
static const char *const own_topics[] = {"status/", "acquisition/", "event/"};
enum { N_OWN_TOPICS = sizeof own_topics / sizeof own_topics[0] };

static bool is_live(const struct web_source *source)
{
    return source == &source->web->live;
}

/* ---- topics ---- */

static bool is_wanted(void *data, const char *topic)
{
    const struct web_source *const source = data;
    if (viewer_topic_is_common(topic))
        return true;
    for (const struct viewer *viewer = source->web->viewers; viewer; viewer = viewer->next) {
        if (viewer->source == source && viewer_watches(viewer, topic))
            return true;
    }
    return false;
}

static size_t collect_prefixes(const struct web_source *source, const char **prefixes)
{
    size_t n = 0;
    for (; n < N_OWN_TOPICS; n++)
        prefixes[n] = own_topics[n];
    for (const struct viewer *viewer = source->web->viewers; viewer; viewer = viewer->next) {
        for (size_t i = 0; viewer->source == source && i < viewer->n_topics; i++)
            prefixes[n++] = viewer->topics[i];
    }
    return n;
}

void web_source_watches_changed(struct web_source *source)
{
    struct web *const web = source->web;
    const size_t room = N_OWN_TOPICS + (size_t)web->counts.viewers * VIEWER_MAX_TOPICS;
    const char **const prefixes = calloc(room, sizeof *prefixes);
    for (struct viewer *viewer = web->viewers; viewer; viewer = viewer->next) {
        if (viewer->source == source)
            viewer_look_at_cache(viewer);
    }
    topic_cache_keep(&source->cache, is_wanted, source);
    if (prefixes)
        bridge_subscribe(&source->bridge, prefixes, collect_prefixes(source, prefixes));
    else
        log_error("web", "no memory for what viewers watch");
    free(prefixes);
}

static void keep_status(struct web *web, const struct message_part *header)
{
    json_t *const json = json_loadb(header->bytes, header->size, 0, NULL);
    json_t *const status = json_object_get(json, "status");
    if (status) {
        json_decref(web->status);
        web->status = json_incref(status);
        web->status_ns = clock_monotonic_ns();
    }
    json_decref(json);
}

static void on_published(void *data, const char *name, const struct message_part *header,
                         const struct message_part *parts, unsigned n_parts)
{
    struct web_source *const source = data;
    struct topic *topic = NULL;
    /* The last ones of a prefix that nobody watches any more. */
    if (!is_wanted(source, name))
        return;
    if (is_live(source) && strcmp(name, "status/") == 0)
        keep_status(source->web, header);
    const int r = topic_cache_take(&source->cache, name, header, parts, n_parts, &topic);
    if (r < 0)
        log_error("web", "a message of %s could not be kept: %s", name, strerror(-r));
    for (struct viewer *viewer = source->web->viewers; r == 0 && viewer; viewer = viewer->next) {
        if (viewer->source == source)
            viewer_notice(viewer, topic);
    }
}

/* ---- merlind itself ---- */

static int open_source(struct web_source *source, void *zmq_context, const char *results,
                       const char *control, struct error *error)
{
    snprintf(source->control_endpoint, sizeof source->control_endpoint, "%s", control);
    source->bridge.published = on_published;
    source->bridge.data = source;
    return bridge_open(&source->bridge, zmq_context, results, error);
}

int web_source_open_live(struct web *web, void *zmq_context, struct error *error)
{
    web->live.web = web;
    return open_source(&web->live, zmq_context, web->service.results_endpoint,
                       web->service.control_endpoint, error);
}

int web_source_start_live(struct web *web)
{
    return bridge_start(&web->live.bridge, &web->loop);
}

void web_source_close_live(struct web *web)
{
    bridge_stop(&web->live.bridge, NULL);
}

/* ---- old runs ---- */

static struct web_source *find(const struct web *web, const char *file)
{
    struct web_source *source = web->old_runs;
    while (source && strcmp(source->file, file) != 0)
        source = source->next;
    return source;
}

static void on_stopped(void *data)
{
    struct web_source *const source = data;
    topic_cache_finish(&source->cache);
    free(source);
}

static void let_go(struct web_source *source)
{
    struct web_source **at = &source->web->old_runs;
    while (*at != source)
        at = &(*at)->next;
    *at = source->next;
    bridge_stop(&source->bridge, on_stopped);
}

static struct web_source *make(struct web *web, const char *file, const char *results,
                               const char *control)
{
    struct error error = {.code = -ENOMEM, .text = "no memory"};
    struct web_source *const source = calloc(1, sizeof *source);
    if (!source)
        return NULL;
    source->web = web;
    snprintf(source->file, sizeof source->file, "%s", file);
    if (open_source(source, web->live.bridge.context, results, control, &error) < 0 ||
        bridge_start(&source->bridge, &web->loop) < 0) {
        log_error("web", "the old run %s cannot be shown: %s", file, error.text);
        bridge_stop(&source->bridge, on_stopped);
        return NULL;
    }
    source->next = web->old_runs;
    web->old_runs = source;
    web_source_watches_changed(source);
    return source;
}

struct web_source *web_source_of_run(struct web *web, const char *file)
{
    char control[128], results[128];
    struct web_source *const source = find(web, file);
    if (!web->service.find_old_run(web->service.data, file, control, results, sizeof control))
        return NULL;
    if (!source)
        return make(web, file, results, control);
    /* One that was opened anew, while the old viewers are not gone yet. */
    return strcmp(source->control_endpoint, control) == 0 ? source : NULL;
}

void web_source_take(struct web_source *source)
{
    source->n_viewers++;
    if (!is_live(source))
        source->web->service.look_at_old_run(source->web->service.data, source->file, 1);
}

void web_source_release(struct web_source *source)
{
    source->n_viewers--;
    if (is_live(source))
        return;
    source->web->service.look_at_old_run(source->web->service.data, source->file, -1);
    if (source->n_viewers == 0)
        let_go(source);
}

void web_sources_check(struct web *web)
{
    char control[128], results[128];
    for (struct web_source *source = web->old_runs; source; source = source->next) {
        const bool open = web->service.find_old_run(web->service.data, source->file, control,
                                                    results, sizeof control) &&
                          strcmp(control, source->control_endpoint) == 0;
        for (struct viewer *viewer = open ? NULL : web->viewers; viewer; viewer = viewer->next) {
            if (viewer->source == source)
                viewer_say_gone(viewer, "this old run is not open any more");
        }
    }
}
