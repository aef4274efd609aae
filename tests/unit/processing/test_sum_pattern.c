#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>

#include "processing/products/profile_products.h"
#include "tests/unit/processing/frames.h"

enum { SUM, MEAN, MAXIMUM };

static struct product prepared(const struct pixel_format *format, const uint8_t *bad,
                               enum cpu_isa isa)
{
    struct product product = {0};
    struct error error = {0};
    assert_int_equal(patterns_prepare(&product, bad, format, isa, &error), 0);
    assert_int_equal(product.n_columns, 0);
    assert_int_equal(product.n_maps, 0);
    assert_int_equal(product.n_arrays, 3);
    return product;
}

static size_t n_pixels_of(const struct product *product)
{
    return (size_t)product->format.height * product->format.width;
}

static void assert_array(const struct product *product, unsigned which, const void *accumulator,
                         const uint64_t *expected)
{
    const size_t size = n_pixels_of(product) * sizeof(uint64_t);
    uint64_t *const values = malloc(size);
    assert_non_null(values);
    memset(values, 0xaa, size);
    product->class->array(product, which, accumulator, values);
    assert_memory_equal(values, expected, size);
    free(values);
}

static void the_arrays_are_described(void **state)
{
    const struct pixel_format format = frame_format(3, 23, 2);
    struct product product = {0};
    assert_int_equal(sum_pattern_prepare(&product, &format, cpu_isa_best(), NULL), 0);
    static const char *const names[] = {"sum", "mean", "maximum"};
    static const enum map_dtype dtypes[] = {MAP_DTYPE_U64, MAP_DTYPE_F64, MAP_DTYPE_U64};
    assert_int_equal(product.n_arrays, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_string_equal(product.arrays[i].name, names[i]);
        assert_int_equal(product.arrays[i].dtype, dtypes[i]);
        assert_int_equal(product.arrays[i].rank, 2);
        assert_int_equal(product.arrays[i].shape[0], 3);
        assert_int_equal(product.arrays[i].shape[1], 23);
    }
    product.class->finish(&product);
}

/* Frames of full scale are what overflows a tile: 257 frames of 1 byte, 65537 of 2 bytes, fill it
 * to its last bit. */
