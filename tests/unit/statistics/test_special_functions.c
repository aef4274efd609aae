#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processing/statistics/special_functions.h"
#include "tests/unit/processing/numbers.h"

/* P(k <= X) of n tries with the chance p, summed term by term: I_p(k, n - k + 1). */
static long double binomial_sum(unsigned k, unsigned n, long double p)
{
    long double term = 1, sum = 0; /* C(n, j) p^j q^(n-j), from j = n down */
    for (unsigned j = 0; j < n; j++)
        term *= p;
    for (unsigned j = n; j >= k && j > 0; j--) {
        sum += term;
        term *= (1 - p) / p * j / (n - j + 1);
    }
    return sum;
}

static void whole_numbers_give_the_binomial_sum(void **state)
{
    for (unsigned n = 1; n <= 60; n += 7)
        for (unsigned k = 1; k <= n; k++)
            for (double p = 1.0 / 64; p < 1; p += 5.0 / 64) {
                const double expected = (double)binomial_sum(k, n, p);
                assert_near(incomplete_beta_lower_log(k, n - k + 1, p, 1 - p), log(expected),
                            2e-14 * fmax(1, -log(expected)));
                assert_near(incomplete_beta_upper(k, n - k + 1, p, 1 - p), 1 - expected, 2e-14);
            }
}

static void a_whole_a_gives_the_poisson_sum(void **state)
{
    for (unsigned a = 1; a <= 80; a += 3)
        for (double x = 0.125; x < 200; x *= 1.75) {
            long double term = expl(-(long double)x), sum = term;
            for (unsigned k = 1; k < a; k++)
                sum += term *= x / k;
            assert_near(log(incomplete_gamma_upper(a, x)), log((double)sum),
                        2e-14 * fmax(1, fabs(log((double)sum))) + 1e-16);
        }
}

/* Computed with mpmath at 40 figures. */
static void broken_arguments(void **state)
{
    assert_near(incomplete_beta_lower(2.5, 0.5, 0.3, 0.7), 0.0189271240719456517, 1e-15);
    assert_near(incomplete_beta_lower_log(0.5, 2.5, 0.7, 0.3), -0.0191085347875107563, 1e-15);
    assert_near(incomplete_beta_lower(0.5, 7.25, 0.01, 0.99), 0.292511400437247867, 1e-15);
    assert_near(incomplete_beta_lower_log(1000, 1200, 0.4, 0.6), -16.050636975689838, 1e-12);
    assert_near(incomplete_beta_lower_log(1200, 1000, 0.6, 0.4), -1.06978610728524773e-7, 1e-19);
    assert_near(incomplete_beta_lower_log(60, 5.5, 0.3, 0.7), -59.1440424946384106, 1e-13);
    assert_near(incomplete_gamma_lower_log(2.5, 1.25), -1.49832181203218472, 1e-14);
    assert_near(log(incomplete_gamma_upper(0.5, 8)), -9.66695430596734552, 1e-14);
    assert_near(log(incomplete_gamma_upper(100, 150)), -12.0364074544616463, 1e-13);
    assert_near(incomplete_gamma_lower_log(1e4, 9.5e3), -15.4962003280126073, 1e-12);
    assert_near(log(incomplete_gamma_upper(1e4, 1.1e4)), -50.1304566862043122, 1e-12);
}

static void tails_far_below_the_smallest_double(void **state)
{
    assert_near(incomplete_beta_lower_log(100, 1, 1e-3, 1 - 1e-3), 100 * log(1e-3), 1e-12);
    assert_near(incomplete_beta_lower_log(1e4, 1, 1e-3, 1 - 1e-3), 1e4 * log(1e-3), 1e-10);
    assert_near(incomplete_beta_lower_log(7, 1, 1e-200, 1), 7 * log(1e-200), 1e-11);
    assert_near(log(incomplete_gamma_upper(1, 690)), -690, 1e-12);
    assert_near(incomplete_gamma_lower_log(50, 1e-6),
                50 * log(1e-6) - log_gamma(51) - 1e-6 * 50 / 51, 1e-11);
}

