#include "examples.h"

#include "detector/mpx.h"

#define MAX_MESSAGE 4096

/* Feeds the whole stream at once and returns how many messages came. */
static size_t take_all(struct mpx_parser *parser, const uint8_t *bytes, size_t size,
                       struct mpx_message *messages, size_t room)
{
    size_t n = 0;
    size_t at = 0;
    size_t consumed, wanted;
    while (n < room && mpx_parser_next(parser, bytes + at, size - at, &messages[n], &consumed,
                                       &wanted) == MPX_MESSAGE) {
        at += consumed;
        n++;
    }
    return n;
}

static void a_prefix_counts_the_comma(void **state)
{
    size_t body_size = 0;
    char prefix[MPX_PREFIX_SIZE];
    assert_true(mpx_parse_prefix((const uint8_t *)"MPX,0000000020,", &body_size));
    assert_int_equal(body_size, strlen("GET,ACQUISITIONTIME"));
    mpx_write_prefix(prefix, 2048);
    assert_memory_equal(prefix, "MPX,0000002049,", MPX_PREFIX_SIZE);
}

static void prefixes_of_another_form_are_refused(void **state)
{
    static const char *const wrong[] = {
        "MPX,0000000000,", "MPX,000000002a,", "MPX,0000000020;", "mpx,0000000020,",
        "MPX,000000020,G", "MPX,-000000020,", "MPX 0000000020,",
    };
    size_t body_size;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(mpx_parse_prefix((const uint8_t *)wrong[i], &body_size));
}

static void the_first_bytes_of_a_body_tell_its_kind(void **state)
{
    static const char stream[] = "MPX,0000000006,HDR,\t"
                                 "MPX,0000000006,MQ1,0"
                                 "MPX,0000000004,12B"
                                 "MPX,0000000001,";
    struct mpx_parser parser;
    struct mpx_message message[5];
    mpx_parser_init(&parser, MAX_MESSAGE);
    assert_int_equal(take_all(&parser, (const uint8_t *)stream, sizeof stream - 1, message, 5), 4);
    assert_int_equal(message[0].kind, MPX_KIND_HDR);
    assert_int_equal(message[1].kind, MPX_KIND_FRAME);
    assert_int_equal(message[2].kind, MPX_KIND_OTHER);
    assert_int_equal(message[3].kind, MPX_KIND_OTHER);
    assert_int_equal(message[3].body_size, 0);
    assert_int_equal(message[1].offset, 20);
    assert_int_equal(message[1].body_size, 5);
    assert_memory_equal(message[1].body, "MQ1,0", 5);
    assert_int_equal(parser.offset, sizeof stream - 1);
    assert_int_equal(parser.skipped_bytes, 0);
}

static void filler_between_messages_is_no_garbage(void **state)
{
    static const char stream[] = "\0\r\nMPX,0000000006,MQ1,1\n\0\0MPX,0000000006,MQ1,2\r\n";
    struct mpx_parser parser;
    struct mpx_message message[3];
    mpx_parser_init(&parser, MAX_MESSAGE);
    assert_int_equal(take_all(&parser, (const uint8_t *)stream, sizeof stream - 1, message, 3), 2);
    assert_memory_equal(message[1].body, "MQ1,2", 5);
    assert_int_equal(message[1].offset, 26);
    assert_int_equal(parser.skipped_bytes, 0);
    assert_int_equal(parser.resyncs, 0);
}

static void garbage_is_counted_and_the_next_border_found(void **state)
{
    /* The second prefix has no known body and the third a length beyond the limit: both look like
     * borders and are none. */
    static const char stream[] =
        "MPX,0000000006,MQ1,1"
        "noise MPX MPX,0000000009,PIXEL MPX,9999999999,MQ1, MPX,0000000003,MQ1,"
        "MPX,0000000006,MQ1,2";
    struct mpx_parser parser;
    struct mpx_message message[3];
    mpx_parser_init(&parser, MAX_MESSAGE);
    assert_int_equal(take_all(&parser, (const uint8_t *)stream, sizeof stream - 1, message, 3), 2);
    assert_memory_equal(message[1].body, "MQ1,2", 5);
    assert_int_equal(message[1].offset, sizeof stream - 1 - 20);
    assert_int_equal(parser.skipped_bytes, sizeof stream - 1 - 40);
    assert_int_equal(parser.resyncs, 1);
    assert_false(parser.lost);
}

