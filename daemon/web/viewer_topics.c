#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/web/viewer.h"
#include "daemon/web/web_internal.h"

/* Which topics a viewer gets, and which of them next. */

static const char *const common_topics[] = {"status/", "acquisition/", "event/"};

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool viewer_topic_is_common(const char *topic)
{
    for (size_t i = 0; i < sizeof common_topics / sizeof common_topics[0]; i++) {
        if (begins_with(topic, common_topics[i]))
            return true;
    }
    return false;
}

bool viewer_watches(const struct viewer *viewer, const char *topic)
{
    if (!viewer->greeted)
        return false;
    if (viewer_topic_is_common(topic))
        return true;
    for (size_t i = 0; i < viewer->n_topics; i++) {
        if (begins_with(topic, viewer->topics[i]))
            return true;
    }
    return false;
}

static struct viewer_seen *find_seen(const struct viewer *viewer, const struct topic *topic)
{
    for (size_t i = 0; i < viewer->n_seen; i++) {
        if (viewer->seen[i].topic == topic)
            return &viewer->seen[i];
    }
    return NULL;
}

static void add_seen(struct viewer *viewer, struct topic *topic, uint64_t version)
{
    if (find_seen(viewer, topic))
        return;
    if (viewer->n_seen == viewer->seen_room) {
        const size_t room = viewer->seen_room ? 2 * viewer->seen_room : 16;
        struct viewer_seen *const more = realloc(viewer->seen, room * sizeof *more);
        if (!more) {
            log_error("web", "no memory to send %s to viewer %s", topic->name, viewer->name);
            return;
        }
        viewer->seen = more;
        viewer->seen_room = room;
    }
    viewer->seen[viewer->n_seen++] = (struct viewer_seen){.topic = topic, .version = version};
}

/* Of what it no longer watches nothing is remembered; of what is there already it gets what a
 * newcomer needs. */
void viewer_look_at_cache(struct viewer *viewer)
{
    size_t kept = 0;
    for (size_t i = 0; i < viewer->n_seen; i++) {
        if (viewer_watches(viewer, viewer->seen[i].topic->name))
            viewer->seen[kept++] = viewer->seen[i];
    }
    viewer->n_seen = kept;
    for (struct topic *topic = viewer->source->cache.first; topic; topic = topic->next) {
        if (viewer_watches(viewer, topic->name))
            add_seen(viewer, topic, topic_seen_by_newcomer(topic));
    }
    if (viewer->wsi)
        lws_callback_on_writable(viewer->wsi);
}

void viewer_notice(struct viewer *viewer, struct topic *topic)
{
    if (!viewer_watches(viewer, topic->name))
        return;
    add_seen(viewer, topic, 0);
    if (viewer->wsi)
        lws_callback_on_writable(viewer->wsi);
}

static uint64_t due_ns(const struct viewer *viewer, const struct viewer_seen *seen)
{
    if (seen->sent_ns == 0 || viewer_topic_is_common(seen->topic->name))
        return 0;
    return seen->sent_ns + viewer->interval_ns;
}

/* What happened comes before what it has led to; then who has waited longest. */
static bool is_before(const struct viewer_seen *a, const struct viewer_seen *b)
{
    const bool a_event = a->topic->kind == TOPIC_EVENTS, b_event = b->topic->kind == TOPIC_EVENTS;
    return a_event != b_event ? a_event : a->sent_ns < b->sent_ns;
}

static struct viewer_seen *choose(struct viewer *viewer, uint64_t now)
{
    struct viewer_seen *best = NULL;
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < viewer->n_seen; i++) {
        struct viewer_seen *const seen = &viewer->seen[i];
        if (seen->version >= seen->topic->version)
            continue;
        const uint64_t due = due_ns(viewer, seen);
        if (due > now)
            next = due < next ? due : next;
        else if (!best || is_before(seen, best))
            best = seen;
    }
    if (!best && next != UINT64_MAX)
        web_wake_at(viewer->web, next);
    viewer->pacing = !best && next != UINT64_MAX;
    return best;
}

struct message *viewer_next_of_topics(struct viewer *viewer, uint64_t now)
{
    struct viewer_seen *const seen = choose(viewer, now);
    if (!seen)
        return NULL;
    struct message *const message = topic_next(seen->topic, &seen->version);
    seen->sent_ns = now;
    return message;
}

void viewer_drop_topics(struct viewer *viewer)
{
    for (size_t i = 0; i < viewer->n_topics; i++)
        free(viewer->topics[i]);
    viewer->n_topics = 0;
}
