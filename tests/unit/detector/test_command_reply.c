#include "examples.h"

#include "detector/command_reply.h"

static enum command_reply_result parse_reply(struct example example,
                                             struct command_reply_text *reply, size_t *consumed,
                                             size_t *stray)
{
    return command_reply_next(example.bytes, example.size, reply, consumed, stray);
}

static void expect_reply(const char *bytes, size_t size, enum command_type type, const char *name,
                         const char *value, int code)
{
    const struct example example = example_bytes(bytes, size);
    struct command_reply_text reply;
    size_t consumed, stray;
    assert_int_equal(parse_reply(example, &reply, &consumed, &stray), COMMAND_REPLY_TAKEN);
    assert_int_equal(reply.type, type);
    assert_true(text_equals(reply.name, name));
    assert_true(text_equals(reply.value, value));
    assert_int_equal(reply.code, code);
    assert_int_equal(consumed, size);
    free(example.bytes);
}

#define EXPECT_REPLY(literal, ...) expect_reply(literal, sizeof literal - 1, __VA_ARGS__)

static void each_type_of_reply_is_read(void **state)
{
    EXPECT_REPLY("MPX,0000000031,GET,ACQUISITIONTIME,1.000000,0", COMMAND_GET, "ACQUISITIONTIME",
                 "1.000000", 0);
    EXPECT_REPLY("MPX,0000000019,SET,COUNTERDEPTH,3", COMMAND_SET, "COUNTERDEPTH", "", 3);
    EXPECT_REPLY("MPX,0000000023,CMD,STARTACQUISITION,1", COMMAND_CMD, "STARTACQUISITION", "", 1);
}

static void values_may_hold_commas(void **state)
{
    EXPECT_REPLY("MPX,0000000019,GET,DACS,1,2,,3,,0", COMMAND_GET, "DACS", "1,2,,3,", 0);
    EXPECT_REPLY("MPX,0000000016,GET,FILENAME,,2", COMMAND_GET, "FILENAME", "", 2);
}

static void nuls_and_stray_bytes_before_it_are_passed_over(void **state)
{
    EXPECT_REPLY("\0\r\nxMPMPX,M\0MPX,0\0\0000000019,SET,COUNTERDEPTH,0", COMMAND_SET,
                 "COUNTERDEPTH", "", 0);
    EXPECT_REPLY("MPX,19,SET,COUNTERDEPTH,0", COMMAND_SET, "COUNTERDEPTH", "", 0);
}

static void stray_bytes_are_counted_and_filler_is_not(void **state)
{
    static const char bytes[] = "\r\n\0abMPX,0000000019,SET,COUNTERDEPTH,0";
    const struct example example = example_bytes(bytes, sizeof bytes - 1);
    struct command_reply_text reply;
    size_t consumed, stray;
    assert_int_equal(parse_reply(example, &reply, &consumed, &stray), COMMAND_REPLY_TAKEN);
    assert_int_equal(stray, 2);
    free(example.bytes);
}

static void a_length_that_is_one_short_is_mended(void **state)
{
    EXPECT_REPLY("MPX,0000000018,SET,COUNTERDEPTH,0", COMMAND_SET, "COUNTERDEPTH", "", 0);
    EXPECT_REPLY("MPX,0000000022,GET,DETECTORSTATUS,4,0", COMMAND_GET, "DETECTORSTATUS", "4", 0);
}

static void a_reply_without_a_code_says_so(void **state)
{
    EXPECT_REPLY("MPX,0000000021,SET,COUNTERDEPTH,abc", COMMAND_SET, "COUNTERDEPTH", "", -1);
}

static void messages_that_are_no_reply_are_passed_over(void **state)
{
    static const char *const wrong[] = {
        "MPX,0000000006,HDR,\t",
        "MPX,0000000004,GET",
        "MPX,0000000006,GET,X",
        "MPX,0000000001,",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct example example = example_bytes(wrong[i], strlen(wrong[i]));
        struct command_reply_text reply;
        size_t consumed, stray;
        assert_int_equal(parse_reply(example, &reply, &consumed, &stray), COMMAND_REPLY_REFUSED);
        assert_int_equal(consumed, example.size);
        free(example.bytes);
    }
}

static void an_absurd_length_is_stray(void **state)
{
    static const char bytes[] = "MPX,9999999999,SET,X,0 MPX,00000000018,MPX,0000000000,";
    const struct example example = example_bytes(bytes, sizeof bytes - 1);
    struct command_reply_text reply;
    size_t consumed, stray;
    assert_int_equal(parse_reply(example, &reply, &consumed, &stray), COMMAND_REPLY_MORE);
    assert_int_equal(consumed, example.size);
    assert_int_equal(stray, example.size);
    free(example.bytes);
}

static void every_cut_of_a_reply_waits_for_more(void **state)
{
    static const char bytes[] = "MPX,0000000031,GET,ACQUISITIONTIME,1.000000,0";
    for (size_t size = 0; size < sizeof bytes - 1; size++) {
        const struct example example = example_bytes(bytes, size);
        struct command_reply_text reply;
        size_t consumed, stray;
        assert_int_equal(parse_reply(example, &reply, &consumed, &stray), COMMAND_REPLY_MORE);
        assert_int_equal(consumed, 0);
        free(example.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_of_reply_is_read),
        cmocka_unit_test(values_may_hold_commas),
        cmocka_unit_test(nuls_and_stray_bytes_before_it_are_passed_over),
        cmocka_unit_test(stray_bytes_are_counted_and_filler_is_not),
        cmocka_unit_test(a_length_that_is_one_short_is_mended),
        cmocka_unit_test(a_reply_without_a_code_says_so),
        cmocka_unit_test(messages_that_are_no_reply_are_passed_over),
        cmocka_unit_test(an_absurd_length_is_stray),
        cmocka_unit_test(every_cut_of_a_reply_waits_for_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
