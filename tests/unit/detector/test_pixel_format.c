#include <errno.h>

#include "examples.h"

#include "detector/pixel_format.h"

static struct frame_header quad_header(enum pixel_type type)
{
    return (struct frame_header){
        .number = 3,
        .data_offset = 768,
        .chips = 4,
        .width = 514,
        .height = 512,
        .pixel_type = type,
        .layout = LAYOUT_2X2G,
        .counter_depth = 12,
    };
}

static void sizes_follow_from_the_header(void **state)
{
    const struct frame_header header = quad_header(PIXEL_U16);
    struct pixel_format format;
    assert_int_equal(pixel_format_from_header(&format, &header, NULL, 0, 768 + 514 * 512 * 2, NULL),
                     0);
    assert_int_equal(format.width, 514);
    assert_int_equal(format.height, 512);
    assert_int_equal(format.pixel_size, 2);
    assert_int_equal(format.payload_size, 514 * 512 * 2);
    assert_int_equal(format.image_size, 514 * 512 * 2);
    assert_int_equal(format.data_offset, 768);
    assert_int_equal(format.counter_depth, 12);
    assert_string_equal(pixel_format_dtype(&format), "<u2");
}

static void every_processed_type_has_its_dtype(void **state)
{
    static const struct {
        enum pixel_type type;
        size_t size;
        const char *dtype;
    } types[] = {{PIXEL_U08, 1, "|u1"}, {PIXEL_U16, 2, "<u2"}, {PIXEL_U32, 4, "<u4"}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct frame_header header = quad_header(types[i].type);
        struct pixel_format format;
        assert_int_equal(pixel_format_from_header(&format, &header, NULL, 0,
                                                  768 + 514 * 512 * types[i].size, NULL),
                         0);
        assert_string_equal(pixel_format_dtype(&format), types[i].dtype);
    }
}

static void a_body_of_another_length_is_refused(void **state)
{
    const struct frame_header header = quad_header(PIXEL_U16);
    const size_t right = 768 + 514 * 512 * 2;
    struct pixel_format format;
    struct error error = {0};
    assert_int_equal(pixel_format_from_header(&format, &header, NULL, 0, right - 1, &error),
                     -EBADMSG);
    assert_non_null(strstr(error.text, "frame 3"));
    assert_int_equal(pixel_format_from_header(&format, &header, NULL, 0, right + 1, NULL),
                     -EBADMSG);
    assert_int_equal(pixel_format_from_header(&format, &header, NULL, 0, 0, NULL), -EBADMSG);
}

static void a_body_shorter_than_its_header_is_refused(void **state)
{
    const struct frame_header header = quad_header(PIXEL_R64);
    struct pixel_format format;
    assert_int_equal(pixel_format_from_header(&format, &header, NULL, 0, 767, NULL), -EBADMSG);
}

static void numbers_of_64_bits_are_refused_by_name(void **state)
{
    const struct frame_header header = quad_header(PIXEL_U64);
    struct pixel_format format;
    struct error error = {0};
    assert_int_equal(
        pixel_format_from_header(&format, &header, NULL, 0, 768 + 514 * 512 * 8, &error), -ENOTSUP);
    assert_non_null(strstr(error.text, "U64"));
    assert_non_null(strstr(error.text, "FILEFORMAT"));
}

static void bits_are_told_from_bytes_by_the_size(void **state)
{
    struct frame_header header = {.chips = 4, .width = 514, .height = 512, .pixel_type = PIXEL_U01};
    struct pixel_format format;
    assert_int_equal(pixel_format_from_header(&format, &header, NULL, 0, 514 * 512 / 8, NULL), 0);
    assert_int_equal(format.packing, PACKING_BITS);
    assert_false(format.layout_published);
    assert_int_equal(format.image_size, 514 * 512);
    assert_int_equal(pixel_format_full_scale(&format), 1);
    assert_int_equal(pixel_format_from_header(&format, &header, NULL, 0, 514 * 512, NULL), 0);
    assert_int_equal(format.packing, PACKING_INTEGERS);
    assert_true(format.layout_published);
    assert_int_equal(format.image_size, 514 * 512);
    assert_int_equal(pixel_format_from_header(&format, &header, NULL, 0, 514 * 64 + 1, NULL),
                     -EBADMSG);
    header.width = header.height = 515; /* no whole number of bytes */
    assert_int_equal(pixel_format_from_header(&format, &header, NULL, 0, 515 * 515 / 8, NULL),
                     -EBADMSG);
}

/* Headers and payload sizes of raw frames as sections 2.3, 2.5, 2.6 and 2.10 of the protocol notes
 * give them. */