static void large_arguments_keep_their_figures(void **state)
{
    /* I_1/2(a, a) = 1/2, and its slope at 1/2 is known. */
    for (double a = 1; a < 2e9; a *= 10)
        assert_near(incomplete_beta_lower(a, a, 1, 1), 0.5, 1e-9);
    /* ln B(n, 1) = -ln n, ln B(n, 2) = -ln(n (n + 1)). */
    assert_near(log_beta(1e9, 1), -log(1e9), 1e-7);
    assert_near(log_beta(1e5, 2), -log(1e5) - log(1e5 + 1), 1e-10);
    assert_near(log_beta(0.5, 0.5), log(M_PI), 1e-15);
    /* P(a, a) = 1/2 + 1 / (3 sqrt(2 pi a)) + O(a^-3/2) */
    assert_near(incomplete_gamma_lower(1e8, 1e8), 0.5 + 1 / (3 * sqrt(2 * M_PI * 1e8)), 1e-11);
}

static void both_parts_of_x_are_used(void **state)
{
    /* 1 - x = 1e-30 is lost in x alone. I_x(a, b), b = 1: 1 - x^a = a 1e-30. */
    assert_near(incomplete_beta_lower_log(1, 3, 1e-30, 1), log(3e-30), 1e-13);
    assert_near(incomplete_beta_lower(3, 4, 30, 70), incomplete_beta_lower(3, 4, 0.3, 0.7), 1e-16);
}

static void the_inverse_goes_back(void **state)
{
    const double parameters[] = {0.5, 1, 4.5, 100, 30000};
    const double chances[] = {1e-100, 1e-12, 0.025, 0.5, 0.975, 1 - 1e-9};
    for (unsigned i = 0; i < 5; i++)
        for (unsigned j = 0; j < 5; j++)
            for (unsigned k = 0; k < 6; k++) {
                const double a = parameters[i], b = parameters[j], p = chances[k];
                const double u = incomplete_beta_inverse_logit(a, b, p);
                const double y = 1 / (1 + exp(u)), x = 1 / (1 + exp(-u));
                assert_near(incomplete_beta_lower_log(a, b, x, y), log(p), 1e-10 * -log(p) + 1e-13);
            }
    assert_true(isinf(incomplete_beta_inverse_logit(3, 1, 0)));
    assert_true(isinf(incomplete_beta_inverse_logit(3, 1, 1)));
}

static void ends_and_nonsense(void **state)
{
    assert_near(incomplete_beta_lower(2, 3, 0, 1), 0, 0);
    assert_near(incomplete_beta_lower(2, 3, 1, 0), 1, 0);
    assert_near(incomplete_gamma_lower(2, 0), 0, 0);
    assert_near(incomplete_gamma_upper(2, INFINITY), 0, 0);
    assert_true(isnan(incomplete_beta_lower(0, 3, 0.5, 0.5)));
    assert_true(isnan(incomplete_beta_lower(1, 3, -0.5, 1.5)));
    assert_true(isnan(incomplete_beta_lower(1, 3, NAN, 1)));
    assert_true(isnan(incomplete_gamma_lower(-1, 3)));
    assert_true(isnan(incomplete_gamma_lower(1, -3)));
    assert_true(isnan(incomplete_beta_inverse_logit(1, 1, 1.5)));
    assert_true(isnan(log_gamma(0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_give_the_binomial_sum),
        cmocka_unit_test(a_whole_a_gives_the_poisson_sum),
        cmocka_unit_test(broken_arguments),
        cmocka_unit_test(tails_far_below_the_smallest_double),
        cmocka_unit_test(large_arguments_keep_their_figures),
        cmocka_unit_test(both_parts_of_x_are_used),
        cmocka_unit_test(the_inverse_goes_back),
        cmocka_unit_test(ends_and_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
