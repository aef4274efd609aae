#include <errno.h>

#include "examples.h"

#include "detector/frame_header.h"

static int parse_padded(struct frame_header *header, const char *text, size_t size,
                        struct error *error)
{
    const struct example example = example_padded(text, size);
    const int result = frame_header_parse(header, example.bytes, example.size, error);
    free(example.bytes);
    return result;
}

static int parse_changed(struct frame_header *header, const char *from, const char *to,
                         struct error *error)
{
    char *const text = example_replace(EXAMPLE_HEADER_2021, from, to);
    const int result = parse_padded(header, text, 384, error);
    free(text);
    return result;
}

static void a_header_of_2021_is_read(void **state)
{
    struct frame_header header;
    assert_int_equal(parse_padded(&header, EXAMPLE_HEADER_2021, 384, NULL), 0);
    assert_int_equal(header.number, 1);
    assert_int_equal(header.data_offset, 384);
    assert_int_equal(header.chips, 1);
    assert_int_equal(header.width, 256);
    assert_int_equal(header.height, 256);
    assert_int_equal(header.pixel_type, PIXEL_R64);
    assert_int_equal(header.layout, LAYOUT_1X1);
    assert_int_equal(header.chip_select, 1);
    assert_int_equal(header.layer, 0);
    assert_false(header.colour_mode);
    assert_int_equal(header.gain_mode, 0);
    assert_true(header.has_mq1a);
    assert_int_equal(header.counter_depth, 1);
    assert_true(header.timestamp_ns == UINT64_C(1618494180835428351));
    assert_int_equal(header.exposure_ns, 1000000);
}

static void a_header_without_thresholds_and_dacs_is_read(void **state)
{
    struct frame_header header;
    assert_int_equal(parse_padded(&header, EXAMPLE_HEADER_2020, 384, NULL), 0);
    assert_true(header.has_mq1a);
    assert_int_equal(header.counter_depth, 6);
    assert_true(header.timestamp_ns == UINT64_C(1590421736475280991));
}

static void a_quad_header_is_read(void **state)
{
    struct frame_header header;
    assert_int_equal(parse_padded(&header, EXAMPLE_HEADER_QUAD, 768, NULL), 0);
    assert_int_equal(header.number, 17);
    assert_int_equal(header.data_offset, 768);
    assert_int_equal(header.chips, 4);
    assert_int_equal(header.width, 514);
    assert_int_equal(header.pixel_type, PIXEL_U16);
    assert_int_equal(header.layout, LAYOUT_2X2G);
    assert_int_equal(header.chip_select, 15);
    assert_int_equal(header.layer, 1);
    assert_true(header.colour_mode);
    assert_int_equal(header.gain_mode, 2);
    assert_int_equal(header.counter_depth, 12);
    assert_int_equal(header.exposure_ns, 309200);
}

static void seven_digits_of_frame_number_shift_the_rest(void **state)
{
    struct frame_header header;
    assert_int_equal(parse_changed(&header, "000001", "1048576", NULL), 0);
    assert_int_equal(header.number, 1048576);
    assert_int_equal(header.data_offset, 384);
    assert_int_equal(header.counter_depth, 1);
}

static void without_mq1a_the_shutter_field_gives_the_exposure(void **state)
{
    struct frame_header header;
    char *const text = example_replace(EXAMPLE_HEADER_QUAD, "MQ1A,", "XXXX,");
    assert_int_equal(parse_padded(&header, text, 768, NULL), 0);
    assert_false(header.has_mq1a);
    assert_int_equal(header.counter_depth, 0);
    assert_int_equal(header.timestamp_ns, 0);
    assert_int_equal(header.exposure_ns, 309000);
    free(text);
}

static void two_by_two_with_one_chip_is_accepted(void **state)
{
    struct frame_header header;
    assert_int_equal(parse_changed(&header, "   1x1", "   2x2", NULL), 0);
    assert_int_equal(header.chips, 1);
    assert_int_equal(header.layout, LAYOUT_2X2);
}

static void the_chip_select_is_hexadecimal(void **state)
{
    struct frame_header header;
    assert_int_equal(parse_changed(&header, "1x1,01,", "1x1,c3C,", NULL), 0);
    assert_int_equal(header.chip_select, 0xc3c);
}