static const struct raw_case {
    uint32_t chips;
    enum sensor_layout layout;
    uint32_t depth, width, height; /* of the header */
    uint32_t gap;
    size_t payload;
    uint32_t image_height, image_width, pixel_size;
    bool published;
} raw_cases[] = {
    {1, LAYOUT_1X1, 1, 256, 256, 0, 8192, 256, 256, 1, true},
    {1, LAYOUT_1X1, 6, 256, 256, 0, 65536, 256, 256, 1, true},
    {1, LAYOUT_1X1, 12, 256, 256, 3, 131072, 256, 256, 2, true},
    {1, LAYOUT_1X1, 24, 512, 256, 0, 262144, 256, 256, 4, true},
    {1, LAYOUT_1X1, 24, 256, 256, 0, 262144, 256, 256, 4,
     true},                                                   /* a server that does not double X */
    {1, LAYOUT_2X2, 1, 256, 256, 0, 8192, 256, 256, 1, true}, /* mislabelled */
    {1, LAYOUT_2X2G, 12, 256, 256, 3, 131072, 256, 256, 2, true},
    {1, LAYOUT_1X1, 12, 256, 32, 0, 16384, 32, 256, 2, true},
    {4, LAYOUT_2X2, 1, 1024, 256, 0, 32768, 512, 512, 1, true},
    {4, LAYOUT_2X2, 6, 1024, 256, 0, 262144, 512, 512, 1, true},
    {4, LAYOUT_2X2, 12, 1024, 256, 3, 524288, 512, 512, 2, true},
    {4, LAYOUT_2X2, 24, 2048, 256, 0, 1048576, 512, 512, 4, false},
    {4, LAYOUT_2X2, 1, 1024, 32, 0, 4879 - 783, 64, 512, 1, true},
    {4, LAYOUT_2X2, 6, 1024, 64, 0, 66319 - 783, 128, 512, 1, true},
    {4, LAYOUT_2X2, 12, 1024, 128, 0, 262927 - 783, 256, 512, 2, true},
    {4, LAYOUT_2X2, 24, 2048, 32, 0, 131855 - 783, 64, 512, 4, false},
    {4, LAYOUT_2X2G, 1, 1024, 256, 2, 32768, 514, 514, 1, true},
    {4, LAYOUT_2X2G, 12, 1024, 256, 3, 524288, 515, 515, 2, true},
    {4, LAYOUT_2X2G, 12, 1024, 256, 0, 524288, 512, 512, 2, true},
    {4, LAYOUT_2X2G, 12, 1024, 64, 3, 131072, 131, 515, 2, false},
    {1, LAYOUT_1X1, 6, 128, 128, 0, 16384, 128, 128, 1, false},
};

static int raw_format_of(const struct raw_case *raw, uint32_t depth, size_t payload,
                         struct pixel_format *format, struct error *error)
{
    const struct frame_header header = {
        .number = 1,
        .data_offset = 256 + 128 * raw->chips,
        .chips = raw->chips,
        .width = raw->width,
        .height = raw->height,
        .pixel_type = PIXEL_R64,
        .layout = raw->layout,
        .counter_depth = depth,
    };
    return pixel_format_from_header(format, &header, NULL, raw->gap, header.data_offset + payload,
                                    error);
}

static void raw_frames_of_every_depth_and_layout_are_known(void **state)
{
    for (size_t i = 0; i < sizeof raw_cases / sizeof raw_cases[0]; i++) {
        const struct raw_case *const raw = &raw_cases[i];
        struct pixel_format format;
        assert_int_equal(raw_format_of(raw, raw->depth, raw->payload, &format, NULL), 0);
        assert_int_equal(format.height, raw->image_height);
        assert_int_equal(format.width, raw->image_width);
        assert_int_equal(format.pixel_size, raw->pixel_size);
        assert_int_equal(format.payload_size, raw->payload);
        assert_int_equal(format.image_size,
                         (size_t)raw->image_height * raw->image_width * raw->pixel_size);
        assert_int_equal(format.layout_published, raw->published);
        assert_int_equal(raw_format_of(raw, raw->depth, raw->payload - 8, &format, NULL), -EBADMSG);
        assert_int_equal(raw_format_of(raw, raw->depth, raw->payload + 1, &format, NULL), -EBADMSG);
        assert_int_equal(raw_format_of(raw, raw->depth, 0, &format, NULL), -EBADMSG);
    }
}

static void without_any_depth_the_size_of_a_raw_frame_tells_it(void **state)
{
    for (size_t i = 0; i < sizeof raw_cases / sizeof raw_cases[0]; i++) {
        const struct raw_case *const raw = &raw_cases[i];
        struct pixel_format format;
        assert_int_equal(raw_format_of(raw, 0, raw->payload, &format, NULL), 0);
        assert_int_equal(format.counter_depth, raw->depth);
        assert_int_equal(format.width, raw->image_width);
    }
}

