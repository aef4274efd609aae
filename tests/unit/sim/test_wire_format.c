/* merlin-sim's encoders against the worked bytes and tables of the protocol notes (2.5, 2.6, 2.10),
 * taken from there and not from any decoder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "detector/sim/wire_format.h"

#define IMAGE_MAX (1024 * 1024)
#define PAYLOAD_MAX (4 * IMAGE_MAX)

struct fixture {
    uint32_t *sensor, *image;
    uint8_t *payload;
};

static int setup(void **state)
{
    struct fixture *fixture = malloc(sizeof *fixture);
    fixture->sensor = calloc(512 * 512, sizeof *fixture->sensor);
    fixture->image = calloc(IMAGE_MAX, sizeof *fixture->image);
    fixture->payload = calloc(PAYLOAD_MAX, 1);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    free(fixture->sensor);
    free(fixture->image);
    free(fixture->payload);
    free(fixture);
    return 0;
}

static struct wire_format make_format(enum wire_layout layout, bool raw, uint32_t depth,
                                      uint32_t rows)
{
    struct wire_format format = {.layout = layout, .raw = raw, .depth = depth, .rows = rows};
    assert_int_equal(wire_format_init(&format, NULL), 0);
    return format;
}

static void worked_1_bit_row(void **state)
{
    static const uint8_t wanted[32] = {0x80, 0, 0,    0, 0, 0, 0x02, 0x03, 0, 0, 0, 0,   0,
                                       0,    0, 0x01, 0, 0, 0, 0,    0,    0, 0, 0, 0x80};
    static const unsigned set[] = {0, 1, 9, 63, 64, 255};
    const struct fixture *fixture = *state;
    const struct wire_format format = make_format(WIRE_1X1, true, 1, 32);
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
        fixture->image[set[i]] = 1;
    wire_format_encode(&format, fixture->image, fixture->payload);
    assert_memory_equal(fixture->payload, wanted, sizeof wanted);
}

static void worked_6_bit_row(void **state)
{
    static const uint8_t wanted[16] = {7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8};
    const struct fixture *fixture = *state;
    const struct wire_format format = make_format(WIRE_1X1, true, 6, 32);
    for (uint32_t i = 0; i < 16; i++)
        fixture->image[i] = i;
    wire_format_encode(&format, fixture->image, fixture->payload);
    assert_memory_equal(fixture->payload, wanted, sizeof wanted);
}

static void worked_12_bit_row(void **state)
{
    static const uint8_t wanted[16] = {1, 3, 1, 2, 1, 1, 1, 0, 1, 7, 1, 6, 1, 5, 1, 4};
    const struct fixture *fixture = *state;
    const struct wire_format format = make_format(WIRE_1X1, true, 12, 32);
    for (uint32_t i = 0; i < 8; i++)
        fixture->image[i] = 0x100 + i;
    wire_format_encode(&format, fixture->image, fixture->payload);
    assert_memory_equal(fixture->payload, wanted, sizeof wanted);
}

/* Encodes an image in which only pixel (y, x) is 1 and asserts that only this bit of this byte is
 * set. 12-bit bytes are given as those of the high half, as the notes do. */
static void assert_place(const struct fixture *fixture, const struct wire_format *format,
                         uint32_t y, uint32_t x, size_t byte, unsigned bit)
{
    const size_t pixels = (size_t)format->image_width * format->image_height;
    memset(fixture->image, 0, pixels * sizeof *fixture->image);
    fixture->image[(size_t)y * format->image_width + x] = 1;
    wire_format_encode(format, fixture->image, fixture->payload);
    assert_int_equal(fixture->payload[byte], 1u << bit);
    fixture->payload[byte] = 0;
    for (size_t i = 0; i < format->payload_size; i++)
        assert_int_equal(fixture->payload[i], 0);
}

static void places_in_a_row(void **state)
{
    static const struct {
        uint32_t x;
        size_t byte1;
        unsigned bit1;
        size_t byte6, byte12;
    } table[] = {{0, 7, 0, 7, 6},       {1, 7, 1, 6, 4},     {7, 7, 7, 0, 8},
                 {8, 6, 0, 15, 22},     {63, 0, 7, 56, 120}, {64, 15, 0, 71, 134},
                 {255, 24, 7, 248, 504}};
    const struct wire_format one = make_format(WIRE_1X1, true, 1, 32),
                             six = make_format(WIRE_1X1, true, 6, 32),
                             twelve = make_format(WIRE_1X1, true, 12, 32);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_place(*state, &one, 0, table[i].x, table[i].byte1, table[i].bit1);
        assert_place(*state, &six, 0, table[i].x, table[i].byte6, 0);
        assert_place(*state, &twelve, 0, table[i].x, table[i].byte12 + 1, 0);
    }
}

