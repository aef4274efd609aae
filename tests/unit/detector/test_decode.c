#include "examples.h"

#include "detector/decode.h"
#include "detector/encode.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- formats ---- */

struct shape {
    const char *name;
    enum pixel_type type;
    uint32_t chips;
    enum sensor_layout layout;
    uint32_t depth, width, height; /* of the header */
    size_t payload;                /* bytes */
    uint32_t gap;
};

static struct pixel_format format_of(const struct shape *shape)
{
    const struct frame_header header = {
        .chips = shape->chips,
        .width = shape->width,
        .height = shape->height,
        .pixel_type = shape->type,
        .layout = shape->layout,
        .counter_depth = shape->depth,
    };
    struct pixel_format format;
    struct error error = {0};
    if (pixel_format_from_header(&format, &header, NULL, shape->gap, shape->payload, &error) < 0)
        fail_msg("%s: %s", shape->name, error.text);
    return format;
}

static uint32_t pixel_of(const void *image, const struct pixel_format *format, size_t y, size_t x)
{
    uint32_t value = 0;
    memcpy(&value, (const uint8_t *)image + (y * format->width + x) * format->pixel_size,
           format->pixel_size);
    return value;
}

static const struct shape single_1 = {"1 bit", PIXEL_R64, 1, LAYOUT_1X1, 1, 256, 256, 8192, 0};
static const struct shape single_6 = {"6 bit", PIXEL_R64, 1, LAYOUT_1X1, 6, 256, 256, 65536, 0};
static const struct shape single_12 = {"12 bit", PIXEL_R64, 1, LAYOUT_1X1, 12, 256, 256, 131072, 0};
static const struct shape single_24 = {"24 bit", PIXEL_R64, 1, LAYOUT_1X1, 24, 512, 256, 262144, 0};
static const struct shape quad_1 = {"quad 1", PIXEL_R64, 4, LAYOUT_2X2, 1, 1024, 256, 32768, 0};
static const struct shape quad_6 = {"quad 6", PIXEL_R64, 4, LAYOUT_2X2, 6, 1024, 256, 262144, 0};
static const struct shape quad_12 = {"quad 12", PIXEL_R64, 4, LAYOUT_2X2, 12, 1024, 256, 524288, 0};

/* All decoders: 0 is the reference, then comes one for each instruction set. */

static frame_decode_fn decoder(const struct pixel_format *format, unsigned i)
{
    return i == 0 ? decode_reference : frame_decoder(format, (enum cpu_isa)(i - 1));
}

static unsigned n_decoders(void)
{
    return 2 + (unsigned)cpu_isa_best();
}

/* ---- the worked examples of the protocol notes ---- */

/* Puts `bytes` at the start of the payload and decodes it. The caller frees. */
static uint8_t *decoded(const struct pixel_format *format, const uint8_t *bytes, size_t size,
                        unsigned i)
{
    uint8_t *const payload = calloc(1, format->payload_size);
    uint8_t *const image = aligned_alloc(64, (format->image_size + 63) / 64 * 64);
    assert_non_null(payload);
    assert_non_null(image);
    memcpy(payload, bytes, size);
    decoder(format, i)(image, payload, format);
    free(payload);
    return image;
}

static void the_worked_row_of_one_bit(void **state)
{
    static const uint8_t row[32] = {0x80, 0, 0, 0, 0, 0, 2, 3, 0, 0, 0, 0,   0,
                                    0,    0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x80};
    static const size_t set[] = {0, 1, 9, 63, 64, 255};
    const struct pixel_format format = format_of(&single_1);
    for (unsigned i = 0; i < n_decoders(); i++) {
        uint8_t *const image = decoded(&format, row, sizeof row, i);
        uint8_t expected[512] = {0};
        for (size_t k = 0; k < COUNT(set); k++)
            expected[set[k]] = 1;
        assert_memory_equal(image, expected, sizeof expected);
        free(image);
    }
}

