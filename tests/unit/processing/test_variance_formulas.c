#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/processing/numbers.h"
#include "tests/unit/processing/ring_scan.h"

/*
 * Statistics with fixed seeds. The whole table of doses and lengths is made by hand with
 * tests/bench/variance_table.c; here are a few cells of it.
 */

/* ---- scans of nothing but noise ---- */

struct cell {
    double mean;
    uint32_t n_frames, n_pixels;
    int pairs;
};

static const struct cell cells[] = {
    {0.05, 100, 4800, 0}, {0.05, 100, 4800, 1}, {0.3, 100, 200, 1},
    {1, 100, 64, 1},      {27, 100, 64, 1},     {0.3, 3000, 64, 0},
};

#define RUNS 200

static void check_cell(const struct cell *cell, uint64_t seed)
{
    struct ring_scan scan = {.n_pixels = cell->n_pixels,
                             .n_frames = cell->n_frames,
                             .n_blocks = 16,
                             .mean = cell->mean,
                             .pairs = cell->pairs,
                             .seed = seed};
    double sums[N_RING_VALUES] = {0};
    unsigned covered[N_RING_VALUES] = {0};
    ring_scan_create(&scan);
    for (unsigned run = 0; run < RUNS; run++) {
        double values[N_RING_VALUES], errors[N_RING_VALUES];
        ring_scan_run(&scan);
        ring_scan_look(&scan, values, errors);
        for (unsigned i = 0; i < N_RING_VALUES; i++) {
            sums[i] += values[i];
            covered[i] += fabs(values[i]) <= jackknife_interval(16) * errors[i];
        }
    }
    ring_scan_destroy(&scan);
    for (unsigned i = 0; i < N_RING_VALUES; i++) {
        assert_near(sums[i] / RUNS, 0, 0.01);
        assert_near(100.0 * covered[i] / RUNS, 95, 4.5); /* 3 standard deviations of 200 runs */
    }
}

static void counting_noise_alone_has_no_variance(void **state)
{
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
        check_cell(&cells[i], 1000 + i);
}

/* ---- scans with contrast ---- */

static void check_contrast(double contrast, double mean, int pairs, uint64_t seed)
{
    enum { N_PIXELS = 400, N_FRAMES = 3000 };
    struct ring_scan scan = {.n_pixels = N_PIXELS,
                             .n_frames = N_FRAMES,
                             .n_blocks = 16,
                             .mean = mean,
                             .pairs = pairs,
                             .contrast = contrast,
                             .seed = seed};
    double values[N_RING_VALUES], errors[N_RING_VALUES];
    ring_scan_create(&scan);
    ring_scan_run(&scan);
    ring_scan_look(&scan, values, errors);
    ring_scan_destroy(&scan);
    /* With pairs a pixel sees the mean of two independent intensities, but a ring all of them. */
    const double of_pixel = pairs ? contrast / 2 : contrast, of_ring = contrast / N_PIXELS;
    assert_near(values[RING_V_IMAGE], of_pixel, 0.02 * of_pixel);
    assert_near(values[RING_V_RE], of_pixel, 0.02 * of_pixel);
    assert_near(values[RING_V_R], (1 + of_pixel) / (1 + of_ring) - 1, 0.02 * of_pixel);
    assert_near(values[RING_OMEGA], of_ring, jackknife_interval(16) * errors[RING_OMEGA] * 1.5);
}

static void speckle_contrast_comes_out_within_two_percent(void **state)
{
    check_contrast(1, 2, 0, 1);
    check_contrast(0.5, 1, 0, 2);
    check_contrast(0.1, 10, 0, 3);
    check_contrast(0.5, 4, 1, 4);
}

/* ---- by arithmetic ---- */

/* Two frames of two pixels: (1, 3) and (2, 0). */
static const struct ring_totals two_frames = {
    .moments = {.squares = 1 + 9 + 4 + 0, .products = 16 + 4, .counts = 6},
    .pattern = 9 + 9,
    .frames = 2,
    .pixels = 2,
};

static void formulas_are_those_of_the_documentation(void **state)
{
    assert_near(variance_v_image(&two_frames), 8.0 / 4 - 1, 1e-12);
    assert_near(variance_v_r(&two_frames, 1), 2 * 8.0 / (20 - 6) - 1, 1e-12);
    assert_near(variance_v_r(&two_frames, 2), 2 * 8.0 / (20 - 12) - 1, 1e-12);
    assert_near(variance_v_re(&two_frames), 2 * 8.0 / (36 - 20) - 1, 1e-12);
    assert_near(variance_omega(&two_frames, 1), 14.0 / 16 - 1, 1e-12);
    assert_near(variance_omega(&two_frames, 1.5), 11.0 / 16 - 1, 1e-12);
    assert_near(variance_of_pixel(3, 5, 2), 2.0 / 4 - 1, 1e-12);
}

