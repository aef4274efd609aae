#include <blosc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "detector/bit_plane.h"
#include "frames.h"
#include "processing/stored/bit_chunk.h"

/* 1-bit frames packed by their bits, against the images that the decoder makes of them. */

#define MAX_FRAMES 5

static struct pixel_format format_of(uint32_t height, bool quad, enum pixel_packing packing)
{
    const uint32_t width = quad ? 512 : 256;
    return (struct pixel_format){
        .packing = packing,
        .raw_quad = quad,
        .chips = quad ? 4 : 1,
        .width = width,
        .height = height,
        .pixel_size = 1,
        .payload_size = (size_t)width * height / 8,
        .image_size = (size_t)width * height,
    };
}

/* Frames in one allocation: payloads, images as the decoder makes them, and planes. */
struct scene {
    struct pixel_format format;
    size_t n, plane_size, capacity;
    uint8_t *payloads, *images, *planes, *packed, *unpacked;
};

static void scene_init(struct scene *scene, const struct pixel_format *format, size_t n)
{
    const size_t size = n * format->image_size;
    *scene = (struct scene){
        .format = *format,
        .n = n,
        .plane_size = bit_plane_size(format),
        .capacity = size + BLOSC_MAX_OVERHEAD,
        .payloads = malloc(n * format->payload_size),
        .images = malloc(size),
        .planes = malloc(size / 8),
        .packed = malloc(size + BLOSC_MAX_OVERHEAD),
        .unpacked = malloc(size),
    };
    assert_true(scene->payloads && scene->images && scene->planes && scene->packed &&
                scene->unpacked);
}

static void scene_finish(struct scene *scene)
{
    free(scene->payloads);
    free(scene->images);
    free(scene->planes);
    free(scene->packed);
    free(scene->unpacked);
}

/* Each bit is set with a chance of `share` in 256. */
static void fill(uint8_t *payload, size_t size, unsigned share, uint64_t *seed)
{
    memset(payload, 0, size);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        if ((frame_random(seed) >> 20 & 255) < share)
            payload[bit / 8] |= (uint8_t)(1 << bit % 8);
    }
}

static void decode_all(struct scene *scene)
{
    const frame_decode_fn decode = frame_decoder(&scene->format, CPU_ISA_PLAIN);
    for (size_t i = 0; i < scene->n; i++) {
        const uint8_t *const payload = scene->payloads + i * scene->format.payload_size;
        decode(scene->images + i * scene->format.image_size, payload, &scene->format);
        bit_plane_decode(scene->planes + i * scene->plane_size, payload, &scene->format);
    }
}

/* What Blosc reads of the packed planes are the images: as a whole, and a single one. */
static void check_packed(struct scene *scene, int acceleration)
{
    const size_t size = scene->n * scene->format.image_size;
    const size_t packed = bit_chunk_pack(scene->planes, scene->n, scene->plane_size, acceleration,
                                         scene->packed, scene->capacity);
    size_t told;
    assert_true(packed > 0 && packed <= scene->capacity);
    assert_int_equal(blosc_cbuffer_validate(scene->packed, packed, &told), 0);
    assert_int_equal(told, size);
    memset(scene->unpacked, 0xee, size);
    assert_int_equal(blosc_decompress_ctx(scene->packed, scene->unpacked, size, 1), size);
    assert_memory_equal(scene->unpacked, scene->images, size);
    const size_t last = size - scene->format.image_size;
    assert_int_equal(
        blosc_getitem(scene->packed, (int)last, (int)scene->format.image_size, scene->unpacked),
        scene->format.image_size);
    assert_memory_equal(scene->unpacked, scene->images + last, scene->format.image_size);
}

static void check_format(uint32_t height, bool quad, enum pixel_packing packing)
{
    static const unsigned shares[] = {0, 1, 12, 64, 128, 250, 256};
    const struct pixel_format format = format_of(height, quad, packing);
    assert_true(bit_plane_applies(&format));
    assert_true(bit_chunk_takes(bit_plane_size(&format)));
    uint64_t seed = height;
    for (size_t n = 1; n <= MAX_FRAMES; n += 2) {
        struct scene scene;
        scene_init(&scene, &format, n);
        for (size_t s = 0; s < sizeof shares / sizeof *shares; s++) {
            fill(scene.payloads, n * format.payload_size, shares[s], &seed);
            decode_all(&scene);
            check_packed(&scene, 9);
        }
        scene_finish(&scene);
    }
}