static void full_scale_frames(uint32_t pixel_size, enum cpu_isa isa, unsigned n_frames)
{
    enum { N_PIXELS = 3 * 23 };
    const struct pixel_format format = frame_format(3, 23, pixel_size);
    struct product product = prepared(&format, NULL, isa);
    void *const accumulator = product_accumulator_create(product.accumulator_size);
    void *const frame = frame_create(&format);
    uint64_t expected[N_PIXELS];
    frame_fill(frame, &format, FILL_FULL_SCALE, 0);
    for (unsigned i = 0; i < n_frames; i++)
        product.class->accumulate(&product, i, &(struct frame){.image = frame}, NULL, accumulator);
    for (size_t i = 0; i < N_PIXELS; i++)
        expected[i] = n_frames * frame_pixel(frame, i, pixel_size);
    assert_array(&product, SUM, accumulator, expected);
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

struct expected {
    uint64_t *sum, *mean, *maximum; /* the mean is made of doubles */
};

static struct expected expect(const struct pixel_format *format, const uint8_t *bad,
                              unsigned n_frames)
{
    const size_t n_pixels = (size_t)format->height * format->width;
    void *const frame = frame_create(format);
    struct expected expected = {calloc(n_pixels, 8), calloc(n_pixels, 8), calloc(n_pixels, 8)};
    assert_true(expected.sum && expected.mean && expected.maximum);
    for (unsigned n = 0; n < n_frames; n++) {
        frame_fill(frame, format, n % N_FILLS == FILL_FULL_SCALE ? FILL_SPARSE : n % N_FILLS, n);
        for (size_t i = 0; i < n_pixels; i++) {
            const uint64_t counts = frame_pixel(frame, i, format->pixel_size);
            expected.sum[i] += counts;
            if (!bad[i] && counts > expected.maximum[i])
                expected.maximum[i] = counts;
        }
    }
    for (size_t i = 0; i < n_pixels; i++) {
        const double mean = (double)expected.sum[i] / n_frames;
        memcpy(&expected.mean[i], &mean, sizeof mean);
    }
    frame_destroy(frame, format);
    return expected;
}

/* n_frames frames spread over three accumulators that are merged in the given order. */
static void merged_in_order(const struct pixel_format *format, enum cpu_isa isa,
                            const unsigned order[3], const uint8_t *bad,
                            const struct expected *expected, unsigned n_frames)
{
    struct product product = prepared(format, bad, isa);
    void *shares[4], *const frame = frame_create(format);
    for (size_t i = 0; i < 4; i++)
        shares[i] = product_accumulator_create(product.accumulator_size);
    for (unsigned n = 0; n < n_frames; n++) {
        frame_fill(frame, format, n % N_FILLS == FILL_FULL_SCALE ? FILL_SPARSE : n % N_FILLS, n);
        product.class->accumulate(&product, n, &(struct frame){.image = frame}, NULL,
                                  shares[n < 280 ? 0 : n % 3]);
    }
    for (size_t i = 0; i < 3; i++)
        product.class->merge(&product, shares[3], shares[order[i]]);
    assert_array(&product, SUM, shares[3], expected->sum);
    assert_array(&product, MEAN, shares[3], expected->mean);
    assert_array(&product, MAXIMUM, shares[3], expected->maximum);
    for (size_t i = 0; i < 4; i++)
        free(shares[i]);
    frame_destroy(frame, format);
    product.class->finish(&product);
}

static void shares_merge_in_any_order_to_the_same_patterns(void **state)
{
    static const unsigned orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
    for (uint32_t size = 1; size <= 4; size *= 2) {
        const struct pixel_format format = frame_format(31, 67, size);
        uint8_t bad[31 * 67] = {0};
        bad[5] = bad[1000] = 1;
        const struct expected expected = expect(&format, bad, 300);
        for (size_t order = 0; order < sizeof orders / sizeof orders[0]; order++) {
            for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++)
                merged_in_order(&format, isa, orders[order], bad, &expected, 300);
        }
        free(expected.sum);
        free(expected.mean);
        free(expected.maximum);
    }
}

static void without_frames_the_mean_is_not_a_number(void **state)
{
    const struct pixel_format format = frame_format(2, 3, 1);
    struct product product = prepared(&format, NULL, cpu_isa_best());
    void *const accumulator = product_accumulator_create(product.accumulator_size);
    double means[6] = {0};
    product.class->array(&product, MEAN, accumulator, means);
    for (size_t i = 0; i < 6; i++)
        assert_true(isnan(means[i]));
    assert_array(&product, MAXIMUM, accumulator, (uint64_t[6]){0});
    free(accumulator);
    product.class->finish(&product);
}

/* A worker's share goes on taking frames after something was merged into it. */
static void a_share_may_be_merged_into_a_share_with_frames(void **state)
{
    const struct pixel_format format = frame_format(5, 7, 1);
    struct product product = prepared(&format, NULL, cpu_isa_best());
    void *const a = product_accumulator_create(product.accumulator_size);
    void *const b = product_accumulator_create(product.accumulator_size);
    void *const frame = frame_create(&format);
    frame_fill(frame, &format, FILL_FULL_SCALE, 0);
    for (unsigned i = 0; i < 200; i++) {
        product.class->accumulate(&product, i, &(struct frame){.image = frame}, NULL, a);
        product.class->accumulate(&product, i, &(struct frame){.image = frame}, NULL, b);
    }
    product.class->merge(&product, a, b);
    for (unsigned i = 0; i < 200; i++)
        product.class->accumulate(&product, i, &(struct frame){.image = frame}, NULL, a);
    uint64_t expected[35];
    for (size_t i = 0; i < 35; i++)
        expected[i] = UINT64_C(600) * 255;
    assert_array(&product, SUM, a, expected);
    frame_destroy(frame, &format);
    free(a);
    free(b);
    product.class->finish(&product);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_arrays_are_described),
        cmocka_unit_test(full_scale_never_overflows),
        cmocka_unit_test(shares_merge_in_any_order_to_the_same_patterns),
        cmocka_unit_test(without_frames_the_mean_is_not_a_number),
        cmocka_unit_test(a_share_may_be_merged_into_a_share_with_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
