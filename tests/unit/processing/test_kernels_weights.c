#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "processing/kernels/kernels_events.h"
#include "processing/kernels/kernels_weights.h"
#include "tests/unit/processing/frames.h"

/* Lists of pixels with counts, and weighted sums of many masks by them and by whole images. */

/* Shorter and longer than a step of each version, and longer than what fits its 32-bit sums. */
static const uint32_t lengths[] = {1, 15, 31, 32, 33, 63, 64, 65, 511, 1000, 4099, 70001};

static int16_t *table_create(size_t n_pixels, enum fill fill)
{
    const size_t n = (n_pixels / 2 + 1) * WEIGHT_PAIR;
    int16_t *const table = aligned_alloc(64, (n * sizeof *table + 63) / 64 * 64);
    uint64_t seed = 5;
    assert_non_null(table);
    for (size_t i = 0; i < n; i++) {
        const int16_t random = (int16_t)(frame_random(&seed) % 65535 - 32767);
        const int16_t extreme = i / 2 % 2 ? 32767 : -32767;
        table[i] = fill == FILL_FULL_SCALE ? extreme : random;
    }
    return table;
}

static void expect_sums(const int16_t *table, const struct pixel_format *format, const void *image,
                        const int64_t sums[WEIGHT_LANES])
{
    for (unsigned lane = 0; lane < WEIGHT_LANES; lane++) {
        uint64_t expected = 0;
        for (size_t i = 0; i < format->width; i++)
            expected += (uint64_t)table[weight_table_index(i, lane)] *
                        frame_pixel(image, i, format->pixel_size);
        assert_int_equal((uint64_t)sums[lane], expected);
    }
}

/* All pixels with more than `most` counts, in their order. */
static void expect_list(const struct pixel_format *format, const void *image, uint64_t most,
                        const uint32_t *pixels, size_t n)
{
    size_t found = 0;
    for (size_t i = 0; i < format->width; i++) {
        if (frame_pixel(image, i, format->pixel_size) <= most)
            continue;
        assert_true(found < n);
        assert_int_equal(pixels[found++], i);
    }
    assert_int_equal(found, n);
}

/* One image, and numbers that are no multiples of those that a version takes at once. */
static void check_images(const struct pixel_format *format, const void *image, const void *other,
                         const int16_t *table, enum cpu_isa isa)
{
    static const unsigned numbers[] = {1, 6, WEIGHT_IMAGES};
    const void *images[WEIGHT_IMAGES];
    int64_t sums[WEIGHT_IMAGES][WEIGHT_LANES];
    for (unsigned i = 0; i < WEIGHT_IMAGES; i++)
        images[i] = i % 3 == 1 ? other : image;
    for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++) {
        weight_kernels_for(isa, format->pixel_size)
            ->images(table, images, numbers[n], format->width, sums);
        for (unsigned i = 0; i < numbers[n]; i += n == 2 ? 5 : 1)
            expect_sums(table, format, images[i], sums[i]);
    }
}

static void check(const struct pixel_format *format, const void *image, const void *other,
                  const int16_t *table, enum cpu_isa isa)
{
    const uint32_t n_pixels = format->width, size = format->pixel_size;
    uint32_t *const pixels = malloc((n_pixels + EVENTS_ROOM_MORE) * sizeof *pixels);
    uint32_t *const more = malloc((n_pixels + EVENTS_ROOM_MORE) * sizeof *more);
    int64_t sums[WEIGHT_LANES];
    assert_true(pixels && more);
    check_images(format, image, other, table, isa);
    struct frame_events events = {.pixels = pixels, .more = more, .image = image};
    events.n =
        event_kernels_for(isa, size)->list(pixels, more, &events.n_more, image, n_pixels, n_pixels);
    expect_list(format, image, 0, pixels, events.n);
    expect_list(format, image, 1, more, events.n_more);
    weight_kernels_for(isa, size)->events(table, &events, sums);
    expect_sums(table, format, image, sums);
    free(pixels);
    free(more);
}

static void every_version_sums_what_the_definition_says(void **state)
{
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
        for (uint32_t size = 1; size <= 4; size *= 2) {
            const struct pixel_format format = frame_format(1, lengths[l], size);
            void *const image = frame_create(&format), *const other = frame_create(&format);
            frame_fill(other, &format, FILL_RANDOM, 99);
            for (enum fill fill = 0; fill < N_FILLS; fill++) {
                int16_t *const table = table_create(lengths[l], fill);
                frame_fill(image, &format, fill, l + 1);
                for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++)
                    check(&format, image, other, table, isa);
                free(table);
            }
            frame_destroy(image, &format);
            frame_destroy(other, &format);
        }
    }
}

static void a_list_that_would_be_too_long_is_given_up_within_its_room(void **state)
{
    for (uint32_t size = 1; size <= 4; size *= 2) {
        const struct pixel_format format = frame_format(1, 4099, size);
        void *const image = frame_create(&format);
        frame_fill(image, &format, FILL_FULL_SCALE, 1);
        for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++) {
            for (size_t max = 0; max < 200; max += 7) {
                const struct pixel_format room =
                    frame_format(1, (uint32_t)max + EVENTS_ROOM_MORE, 4);
                uint32_t *const pixels = frame_create(&room), *const more = frame_create(&room);
                size_t n_more;
                assert_true(event_kernels_for(isa, size)->list(pixels, more, &n_more, image, 4099,
                                                               max) > max);
                frame_destroy(pixels, &room);
                frame_destroy(more, &room);
            }
        }
        frame_destroy(image, &format);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_sums_what_the_definition_says),
        cmocka_unit_test(a_list_that_would_be_too_long_is_given_up_within_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