static void nothing_to_divide_by_is_not_a_number(void **state)
{
    const struct ring_totals nothing = {.frames = 100, .pixels = 10};
    assert_true(isnan(variance_v_image(&nothing)));
    assert_true(isnan(variance_v_r(&nothing, 1)));
    assert_true(isnan(variance_v_re(&nothing)));
    assert_true(isnan(variance_omega(&nothing, 1)));
    assert_true(isnan(variance_of_pixel(0, 0, 100)));
    assert_true(isnan(variance_of_pixel(5, 25, 1)));  /* one frame */
    assert_true(isnan(variance_of_pixel(5, 25, 10))); /* all counts in one frame */
    const struct ring_totals single = {
        .moments = {.squares = 1, .products = 1, .counts = 1}, .pattern = 1, .frames = 9};
    assert_true(isnan(variance_v_r(&single, 2)));
}

/* 2^28 frames with 2^24 - 1 counts in each of 1000 pixels. */
static void counts_of_24_bits_do_not_overflow(void **state)
{
    const wide_count n = (1 << 24) - 1, frames = (wide_count)1 << 28, pixels = 1000;
    const struct ring_totals full = {
        .moments = {.squares = n * n * pixels * frames,
                    .products = n * pixels * n * pixels * frames,
                    .counts = (uint64_t)(n * pixels * frames)},
        .pattern = (n * frames) * (n * frames) * pixels,
        .frames = (uint64_t)frames,
        .pixels = (uint64_t)pixels,
    };
    assert_near(variance_v_image(&full), 0, 1e-6);
    assert_near(variance_v_r(&full, 1), 0, 1e-6);
    assert_near(variance_v_re(&full), 0, 1e-6);
    assert_near(variance_omega(&full, 1), 0, 1e-6);
}

/* Of a mean, the jackknife is the standard error of the mean. */
static void the_jackknife_of_a_mean_is_its_standard_error(void **state)
{
    static const double values[] = {3, 5, 4, 8};
    static const uint64_t frames[] = {1, 0, 1, 1, 1}, uneven[] = {2, 2, 1, 1};
    double without[5], sum = 20, squares = 0;
    for (size_t i = 0, j = 0; i < 5; i++)
        without[i] = frames[i] ? (sum - values[j++]) / 3 : 1e300;
    for (size_t i = 0; i < 4; i++)
        squares += (values[i] - 5) * (values[i] - 5);
    assert_near(jackknife_error(5, without, frames, 5), sqrt(squares / 3 / 4), 1e-12);

    /* Blocks of different size (Busing's estimate, worked out by hand for means 3, 5, 4, 8). */
    const double all = (2 * 3 + 2 * 5 + 4 + 8) / 6.0;
    double rest[4], expected = 0;
    for (size_t i = 0; i < 4; i++) {
        rest[i] = (6 * all - (double)uneven[i] * values[i]) / (6 - (double)uneven[i]);
        const double h = 6.0 / (double)uneven[i];
        expected += (values[i] - all) * (values[i] - all) / (h - 1) / 4;
    }
    assert_near(jackknife_error(all, rest, uneven, 4), sqrt(expected), 1e-12);
}

static void an_error_needs_two_blocks(void **state)
{
    static const double without[] = {1, 2, 3};
    static const uint64_t one[] = {0, 7, 0}, two[] = {3, 3, 0};
    assert_true(isnan(jackknife_error(2, without, one, 3)));
    assert_false(isnan(jackknife_error(2, without, two, 3)));
    assert_true(isnan(jackknife_error(2, (double[]){1, NAN, 1}, two, 3)));
    assert_true(isnan(jackknife_error(2, without, one, 0)));
}

/* Quantiles of Student's t from tables. */
static void the_interval_is_students(void **state)
{
    static const double quantiles[][2] = {{2, 12.7062}, {3, 4.3027}, {4, 3.1824},  {5, 2.7764},
                                          {6, 2.5706},  {7, 2.4469}, {11, 2.2281}, {16, 2.1314},
                                          {31, 2.0423}, {64, 1.9983}};
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++)
        assert_near(jackknife_interval((unsigned)quantiles[i][0]), quantiles[i][1], 0.003);
    assert_true(isnan(jackknife_interval(1)));
    assert_true(isnan(jackknife_interval(0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counting_noise_alone_has_no_variance),
        cmocka_unit_test(speckle_contrast_comes_out_within_two_percent),
        cmocka_unit_test(formulas_are_those_of_the_documentation),
        cmocka_unit_test(nothing_to_divide_by_is_not_a_number),
        cmocka_unit_test(counts_of_24_bits_do_not_overflow),
        cmocka_unit_test(the_jackknife_of_a_mean_is_its_standard_error),
        cmocka_unit_test(an_error_needs_two_blocks),
        cmocka_unit_test(the_interval_is_students),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
