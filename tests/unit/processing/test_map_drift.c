#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "processing/analysis/map_drift.h"
#include "tests/unit/processing/numbers.h"

enum { NY = 96, NX = 128, N = NY * NX, N_BLOBS = 900 };

/* A specimen larger than the map, so that a drift brings new parts into it. */
static void fill_specimen(double *map, double dy, double dx, double noise, uint64_t seed)
{
    struct random_numbers places = {4711}, random = {seed};
    for (unsigned i = 0; i < N; i++)
        map[i] = 100 + noise * random_gaussian(&random);
    for (unsigned j = 0; j < N_BLOBS; j++) {
        const double blob_y = (3 * random_uniform(&places) - 1) * NY + dy;
        const double blob_x = (3 * random_uniform(&places) - 1) * NX + dx;
        const double height = random_gaussian(&places), size = 1.5 + 2 * random_uniform(&places);
        for (unsigned i = 0; i < N; i++) {
            const double y = i / NX - blob_y, x = i % NX - blob_x;
            const double exponent = (y * y + x * x) / (2 * size * size);
            if (exponent < 20)
                map[i] += height * exp(-exponent);
        }
    }
}

static void drift_is_found_to_a_tenth_of_a_position(void **state)
{
    static const double drifts[][2] = {{0, 0},        {3, -5},      {0.4, 0.3},
                                       {-11.7, 6.25}, {20.5, 30.1}, {-0.5, 15}};
    static double first[N], second[N];
    fill_specimen(first, 0, 0, 0, 1);
    for (unsigned i = 0; i < sizeof drifts / sizeof drifts[0]; i++) {
        struct map_drift drift;
        fill_specimen(second, drifts[i][0], drifts[i][1], 0, 1);
        assert_int_equal(map_drift_find(&drift, first, second, NY, NX, 1, NULL), 0);
        print_message("drift %g %g: %+.3f %+.3f error %.3f quality %.0f\n", drifts[i][0],
                      drifts[i][1], drift.dy - drifts[i][0], drift.dx - drifts[i][1], drift.error,
                      drift.quality);
        assert_true(drift.found);
        assert_near(drift.dy, drifts[i][0], 0.1);
        assert_near(drift.dx, drifts[i][1], 0.1);
    }
}

static void the_error_of_the_drift_covers_the_truth(void **state)
{
    enum { N_PAIRS = 24 };
    static double clean_first[N], clean_second[N], first[N], second[N];
    struct random_numbers random = {31};
    double squares = 0, errors = 0;
    fill_specimen(clean_first, 0, 0, 0, 1);
    fill_specimen(clean_second, 4.3, -2.6, 0, 1);
    for (unsigned n = 0; n < N_PAIRS; n++) {
        struct map_drift drift;
        for (unsigned i = 0; i < N; i++) {
            first[i] = clean_first[i] + 0.3 * random_gaussian(&random);
            second[i] = clean_second[i] + 0.3 * random_gaussian(&random);
        }
        assert_int_equal(map_drift_find(&drift, first, second, NY, NX, 1.5, NULL), 0);
        assert_true(drift.found);
        squares +=
            (pow((drift.dy - 4.3) / drift.error, 2) + pow((drift.dx + 2.6) / drift.error, 2)) /
            (2 * N_PAIRS);
        errors += drift.error / N_PAIRS;
    }
    print_message("noise: error %.3f, pull %.2f\n", errors, sqrt(squares));
    assert_true(sqrt(squares) < 1.6);
    assert_true(sqrt(squares) > 0.3);
}

static void different_specimens_have_no_drift(void **state)
{
    static double first[N], second[N];
    struct random_numbers random = {8};
    for (unsigned n = 0; n < 20; n++) {
        struct map_drift drift;
        for (unsigned i = 0; i < N; i++) {
            first[i] = random_gaussian(&random);
            second[i] = random_gaussian(&random);
        }
        assert_int_equal(map_drift_find(&drift, first, second, NY, NX, 1, NULL), 0);
        assert_false(drift.found);
    }
}

static void unmeasured_lines_do_not_hold_the_drift_back(void **state)
{
    static double first[N], second[N];
    struct map_drift drift;
    fill_specimen(first, 0, 0, 0, 1);
    fill_specimen(second, 2.2, 7.6, 0, 1);
    for (unsigned i = 0; i < N; i++) {
        if (i / NX > 70)
            second[i] = NAN; /* a scan that is not finished */
    }
    assert_int_equal(map_drift_find(&drift, first, second, NY, NX, 1, NULL), 0);
    assert_true(drift.found);
    assert_near(drift.dy, 2.2, 0.15);
    assert_near(drift.dx, 7.6, 0.15);
}

static void maps_without_structure_are_refused(void **state)
{
    static double first[N], second[N];
    struct map_drift drift;
    struct error error = {0};
    fill_specimen(first, 0, 0, 0, 1);
    for (unsigned i = 0; i < N; i++)
        second[i] = 12.3;
    assert_int_equal(map_drift_find(&drift, first, second, NY, NX, 1, &error), -ENODATA);
    for (unsigned i = 0; i < N; i++)
        second[i] = NAN;
    assert_int_equal(map_drift_find(&drift, second, first, NY, NX, 1, &error), -ENODATA);
    assert_int_equal(map_drift_find(&drift, first, first, 7, NX, 1, &error), -EINVAL);
    assert_int_equal(map_drift_find(&drift, first, first, NY, NX, 0.1, &error), -EINVAL);
    assert_int_equal(map_drift_find(&drift, first, first, NY, NX, NAN, &error), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drift_is_found_to_a_tenth_of_a_position),
        cmocka_unit_test(the_error_of_the_drift_covers_the_truth),
        cmocka_unit_test(different_specimens_have_no_drift),
        cmocka_unit_test(unmeasured_lines_do_not_hold_the_drift_back),
        cmocka_unit_test(maps_without_structure_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