static void every_layout_has_its_name(void **state)
{
    static const struct {
        const char *text, *name;
    } layouts[] = {
        {"   1x1", "1x1"}, {"   2x2", "2x2"},  {"  2x2G", "2x2G"},
        {"   Nx1", "Nx1"}, {"  NX1G", "Nx1G"}, {"   4x1", "Nx1"},
    };
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        struct frame_header header;
        assert_int_equal(parse_changed(&header, "   1x1", layouts[i].text, NULL), 0);
        assert_string_equal(sensor_layout_name(header.layout), layouts[i].name);
    }
}

static void every_pixel_type_has_its_name(void **state)
{
    static const char *const types[] = {"U01", "U08", "U16", "U32", "U64", "R64"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct frame_header header;
        assert_int_equal(parse_changed(&header, "R64", types[i], NULL), 0);
        assert_string_equal(pixel_type_name(header.pixel_type), types[i]);
    }
}

static void unknown_fields_before_the_padding_do_no_harm(void **state)
{
    struct frame_header header;
    char *const text = example_replace(EXAMPLE_HEADER_2021, "1000000ns,1,",
                                       "1000000ns,1,OPT1,TEMP,43.5,QQQ,END1,");
    assert_int_equal(parse_padded(&header, text, 512, NULL), 0);
    assert_int_equal(header.counter_depth, 1);
    assert_int_equal(header.exposure_ns, 1000000);
    free(text);
}

static void pixels_that_look_like_mq1a_are_not_read(void **state)
{
    char *const text = example_replace(EXAMPLE_HEADER_2020, ",MQ1A,", ",XXXX,");
    struct example example = example_padded(text, 384 + 100);
    struct frame_header header;
    memcpy(example.bytes + 384, ",MQ1A,2020-05-25T15:48:56.475280991Z,1000000ns,6,", 49);
    assert_int_equal(frame_header_parse(&header, example.bytes, example.size, NULL), 0);
    assert_false(header.has_mq1a);
    free(example.bytes);
    free(text);
}

static void a_refusal_names_field_and_byte(void **state)
{
    static const struct {
        const char *from, *to, *at;
    } wrong[] = {
        {"MQ1,", "MQ2,", "byte 0"},
        {",000001,", ",00x001,", "byte 4"},
        {",00384,", ",38400,", "byte 11"},
        {",00384,", ",00000,", "byte 11"},
        {",00384,", ",00385,", "byte 11"},
        {",01,0256", ",99,0256", "byte 17"},
        {",01,0256", ",00,0256", "byte 17"},
        {"0256,0256", "9999,0256", "byte 20"},
        {"0256,0256", "0256,0000", "byte 25"},
        {"R64", "R32", "byte 30"},
        {"   1x1", "   3x3", "byte 34"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct frame_header header;
        struct error error = {0};
        assert_int_equal(parse_changed(&header, wrong[i].from, wrong[i].to, &error), -EBADMSG);
        assert_int_equal(error.code, -EBADMSG);
        if (!strstr(error.text, wrong[i].at))
            fail_msg("'%s' does not name %s", error.text, wrong[i].at);
    }
}

static void a_data_offset_inside_the_geometry_is_refused(void **state)
{
    struct frame_header header;
    struct error error = {0};
    assert_int_equal(parse_changed(&header, ",00384,", ",00020,", &error), -EBADMSG);
    assert_non_null(strstr(error.text, "ends before field"));
}

static void every_cut_of_a_header_is_refused(void **state)
{
    const struct example whole = example_padded(EXAMPLE_HEADER_2021, 384);
    for (size_t size = 0; size < whole.size; size++) {
        const struct example cut = example_bytes(whole.bytes, size);
        struct frame_header header;
        assert_int_equal(frame_header_parse(&header, cut.bytes, cut.size, NULL), -EBADMSG);
        free(cut.bytes);
    }
    free(whole.bytes);
}

static void the_number_is_followed_by_the_geometry(void **state)
{
    const char *const text = "MQ1,1048577,00384,";
    uint64_t number = 0;
    size_t at = 0;
    assert_true(frame_header_number((const uint8_t *)text, strlen(text), &number, &at));
    assert_int_equal(number, 1048577);
    assert_int_equal(at, 12);
    for (size_t size = 0; size < 12; size++) {
        const struct example cut = example_bytes(text, size);
        assert_false(frame_header_number(cut.bytes, cut.size, &number, &at));
        free(cut.bytes);
    }
    assert_false(frame_header_number((const uint8_t *)"MQ1,,0038", 9, &number, &at));
    assert_false(frame_header_number((const uint8_t *)"MQ1,12 ,0", 9, &number, &at));
    const char *const endless = "MQ1,99999999999999999999,";
    assert_false(frame_header_number((const uint8_t *)endless, strlen(endless), &number, &at));
}

static void time_of(const char *mq1a, uint64_t *timestamp_ns, uint64_t *exposure_ns)
{
    const struct example example = example_padded(mq1a, strlen(mq1a));
    frame_header_parse_time(example.bytes, example.size, timestamp_ns, exposure_ns);
    free(example.bytes);
}

static void times_are_unix_nanoseconds(void **state)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } times[] = {
        {",MQ1A,1970-01-01T00:00:00.000000000Z,1ns,", 0},
        {",MQ1A,1970-01-01T00:00:01Z,1ns,", UINT64_C(1000000000)},
        {",MQ1A,2000-02-29T23:59:59.999999999Z,1ns,", UINT64_C(951868799999999999)},
        {",MQ1A,2000-03-01T00:00:00.000000000Z,1ns,", UINT64_C(951868800000000000)},
        {",MQ1A,2024-12-31T12:00:00.5Z,1ns,", UINT64_C(1735646400500000000)},
        {",MQ1A,2100-03-01T00:00:00.000000001Z,1ns,", UINT64_C(4107542400000000001)},
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        uint64_t timestamp_ns, exposure_ns;
        time_of(times[i].text, &timestamp_ns, &exposure_ns);
        assert_true(timestamp_ns == times[i].ns);
        assert_int_equal(exposure_ns, 1);
    }
}