static void the_worked_row_of_6_bits(void **state)
{
    static const uint8_t row[] = {7, 6, 5, 4, 3, 2, 1, 0, 0xf, 0xe, 0xd, 0xc, 0xb, 0xa, 9, 8};
    const struct pixel_format format = format_of(&single_6);
    for (unsigned i = 0; i < n_decoders(); i++) {
        uint8_t *const image = decoded(&format, row, sizeof row, i);
        for (size_t x = 0; x < 256; x++)
            assert_int_equal(pixel_of(image, &format, 0, x), x < 16 ? x : 0);
        free(image);
    }
}

static void the_worked_row_of_12_bits(void **state)
{
    static const uint8_t row[] = {1, 3, 1, 2, 1, 1, 1, 0, 1, 7, 1, 6, 1, 5, 1, 4};
    const struct pixel_format format = format_of(&single_12);
    for (unsigned i = 0; i < n_decoders(); i++) {
        uint8_t *const image = decoded(&format, row, sizeof row, i);
        for (size_t x = 0; x < 256; x++)
            assert_int_equal(pixel_of(image, &format, 0, x), x < 8 ? 0x100 + x : 0);
        free(image);
    }
}

static void the_first_plane_of_24_bits_is_the_high_one(void **state)
{
    const struct pixel_format format = format_of(&single_24);
    assert_int_equal(format.width, 256);
    uint8_t *const payload = calloc(1, format.payload_size);
    assert_non_null(payload);
    payload[6] = 0x0a, payload[7] = 0xbc; /* pixel 0 */
    payload[131072 + 6] = 0x0d, payload[131072 + 7] = 0xef;
    payload[131072 + 512 + 4] = 0x01; /* pixel 1 of row 1 */
    for (unsigned i = 0; i < n_decoders(); i++) {
        uint8_t *const image = decoded(&format, payload, format.payload_size, i);
        assert_int_equal(pixel_of(image, &format, 0, 0), 0xabcdef);
        assert_int_equal(pixel_of(image, &format, 0, 1), 0);
        assert_int_equal(pixel_of(image, &format, 1, 1), 0x100);
        free(image);
    }
    free(payload);
}

/* A pixel and where the notes say that it lies. */
struct place {
    size_t y, x, byte_1, bit_1, byte_6, byte_12;
};

static const struct place single_places[] = {
    {0, 0, 7, 0, 7, 6},        {0, 1, 7, 1, 6, 4},     {0, 7, 7, 7, 0, 8},
    {0, 8, 6, 0, 15, 22},      {0, 63, 0, 7, 56, 120}, {0, 64, 15, 0, 71, 134},
    {0, 255, 24, 7, 248, 504},
};

static const struct place quad_places[] = {
    {0, 0, 103, 0, 775, 1542},
    {0, 256, 71, 0, 519, 1030},
    {255, 255, 32760, 7, 262136, 524280},
    {256, 0, 32696, 7, 261624, 523256},
    {256, 256, 32664, 7, 261368, 522744},
    {256, 511, 32647, 0, 261127, 522246},
    {511, 0, 56, 7, 504, 1016},
    {511, 511, 7, 0, 7, 6},
};

/* A payload with nothing but `bytes` at `at`: the image has `value` at the place and nothing
 * anywhere else. */
static void check_place(const struct shape *shape, const struct place *place, size_t at,
                        const uint8_t *bytes, size_t size, uint32_t value)
{
    const struct pixel_format format = format_of(shape);
    uint8_t *const payload = calloc(1, format.payload_size);
    assert_non_null(payload);
    memcpy(payload + at, bytes, size);
    for (unsigned i = 0; i < n_decoders(); i++) {
        uint8_t *const image = decoded(&format, payload, format.payload_size, i);
        if (pixel_of(image, &format, place->y, place->x) != value)
            fail_msg("%s, decoder %u: pixel (%zu, %zu) is %u, not %u", shape->name, i, place->y,
                     place->x, pixel_of(image, &format, place->y, place->x), value);
        memset(image + (place->y * format.width + place->x) * format.pixel_size, 0,
               format.pixel_size);
        for (size_t k = 0; k < format.image_size; k++)
            if (image[k] != 0)
                fail_msg("%s, decoder %u: byte %zu of the image is set as well", shape->name, i, k);
        free(image);
    }
    free(payload);
}

