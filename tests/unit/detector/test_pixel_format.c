#include <errno.h>

#include "examples.h"

#include "common/bytes.h"
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
    assert_int_equal(
        pixel_format_from_header(&format, &header, NULL, 768 + 514 * 512 * 2, NULL), 0);
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
        assert_int_equal(pixel_format_from_header(&format, &header, NULL,
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
    assert_int_equal(pixel_format_from_header(&format, &header, NULL, right - 1, &error), -EBADMSG);
    assert_non_null(strstr(error.text, "frame 3"));
    assert_int_equal(pixel_format_from_header(&format, &header, NULL, right + 1, NULL), -EBADMSG);
    assert_int_equal(pixel_format_from_header(&format, &header, NULL, 0, NULL), -EBADMSG);
}

static void types_of_later_versions_are_refused_by_name(void **state)
{
    static const enum pixel_type types[] = {PIXEL_U01, PIXEL_U64, PIXEL_R64};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct frame_header header = quad_header(types[i]);
        struct pixel_format format;
        struct error error = {0};
        assert_int_equal(
            pixel_format_from_header(&format, &header, NULL, 768 + 514 * 512, &error), -ENOTSUP);
        assert_non_null(strstr(error.text, pixel_type_name(types[i])));
        assert_non_null(strstr(error.text, "FILEFORMAT"));
    }
}

static void the_acquisition_header_supplies_the_depth(void **state)
{
    struct frame_header header = quad_header(PIXEL_U16);
    const struct acquisition_header acquisition = {.counter_depth = 6};
    const size_t size = 768 + 514 * 512 * 2;
    struct pixel_format format;
    assert_int_equal(pixel_format_from_header(&format, &header, &acquisition, size, NULL), 0);
    assert_int_equal(format.counter_depth, 12);
    header.counter_depth = 0;
    assert_int_equal(pixel_format_from_header(&format, &header, &acquisition, size, NULL), 0);
    assert_int_equal(format.counter_depth, 6);
    assert_int_equal(pixel_format_from_header(&format, &header, NULL, size, NULL), 0);
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

static uint32_t pixel_of(const void *image, size_t pixel_size, size_t i)
{
    if (pixel_size == 1)
        return ((const uint8_t *)image)[i];
    if (pixel_size == 2)
        return ((const uint16_t *)image)[i];
    return ((const uint32_t *)image)[i];
}

static uint32_t big_endian(const uint8_t *at, size_t pixel_size)
{
    uint32_t value = 0;
    for (size_t i = 0; i < pixel_size; i++)
        value = value << 8 | at[i];
    return value;
}

/* One size, one address: every pixel is the big-endian number that was sent, and nothing beyond the image is touched. */
static void check_decoder(enum pixel_type type, enum cpu_isa isa, uint32_t n, size_t shift,
                          uint32_t *random)
{
    const size_t pixel_size = type == PIXEL_U08 ? 1 : type == PIXEL_U16 ? 2 : 4;
    const struct frame_header header = {.width = n, .height = 3, .pixel_type = type, .chips = 1};
    const size_t size = n * 3 * pixel_size;
    const size_t room = (size + 64 + 63) / 64 * 64;
    struct pixel_format format;
    assert_int_equal(pixel_format_from_header(&format, &header, NULL, size, NULL), 0);
    uint8_t *const sent = malloc(shift + size);
    uint8_t *const image = aligned_alloc(64, room);
    assert_non_null(sent);
    assert_non_null(image);
    memset(image, 0xa5, room);
    for (size_t i = 0; i < size; i++)
        sent[shift + i] = (uint8_t)(example_random(random) >> 7);
    frame_decoder(&format, isa)(image, sent + shift, &format);
    for (size_t i = 0; i < size / pixel_size; i++)
        assert_int_equal(pixel_of(image, pixel_size, i),
                         big_endian(sent + shift + i * pixel_size, pixel_size));
    for (size_t i = size; i < room; i++)
        assert_int_equal(image[i], 0xa5);
    free(image);
    free(sent);
}

static void every_decoder_agrees_at_odd_addresses(void **state)
{
    uint32_t random = 20240614;
    for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++) {
        for (enum pixel_type type = PIXEL_U08; type <= PIXEL_U32; type++) {
            for (uint32_t n = 1; n < 70; n++)
                check_decoder(type, isa, n, n % 17, &random);
            check_decoder(type, isa, 515, 399, &random);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_follow_from_the_header),
        cmocka_unit_test(every_processed_type_has_its_dtype),
        cmocka_unit_test(a_body_of_another_length_is_refused),
        cmocka_unit_test(types_of_later_versions_are_refused_by_name),
        cmocka_unit_test(the_acquisition_header_supplies_the_depth),
        cmocka_unit_test(full_scale_is_the_counters_or_the_types),
        cmocka_unit_test(every_decoder_agrees_at_odd_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
