#pragma once

#include <jansson.h>
#include <stdint.h>

#include "daemon/web/message.h"

/*
 * The newest state of one map, put together from the rows that were published, and for every row
 * the version that changed it: so a viewer gets what it lacks in one message, however much it has
 * missed. Belongs to the web thread.
 */
struct topic_map {
    json_t *header; /* of the newest message */
    json_t *kind;   /* what of it does not change from message to message */
    uint64_t n_rows, nx;
    size_t item_size;
    uint8_t *values, *measured; /* [n_rows, nx] */
    uint64_t *versions;         /* [n_rows]: the last change of each */
    uint64_t whole_version;     /* whoever has less than this needs all rows */
    uint64_t version;           /* 0: nothing came yet */
    /* The last message that was made, for the next viewer who lacks the same. */
    struct message *made;
    uint64_t made_from, made_to;
};

/*
 * Takes in a map/ message: its header (borrowed) and its raw parts `data` and `measured`. Rows of
 * another run, view, shape or type than before begin a new map, in which nothing else is measured.
 * Returns 0, -EINVAL when header and parts do not fit, or -ENOMEM.
 */
int topic_map_take(struct topic_map *map, json_t *header, const struct message_part parts[2]);

/*
 * What a viewer lacks who has seen version `seen`: all rows (`key`: true), or those from the first
 * to the last that changed since. A new reference; NULL: nothing, or no memory.
 */
struct message *topic_map_since(struct topic_map *map, const char *topic, uint64_t seen);

void topic_map_finish(struct topic_map *map);
