#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/web/topic_cache.h"

/* ---- messages in ---- */

/* Rows of the map "m" [4, 2] of counts: `values` of `count` rows, all measured. */
static void take_rows(struct topic_cache *cache, const char *scan, unsigned first, unsigned count,
                      const uint64_t *values)
{
    char header[600];
    const uint8_t measured[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    const int size = snprintf(
        header, sizeof header,
        "{\"scan\":\"%s\",\"geometry\":1,\"shape\":[4,2],\"rows\":[%u,%u],\"key\":%s,\"seq\":%u,"
        "\"parts\":[{\"name\":\"data\",\"dtype\":\"<u8\",\"shape\":[%u,2],\"nbytes\":%u},"
        "{\"name\":\"measured\",\"dtype\":\"|u1\",\"shape\":[%u,2],\"nbytes\":%u}]}",
        scan, first, count, count == 4 ? "true" : "false", first, count, count * 16, count,
        count * 2);
    const struct message_part head = {header, (size_t)size};
    const struct message_part parts[] = {{values, (size_t)count * 16},
                                         {measured, (size_t)count * 2}};
    struct topic *topic;
    assert_int_equal(topic_cache_take(cache, "map/m/", &head, parts, 2, &topic), 0);
}

static struct topic *take_text(struct topic_cache *cache, const char *name, const char *header)
{
    const struct message_part head = {header, strlen(header)};
    struct topic *topic = NULL;
    assert_int_equal(topic_cache_take(cache, name, &head, NULL, 0, &topic), 0);
    return topic;
}

/* ---- messages out ---- */

static uint32_t u32_at(const uint8_t *bytes, size_t at)
{
    uint32_t value;
    memcpy(&value, bytes + at, sizeof value);
    return value;
}

/* Where part i of a message begins, as schemas/page.md says. */
static const uint8_t *part(const struct message *message, unsigned i, size_t *size)
{
    const unsigned n = u32_at(message->bytes, 0);
    size_t at = (4 + 4 * (size_t)n + 7) / 8 * 8;
    assert_true(i < n);
    for (unsigned j = 0; j < i; j++)
        at += (u32_at(message->bytes, 4 + 4 * (size_t)j) + 7) / 8 * 8;
    *size = u32_at(message->bytes, 4 + 4 * (size_t)i);
    assert_true(at + *size <= message->size);
    return message->bytes + at;
}

static json_t *header_of(const struct message *message)
{
    size_t size;
    const uint8_t *const text = part(message, 1, &size);
    json_t *const header = json_loadb((const char *)text, size, 0, NULL);
    assert_non_null(header);
    return header;
}

/* The next message of a map is these rows, whole or not, with this first value. */
static void assert_rows(struct topic *topic, uint64_t *seen, unsigned first, unsigned count,
                        bool whole, uint64_t value)
{
    struct message *const message = topic_next(topic, seen);
    assert_non_null(message);
    json_t *const header = header_of(message);
    const json_t *const rows = json_object_get(header, "rows");
    assert_int_equal(json_integer_value(json_array_get(rows, 0)), first);
    assert_int_equal(json_integer_value(json_array_get(rows, 1)), count);
    assert_int_equal(json_is_true(json_object_get(header, "key")), whole);
    size_t size;
    uint64_t got;
    memcpy(&got, part(message, 2, &size), sizeof got);
    assert_int_equal(got, value);
    assert_int_equal(size, count * 16);
    (void)part(message, 3, &size);
    assert_int_equal(size, count * 2);
    json_decref(header);
    message_unref(message);
}

static void assert_text(struct topic *topic, uint64_t *seen, const char *header)
{
    struct message *const message = topic_next(topic, seen);
    size_t size;
    assert_non_null(message);
    const uint8_t *const text = part(message, 1, &size);
    assert_int_equal(size, strlen(header));
    assert_memory_equal(text, header, size);
    message_unref(message);
}

/* ---- maps ---- */

static void a_viewer_gets_the_whole_map_and_then_what_changed(void **unused)
{
    struct topic_cache cache = {0};
    const uint64_t all[] = {1, 2, 3, 4, 5, 6, 7, 8}, row[] = {50, 60};
    uint64_t seen = 0;
    take_rows(&cache, "a", 0, 4, all);
    struct topic *const topic = topic_cache_find(&cache, "map/m/");
    assert_rows(topic, &seen, 0, 4, true, 1);
    assert_null(topic_next(topic, &seen));
    take_rows(&cache, "a", 2, 1, row);
    assert_rows(topic, &seen, 2, 1, false, 50);
    assert_null(topic_next(topic, &seen));
    topic_cache_finish(&cache);
}

static void a_viewer_who_missed_some_gets_all_rows_between(void **unused)
{
    struct topic_cache cache = {0};
    const uint64_t all[] = {1, 2, 3, 4, 5, 6, 7, 8}, one[] = {30, 40}, other[] = {70, 80};
    uint64_t quick = 0, slow = 0;
    take_rows(&cache, "a", 0, 4, all);
    struct topic *const topic = topic_cache_find(&cache, "map/m/");
    assert_rows(topic, &quick, 0, 4, true, 1);
    assert_rows(topic, &slow, 0, 4, true, 1);
    take_rows(&cache, "a", 1, 1, one);
    assert_rows(topic, &quick, 1, 1, false, 30);
    take_rows(&cache, "a", 3, 1, other);
    assert_rows(topic, &quick, 3, 1, false, 70);
    assert_rows(topic, &slow, 1, 3, false, 30);
    topic_cache_finish(&cache);
}

static void rows_that_are_the_same_again_are_no_news(void **unused)
{
    struct topic_cache cache = {0};
    uint64_t all[] = {1, 2, 3, 4, 5, 6, 7, 8}, seen = 0;
    take_rows(&cache, "a", 0, 4, all);
    struct topic *const topic = topic_cache_find(&cache, "map/m/");
    assert_rows(topic, &seen, 0, 4, true, 1);
    take_rows(&cache, "a", 0, 4, all);
    assert_null(topic_next(topic, &seen));
    all[6] = 77;
    take_rows(&cache, "a", 0, 4, all);
    assert_rows(topic, &seen, 3, 1, false, 77);
    topic_cache_finish(&cache);
}

static void another_run_begins_an_unmeasured_map(void **unused)
{
    struct topic_cache cache = {0};
    const uint64_t all[] = {1, 2, 3, 4, 5, 6, 7, 8}, row[] = {50, 60};
    uint64_t seen = 0;
    take_rows(&cache, "a", 0, 4, all);
    struct topic *const topic = topic_cache_find(&cache, "map/m/");
    assert_rows(topic, &seen, 0, 4, true, 1);
    take_rows(&cache, "b", 1, 1, row);
    struct message *const message = topic_next(topic, &seen);
    size_t size;
    uint64_t values[8];
    static const uint64_t expected[8] = {0, 0, 50, 60};
    static const uint8_t measured[8] = {0, 0, 1, 1};
    memcpy(values, part(message, 2, &size), sizeof values);
    assert_int_equal(size, sizeof values);
    assert_memory_equal(values, expected, sizeof values);
    assert_memory_equal(part(message, 3, &size), measured, sizeof measured);
    message_unref(message);
    topic_cache_finish(&cache);
}

static void viewers_in_step_share_one_message(void **unused)
{
    struct topic_cache cache = {0};
    const uint64_t all[] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint64_t one = 0, other = 0;
    take_rows(&cache, "a", 0, 4, all);
    struct topic *const topic = topic_cache_find(&cache, "map/m/");
    struct message *const first = topic_next(topic, &one), *const second =
                                                               topic_next(topic, &other);
    assert_ptr_equal(first, second);
    message_unref(first);
    message_unref(second);
    topic_cache_finish(&cache);
}

static void rows_that_do_not_fit_their_header_are_refused(void **unused)
{
    static const char *const headers[] = {
        "{\"shape\":[4,2],\"rows\":[3,2],\"parts\":[{\"dtype\":\"<u8\"}]}",
        "{\"shape\":[4,2],\"rows\":[0,1],\"parts\":[{\"dtype\":\"<u8\"}]}",
        "{\"shape\":[4],\"rows\":[0,2],\"parts\":[{\"dtype\":\"<u8\"}]}",
        "{\"shape\":[4,2],\"rows\":[0,2],\"parts\":[]}",
        "{\"shape\":[-4,2],\"rows\":[-2,2],\"parts\":[{\"dtype\":\"<u8\"}]}",
        "[]",
        "nonsense",
    };
    struct topic_cache cache = {0};
    uint64_t values[4] = {0};
    const struct message_part parts[] = {{values, 32}, {values, 4}};
    struct topic *topic;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        const struct message_part head = {headers[i], strlen(headers[i])};
        assert_int_equal(topic_cache_take(&cache, "map/m/", &head, parts, 2, &topic), -EINVAL);
    }
    topic_cache_finish(&cache);
}