static void a_chip(void **state)
{
    check_format(256, false, PACKING_RAW_1);
}

static void some_rows_of_a_chip(void **state)
{
    check_format(1, false, PACKING_RAW_1);
    check_format(37, false, PACKING_RAW_1);
}

static void a_quad_whose_lower_chips_are_turned(void **state)
{
    check_format(512, true, PACKING_RAW_1);
    check_format(2 * 19, true, PACKING_RAW_1);
}

static void packed_processed_frames(void **state)
{
    check_format(256, false, PACKING_BITS);
}

/* What is packed takes no more room than what Blosc makes of the images. */
static void as_small_as_the_images_packed_by_blosc(void **state)
{
    const struct pixel_format format = format_of(256, false, PACKING_RAW_1);
    struct scene scene;
    uint64_t seed = 1;
    scene_init(&scene, &format, 4);
    fill(scene.payloads, 4 * format.payload_size, 12, &seed);
    decode_all(&scene);
    const size_t size = 4 * format.image_size;
    const int plain = blosc_compress_ctx(1, BLOSC_BITSHUFFLE, 1, size, scene.images, scene.unpacked,
                                         size, BLOSC_LZ4_COMPNAME, 0, 1);
    assert_true(plain > 0);
    const size_t packed =
        bit_chunk_pack(scene.planes, 4, scene.plane_size, 9, scene.packed, scene.capacity);
    assert_true(packed <= (size_t)plain + (size_t)plain / 50);
    scene_finish(&scene);
}

/* The stream of a plane ends with literals whose number takes no byte, one, two...: each length is
 * lengthened by one zero. */
static void every_number_of_last_literals(void **state)
{
    const struct pixel_format format = format_of(32, false, PACKING_RAW_1);
    struct scene scene;
    uint64_t seed = 7;
    scene_init(&scene, &format, 1);
    for (size_t literals = 0; literals <= 600; literals++) {
        memset(scene.payloads, 0x5a, format.payload_size);
        fill(scene.payloads + format.payload_size - literals, literals, 128, &seed);
        decode_all(&scene);
        check_packed(&scene, 1);
    }
    scene_finish(&scene);
}

static void too_little_room_is_told(void **state)
{
    const struct pixel_format format = format_of(64, false, PACKING_RAW_1);
    struct scene scene;
    uint64_t seed = 3;
    scene_init(&scene, &format, 3);
    fill(scene.payloads, 3 * format.payload_size, 128, &seed);
    decode_all(&scene);
    const size_t needed =
        bit_chunk_pack(scene.planes, 3, scene.plane_size, 9, scene.packed, scene.capacity);
    for (size_t room = 0; room < needed; room++) {
        uint8_t *const tight = malloc(room + 1);
        assert_non_null(tight);
        tight[room] = 0xaa;
        assert_int_equal(bit_chunk_pack(scene.planes, 3, scene.plane_size, 9, tight, room), 0);
        assert_int_equal(tight[room], 0xaa);
        free(tight);
    }
    scene_finish(&scene);
}

static void formats_without_a_plane(void **state)
{
    struct pixel_format format = format_of(512, true, PACKING_RAW_1);
    format.gap = 3;
    assert_false(bit_plane_applies(&format));
    format = format_of(256, false, PACKING_RAW_6);
    assert_false(bit_plane_applies(&format));
    format = format_of(256, false, PACKING_INTEGERS);
    assert_false(bit_plane_applies(&format));
    format = format_of(1, false, PACKING_BITS);
    format.width = 8;
    format.image_size = 8;
    format.payload_size = 1;
    assert_false(bit_plane_applies(&format));
    assert_false(bit_chunk_takes(8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chip),
        cmocka_unit_test(some_rows_of_a_chip),
        cmocka_unit_test(a_quad_whose_lower_chips_are_turned),
        cmocka_unit_test(packed_processed_frames),
        cmocka_unit_test(as_small_as_the_images_packed_by_blosc),
        cmocka_unit_test(every_number_of_last_literals),
        cmocka_unit_test(too_little_room_is_told),
        cmocka_unit_test(formats_without_a_plane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