static void check_places(const struct place *places, size_t n, const struct shape *bit,
                         const struct shape *six, const struct shape *twelve)
{
    for (size_t i = 0; i < n; i++) {
        const struct place *const place = &places[i];
        const uint8_t mask = (uint8_t)(1 << place->bit_1);
        check_place(bit, place, place->byte_1, &mask, 1, 1);
        check_place(six, place, place->byte_6, &(uint8_t){0x2a}, 1, 0x2a);
        check_place(twelve, place, place->byte_12, (const uint8_t[]){0x0c, 0x35}, 2, 0xc35);
    }
}

static void pixels_of_a_chip_are_where_the_table_says(void **state)
{
    check_places(single_places, COUNT(single_places), &single_1, &single_6, &single_12);
}

static void pixels_of_a_quad_are_where_the_table_says(void **state)
{
    check_places(quad_places, COUNT(quad_places), &quad_1, &quad_6, &quad_12);
}

static void the_most_significant_bit_of_packed_pixels_is_the_first(void **state)
{
    static const struct shape shape = {"U01", PIXEL_U01, 1, LAYOUT_1X1, 1, 36, 2, 9, 0};
    static const uint8_t packed[9] = {0x80, 0x01, [8] = 0x40};
    const struct pixel_format format = format_of(&shape);
    for (unsigned i = 0; i < n_decoders(); i++) {
        uint8_t *const image = decoded(&format, packed, sizeof packed, i);
        for (size_t x = 0; x < 72; x++)
            assert_int_equal(image[x], x == 0 || x == 15 || x == 65);
        free(image);
    }
}

static void the_gap_is_black_and_moves_the_chips_apart(void **state)
{
    for (uint32_t gap = 1; gap <= 3; gap++) {
        const struct shape shape = {"2x2G", PIXEL_R64, 4, LAYOUT_2X2G, 12, 1024, 32, 65536, gap};
        const struct pixel_format format = format_of(&shape);
        uint8_t *const payload = malloc(format.payload_size);
        assert_non_null(payload);
        memset(payload, 0x0f, format.payload_size);
        for (unsigned i = 0; i < n_decoders(); i++) {
            uint8_t *const image = decoded(&format, payload, format.payload_size, i);
            for (size_t y = 0; y < 64 + gap; y++)
                for (size_t x = 0; x < 512 + gap; x++) {
                    const bool black = (y >= 32 && y < 32 + gap) || (x >= 256 && x < 256 + gap);
                    assert_int_equal(pixel_of(image, &format, y, x), black ? 0 : 0x0f0f);
                }
            free(image);
        }
        free(payload);
    }
}

/* ---- all decoders against the reference ---- */