static void times_of_another_form_are_zero(void **state)
{
    static const char *const wrong[] = {
        "",
        ",MQ1A",
        ",MQ1A,",
        "MQ1A,2021-04-15T13:43:00.835428351Z,1000000ns,",
        ",MQ1A,2021-04-15T13:43:0",
        ",MQ1A,2021-13-15T13:43:00.8Z,ns",
        ",MQ1A,2021-04-15 13:43:00.8Z,",
        ",MQ1A,2021-04-15T24:43:00.8Z,",
        ",MQ1A,1969-12-31T23:59:59.8Z,",
        ",MQ1A,2021-0a-15T13:43:00.8Z,99999999999999999999ns,",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint64_t timestamp_ns = 1, exposure_ns = 1;
        time_of(wrong[i], &timestamp_ns, &exposure_ns);
        assert_int_equal(timestamp_ns, 0);
        assert_int_equal(exposure_ns, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_of_2021_is_read),
        cmocka_unit_test(a_header_without_thresholds_and_dacs_is_read),
        cmocka_unit_test(a_quad_header_is_read),
        cmocka_unit_test(seven_digits_of_frame_number_shift_the_rest),
        cmocka_unit_test(without_mq1a_the_shutter_field_gives_the_exposure),
        cmocka_unit_test(two_by_two_with_one_chip_is_accepted),
        cmocka_unit_test(the_chip_select_is_hexadecimal),
        cmocka_unit_test(every_layout_has_its_name),
        cmocka_unit_test(every_pixel_type_has_its_name),
        cmocka_unit_test(unknown_fields_before_the_padding_do_no_harm),
        cmocka_unit_test(pixels_that_look_like_mq1a_are_not_read),
        cmocka_unit_test(a_refusal_names_field_and_byte),
        cmocka_unit_test(a_data_offset_inside_the_geometry_is_refused),
        cmocka_unit_test(every_cut_of_a_header_is_refused),
        cmocka_unit_test(the_number_is_followed_by_the_geometry),
        cmocka_unit_test(times_are_unix_nanoseconds),
        cmocka_unit_test(times_of_another_form_are_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
