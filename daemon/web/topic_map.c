#include "daemon/web/topic_map.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A message as its header describes it. */
struct rows {
    uint64_t first, count, n_rows, nx;
    size_t item_size;
    const char *dtype;
};

static uint64_t number_at(const json_t *array, size_t i)
{
    return (uint64_t)json_integer_value(json_array_get(array, i));
}

static const json_t *data_part(const json_t *header)
{
    return json_array_get(json_object_get(header, "parts"), 0);
}

static bool describe(struct rows *rows, const json_t *header, const struct message_part parts[2])
{
    const json_t *const shape = json_object_get(header, "shape");
    const json_t *const span = json_object_get(header, "rows");
    const char *const dtype = json_string_value(json_object_get(data_part(header), "dtype"));
    const size_t rank = json_array_size(shape);
    if (!dtype || strlen(dtype) != 3 || rank < 2 || json_array_size(span) != 2)
        return false;
    *rows = (struct rows){.first = number_at(span, 0),
                          .count = number_at(span, 1),
                          .n_rows = 1,
                          .nx = number_at(shape, rank - 1),
                          .item_size = (size_t)(dtype[2] - '0'),
                          .dtype = dtype};
    for (size_t i = 0; i + 1 < rank; i++)
        rows->n_rows *= number_at(shape, i);
    const uint64_t values = rows->count * rows->nx;
    return rows->first <= rows->n_rows && rows->count <= rows->n_rows - rows->first &&
           parts[0].size == values * rows->item_size && parts[1].size == values;
}

/* ---- a new map ---- */

static bool same_member(const json_t *a, const json_t *b, const char *name)
{
    const json_t *const old = json_object_get(a, name), *const new = json_object_get(b, name);
    return old == new || (old && new &&json_equal(old, new));
}

/* Whether rows of both belong into one map. */
static bool same_map(const json_t *a, const json_t *b)
{
    return a && same_member(a, b, "scan") && same_member(a, b, "geometry") &&
           same_member(a, b, "shape") && same_member(data_part(a), data_part(b), "dtype");
}

/* What a published map has where nothing was measured (schemas/protocol.md). */
static void fill_unmeasured(struct topic_map *map, const char *dtype)
{
    const uint64_t n = map->n_rows * map->nx;
    memset(map->measured, 0, n);
    memset(map->values, dtype[1] == 'u' && map->item_size == 1 ? 255 : 0, n * map->item_size);
    const double nan = NAN;
    for (uint64_t i = 0; dtype[1] == 'f' && i < n; i++)
        memcpy(map->values + i * sizeof nan, &nan, sizeof nan);
}

static void drop_arrays(struct topic_map *map)
{
    free(map->values);
    free(map->measured);
    free(map->versions);
    map->values = map->measured = NULL;
    map->versions = NULL;
    map->n_rows = 0;
}

static int begin(struct topic_map *map, const struct rows *rows)
{
    const uint64_t n = rows->n_rows * rows->nx;
    drop_arrays(map);
    map->values = malloc(n * rows->item_size + 1);
    map->measured = malloc(n + 1);
    map->versions = calloc(rows->n_rows + 1, sizeof *map->versions);
    if (!map->values || !map->measured || !map->versions) {
        drop_arrays(map);
        return -ENOMEM;
    }
    map->n_rows = rows->n_rows;
    map->nx = rows->nx;
    map->item_size = rows->item_size;
    fill_unmeasured(map, rows->dtype);
    return 0;
}

/* ---- taking ---- */

/* The header without what every message has anew. */
static json_t *lasting_members(const json_t *header)
{
    static const char *const passing[] = {"seq", "t", "rows", "key", "parts"};
    json_t *const kind = json_copy((json_t *)header);
    for (size_t i = 0; kind && i < sizeof passing / sizeof passing[0]; i++)
        json_object_del(kind, passing[i]);
    return kind;
}

/*
 * Rows of a message that has them all for those who come late are news where they differ from what
 * was there; rows that were measured again are, with the same values too: a viewer sees by them
 * that the beam goes on, and how old its map is. Returns whether any are.
 */