/* ---- the other kinds ---- */

static void of_a_state_only_the_newest_is_kept(void **unused)
{
    struct topic_cache cache = {0};
    uint64_t seen = 0;
    take_text(&cache, "status/", "{\"n\":1}");
    struct topic *const topic = take_text(&cache, "status/", "{\"n\":2}");
    assert_text(topic, &seen, "{\"n\":2}");
    assert_null(topic_next(topic, &seen));
    topic_cache_finish(&cache);
}

static void events_come_all_and_in_order(void **unused)
{
    struct topic_cache cache = {0};
    uint64_t seen = 0;
    struct topic *topic = NULL;
    char text[20];
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof text, "{\"n\":%d}", i);
        topic = take_text(&cache, "event/", text);
    }
    for (int i = 300 - 256; i < 300; i++) {
        snprintf(text, sizeof text, "{\"n\":%d}", i);
        assert_text(topic, &seen, text);
    }
    assert_null(topic_next(topic, &seen));
    topic_cache_finish(&cache);
}

static void a_newcomer_hears_of_the_last_run_and_of_no_old_event(void **unused)
{
    struct topic_cache cache = {0};
    take_text(&cache, "event/", "{\"n\":1}");
    take_text(&cache, "acquisition/", "{\"event\":\"started\"}");
    struct topic *const run = take_text(&cache, "acquisition/", "{\"event\":\"finished\"}");
    uint64_t seen = topic_seen_by_newcomer(run);
    assert_text(run, &seen, "{\"event\":\"finished\"}");
    struct topic *const event = topic_cache_find(&cache, "event/");
    seen = topic_seen_by_newcomer(event);
    assert_null(topic_next(event, &seen));
    topic_cache_finish(&cache);
}