static const struct shape shapes[] = {
    {"U08", PIXEL_U08, 1, LAYOUT_1X1, 6, 256, 256, 65536, 0},
    {"U16", PIXEL_U16, 4, LAYOUT_2X2, 12, 512, 512, 524288, 0},
    {"U16 gap 2", PIXEL_U16, 4, LAYOUT_2X2G, 12, 514, 514, 528392, 0},
    {"U16 gap 3", PIXEL_U16, 4, LAYOUT_2X2G, 12, 515, 515, 530450, 0},
    {"U32 gap 3", PIXEL_U32, 4, LAYOUT_2X2G, 24, 515, 515, 1060900, 0},
    {"U32 ROI", PIXEL_U32, 4, LAYOUT_2X2, 24, 512, 64, 131072, 0},
    {"U16 4x1", PIXEL_U16, 4, LAYOUT_NX1, 12, 1024, 256, 524288, 0},
    {"U01 bytes", PIXEL_U01, 1, LAYOUT_1X1, 1, 256, 256, 65536, 0},
    {"U01 bits", PIXEL_U01, 1, LAYOUT_1X1, 1, 256, 256, 8192, 0},
    {"U01 bits, no whole words", PIXEL_U01, 1, LAYOUT_1X1, 1, 24, 5, 15, 0},
    {"1", PIXEL_R64, 1, LAYOUT_1X1, 1, 256, 256, 8192, 0},
    {"6", PIXEL_R64, 1, LAYOUT_1X1, 6, 256, 128, 32768, 0},
    {"12", PIXEL_R64, 1, LAYOUT_2X2, 12, 256, 64, 32768, 0},
    {"24", PIXEL_R64, 1, LAYOUT_1X1, 24, 512, 256, 262144, 0},
    {"24 one row", PIXEL_R64, 1, LAYOUT_1X1, 24, 512, 1, 1024, 0},
    {"1 colour", PIXEL_R64, 1, LAYOUT_1X1, 1, 128, 128, 2048, 0},
    {"quad 1", PIXEL_R64, 4, LAYOUT_2X2, 1, 1024, 256, 32768, 0},
    {"quad 1 of 32", PIXEL_R64, 4, LAYOUT_2X2, 1, 1024, 32, 4096, 0},
    {"quad 6 of 64", PIXEL_R64, 4, LAYOUT_2X2, 6, 1024, 64, 65536, 0},
    {"quad 12", PIXEL_R64, 4, LAYOUT_2X2, 12, 1024, 256, 524288, 0},
    {"quad 12 of 128", PIXEL_R64, 4, LAYOUT_2X2, 12, 1024, 128, 262144, 0},
    {"quad 24", PIXEL_R64, 4, LAYOUT_2X2, 24, 2048, 256, 1048576, 0},
    {"quad 24 of 32", PIXEL_R64, 4, LAYOUT_2X2, 24, 2048, 32, 131072, 0},
    {"2x2G 1", PIXEL_R64, 4, LAYOUT_2X2G, 1, 1024, 256, 32768, 2},
    {"2x2G 6", PIXEL_R64, 4, LAYOUT_2X2G, 6, 1024, 256, 262144, 3},
    {"2x2G 12", PIXEL_R64, 4, LAYOUT_2X2G, 12, 1024, 256, 524288, 3},
    {"2x2G 24", PIXEL_R64, 4, LAYOUT_2X2G, 24, 2048, 256, 1048576, 3},
    {"quad 6 colour", PIXEL_R64, 4, LAYOUT_2X2, 6, 512, 128, 65536, 0},
};

/* The image lies anywhere that its pixels may, as in a chunk, and nothing beside it is touched. */
static void check_against_reference(const struct shape *shape, frame_decode_fn decode, size_t shift,
                                    uint32_t *random)
{
    const struct pixel_format format = format_of(shape);
    const size_t image_at = shift % 64 / 4 * 4 + 64;
    uint8_t *const sent = malloc(shift + format.payload_size); /* ends where a sanitizer watches */
    uint8_t *const expected = aligned_alloc(64, (format.image_size + 63) / 64 * 64);
    uint8_t *const room = malloc(image_at + format.image_size + 64);
    assert_non_null(sent);
    assert_non_null(expected);
    assert_non_null(room);
    for (size_t i = 0; i < format.payload_size; i++)
        sent[shift + i] = (uint8_t)(example_random(random) >> 7);
    memset(room, 0xa5, image_at + format.image_size + 64);
    decode_reference(expected, sent + shift, &format);
    decode(room + image_at, sent + shift, &format);
    if (memcmp(room + image_at, expected, format.image_size) != 0)
        fail_msg("%s: the decoder differs from the reference", shape->name);
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(room[image_at - 1 - i], 0xa5);
        assert_int_equal(room[image_at + format.image_size + i], 0xa5);
    }
    free(room);
    free(expected);
    free(sent);
}

