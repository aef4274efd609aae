#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "processing/pixels/weight_planes.h"
#include "tests/unit/processing/frames.h"

enum { N = 10000 };

static double weights[N];
static struct weight_planes planes;

static void fill(double (*weight)(size_t i, uint64_t *seed))
{
    uint64_t seed = 5;
    for (size_t i = 0; i < N; i++)
        weights[i] = weight(i, &seed);
}

static void make(uint32_t pixel_size)
{
    weight_planes_finish(&planes);
    assert_int_equal(weight_planes_init(&planes, weights, N, pixel_size), 0);
}

static double made(const struct weight_planes *of, size_t i)
{
    return (of->planes[0][i] + ldexp(of->planes[1][i], (int)of->shift)) * of->scale;
}

static void assert_all_exact(void)
{
    for (size_t i = 0; i < N; i++)
        assert_true(made(&planes, i) == weights[i]);
}

static double binary(size_t i, uint64_t *seed)
{
    return i % 3 == 0;
}

static double large_integer(size_t i, uint64_t *seed)
{
    return i == 17 ? 32767 : (double)(frame_random(seed) % 32768);
}

static double larger_integer(size_t i, uint64_t *seed)
{
    return (double)(frame_random(seed) % 2000000001) - 1e9;
}

static double area(size_t i, uint64_t *seed)
{
    return (double)(frame_random(seed) % 257) / 256;
}

static double tiny_sign(size_t i, uint64_t *seed)
{
    return ((double)(frame_random(seed) % 3) - 1) * 0x1p-80;
}

static void integers_stay_as_they_are_in_as_few_planes_as_they_need(void **state)
{
    for (uint32_t size = 1; size <= 4; size *= 2) {
        fill(binary);
        make(size);
        assert_true(planes.scale == 1 && planes.n == 1);
        assert_all_exact();
        fill(large_integer);
        make(size);
        assert_true(planes.scale == 1 && planes.n == 1);
        assert_all_exact();
        fill(larger_integer);
        make(size);
        assert_true(planes.scale == 1 && planes.n == 2);
        assert_all_exact();
    }
}

static void areas_and_signs_are_exact_in_one_plane(void **state)
{
    for (uint32_t size = 1; size <= 4; size *= 2) {
        fill(area);
        make(size);
        assert_int_equal(planes.n, 1);
        assert_all_exact();
        fill(tiny_sign);
        make(size);
        assert_int_equal(planes.n, 1);
        assert_all_exact();
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

static void check_rounding(void)
{
    for (size_t i = 0; i < N; i++) {
        const double error = fabs(made(&planes, i) - weights[i]);
        assert_true(error <= largest() * 0x1p-30);
        assert_true(fabs(weights[i]) < 1e-4 * largest() || error <= 1e-5 * fabs(weights[i]));
        assert_true(weights[i] != 0 || made(&planes, i) == 0);
    }
}

static void any_weight_is_right_to_a_hundred_thousandth(void **state)
{
    for (uint32_t size = 1; size <= 4; size *= 2) {
        fill(gaussian);
        make(size);
        check_rounding();
        fill(any_sign);
        make(size);
        check_rounding();
    }
}

static double mostly_one(size_t i, uint64_t *seed)
{
    return i % 10 == 0 ? 1 + 1.0 / (double)(1 + frame_random(seed) % 7) : i % 10 > 7 ? 0 : 0.3;
}

/* And costs nothing in the first plane, which has only what differs from it. */
static void the_weight_of_most_pixels_is_exact(void **state)
{
    fill(mostly_one);
    make(1);
    check_rounding();
    for (size_t i = 0; i < N; i++) {
        if (weights[i] != 0.3)
            continue;
        assert_true(fabs(made(&planes, i) - 0.3) < 1e-15);
        assert_int_equal(planes.planes[0][i], 0);
    }
}

static void check_overflow(const double *many, size_t n, uint32_t pixel_size)
{
    const uint64_t full_scale = (UINT64_C(1) << 8 * pixel_size) - 1;
    struct weight_planes large;
    assert_int_equal(weight_planes_init(&large, many, n, pixel_size), 0);
    uint64_t sums[WEIGHT_PLANES] = {0};
    for (size_t i = 0; i < n; i++) {
        for (unsigned plane = 0; plane < WEIGHT_PLANES; plane++)
            sums[plane] += (uint64_t)abs(large.planes[plane][i]);
        assert_true(fabs(made(&large, i) - many[i]) <= large.scale * 0.5001);
    }
    assert_true(sums[0] > 0 || sums[1] > 0);
    for (unsigned plane = 0; plane < WEIGHT_PLANES; plane++)
        assert_true(sums[plane] <= (uint64_t)INT64_MAX / full_scale);
    weight_planes_finish(&large);
}

static void a_frame_at_full_scale_does_not_overflow(void **state)
{
    enum { LARGE = 1 << 22 };
    double *const many = malloc(LARGE * sizeof *many);
    assert_non_null(many);
    for (int kind = 0; kind < 3; kind++) {
        uint64_t seed = 1;
        for (size_t i = 0; i < LARGE; i++)
            many[i] = kind == 0 ? 1 : kind == 1 ? -0.7 : (double)(frame_random(&seed) % 1000) / 7;
        for (uint32_t size = 1; size <= 4; size *= 2) {
            check_overflow(many, LARGE, size);
            check_overflow(many, 1 << 18, size);
        }
    }
    free(many);
}

static void no_weights_are_no_weights(void **state)
{
    memset(weights, 0, sizeof weights);
    make(1);
    assert_true(planes.n == 1 && planes.scale == 1);
    assert_all_exact();
}

static int finish(void **state)
{
    weight_planes_finish(&planes);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_stay_as_they_are_in_as_few_planes_as_they_need),
        cmocka_unit_test(areas_and_signs_are_exact_in_one_plane),
        cmocka_unit_test(any_weight_is_right_to_a_hundred_thousandth),
        cmocka_unit_test(the_weight_of_most_pixels_is_exact),
        cmocka_unit_test(a_frame_at_full_scale_does_not_overflow),
        cmocka_unit_test(no_weights_are_no_weights),
    };
    return cmocka_run_group_tests(tests, NULL, finish);
}