static bool merge(struct topic_map *map, const struct rows *rows,
                  const struct message_part parts[2], bool key, uint64_t version)
{
    const size_t stride = rows->nx * rows->item_size;
    bool changed = false;
    for (uint64_t i = 0; i < rows->count; i++) {
        const uint64_t row = rows->first + i;
        const uint8_t *const values = (const uint8_t *)parts[0].bytes + i * stride;
        const uint8_t *const measured = (const uint8_t *)parts[1].bytes + i * rows->nx;
        if (key && memcmp(map->values + row * stride, values, stride) == 0 &&
            memcmp(map->measured + row * rows->nx, measured, rows->nx) == 0)
            continue;
        memcpy(map->values + row * stride, values, stride);
        memcpy(map->measured + row * rows->nx, measured, rows->nx);
        map->versions[row] = version;
        changed = true;
    }
    return changed;
}

int topic_map_take(struct topic_map *map, const json_t *header, const struct message_part parts[2])
{
    struct rows rows;
    if (!describe(&rows, header, parts))
        return -EINVAL;
    json_t *const kind = lasting_members(header);
    if (!kind)
        return -ENOMEM;
    const bool other = !same_map(map->header, header);
    if (other && begin(map, &rows) < 0) {
        json_decref(kind);
        topic_map_finish(map);
        return -ENOMEM;
    }
    const uint64_t version = map->version + 1;
    const bool whole = other || !json_equal(kind, map->kind);
    const bool key = json_is_true(json_object_get(header, "key"));
    if (merge(map, &rows, parts, key, version) || whole)
        map->version = version;
    if (whole)
        map->whole_version = version;
    json_decref(map->kind);
    map->kind = kind;
    json_decref(map->header);
    map->header = json_incref((json_t *)header);
    return 0;
}

/* ---- sending ---- */

static json_t *describe_part(const json_t *part, const struct topic_map *map, uint64_t count,
                             size_t item_size)
{
    const uint64_t nbytes = count * map->nx * item_size;
    json_t *const described = json_copy((json_t *)part);
    if (described) {
        json_object_set_new(described, "shape",
                            json_pack("[I, I]", (json_int_t)count, (json_int_t)map->nx));
        json_object_set_new(described, "nbytes", json_integer((json_int_t)nbytes));
    }
    return described;
}

static char *header_text(const struct topic_map *map, uint64_t first, uint64_t count)
{
    const json_t *const parts = json_object_get(map->header, "parts");
    json_t *const header = json_copy(map->header);
    if (!header)
        return NULL;
    json_object_set_new(header, "rows", json_pack("[I, I]", (json_int_t)first, (json_int_t)count));
    json_object_set_new(header, "key", json_boolean(count == map->n_rows));
    json_object_set_new(
        header, "parts",
        json_pack("[o, o]", describe_part(json_array_get(parts, 0), map, count, map->item_size),
                  describe_part(json_array_get(parts, 1), map, count, 1)));
    char *const text = json_dumps(header, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(header);
    return text;
}

static struct message *make(const struct topic_map *map, const char *topic, uint64_t first,
                            uint64_t count)
{
    char *const header = header_text(map, first, count);
    if (!header)
        return NULL;
    const size_t stride = map->nx * map->item_size;
    const struct message_part parts[] = {
        {topic, strlen(topic)},
        {header, strlen(header)},
        {map->values + first * stride, count * stride},
        {map->measured + first * map->nx, count * map->nx},
    };
    struct message *const message = message_binary(parts, 4);
    free(header);
    return message;
}

/* The span of the rows that changed after `seen`. */
static void changed_rows(const struct topic_map *map, uint64_t seen, uint64_t *first,
                         uint64_t *count)
{
    uint64_t from = 0, end = map->n_rows;
    if (seen >= map->whole_version) {
        while (from < end && map->versions[from] <= seen)
            from++;
        while (end > from && map->versions[end - 1] <= seen)
            end--;
    }
    *first = from;
    *count = end - from;
}

struct message *topic_map_since(struct topic_map *map, const char *topic, uint64_t seen)
{
    if (seen >= map->version)
        return NULL;
    if (!map->made || map->made_from != seen || map->made_to != map->version) {
        uint64_t first, count;
        changed_rows(map, seen, &first, &count);
        message_unref(map->made);
        map->made = make(map, topic, first, count);
        map->made_from = seen;
        map->made_to = map->version;
    }
    return map->made ? message_ref(map->made) : NULL;
}

void topic_map_finish(struct topic_map *map)
{
    drop_arrays(map);
    json_decref(map->header);
    json_decref(map->kind);
    message_unref(map->made);
    map->header = map->kind = NULL;
    map->made = NULL;
}
