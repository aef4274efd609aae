#include <errno.h>

#include "examples.h"

#include "detector/acquisition_header.h"

#define EXAMPLE_HDR                                                                                \
    "HDR,\t\r\n"                                                                                   \
    "Time and Date Stamp (day, mnth, yr, hr, min, s):\t18/05/2020 16:51:48\r\n"                    \
    "Chip ID:\tW556_B4,W556_J2,W556_M5,W556_G4\r\n"                                                \
    "Assembly Size (NX1, 2X2):\t  2x2G\r\n"                                                        \
    "Chip Mode  (SPM, CSM, CM, CSCM):\tSPM\r\n"                                                    \
    "Counter Depth (number):\t12\r\n"                                                              \
    "Sensor Bias (V, \xb5"                                                                         \
    "A)\r\n"                                                                                       \
    "DAC File:\tC:\\Merlin\\Counter Depth (number): 9,other\r\n"                                   \
    "Frames in Acquisition (Number):\t16384\r\n"                                                   \
    "Frames per Trigger (Number):\t128\r\n"                                                        \
    "Trigger Start (Positive, Negative, Internal):\tPositive\r\n"                                  \
    "Software Version:\t1.6.1.217\r\n"                                                             \
    "ScanX:\t128\r\nScanY:\t64\r\n"                                                                \
    "End\t"

static int parse_text(struct acquisition_header *header, const char *text, struct error *error)
{
    const struct example example = example_bytes(text, strlen(text));
    const int result = acquisition_header_parse(header, example.bytes, example.size, error);
    free(example.bytes);
    return result;
}

static void a_whole_header_is_read(void **state)
{
    struct acquisition_header header;
    assert_int_equal(parse_text(&header, EXAMPLE_HDR, NULL), 0);
    assert_int_equal(header.counter_depth, 12);
    assert_int_equal(header.frames_in_acquisition, 16384);
    assert_int_equal(header.frames_per_trigger, 128);
    assert_int_equal(header.scan_x, 128);
    assert_int_equal(header.scan_y, 64);
    assert_string_equal(header.trigger_start, "Positive");
    assert_string_equal(header.software_version, "1.6.1.217");
    assert_string_equal(header.assembly, "2x2G");
}

static void explanations_in_brackets_may_differ(void **state)
{
    struct acquisition_header header;
    assert_int_equal(parse_text(&header,
                                "HDR,\t\r\nFrames in Acquisition:\t7\nCounter Depth (bits):\t6  \n",
                                NULL),
                     0);
    assert_int_equal(header.frames_in_acquisition, 7);
    assert_int_equal(header.counter_depth, 6);
}

static void padding_of_blanks_and_nuls_is_no_text(void **state)
{
    struct acquisition_header header;
    struct example example = example_padded("HDR,\t\r\nCounter Depth (number):\t24", 2048);
    assert_int_equal(acquisition_header_parse(&header, example.bytes, example.size, NULL), 0);
    assert_int_equal(header.counter_depth, 24);
    free(example.bytes);
}

static void absent_keys_are_not_said(void **state)
{
    struct acquisition_header header;
    assert_int_equal(parse_text(&header, "HDR,\t\r\nCounter Depth (number):\t\r\nEnd\t", NULL), 0);
    assert_int_equal(header.frames_in_acquisition, -1);
    assert_int_equal(header.counter_depth, 0);
    assert_int_equal(header.scan_x, 0);
    assert_string_equal(header.trigger_start, "");
}

static void a_colon_without_a_tab_ends_no_key(void **state)
{
    struct acquisition_header header;
    assert_int_equal(parse_text(&header, "HDR,\t\r\nCounter Depth: twelve\r\nScanX:\t9\r\n", NULL),
                     0);
    assert_int_equal(header.counter_depth, 0);
    assert_int_equal(header.scan_x, 9);
}

static void endless_acquisitions_say_zero_frames(void **state)
{
    struct acquisition_header header;
    assert_int_equal(parse_text(&header, "HDR,\t\r\nFrames in Acquisition (Number):\t0\r\n", NULL),
                     0);
    assert_int_equal(header.frames_in_acquisition, 0);
}

static void long_texts_are_cut_to_their_room(void **state)
{
    struct acquisition_header header;
    assert_int_equal(
        parse_text(&header, "HDR,\t\r\nTrigger Start (x):\tPositive-and-then-some\r\n", NULL), 0);
    assert_string_equal(header.trigger_start, "Positive-and-th");
}

static void a_number_that_is_none_is_refused_with_its_byte(void **state)
{
    static const char *const wrong[] = {
        "HDR,\t\r\nCounter Depth (number):\ttwelve\r\n",
        "HDR,\t\r\nCounter Depth (number):\t25\r\n",
        "HDR,\t\r\nFrames in Acquisition (Number):\t-1\r\n",
        "HDR,\t\r\nFrames per Trigger (Number):\t99999999999999999999\r\n",
        "HDR,\t\r\nScanX:\t4294967296\r\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct acquisition_header header;
        struct error error = {0};
        assert_int_equal(parse_text(&header, wrong[i], &error), -EBADMSG);
        assert_non_null(strstr(error.text, "at byte 7 "));
    }
}

static void a_text_that_is_no_header_is_refused(void **state)
{
    struct acquisition_header header;
    assert_int_equal(parse_text(&header, "MQ1,000001", NULL), -EBADMSG);
    assert_int_equal(parse_text(&header, "HDR", NULL), -EBADMSG);
    assert_int_equal(parse_text(&header, "", NULL), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_header_is_read),
        cmocka_unit_test(explanations_in_brackets_may_differ),
        cmocka_unit_test(padding_of_blanks_and_nuls_is_no_text),
        cmocka_unit_test(absent_keys_are_not_said),
        cmocka_unit_test(a_colon_without_a_tab_ends_no_key),
        cmocka_unit_test(endless_acquisitions_say_zero_frames),
        cmocka_unit_test(long_texts_are_cut_to_their_room),
        cmocka_unit_test(a_number_that_is_none_is_refused_with_its_byte),
        cmocka_unit_test(a_text_that_is_no_header_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