static const struct {
    uint32_t y, x;
    size_t byte6, byte12, byte1;
    unsigned bit1;
} quad_places[] = {{0, 0, 775, 1542, 103, 0},
                   {0, 256, 519, 1030, 71, 0},
                   {255, 255, 262136, 524280, 32760, 7},
                   {256, 0, 261624, 523256, 32696, 7},
                   {256, 256, 261368, 522744, 32664, 7},
                   {256, 511, 261127, 522246, 32647, 0},
                   {511, 0, 504, 1016, 56, 7},
                   {511, 511, 7, 6, 7, 0}};

static void assert_quad_places(const struct fixture *fixture, uint32_t gap)
{
    struct wire_format formats[3] = {{.depth = 1}, {.depth = 6}, {.depth = 12}};
    for (int i = 0; i < 3; i++) {
        formats[i].layout = gap ? WIRE_2X2G : WIRE_2X2;
        formats[i].raw = true;
        formats[i].rows = 256;
        formats[i].gap = gap;
        assert_int_equal(wire_format_init(&formats[i], NULL), 0);
        assert_int_equal(formats[i].header_width, 1024);
        assert_int_equal(formats[i].header_height, 256);
        assert_int_equal(formats[i].image_width, 512 + gap);
    }
    for (size_t i = 0; i < sizeof quad_places / sizeof quad_places[0]; i++) {
        const uint32_t y = quad_places[i].y + (quad_places[i].y < 256 ? 0 : gap);
        const uint32_t x = quad_places[i].x + (quad_places[i].x < 256 ? 0 : gap);
        assert_place(fixture, &formats[0], y, x, quad_places[i].byte1, quad_places[i].bit1);
        assert_place(fixture, &formats[1], y, x, quad_places[i].byte6, 0);
        assert_place(fixture, &formats[2], y, x, quad_places[i].byte12 + 1, 0);
    }
}

static void places_in_a_quad(void **state)
{
    assert_quad_places(*state, 0);
}

static void gaps_carry_nothing_in_raw(void **state)
{
    assert_quad_places(*state, 2);
    assert_quad_places(*state, 3);
}

static void twenty_four_bits_are_two_planes_high_one_first(void **state)
{
    const struct fixture *fixture = *state;
    const struct wire_format format = make_format(WIRE_1X1, true, 24, 256);
    assert_int_equal(format.header_width, 512);
    assert_int_equal(format.header_height, 256);
    assert_int_equal(format.payload_size, 262144);
    fixture->image[0] = 0xabc123;
    wire_format_encode(&format, fixture->image, fixture->payload);
    assert_int_equal(fixture->payload[6], 0x0a);
    assert_int_equal(fixture->payload[7], 0xbc);
    assert_int_equal(fixture->payload[131072 + 6], 0x01);
    assert_int_equal(fixture->payload[131072 + 7], 0x23);
}

static void processed_is_big_endian(void **state)
{
    const struct fixture *fixture = *state;
    const struct wire_format two = make_format(WIRE_1X1, false, 12, 32),
                             four = make_format(WIRE_1X1, false, 24, 32);
    fixture->image[1] = 0x321;
    wire_format_encode(&two, fixture->image, fixture->payload);
    assert_memory_equal(fixture->payload, "\0\0\x03\x21", 4);
    fixture->image[1] = 0x654321;
    wire_format_encode(&four, fixture->image, fixture->payload);
    assert_memory_equal(fixture->payload, "\0\0\0\0\0\x65\x43\x21", 8);
}

static void packed_bits_begin_with_the_highest(void **state)
{
    const struct fixture *fixture = *state;
    struct wire_format format = {
        .layout = WIRE_1X1, .one_bit = ONE_BIT_U01_PACKED, .depth = 1, .rows = 32};
    assert_int_equal(wire_format_init(&format, NULL), 0);
    assert_int_equal(format.payload_size, 32 * 256 / 8);
    fixture->image[0] = fixture->image[9] = 1;
    wire_format_encode(&format, fixture->image, fixture->payload);
    assert_int_equal(fixture->payload[0], 0x80);
    assert_int_equal(fixture->payload[1], 0x40);
}

