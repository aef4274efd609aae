#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/web/message.h"
#include "daemon/web/topic_map.h"

/*
 * The newest of every topic that somebody watches, so that a viewer can be late, slow or both and
 * still get what is in force. Belongs to the web thread.
 *
 * What a slow viewer may miss depends on the topic: of a state (status/, pattern/ ...) all but the
 * newest; of a map nothing, its rows are merged; of lists by rows (bragg/rows/) those whose rows
 * were told again; of what happened (event/, acquisition/) nothing, up to the last 256.
 */
enum topic_kind { TOPIC_STATE, TOPIC_MAP, TOPIC_ROW_LISTS, TOPIC_EVENTS };

struct topic_entry {
    uint64_t version;
    uint64_t first, end; /* rows */
    struct message *message;
};

struct topic {
    struct topic *next;
    enum topic_kind kind;
    uint64_t version;
    struct topic_map map;        /* TOPIC_MAP */
    struct topic_entry *entries; /* the others; in the order of their versions */
    size_t n_entries, room;
    json_t *view; /* TOPIC_ROW_LISTS: [scan, geometry] of the entries */
    char name[];
};

struct topic_cache {
    struct topic *first;
};

/*
 * Takes in a published message: topic, JSON header and `n_parts` raw parts. 0 with the topic, or
 * -EINVAL (no such message can have been published) or -ENOMEM.
 */
int topic_cache_take(struct topic_cache *cache, const char *name, const struct message_part *header,
                     const struct message_part *parts, unsigned n_parts, struct topic **topic);

struct topic *topic_cache_find(const struct topic_cache *cache, const char *name);

/* Forgets the topics that nobody wants. */
void topic_cache_keep(struct topic_cache *cache, bool (*wanted)(void *data, const char *name),
                      void *data);

void topic_cache_finish(struct topic_cache *cache);

/* What a viewer who comes now has no need of: all events but the last of acquisition/. */
uint64_t topic_seen_by_newcomer(const struct topic *topic);

/*
 * The next message for a viewer who has seen version `*seen`, which it raises. A new reference;
 * NULL: it has all, or there is no memory.
 */
struct message *topic_next(struct topic *topic, uint64_t *seen);