static void every_decoder_agrees_with_the_reference_at_odd_addresses(void **state)
{
    uint32_t random = 20240614;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        const struct pixel_format format = format_of(&shapes[i]);
        for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++) {
            check_against_reference(&shapes[i], frame_decoder(&format, isa), 0, &random);
            check_against_reference(&shapes[i], frame_decoder(&format, isa), 399, &random);
            check_against_reference(&shapes[i], frame_decoder(&format, isa), 1 + i, &random);
        }
    }
}

static void processed_frames_of_every_width_agree_with_the_reference(void **state)
{
    uint32_t random = 6341;
    for (uint32_t width = 1; width < 70; width++) {
        for (enum pixel_type type = PIXEL_U08; type <= PIXEL_U32; type++) {
            const size_t pixel_size = type == PIXEL_U08 ? 1 : type == PIXEL_U16 ? 2 : 4;
            const struct shape shape = {.name = pixel_type_name(type),
                                        .type = type,
                                        .chips = 1,
                                        .width = width,
                                        .height = 3,
                                        .payload = width * 3 * pixel_size};
            const struct pixel_format format = format_of(&shape);
            for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++)
                check_against_reference(&shape, frame_decoder(&format, isa), width % 17, &random);
        }
    }
}

/* ---- the way back ---- */

/* Encodes the image of a random payload, with what the low plane of 24 bits may have or more. */
static void check_round_trip(const struct shape *shape, bool more, uint32_t *random)
{
    const struct pixel_format format = format_of(shape);
    const bool planes = format.packing == PACKING_RAW_24;
    uint8_t *const sent = malloc(format.payload_size), *const back = malloc(format.payload_size);
    uint8_t *const image = aligned_alloc(64, (format.image_size + 63) / 64 * 64);
    assert_non_null(sent);
    assert_non_null(back);
    assert_non_null(image);
    for (size_t i = 0; i < format.payload_size; i++)
        sent[i] = (uint8_t)(example_random(random) >> 7);
    for (size_t i = format.payload_size / 2; planes && !more && i < format.payload_size; i += 2)
        sent[i] &= 0x0f;
    frame_decoder(&format, cpu_isa_best())(image, sent, &format);
    memset(back, 0xa5, format.payload_size);
    frame_encode(back, image, &format);
    const bool same = memcmp(back, sent, format.payload_size) == 0;
    if (same != (!planes || !more) || same != frame_encode_gives_back(sent, &format))
        fail_msg("%s: the payload %s", shape->name, same ? "came back" : "did not come back");
    free(image);
    free(back);
    free(sent);
}

static void encoding_gives_back_what_was_sent_or_is_known_not_to(void **state)
{
    uint32_t random = 20210415;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        check_round_trip(&shapes[i], false, &random);
        check_round_trip(&shapes[i], true, &random);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_row_of_one_bit),
        cmocka_unit_test(the_worked_row_of_6_bits),
        cmocka_unit_test(the_worked_row_of_12_bits),
        cmocka_unit_test(the_first_plane_of_24_bits_is_the_high_one),
        cmocka_unit_test(pixels_of_a_chip_are_where_the_table_says),
        cmocka_unit_test(pixels_of_a_quad_are_where_the_table_says),
        cmocka_unit_test(the_most_significant_bit_of_packed_pixels_is_the_first),
        cmocka_unit_test(the_gap_is_black_and_moves_the_chips_apart),
        cmocka_unit_test(every_decoder_agrees_with_the_reference_at_odd_addresses),
        cmocka_unit_test(processed_frames_of_every_width_agree_with_the_reference),
        cmocka_unit_test(encoding_gives_back_what_was_sent_or_is_known_not_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
