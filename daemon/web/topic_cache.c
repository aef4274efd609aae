#include "daemon/web/topic_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_EVENTS 256
#define MAX_PARTS 30

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static enum topic_kind kind_of(const char *name)
{
    if (begins_with(name, "map/"))
        return TOPIC_MAP;
    if (begins_with(name, "bragg/rows/"))
        return TOPIC_ROW_LISTS;
    if (begins_with(name, "event/") || begins_with(name, "acquisition/"))
        return TOPIC_EVENTS;
    return TOPIC_STATE;
}

/* ---- topics ---- */

struct topic *topic_cache_find(const struct topic_cache *cache, const char *name)
{
    for (struct topic *topic = cache->first; topic; topic = topic->next) {
        if (strcmp(topic->name, name) == 0)
            return topic;
    }
    return NULL;
}

static struct topic *find_or_add(struct topic_cache *cache, const char *name)
{
    struct topic *topic = topic_cache_find(cache, name);
    if (topic)
        return topic;
    const size_t size = strlen(name) + 1;
    topic = calloc(1, sizeof *topic + size);
    if (!topic)
        return NULL;
    memcpy(topic->name, name, size);
    topic->kind = kind_of(name);
    topic->next = cache->first;
    cache->first = topic;
    return topic;
}

static void drop_entries(struct topic *topic, size_t n)
{
    for (size_t i = 0; i < n; i++)
        message_unref(topic->entries[i].message);
    topic->n_entries -= n;
    if (topic->n_entries > 0)
        memmove(topic->entries, topic->entries + n, topic->n_entries * sizeof *topic->entries);
}

static void destroy(struct topic *topic)
{
    drop_entries(topic, topic->n_entries);
    free(topic->entries);
    json_decref(topic->view);
    topic_map_finish(&topic->map);
    free(topic);
}

void topic_cache_keep(struct topic_cache *cache, bool (*wanted)(void *data, const char *name),
                      void *data)
{
    for (struct topic **at = &cache->first; *at;) {
        struct topic *const topic = *at;
        if (wanted(data, topic->name)) {
            at = &topic->next;
        } else {
            *at = topic->next;
            destroy(topic);
        }
    }
}

void topic_cache_finish(struct topic_cache *cache)
{
    while (cache->first) {
        struct topic *const topic = cache->first;
        cache->first = topic->next;
        destroy(topic);
    }
}

/* ---- entries ---- */

/* Rows told again replace what was told of them, and another view of the run everything. */
static void drop_covered(struct topic *topic, const json_t *header, uint64_t first, uint64_t end)
{
    json_t *const view =
        json_pack("[O?, O?]", json_object_get(header, "scan"), json_object_get(header, "geometry"));
    if (!json_equal(view, topic->view))
        drop_entries(topic, topic->n_entries);
    json_decref(topic->view);
    topic->view = view;
    size_t kept = 0;
    for (size_t i = 0; i < topic->n_entries; i++) {
        struct topic_entry *const entry = &topic->entries[i];
        if (entry->first >= first && entry->end <= end)
            message_unref(entry->message);
        else
            topic->entries[kept++] = *entry;
    }
    topic->n_entries = kept;
}

static void make_way(struct topic *topic, const json_t *header, const struct topic_entry *entry)
{
    if (topic->kind == TOPIC_STATE)
        drop_entries(topic, topic->n_entries);
    else if (topic->kind == TOPIC_ROW_LISTS)
        drop_covered(topic, header, entry->first, entry->end);
    else if (topic->n_entries >= MAX_EVENTS)
        drop_entries(topic, topic->n_entries - MAX_EVENTS + 1);
}

static int append(struct topic *topic, const struct topic_entry *entry)
{
    if (topic->n_entries == topic->room) {
        const size_t room = topic->room ? 2 * topic->room : 4;
        struct topic_entry *const more = realloc(topic->entries, room * sizeof *more);
        if (!more)
            return -ENOMEM;
        topic->entries = more;
        topic->room = room;
    }
    topic->entries[topic->n_entries++] = *entry;
    return 0;
}

static struct message *whole_message(const struct topic *topic, const struct message_part *header,
                                     const struct message_part *parts, unsigned n_parts)
{
    struct message_part all[2 + MAX_PARTS] = {{topic->name, strlen(topic->name)}, *header};
    for (unsigned i = 0; i < n_parts; i++)
        all[2 + i] = parts[i];
    return message_binary(all, 2 + n_parts);
}

static int take_entry(struct topic *topic, const json_t *json, const struct message_part *header,
                      const struct message_part *parts, unsigned n_parts)
{
    const json_t *const rows = json_object_get(json, "rows");
    struct topic_entry entry = {.version = topic->version + 1,
                                .message = whole_message(topic, header, parts, n_parts)};
    entry.first = (uint64_t)json_integer_value(json_array_get(rows, 0));
    entry.end = entry.first + (uint64_t)json_integer_value(json_array_get(rows, 1));
    if (!entry.message)
        return -ENOMEM;
    make_way(topic, json, &entry);
    if (append(topic, &entry) < 0) {
        message_unref(entry.message);
        return -ENOMEM;
    }
    topic->version = entry.version;
    return 0;
}

static int take_map(struct topic *topic, json_t *json, const struct message_part *parts,
                    unsigned n_parts)
{
    const int r = n_parts == 2 ? topic_map_take(&topic->map, json, parts) : -EINVAL;
    topic->version = topic->map.version;
    return r;
}

int topic_cache_take(struct topic_cache *cache, const char *name, const struct message_part *header,
                     const struct message_part *parts, unsigned n_parts, struct topic **taken)
{
    json_t *const json = json_loadb(header->bytes, header->size, 0, NULL);
    if (!json_is_object(json) || n_parts > MAX_PARTS) {
        json_decref(json);
        return -EINVAL;
    }
    struct topic *const topic = find_or_add(cache, name);
    int r = -ENOMEM;
    if (topic && topic->kind == TOPIC_MAP)
        r = take_map(topic, json, parts, n_parts);
    else if (topic)
        r = take_entry(topic, json, header, parts, n_parts);
    json_decref(json);
    *taken = topic;
    return r;
}

/* ---- viewers ---- */

uint64_t topic_seen_by_newcomer(const struct topic *topic)
{
    if (topic->kind != TOPIC_EVENTS || topic->version == 0)
        return 0;
    return begins_with(topic->name, "acquisition/") ? topic->version - 1 : topic->version;
}

struct message *topic_next(struct topic *topic, uint64_t *seen)
{
    if (*seen >= topic->version)
        return NULL;
    if (topic->kind == TOPIC_MAP) {
        struct message *const message = topic_map_since(&topic->map, topic->name, *seen);
        if (message)
            *seen = topic->version;
        return message;
    }
    for (size_t i = 0; i < topic->n_entries; i++) {
        const struct topic_entry *const entry = &topic->entries[i];
        if (entry->version > *seen) {
            *seen = entry->version;
            return message_ref(entry->message);
        }
    }
    return NULL;
}
