#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processing/statistics/distributions.h"
#include "processing/statistics/special_functions.h"
#include "tests/unit/processing/numbers.h"

/* Quantiles as in every table, with more figures (mpmath). */
static void normal_quantiles(void **state)
{
    assert_near(normal_quantile(0.5), 0, 0);
    assert_near(normal_quantile(0.7), 0.524400512708040784, 2e-15);
    assert_near(normal_quantile(0.95), 1.64485362695147271, 2e-15);
    assert_near(normal_quantile(0.975), 1.95996398454005424, 2e-15);
    assert_near(normal_quantile(0.025), -1.95996398454005424, 2e-15);
    assert_near(normal_quantile(0.999), 3.09023230616781354, 5e-14);
    assert_near(normal_quantile(1e-20), -9.26234008979840757, 1e-14);
    assert_near(normal_quantile(1e-300), -37.0470962993611992, 1e-13);
    assert_near(normal_upper(-1.96), 1 - normal_upper(1.96), 1e-16);
    assert_true(isnan(normal_quantile(0)));
}

static void student_t_quantiles(void **state)
{
    assert_near(student_t_quantile(0.975, 1), 12.7062047361747046, 2e-13);
    assert_near(student_t_quantile(0.975, 2), 4.30265272974946385, 2e-14);
    assert_near(student_t_quantile(0.975, 3), 3.18244630528370959, 2e-14);
    assert_near(student_t_quantile(0.025, 7), -2.36462425159278534, 2e-14);
    assert_near(student_t_quantile(0.995, 30), 2.74999565356722533, 2e-13);
    assert_near(student_t_quantile(0.9, 2.5), 1.73025092880717659, 2e-14);
    assert_near(student_t_quantile(0.975, INFINITY), 1.95996398454005424, 2e-15);
    assert_near(student_t_quantile(0.5, 4), 0, 1e-7);
    assert_near(student_t_upper(2.36462425159278534, 7), 0.025, 1e-15);
    assert_near(student_t_upper(-1, 1), 0.75, 1e-15);
    assert_true(isnan(student_t_quantile(0.975, 0)));
}

static void chi_square_tails(void **state)
{
    assert_near(chi_square_upper(3.841458820694124, 1), 0.05, 1e-15);
    assert_near(chi_square_upper(6, 2), exp(-3), 1e-16);
    assert_near(chi_square_upper(0, 5), 1, 0);
}

/* r = 3, p = 1/2: failures before the third success of a coin; mean 3, variance 6.
 * P(X >= 2) = 1 - 1/8 - 3/16. */
static void negative_binomial_tails(void **state)
{
    assert_near(exp(negative_binomial_upper_log(2, 3, 6)), 11.0 / 16, 1e-15);
    assert_near(negative_binomial_upper_log(0, 3, 6), 0, 0);
    /* r = 1: P(X >= k) = x^k, x = mean / (1 + mean). */
    assert_near(negative_binomial_upper_log(500, 2, 6), 500 * log(2.0 / 3), 1e-12);
    /* Nearly Poisson, and Poisson. */
    assert_near(negative_binomial_upper_log(30, 10, 10 + 1e-9), incomplete_gamma_lower_log(30, 10),
                1e-7);
    assert_near(negative_binomial_upper_log(30, 10, 10), incomplete_gamma_lower_log(30, 10), 0);
    assert_true(isnan(negative_binomial_upper_log(1, 3, 2)));
    assert_true(isinf(negative_binomial_upper_log(1, 0, 0)));
}

static void beta_quantiles(void **state)
{
    /* I_x(1, n) = 1 - (1 - x)^n: the rule of three of 0/n. */
    assert_near(beta_quantile(0.975, 1, 100), 1 - pow(0.025, 0.01), 1e-15);
    assert_near(beta_quantile(0.5, 3, 3), 0.5, 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_quantiles), cmocka_unit_test(student_t_quantiles),
        cmocka_unit_test(chi_square_tails), cmocka_unit_test(negative_binomial_tails),
        cmocka_unit_test(beta_quantiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