static void the_layout_of_raw_rows_of_chips_is_not_published(void **state)
{
    static const struct raw_case rows[] = {
        {4, LAYOUT_NX1, 12, 1024, 256, .payload = 524288},
        {4, LAYOUT_NX1G, 12, 1024, 256, .payload = 524288},
        {8, LAYOUT_NX1, 1, 2048, 256, .payload = 65536},
        {2, LAYOUT_2X2, 1, 512, 256, .payload = 16384},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pixel_format format;
        struct error error = {0};
        assert_int_equal(raw_format_of(&rows[i], rows[i].depth, rows[i].payload, &format, &error),
                         -ENOTSUP);
        assert_non_null(strstr(error.text, "not published"));
        assert_non_null(strstr(error.text, sensor_layout_name(rows[i].layout)));
        assert_non_null(strstr(error.text, "FILEFORMAT"));
    }
}

static void processed_rows_of_chips_are_as_wide_as_the_header_says(void **state)
{
    const struct frame_header header = {.data_offset = 768,
                                        .chips = 4,
                                        .width = 1036,
                                        .height = 256,
                                        .pixel_type = PIXEL_U16,
                                        .layout = LAYOUT_NX1G,
                                        .counter_depth = 12};
    struct pixel_format format;
    assert_int_equal(
        pixel_format_from_header(&format, &header, NULL, 3, 768 + 1036 * 256 * 2, NULL), 0);
    assert_int_equal(format.width, 1036);
    assert_int_equal(format.height, 256);
    assert_int_equal(format.gap, 0);
}

static void raw_frames_that_no_chip_sends_are_refused(void **state)
{
    static const struct raw_case odd[] = {
        {1, LAYOUT_1X1, 12, 1024, 256, .payload = 524288}, /* four chips wide */
        {1, LAYOUT_1X1, 12, 256, 512, .payload = 262144},
        {4, LAYOUT_2X2, 12, 1023, 256, .payload = 523776},
        {1, LAYOUT_1X1, 13, 256, 256, .payload = 131072},
        {1, LAYOUT_1X1, 6, 512, 256, .payload = 131072},
    };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct pixel_format format;
        struct error error = {0};
        assert_int_equal(raw_format_of(&odd[i], odd[i].depth, odd[i].payload, &format, &error),
                         -EBADMSG);
        assert_non_null(strstr(error.text, "frame 1"));
    }
}

static void the_acquisition_header_supplies_the_depth(void **state)
{
    struct frame_header header = quad_header(PIXEL_U16);
    const struct acquisition_header acquisition = {.counter_depth = 6};
    const size_t size = 768 + 514 * 512 * 2;
    struct pixel_format format;
    assert_int_equal(pixel_format_from_header(&format, &header, &acquisition, 0, size, NULL), 0);
    assert_int_equal(format.counter_depth, 12);
    header.counter_depth = 0;
    assert_int_equal(pixel_format_from_header(&format, &header, &acquisition, 0, size, NULL), 0);
    assert_int_equal(format.counter_depth, 6);
    assert_int_equal(pixel_format_from_header(&format, &header, NULL, 0, size, NULL), 0);
    assert_int_equal(format.counter_depth, 0);
}

static void full_scale_is_the_counters_or_the_types(void **state)
{
    struct pixel_format format = {.pixel_size = 2, .counter_depth = 12};
    assert_int_equal(pixel_format_full_scale(&format), 4095);
    format.counter_depth = 0;
    assert_int_equal(pixel_format_full_scale(&format), 65535);
    format.counter_depth = 24; /* cannot be in 16 bits */
    assert_int_equal(pixel_format_full_scale(&format), 65535);
    format = (struct pixel_format){.pixel_size = 1, .counter_depth = 1};
    assert_int_equal(pixel_format_full_scale(&format), 1);
    format = (struct pixel_format){.pixel_size = 4};
    assert_true(pixel_format_full_scale(&format) == UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_follow_from_the_header),
        cmocka_unit_test(every_processed_type_has_its_dtype),
        cmocka_unit_test(a_body_of_another_length_is_refused),
        cmocka_unit_test(a_body_shorter_than_its_header_is_refused),
        cmocka_unit_test(numbers_of_64_bits_are_refused_by_name),
        cmocka_unit_test(bits_are_told_from_bytes_by_the_size),
        cmocka_unit_test(raw_frames_of_every_depth_and_layout_are_known),
        cmocka_unit_test(without_any_depth_the_size_of_a_raw_frame_tells_it),
        cmocka_unit_test(the_layout_of_raw_rows_of_chips_is_not_published),
        cmocka_unit_test(processed_rows_of_chips_are_as_wide_as_the_header_says),
        cmocka_unit_test(raw_frames_that_no_chip_sends_are_refused),
        cmocka_unit_test(the_acquisition_header_supplies_the_depth),
        cmocka_unit_test(full_scale_is_the_counters_or_the_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
