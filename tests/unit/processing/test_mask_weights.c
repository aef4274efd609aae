#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "processing/pixels/mask_weights.h"
#include "tests/unit/processing/frames.h"

enum { N = 10000 };

static double weights[N];
static int16_t integers[N];

static void fill(double (*weight)(size_t i, uint64_t *seed))
{
    uint64_t seed = 5;
    for (size_t i = 0; i < N; i++)
        weights[i] = weight(i, &seed);
}

static double quantise(uint32_t pixel_size)
{
    return mask_weights_quantise(integers, weights, N, pixel_size);
}

static void assert_all_exact(double scale)
{
    for (size_t i = 0; i < N; i++)
        assert_true(integers[i] * scale == weights[i]);
}

static double binary(size_t i, uint64_t *seed)
{
    return i % 3 == 0;
}

static double large_integer(size_t i, uint64_t *seed)
{
    return i == 17 ? 32767 : (double)(frame_random(seed) % 32768);
}

static double area(size_t i, uint64_t *seed)
{
    return (double)(frame_random(seed) % 257) / 256;
}

static double tiny_sign(size_t i, uint64_t *seed)
{
    return ((double)(frame_random(seed) % 3) - 1) * 0x1p-80;
}

static void integers_stay_as_they_are(void **state)
{
    for (uint32_t size = 1; size <= 4; size *= 2) {
        fill(binary);
        assert_true(quantise(size) == 1);
        assert_all_exact(1);
        fill(large_integer);
        assert_true(quantise(size) == 1);
        assert_all_exact(1);
    }
}

static void areas_and_signs_are_exact(void **state)
{
    for (uint32_t size = 1; size <= 4; size *= 2) {
        fill(area);
        assert_all_exact(quantise(size));
        fill(tiny_sign);
        assert_all_exact(quantise(size));
    }
}

static double gaussian(size_t i, uint64_t *seed)
{
    const double y = (double)(i / 100) - 49.5, x = (double)(i % 100) - 49.5;
    return i % 100 == 7 ? 0 : 0.7 * exp(-(y * y + x * x) / 200);
}

static double any_sign(size_t i, uint64_t *seed)
{
    return (double)(int64_t)frame_random(seed) * 1e-12;
}

static double largest(void)
{
    double largest = 0;
    for (size_t i = 0; i < N; i++)
        largest = fmax(largest, fabs(weights[i]));
    return largest;
}

static void check_rounding(double scale)
{
    double sum = 0, rounded = 0;
    for (size_t i = 0; i < N; i++) {
        assert_true(fabs(integers[i] * scale - weights[i]) <= largest() / 32767 * 1.0001);
        assert_true(weights[i] != 0 || integers[i] == 0);
        sum += weights[i];
        rounded += integers[i] * scale;
    }
    assert_true(fabs(sum - rounded) <= scale);
}

/* Also the faint flanks of a Gaussian add up as they should, though most of them are less than half
 * of the smallest integer. */
static void other_weights_are_close_and_their_sum_is_closer(void **state)
{
    fill(gaussian);
    check_rounding(quantise(1));
    fill(any_sign);
    check_rounding(quantise(2));
}

static double mostly_one(size_t i, uint64_t *seed)
{
    return i % 10 == 0 ? 1 + 1.0 / (double)(1 + frame_random(seed) % 7) : i % 10 > 7 ? 0 : 0.3;
}

static void the_weight_of_most_pixels_is_exact(void **state)
{
    fill(mostly_one);
    const double scale = quantise(1);
    for (size_t i = 0; i < N; i++) {
        if (weights[i] == 0.3)
            assert_true(fabs(integers[i] * scale - 0.3) < 1e-15);
        assert_true(fabs(integers[i] * scale - weights[i]) <= scale * 1.0001);
    }
    assert_true(scale < 2. / 32767 * 1.001);
}

static void a_frame_at_full_scale_does_not_overflow(void **state)
{
    enum { LARGE = 1 << 22 };
    double *const many = malloc(LARGE * sizeof *many);
    int16_t *const rounded = malloc(LARGE * sizeof *rounded);
    assert_true(many && rounded);
    for (int kind = 0; kind < 3; kind++) {
        uint64_t seed = 1;
        for (size_t i = 0; i < LARGE; i++)
            many[i] = kind == 0 ? 1 : kind == 1 ? -0.7 : (double)(frame_random(&seed) % 1000) / 7;
        const double scale = mask_weights_quantise(rounded, many, LARGE, 4);
        uint64_t sum = 0;
        for (size_t i = 0; i < LARGE; i++) {
            sum += (uint64_t)abs(rounded[i]);
            assert_true(fabs(rounded[i] * scale - many[i]) <= scale * 1.0001);
        }
        assert_true(sum > 0 && sum <= (uint64_t)INT64_MAX / UINT32_MAX);
    }
    free(rounded);
    free(many);
}

static void no_weights_are_no_weights(void **state)
{
    for (size_t i = 0; i < N; i++)
        weights[i] = 0;
    assert_true(quantise(1) == 1);
    assert_all_exact(1);
}

static void only_blocks_that_need_weights_have_them(void **state)
{
    struct mask_weights mask;
    for (size_t i = 0; i < N; i++)
        integers[i] = i < 640 ? 9 : 0;
    integers[70] = 0;
    integers[200] = 3;
    integers[N - 1] = 5;
    integers[N - 2] = 9;
    assert_int_equal(mask_weights_init(&mask, integers, N, 1), 0);
    assert_int_equal(mask.flat_weight, 9);
    assert_int_equal(mask.n_blocks, 1);
    assert_int_equal(mask.offsets[0], 192);
    assert_int_equal(mask.sum_of_weights, 63 * 9 + 3);
    assert_int_equal(mask.flat.n_pixels, 640 - 1 - 64 + 1);
    assert_int_equal(mask.n_loose, 1);
    assert_int_equal(mask.loose[0].pixel, N - 1);
    assert_int_equal(mask.loose[0].weight, 5);
    mask_weights_finish(&mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_stay_as_they_are),
        cmocka_unit_test(areas_and_signs_are_exact),
        cmocka_unit_test(other_weights_are_close_and_their_sum_is_closer),
        cmocka_unit_test(the_weight_of_most_pixels_is_exact),
        cmocka_unit_test(a_frame_at_full_scale_does_not_overflow),
        cmocka_unit_test(no_weights_are_no_weights),
        cmocka_unit_test(only_blocks_that_need_weights_have_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