static void a_length_beyond_the_limit_is_garbage(void **state)
{
    static const char stream[] = "MPX,0000000010,MQ1,";
    struct mpx_parser parser;
    struct mpx_message message;
    size_t consumed, wanted;
    mpx_parser_init(&parser, MPX_PREFIX_SIZE + 9);
    assert_int_equal(mpx_parser_next(&parser, (const uint8_t *)stream, sizeof stream - 1, &message,
                                     &consumed, &wanted),
                     MPX_MORE);
    assert_int_equal(consumed, 0);
    assert_int_equal(wanted, 5); /* of nine, four are there */
    mpx_parser_init(&parser, MPX_PREFIX_SIZE + 8);
    mpx_parser_next(&parser, (const uint8_t *)stream, sizeof stream - 1, &message, &consumed,
                    &wanted);
    assert_true(parser.lost);
    assert_int_equal(consumed, sizeof stream - 1);
}

static void it_says_how_many_bytes_are_missing(void **state)
{
    static const char stream[] = "MPX,0000000101,MQ1,";
    struct mpx_parser parser;
    struct mpx_message message;
    for (size_t size = 0; size < sizeof stream; size++) {
        size_t consumed, wanted;
        const struct example part = example_bytes(stream, size);
        mpx_parser_init(&parser, MAX_MESSAGE);
        assert_int_equal(
            mpx_parser_next(&parser, part.bytes, part.size, &message, &consumed, &wanted),
            MPX_MORE);
        assert_int_equal(consumed, 0);
        assert_int_equal(wanted, size < MPX_PREFIX_SIZE ? MPX_PREFIX_SIZE - size : 115 - size);
        free(part.bytes);
    }
}

/* One stream with garbage, cut at every place: what comes out must not depend on how it arrived. */
static void messages_do_not_depend_on_how_they_arrive(void **state)
{
    static const char stream[] = "MPX,0000000006,HDR,\t\nMMPX,MPX,0000000006,MQ1,a\0\0"
                                 "MPX,000000000MPX,0000000007,MQ1,bcMPX,0000000003,12";
    const size_t size = sizeof stream - 1;
    for (size_t cut = 0; cut <= size; cut++) {
        struct mpx_parser parser;
        struct mpx_message message;
        size_t begin = 0;
        unsigned n = 0;
        mpx_parser_init(&parser, MAX_MESSAGE);
        for (size_t end = cut; end <= size; end = end < size ? size : size + 1) {
            const struct example part = example_bytes(stream + begin, end - begin);
            size_t at = 0, consumed, wanted;
            while (mpx_parser_next(&parser, part.bytes + at, part.size - at, &message, &consumed,
                                   &wanted) == MPX_MESSAGE) {
                at += consumed;
                n++;
            }
            begin += at + consumed;
            free(part.bytes);
        }
        assert_int_equal(n, 4);
        assert_int_equal(parser.offset, size);
        assert_int_equal(parser.skipped_bytes, 5 + 13);
        assert_int_equal(parser.resyncs, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prefix_counts_the_comma),
        cmocka_unit_test(prefixes_of_another_form_are_refused),
        cmocka_unit_test(the_first_bytes_of_a_body_tell_its_kind),
        cmocka_unit_test(filler_between_messages_is_no_garbage),
        cmocka_unit_test(garbage_is_counted_and_the_next_border_found),
        cmocka_unit_test(a_length_beyond_the_limit_is_garbage),
        cmocka_unit_test(it_says_how_many_bytes_are_missing),
        cmocka_unit_test(messages_do_not_depend_on_how_they_arrive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
