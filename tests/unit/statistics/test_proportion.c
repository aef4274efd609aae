#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processing/statistics/clustered.h"
#include "processing/statistics/proportion.h"
#include "tests/unit/processing/numbers.h"

static void assert_interval(struct interval interval, double low, double high, double tolerance)
{
    assert_near(interval.low, low, tolerance);
    assert_near(interval.high, high, tolerance);
}

/* Figures of scipy 1.10. */
static void wilson(void **state)
{
    assert_interval(wilson_interval(40, 100, 0.95), 0.3094012864, 0.4979974132, 1e-10);
    assert_interval(wilson_interval(320, 800, 0.95), 0.3666081568, 0.4343476184, 1e-10);
    assert_interval(wilson_interval(1, 10, 0.95), 0.0178762131, 0.4041500268, 1e-10);
    assert_interval(wilson_interval(0, 100, 0.95), 0, 0.0369934982, 1e-10);
    assert_interval(wilson_interval(100, 100, 0.95), 0.9630065018, 1, 1e-10);
    assert_interval(wilson_interval(0, 0, 0.95), 0, 1, 0);
}

static void clopper_pearson(void **state)
{
    assert_interval(clopper_pearson_interval(40, 100, 0.95), 0.3032947687, 0.5027908496, 1e-10);
    assert_interval(clopper_pearson_interval(320, 800, 0.95), 0.3658497192, 0.4348900154, 1e-10);
    assert_interval(clopper_pearson_interval(0, 100, 0.95), 0, 1 - pow(0.025, 0.01), 1e-15);
    assert_interval(clopper_pearson_interval(100, 100, 0.95), pow(0.025, 0.01), 1, 1e-15);
    assert_interval(clopper_pearson_interval(0, 0, 0.95), 0, 1, 0);
}

/* f_obs 0.40, TPR 0.95, FPR 0.01: 0.39 / 0.94. */
static void misclassification_is_taken_back(void **state)
{
    const struct error_rates exact = {.false_positive = 0.01, .true_positive = 0.95};
    const struct interval observed = {0.31, 0.50};
    struct corrected_fraction f = rogan_gladen(0.40, observed, &exact, 0.95);
    assert_near(f.fraction, 0.39 / 0.94, 1e-15);
    assert_interval(f.interval, 0.30 / 0.94, 0.49 / 0.94, 1e-12);

    /* Below the false positive rate: 0, and the upper end counts from there. */
    f = rogan_gladen(0.005, (struct interval){0, 0.03}, &exact, 0.95);
    assert_near(f.fraction, 0, 0);
    assert_interval(f.interval, 0, 0.02 / 0.94, 1e-12);

    const struct error_rates useless = {.false_positive = 0.5, .true_positive = 0.5};
    assert_true(isnan(rogan_gladen(0.4, observed, &useless, 0.95).fraction));
}

/* d f / d TPR = -f / (TPR - FPR), d f / d FPR = -(1 - f) / (TPR - FPR). */
static void uncertain_rates_widen_the_interval(void **state)
{
    const struct error_rates rates = {0.01, 0.004, 0.95, 0.03};
    const double f = 0.39 / 0.94, z = 1.959963984540054;
    const double rate_error = z * hypot(f * 0.03, (1 - f) * 0.004) / 0.94;
    const struct corrected_fraction got =
        rogan_gladen(0.40, (struct interval){0.31, 0.50}, &rates, 0.95);
    assert_near(got.interval.low, f - hypot(0.09 / 0.94, rate_error), 1e-12);
    assert_near(got.interval.high, f + hypot(0.10 / 0.94, rate_error), 1e-12);
}

/* 4 scans of 10: 1, 3, 5, 3 with reflections. p = 0.3, residuals -2, 0, 2, 0: s^2 = 4/3 * 8 / 1600;
 * t(0.975, 3) = 3.18244630528. */
static void scans_are_the_units_of_a_series(void **state)
{
    struct clustered c;
    const double x[] = {1, 3, 5, 3, 0}, n[] = {10, 10, 10, 10, 0};
    assert_int_equal(clustered_fraction(&c, x, n, 5, 40, 0.95, NULL), 0);
    assert_int_equal(c.n_scans, 4);
    assert_near(c.fraction, 0.3, 1e-15);
    assert_near(c.error, sqrt(4.0 / 3 * 8 / 1600), 1e-15);
    assert_near(c.design_effect, 4.0 / 3 * 8 / 1600 / (0.3 * 0.7 / 40), 1e-13);
    const double half = 3.18244630528371 * c.error / (0.3 * 0.7), logit = log(3.0 / 7);
    assert_interval(c.interval, 1 / (1 + exp(half - logit)), 1 / (1 + exp(-half - logit)), 1e-12);
}

static void scans_that_are_more_alike_than_chance_count_as_independent(void **state)
{
    struct clustered c;
    const double x[] = {3, 3, 3}, n[] = {10, 10, 10};
    assert_int_equal(clustered_fraction(&c, x, n, 3, 30, 0.95, NULL), 0);
    assert_near(c.design_effect, 1, 0);
    assert_near(c.error, sqrt(0.3 * 0.7 / 30), 1e-15);
}

static void a_series_without_reflections_has_an_upper_end(void **state)
{
    struct clustered c;
    const double x[] = {0, 0, 0}, n[] = {100, 100, 100};
    assert_int_equal(clustered_fraction(&c, x, n, 3, 60, 0.95, NULL), 0);
    const double t = 4.30265272974946; /* (0.975, 2) */
    assert_interval(c.interval, 0, t * t / (60 + t * t), 1e-12);
}

static void one_scan_is_no_series(void **state)
{
    struct clustered c;
    struct error error;
    assert_int_equal(clustered_fraction(&c, (double[]){3}, (double[]){10}, 1, 10, 0.95, &error),
                     -ENODATA);
    assert_near(c.interval.high, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wilson),
        cmocka_unit_test(clopper_pearson),
        cmocka_unit_test(misclassification_is_taken_back),
        cmocka_unit_test(uncertain_rates_widen_the_interval),
        cmocka_unit_test(scans_are_the_units_of_a_series),
        cmocka_unit_test(scans_that_are_more_alike_than_chance_count_as_independent),
        cmocka_unit_test(a_series_without_reflections_has_an_upper_end),
        cmocka_unit_test(one_scan_is_no_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
