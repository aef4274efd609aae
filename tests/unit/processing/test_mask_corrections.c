#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "processing/products/mask_corrections.h"
#include "tests/unit/processing/frames.h"

enum { HEIGHT = 21, WIDTH = 23, N = HEIGHT * WIDTH };

static size_t at(size_t y, size_t x)
{
    return y * WIDTH + x;
}

static double sum(const double *weights)
{
    double sum = 0;
    for (size_t i = 0; i < N; i++)
        sum += weights[i];
    return sum;
}

static void a_bad_pixel_gives_its_weight_to_its_good_neighbours(void **state)
{
    double weights[N] = {0};
    uint8_t bad[N] = {0};
    weights[at(5, 5)] = 4;
    weights[at(5, 6)] = 1;
    bad[at(5, 5)] = bad[at(4, 4)] = bad[at(4, 5)] = bad[at(4, 6)] = bad[at(5, 4)] = 1;
    mask_fold_bad_pixels(weights, bad, HEIGHT, WIDTH);
    assert_true(weights[at(5, 5)] == 0);
    assert_true(weights[at(5, 6)] == 2);
    assert_true(weights[at(6, 4)] == 1 && weights[at(6, 5)] == 1 && weights[at(6, 6)] == 1);
    assert_true(weights[at(4, 4)] == 0);
    assert_true(sum(weights) == 5);
}

static void at_the_border_of_the_frame_there_are_fewer_neighbours(void **state)
{
    double weights[N] = {0};
    uint8_t bad[N] = {0};
    weights[at(0, 0)] = weights[at(HEIGHT - 1, WIDTH - 1)] = 3;
    bad[at(0, 0)] = bad[at(HEIGHT - 1, WIDTH - 1)] = 1;
    mask_fold_bad_pixels(weights, bad, HEIGHT, WIDTH);
    assert_true(weights[at(0, 1)] == 1 && weights[at(1, 0)] == 1 && weights[at(1, 1)] == 1);
    assert_true(weights[at(HEIGHT - 2, WIDTH - 2)] == 1);
    assert_true(sum(weights) == 6);
}

/* A square of bad pixels of this half-width. */
static void spoil(uint8_t *bad, size_t y, size_t x, size_t half)
{
    for (size_t row = y - half; row <= y + half; row++)
        memset(bad + at(row, x - half), 1, 2 * half + 1);
}

static void inside_a_bad_area_the_nearest_good_square_stands_in(void **state)
{
    double weights[N] = {0};
    uint8_t bad[N] = {0};
    weights[at(10, 10)] = 16;
    spoil(bad, 10, 10, 1);
    mask_fold_bad_pixels(weights, bad, HEIGHT, WIDTH);
    for (size_t y = 0; y < HEIGHT; y++) {
        for (size_t x = 0; x < WIDTH; x++) {
            const double dy = fabs(y - 10.), dx = fabs(x - 10.);
            assert_true(weights[at(y, x)] == (fmax(dy, dx) == 2));
        }
    }
}

static void the_weight_of_a_pixel_without_good_ones_in_reach_is_dropped(void **state)
{
    double weights[N] = {0};
    uint8_t bad[N] = {0};
    weights[at(10, 10)] = 1;
    spoil(bad, 10, 10, MASK_REPAIR_REACH);
    mask_fold_bad_pixels(weights, bad, HEIGHT, WIDTH);
    assert_true(sum(weights) == 0);
    memset(bad, 1, sizeof bad);
    for (size_t i = 0; i < N; i++)
        weights[i] = 1;
    mask_fold_bad_pixels(weights, bad, HEIGHT, WIDTH);
    assert_true(sum(weights) == 0);
}

/* The sum over the raw frame with folded weights is the one over a frame that was corrected. */
static void folded_weights_give_the_sum_over_a_corrected_frame(void **state)
{
    double weights[N], corrected[N], raw[N], expected = 0, result = 0;
    float gain[N];
    uint8_t bad[N];
    uint64_t seed = 3;
    for (size_t i = 0; i < N; i++) {
        weights[i] = (double)(frame_random(&seed) % 1000) / 100 - 3;
        raw[i] = (double)(frame_random(&seed) % 50);
        gain[i] = 0.5f + (float)(frame_random(&seed) % 64) / 64;
        bad[i] = frame_random(&seed) % 10 == 0;
        corrected[i] = raw[i] * (double)gain[i];
    }
    for (size_t y = 0; y < HEIGHT; y++) {
        for (size_t x = 0; x < WIDTH; x++) {
            double near = 0;
            unsigned n = 0;
            for (size_t v = y ? y - 1 : 0; v <= y + 1 && v < HEIGHT; v++) {
                for (size_t u = x ? x - 1 : 0; u <= x + 1 && u < WIDTH; u++) {
                    n += !bad[at(v, u)];
                    near += bad[at(v, u)] ? 0 : raw[at(v, u)] * (double)gain[at(v, u)];
                }
            }
            assert_true(n > 0);
            if (bad[at(y, x)])
                corrected[at(y, x)] = near / n;
            expected += weights[at(y, x)] * corrected[at(y, x)];
        }
    }
    mask_fold_bad_pixels(weights, bad, HEIGHT, WIDTH);
    assert_int_equal(mask_fold_gain(weights, gain, HEIGHT, WIDTH, NULL), 0);
    for (size_t i = 0; i < N; i++)
        result += weights[i] * raw[i];
    assert_true(fabs(result - expected) < 1e-9 * fabs(expected));
}

static void a_gain_that_is_no_number_is_refused_where_it_counts(void **state)
{
    double weights[N] = {0};
    float gain[N];
    struct error error = {0};
    for (size_t i = 0; i < N; i++)
        gain[i] = 1;
    gain[at(3, 7)] = NAN;
    assert_int_equal(mask_fold_gain(weights, gain, HEIGHT, WIDTH, &error), 0);
    weights[at(3, 7)] = 1;
    assert_int_equal(mask_fold_gain(weights, gain, HEIGHT, WIDTH, &error), -EINVAL);
    assert_non_null(strstr(error.text, "(3, 7)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_pixel_gives_its_weight_to_its_good_neighbours),
        cmocka_unit_test(at_the_border_of_the_frame_there_are_fewer_neighbours),
        cmocka_unit_test(inside_a_bad_area_the_nearest_good_square_stands_in),
        cmocka_unit_test(the_weight_of_a_pixel_without_good_ones_in_reach_is_dropped),
        cmocka_unit_test(folded_weights_give_the_sum_over_a_corrected_frame),
        cmocka_unit_test(a_gain_that_is_no_number_is_refused_where_it_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
