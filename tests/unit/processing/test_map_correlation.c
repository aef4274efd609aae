#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "processing/analysis/map_correlation.h"
#include "tests/unit/processing/numbers.h"

enum { NY = 60, NX = 80, N = NY * NX };

static void a_few_numbers_by_hand(void **state)
{
    /* Means 3 and 6; sums of squares 10, 16.5 and 12 about them. */
    static const double a[] = {1, 2, NAN, 3, 4, 5, 7}, b[] = {4, 5, 9, 5.5, 8, 7.5, NAN};
    struct map_correlation c;
    assert_int_equal(map_correlate(&c, a, b, 1, 7, 1, NULL), 0);
    assert_int_equal(c.n, 5);
    assert_int_equal(c.n_blocks, 5);
    assert_near(c.mean_a, 3, 1e-14);
    assert_near(c.mean_b, 6, 1e-14);
    assert_near(c.slope, 1, 1e-14);
    assert_near(c.offset, 3, 1e-13);
    assert_near(c.r, 10 / sqrt(10 * 11.5), 1e-14);
    assert_near(c.residual_rms, sqrt(1.5 / 5), 1e-13);
}

static void large_values_lose_no_digits(void **state)
{
    static double a[N], b[N];
    struct map_correlation c;
    for (unsigned i = 0; i < N; i++) {
        a[i] = 1e9 + i % 17;
        b[i] = 5e8 - 2.0 * (i % 17);
    }
    assert_int_equal(map_correlate(&c, a, b, NY, NX, 8, NULL), 0);
    assert_near(c.r, -1, 1e-12);
    assert_near(c.slope, -2, 1e-12);
    assert_near(c.offset, 5e8 + 2e9, 1e-2);
}

/* Structure 5 positions wide, so that blocks of 1 are far too sure and blocks of 10 are not. */
static void fill_coarse(double *map, struct random_numbers *random)
{
    static double noise[(NY + 10) * (NX + 10)];
    for (unsigned i = 0; i < (NY + 10) * (NX + 10); i++)
        noise[i] = random_gaussian(random);
    for (unsigned i = 0; i < N; i++) {
        map[i] = 0;
        for (unsigned j = 0; j < 25; j++)
            map[i] += noise[(i / NX + j / 5) * (NX + 10) + i % NX + j % 5] / 5;
    }
}

static void errors_by_blocks_are_what_many_maps_show(void **state)
{
    enum { N_MAPS = 150 };
    static double a[N], b[N];
    struct random_numbers random = {21};
    double sum = 0, pull_r = 0, pull_slope = 0, naive = 0;
    for (unsigned n = 0; n < N_MAPS; n++) {
        struct map_correlation c;
        fill_coarse(a, &random);
        fill_coarse(b, &random);
        for (unsigned i = 0; i < N; i++)
            b[i] = 7 + 0.5 * a[i] + b[i];
        const double r = 0.5 / sqrt(1.25);
        assert_int_equal(map_correlate(&c, a, b, NY, NX, 1, NULL), 0);
        naive += pow((c.r - r) / c.r_error, 2) / N_MAPS;
        assert_int_equal(map_correlate(&c, a, b, NY, NX, 10, NULL), 0);
        assert_int_equal(c.n_blocks, 48);
        sum += c.r / N_MAPS;
        pull_r += pow((c.r - r) / c.r_error, 2) / N_MAPS;
        pull_slope += pow((c.slope - 0.5) / c.slope_error, 2) / N_MAPS;
    }
    print_message("pulls: r %.2f, slope %.2f, r by single positions %.2f\n", sqrt(pull_r),
                  sqrt(pull_slope), sqrt(naive));
    assert_near(sum, 0.5 / sqrt(1.25), 0.02);
    assert_near(sqrt(pull_r), 1.1, 0.25);
    assert_near(sqrt(pull_slope), 1.1, 0.25);
    assert_true(sqrt(naive) > 2.5);
}

static void the_sum_of_two_bands_against_the_third_map(void **state)
{
    static double first[N], second[N], sum[N], haadf[N];
    struct random_numbers random = {4};
    struct map_correlation c;
    for (unsigned i = 0; i < N; i++) {
        const double thickness = 50 + 20 * sin(i * 0.01), part = 0.5 + 0.5 * sin(i * 0.31);
        first[i] = part * thickness;
        second[i] = (1 - part) * thickness;
        haadf[i] = 3 * thickness + 12 + 0.1 * random_gaussian(&random);
    }
    second[3] = NAN;
    map_add(sum, first, second, N);
    assert_true(isnan(sum[3]));
    assert_int_equal(map_correlate(&c, sum, haadf, NY, NX, 8, NULL), 0);
    assert_int_equal(c.n, N - 1);
    assert_true(c.r > 0.9999);
    assert_true(fabs(c.slope - 3) < 4 * c.slope_error);
    assert_true(fabs(c.offset - 12) < 4 * c.offset_error);
    assert_near(c.residual_rms, 0.1, 0.005);
    assert_int_equal(map_correlate(&c, first, haadf, NY, NX, 8, NULL), 0);
    assert_true(c.r < 0.7);
}

static void maps_without_anything_in_common_are_refused(void **state)
{
    static double a[N], b[N];
    struct map_correlation c;
    struct error error = {0};
    for (unsigned i = 0; i < N; i++) {
        a[i] = i < N / 2 ? i : NAN;
        b[i] = i < N / 2 ? NAN : i;
    }
    assert_int_equal(map_correlate(&c, a, b, NY, NX, 8, &error), -ENODATA);
    assert_non_null(strstr(error.text, "there are 0"));
    for (unsigned i = 0; i < N; i++) {
        a[i] = i;
        b[i] = 0.1;
    }
    assert_int_equal(map_correlate(&c, a, b, NY, NX, 8, &error), -EDOM);
    assert_int_equal(map_correlate(&c, a, b, NY, NX, 0, &error), -EINVAL);
    b[5] = 3;
    assert_int_equal(map_correlate(&c, a, b, NY, NX, 50, NULL), 0);
    assert_true(isnan(c.r_error)); /* 4 blocks, but one holds all that varies */
    assert_int_equal(map_correlate(&c, a, b, NY, NX, 100, NULL), 0);
    assert_true(isnan(c.r_error) && isnan(c.slope_error) && isnan(c.offset_error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_numbers_by_hand),
        cmocka_unit_test(large_values_lose_no_digits),
        cmocka_unit_test(errors_by_blocks_are_what_many_maps_show),
        cmocka_unit_test(the_sum_of_two_bands_against_the_third_map),
        cmocka_unit_test(maps_without_anything_in_common_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