#define ROWS(scan, first, count)                                                                   \
    "{\"scan\":\"" scan "\",\"geometry\":1,\"rows\":[" #first "," #count "]}"

static void lists_by_rows_are_replaced_row_by_row(void **unused)
{
    struct topic_cache cache = {0};
    uint64_t seen = 0;
    take_text(&cache, "bragg/rows/", ROWS("a", 0, 1));
    take_text(&cache, "bragg/rows/", ROWS("a", 2, 2));
    struct topic *const topic = take_text(&cache, "bragg/rows/", ROWS("a", 0, 2));
    assert_text(topic, &seen, ROWS("a", 2, 2));
    assert_text(topic, &seen, ROWS("a", 0, 2));
    assert_null(topic_next(topic, &seen));
    take_text(&cache, "bragg/rows/", ROWS("b", 5, 1));
    seen = 0;
    assert_text(topic, &seen, ROWS("b", 5, 1));
    assert_null(topic_next(topic, &seen));
    topic_cache_finish(&cache);
}

static bool is_status(void *data, const char *name)
{
    (void)data;
    return strcmp(name, "status/") == 0;
}

static void topics_that_nobody_wants_are_forgotten(void **unused)
{
    struct topic_cache cache = {0};
    take_text(&cache, "status/", "{}");
    take_text(&cache, "pattern/sum/", "{}");
    topic_cache_keep(&cache, is_status, NULL);
    assert_non_null(topic_cache_find(&cache, "status/"));
    assert_null(topic_cache_find(&cache, "pattern/sum/"));
    topic_cache_finish(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_viewer_gets_the_whole_map_and_then_what_changed),
        cmocka_unit_test(a_viewer_who_missed_some_gets_all_rows_between),
        cmocka_unit_test(rows_that_are_the_same_again_are_no_news),
        cmocka_unit_test(another_run_begins_an_unmeasured_map),
        cmocka_unit_test(viewers_in_step_share_one_message),
        cmocka_unit_test(rows_that_do_not_fit_their_header_are_refused),
        cmocka_unit_test(of_a_state_only_the_newest_is_kept),
        cmocka_unit_test(events_come_all_and_in_order),
        cmocka_unit_test(a_newcomer_hears_of_the_last_run_and_of_no_old_event),
        cmocka_unit_test(lists_by_rows_are_replaced_row_by_row),
        cmocka_unit_test(topics_that_nobody_wants_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
