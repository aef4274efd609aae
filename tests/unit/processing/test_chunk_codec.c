#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "processing/stored/chunk_codec.h"
#include "tests/unit/processing/frames.h"

enum { SIDE = 24 };

static struct run *make_run(uint32_t pixel_size, const struct recording_settings *recording)
{
    struct acquisition_plan *const plan = acquisition_plan_create(0);
    const struct pixel_format format = frame_format(SIDE, SIDE, pixel_size);
    const struct run_frames frames = {.format = &format, .n_layers = 1};
    struct error error;
    struct run *run;
    plan->scan = (struct scan_geometry){.ny = 2, .nx = 4};
    plan->recording = *recording;
    assert_int_equal(run_create(&run, plan, &frames, 1, &error), 0);
    acquisition_plan_unref(plan);
    return run;
}

static size_t size_of(const struct run *run)
{
    return run->chunk_frames * run->format.image_size;
}

/* Images of a run, and their buffer. */
struct packed {
    struct run *run;
    uint8_t *images, *bytes, *room;
    size_t size, n_bytes;
};

static struct packed pack(uint32_t pixel_size, const struct recording_settings *recording,
                          enum fill fill)
{
    struct packed packed = {.run = make_run(pixel_size, recording)};
    packed.size = size_of(packed.run);
    packed.images = malloc(packed.size);
    packed.room = malloc(packed.size);
    const size_t n_frames = packed.run->chunk_frames;
    const size_t capacity = chunk_codec_bound(packed.run, n_frames);
    packed.bytes = malloc(capacity);
    assert_true(packed.images && packed.bytes && packed.room);
    for (uint32_t i = 0; i < packed.run->chunk_frames; i++)
        frame_fill(packed.images + i * packed.run->format.image_size, &packed.run->format, fill, i);
    const ptrdiff_t n =
        chunk_codec_pack(packed.run, packed.images, n_frames, packed.bytes, capacity);
    assert_true(n > 0 && (size_t)n <= capacity);
    packed.n_bytes = (size_t)n;
    return packed;
}

static void let_go(struct packed *packed)
{
    free(packed->images);
    free(packed->bytes);
    free(packed->room);
    run_unref(packed->run);
}

static void images_come_back_from_every_codec_level_and_pixel_size(void **state)
{
    struct recording_settings recording;
    for (int i = 0; i < 3 * 3 * 3; i++) {
        recording =
            (struct recording_settings){.codec = i % 3, .shuffle = i / 3 % 3, .level = i / 9 * 4};
        for (uint32_t pixel_size = 1; pixel_size <= 4; pixel_size *= 2) {
            for (enum fill fill = 0; fill < N_FILLS; fill++) {
                struct packed packed = pack(pixel_size, &recording, fill);
                memset(packed.room, 0xaa, packed.size);
                assert_int_equal(
                    chunk_codec_unpack(packed.room, packed.size, packed.bytes, packed.n_bytes), 0);
                assert_memory_equal(packed.room, packed.images, packed.size);
                let_go(&packed);
            }
        }
    }
}

static const struct recording_settings usual = {.shuffle = RECORDING_SHUFFLE_BIT, .level = 4};

static void few_counts_take_little_room(void **state)
{
    struct packed packed = pack(2, &usual, FILL_SPARSE);
    assert_true(packed.n_bytes < packed.size / 2);
    let_go(&packed);
}

/* As after a crash: not a byte beyond the image's room may be written. */
static void a_buffer_that_is_cut_short_or_of_another_size_is_refused(void **state)
{
    struct packed packed = pack(2, &usual, FILL_SPARSE);
    for (size_t n = 0; n < packed.n_bytes; n += n < 40 ? 1 : 97)
        assert_int_equal(chunk_codec_unpack(packed.room, packed.size, packed.bytes, n), -EIO);
    assert_int_equal(chunk_codec_unpack(packed.room, packed.size / 2, packed.bytes, packed.n_bytes),
                     -EIO);
    let_go(&packed);
}

static void bytes_that_are_no_buffer_are_refused(void **state)
{
    struct packed packed = pack(1, &usual, FILL_RANDOM);
    memset(packed.bytes, 0, packed.n_bytes);
    assert_int_equal(chunk_codec_unpack(packed.room, packed.size, packed.bytes, packed.n_bytes),
                     -EIO);
    memset(packed.bytes, 0xff, packed.n_bytes);
    assert_int_equal(chunk_codec_unpack(packed.room, packed.size, packed.bytes, packed.n_bytes),
                     -EIO);
    let_go(&packed);
}

static void too_little_room_is_refused_when_packing(void **state)
{
    struct packed packed = pack(1, &usual, FILL_RANDOM);
    assert_int_equal(
        chunk_codec_pack(packed.run, packed.images, packed.run->chunk_frames, packed.bytes, 64),
        -EIO);
    let_go(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_come_back_from_every_codec_level_and_pixel_size),
        cmocka_unit_test(few_counts_take_little_room),
        cmocka_unit_test(a_buffer_that_is_cut_short_or_of_another_size_is_refused),
        cmocka_unit_test(bytes_that_are_no_buffer_are_refused),
        cmocka_unit_test(too_little_room_is_refused_when_packing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
