#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "processing/product.h"
#include "tests/unit/processing/frames.h"

static struct product prepared(const struct pixel_format *format, enum cpu_isa isa)
{
    struct product product = {0};
    struct error error = {0};
    assert_int_equal(sum_pattern_prepare(&product, format, isa, &error), 0);
    assert_string_equal(product.image_name, "sum");
    assert_int_equal(product.n_columns, 0);
    assert_int_equal(product.n_maps, 0);
    return product;
}

static void *new_accumulator(const struct product *product)
{
    void *const accumulator = aligned_alloc(64, (product->accumulator_size + 63) / 64 * 64);
    assert_non_null(accumulator);
    memset(accumulator, 0, product->accumulator_size);
    return accumulator;
}

static void assert_image(const struct product *product, const void *accumulator,
                         const uint64_t *expected)
{
    const size_t n_pixels = (size_t)product->format.height * product->format.width;
    uint64_t *const image = malloc(n_pixels * sizeof *image);
    assert_non_null(image);
    memset(image, 0xaa, n_pixels * sizeof *image);
    product->class->image(product, accumulator, image);
    assert_memory_equal(image, expected, n_pixels * sizeof *image);
    free(image);
}

/* Frames of full scale are what overflows a tile: 257 frames of 1 byte, 65537 of 2 bytes, fill it
 * to its last bit. */
static void full_scale_frames(uint32_t pixel_size, enum cpu_isa isa, unsigned n_frames)
{
    enum { N_PIXELS = 3 * 23 };
    const struct pixel_format format = frame_format(3, 23, pixel_size);
    struct product product = prepared(&format, isa);
    void *const accumulator = new_accumulator(&product), *const frame = frame_create(&format);
    uint64_t expected[N_PIXELS];
    frame_fill(frame, &format, FILL_FULL_SCALE, 0);
    for (unsigned i = 0; i < n_frames; i++)
        product.class->frame(&product, frame, NULL, accumulator);
    for (size_t i = 0; i < N_PIXELS; i++)
        expected[i] = n_frames * frame_pixel(frame, i, pixel_size);
    assert_image(&product, accumulator, expected);
    frame_destroy(frame, &format);
    free(accumulator);
    product.class->finish(&product);
}

static void full_scale_never_overflows(void **state)
{
    static const unsigned n_frames[] = {0, 1, 256, 257, 258, 514, 515, 1000};
    for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++) {
        for (size_t i = 0; i < sizeof n_frames / sizeof n_frames[0]; i++) {
            for (uint32_t size = 1; size <= 4; size *= 2)
                full_scale_frames(size, isa, n_frames[i]);
        }
        for (unsigned n = 65536; n <= 65538; n++)
            full_scale_frames(2, isa, n);
        full_scale_frames(4, isa, 70000);
        full_scale_frames(2, isa, 140000);
    }
}

/* Sums n_frames random frames by `isa`, spread over three accumulators that are merged in the given
 * order. */
static void merged_in_order(const struct pixel_format *format, enum cpu_isa isa,
                            const unsigned order[3])
{
    const size_t n_pixels = (size_t)format->height * format->width;
    struct product product = prepared(format, isa);
    void *const shares[3] = {new_accumulator(&product), new_accumulator(&product),
                             new_accumulator(&product)};
    void *const merged = new_accumulator(&product), *const frame = frame_create(format);
    uint64_t *const expected = calloc(n_pixels, sizeof *expected);
    assert_non_null(expected);
    for (unsigned n = 0; n < 300; n++) {
        frame_fill(frame, format, n % N_FILLS, n);
        product.class->frame(&product, frame, NULL, shares[n < 280 ? 0 : n % 3]);
        for (size_t i = 0; i < n_pixels; i++)
            expected[i] += frame_pixel(frame, i, format->pixel_size);
    }
    for (size_t i = 0; i < 3; i++)
        product.class->merge(&product, merged, shares[order[i]]);
    assert_image(&product, merged, expected);
    for (size_t i = 0; i < 3; i++)
        free(shares[i]);
    free(merged);
    free(expected);
    frame_destroy(frame, format);
    product.class->finish(&product);
}

static void shares_merge_in_any_order_to_the_same_sum(void **state)
{
    static const unsigned orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
    for (size_t order = 0; order < sizeof orders / sizeof orders[0]; order++) {
        for (uint32_t size = 1; size <= 4; size *= 2) {
            const struct pixel_format format = frame_format(31, 67, size);
            for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++)
                merged_in_order(&format, isa, orders[order]);
        }
    }
}

/* A worker's share goes on taking frames after something was merged into it. */
static void a_share_may_be_merged_into_a_share_with_frames(void **state)
{
    const struct pixel_format format = frame_format(5, 7, 1);
    struct product product = prepared(&format, cpu_isa_best());
    void *const a = new_accumulator(&product), *const b = new_accumulator(&product);
    void *const frame = frame_create(&format);
    frame_fill(frame, &format, FILL_FULL_SCALE, 0);
    for (unsigned i = 0; i < 200; i++) {
        product.class->frame(&product, frame, NULL, a);
        product.class->frame(&product, frame, NULL, b);
    }
    product.class->merge(&product, a, b);
    for (unsigned i = 0; i < 200; i++)
        product.class->frame(&product, frame, NULL, a);
    uint64_t expected[35];
    for (size_t i = 0; i < 35; i++)
        expected[i] = UINT64_C(600) * 255;
    assert_image(&product, a, expected);
    frame_destroy(frame, &format);
    free(a);
    free(b);
    product.class->finish(&product);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_scale_never_overflows),
        cmocka_unit_test(shares_merge_in_any_order_to_the_same_sum),
        cmocka_unit_test(a_share_may_be_merged_into_a_share_with_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