/* The table of message sizes, 2.10: prefix of 15 bytes, header, payload. */
static void messages_have_the_sizes_of_real_ones(void **state)
{
    static const struct {
        enum wire_layout layout;
        bool raw;
        uint32_t depth, rows, gap;
        size_t message;
    } table[] = {{WIRE_1X1, true, 1, 256, 0, 8591},       {WIRE_1X1, false, 1, 256, 0, 65935},
                 {WIRE_1X1, true, 12, 256, 0, 131471},    {WIRE_1X1, false, 24, 256, 0, 262543},
                 {WIRE_2X2, true, 1, 256, 0, 33551},      {WIRE_2X2, true, 6, 256, 0, 262927},
                 {WIRE_2X2, false, 12, 256, 0, 525071},   {WIRE_2X2, false, 24, 256, 0, 1049359},
                 {WIRE_2X2G, false, 6, 256, 2, 264979},   {WIRE_2X2G, false, 12, 256, 2, 529175},
                 {WIRE_2X2G, false, 24, 256, 3, 1061683}, {WIRE_2X2G, true, 12, 256, 3, 525071},
                 {WIRE_2X2, true, 1, 32, 0, 4879},        {WIRE_2X2, true, 6, 64, 0, 66319},
                 {WIRE_2X2, false, 12, 128, 0, 262927},   {WIRE_2X2, false, 24, 32, 0, 131855}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct wire_format format = {.layout = table[i].layout,
                                     .raw = table[i].raw,
                                     .depth = table[i].depth,
                                     .rows = table[i].rows,
                                     .gap = table[i].gap};
        assert_int_equal(wire_format_init(&format, NULL), 0);
        assert_int_equal(15 + 256 + 128 * format.chips + format.payload_size, table[i].message);
    }
}

/* Rows of a region of interest are the outer ones of each chip; gap pixels are 0. */
static void quads_show_their_outer_rows_and_a_gap(void **state)
{
    const struct fixture *fixture = *state;
    struct wire_format format = {.layout = WIRE_2X2G, .depth = 24, .rows = 32, .gap = 3};
    assert_int_equal(wire_format_init(&format, NULL), 0);
    assert_int_equal(format.image_width, 515);
    assert_int_equal(format.image_height, 67);
    for (uint32_t i = 0; i < 512 * 512; i++)
        fixture->sensor[i] = i + 1;
    wire_format_assemble(&format, fixture->sensor, 0, fixture->image);
    const uint32_t *image = fixture->image;
    assert_int_equal(image[0], 1);
    assert_int_equal(image[31 * 515 + 255], 31 * 512 + 255 + 1);
    assert_int_equal(image[31 * 515 + 259], 31 * 512 + 256 + 1);
    assert_int_equal(image[35 * 515], 480 * 512 + 1);
    assert_int_equal(image[66 * 515 + 514], 512 * 512);
    for (uint32_t i = 0; i < 515; i++)
        for (uint32_t y = 32; y < 35; y++)
            assert_int_equal(image[y * 515 + i], 0);
    for (uint32_t y = 0; y < 67; y++)
        for (uint32_t x = 256; x < 259; x++)
            assert_int_equal(image[y * 515 + x], 0);
}

static void counts_are_clipped_to_the_counter(void **state)
{
    const struct fixture *fixture = *state;
    const struct wire_format format = make_format(WIRE_1X1, false, 6, 32);
    fixture->sensor[5] = 64;
    wire_format_assemble(&format, fixture->sensor, 0, fixture->image);
    assert_int_equal(fixture->image[5], 63);
}

static void what_is_not_published_is_refused(void **state)
{
    struct wire_format nx1 = {.layout = WIRE_NX1, .raw = true, .depth = 6, .rows = 256};
    struct wire_format colour = {
        .layout = WIRE_2X2, .raw = true, .depth = 6, .rows = 256, .colour = true};
    struct error error;
    assert_true(wire_format_init(&nx1, &error) < 0);
    assert_non_null(strstr(error.text, "Nx1"));
    assert_true(wire_format_init(&colour, &error) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(worked_1_bit_row, setup, teardown),
        cmocka_unit_test_setup_teardown(worked_6_bit_row, setup, teardown),
        cmocka_unit_test_setup_teardown(worked_12_bit_row, setup, teardown),
        cmocka_unit_test_setup_teardown(places_in_a_row, setup, teardown),
        cmocka_unit_test_setup_teardown(places_in_a_quad, setup, teardown),
        cmocka_unit_test_setup_teardown(gaps_carry_nothing_in_raw, setup, teardown),
        cmocka_unit_test_setup_teardown(twenty_four_bits_are_two_planes_high_one_first, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(processed_is_big_endian, setup, teardown),
        cmocka_unit_test_setup_teardown(packed_bits_begin_with_the_highest, setup, teardown),
        cmocka_unit_test(messages_have_the_sizes_of_real_ones),
        cmocka_unit_test_setup_teardown(quads_show_their_outer_rows_and_a_gap, setup, teardown),
        cmocka_unit_test_setup_teardown(counts_are_clipped_to_the_counter, setup, teardown),
        cmocka_unit_test(what_is_not_published_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
