#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processing/analysis/least_squares.h"
#include "tests/unit/processing/numbers.h"

static void a_straight_line_with_its_covariance(void **state)
{
    /* y = 2 + 3 x at x = 0, 1, 2, 3, weights 4. */
    struct normal_equations equations;
    least_squares_matrix covariance;
    double solution[2];
    normal_equations_init(&equations, 2);
    for (unsigned x = 0; x < 4; x++)
        normal_equations_add(&equations, (double[]){1, x}, 2 + 3.0 * x, 4);
    assert_int_equal(normal_equations_solve(&equations, 0, solution, covariance), 0);
    assert_near(solution[0], 2, 1e-14);
    assert_near(solution[1], 3, 1e-14);
    /* (sum xx, -sum x; -sum x, n) / (n sum xx - (sum x)^2) / weight */
    assert_near(covariance[0][0], 14 / 20.0 / 4, 1e-14);
    assert_near(covariance[0][1], -6 / 20.0 / 4, 1e-14);
    assert_near(covariance[1][0], -6 / 20.0 / 4, 1e-14);
    assert_near(covariance[1][1], 4 / 20.0 / 4, 1e-14);
}

static void units_of_the_parameters_do_not_matter(void **state)
{
    struct normal_equations equations;
    double solution[3];
    normal_equations_init(&equations, 3);
    for (unsigned x = 0; x < 9; x++)
        normal_equations_add(&equations, (double[]){1e12, x, 1e-9 * x * x}, 1 + 5.0 * x - x * x, 1);
    assert_int_equal(normal_equations_solve(&equations, 0, solution, NULL), 0);
    assert_near(solution[0], 1e-12, 1e-23);
    assert_near(solution[1], 5, 1e-11);
    assert_near(solution[2], -1e9, 1e-2);
}

static void parameters_that_nothing_fixes_are_refused(void **state)
{
    struct normal_equations equations;
    double solution[2];
    normal_equations_init(&equations, 2);
    assert_int_equal(normal_equations_solve(&equations, 0, solution, NULL), -EDOM);
    for (unsigned x = 0; x < 4; x++)
        normal_equations_add(&equations, (double[]){1, 7}, x, 1);
    assert_int_equal(normal_equations_solve(&equations, 0, solution, NULL), -EDOM);
    normal_equations_add(&equations, (double[]){NAN, 7}, 1, 1);
    assert_int_equal(normal_equations_solve(&equations, 0, solution, NULL), -EDOM);
}

/* Counts of a decaying source: amplitude * exp(-rate * t). */
struct decay {
    double counts[40];
    unsigned evaluations;
};

static double deviance(const double *p, void *context, struct normal_equations *equations)
{
    struct decay *const decay = context;
    double sum = 0;
    decay->evaluations++;
    if (!(p[0] > 0))
        return INFINITY;
    for (unsigned t = 0; t < 40; t++) {
        const double mean = p[0] * exp(-p[1] * t);
        sum += poisson_deviance(decay->counts[t], mean);
        if (equations)
            normal_equations_add(equations, (double[]){mean / p[0], -mean * t},
                                 decay->counts[t] - mean, 1 / mean);
    }
    return sum;
}

static void a_decay_is_found_from_far_away(void **state)
{
    struct decay decay = {0};
    double p[2] = {3, 0.5}, minimum;
    least_squares_matrix covariance;
    for (unsigned t = 0; t < 40; t++)
        decay.counts[t] = 200 * exp(-0.07 * t);
    assert_int_equal(least_squares_minimise(p, 2, deviance, &decay, covariance, &minimum), 0);
    assert_near(p[0], 200, 1e-3);
    assert_near(p[1], 0.07, 1e-6);
    assert_near(minimum, 0, 1e-8);
    assert_true(decay.evaluations < 100);
    assert_int_equal(
        least_squares_minimise((double[]){-1, 0}, 2, deviance, &decay, covariance, NULL), -EDOM);
}

static void errors_and_deviance_follow_the_poisson_law(void **state)
{
    enum { N_TRIES = 300 };
    struct random_numbers random = {17};
    double pulls[2] = {0}, bias = 0, deviances = 0;
    for (unsigned i = 0; i < N_TRIES; i++) {
        struct decay decay = {0};
        double p[2] = {5, 0.05}, minimum;
        least_squares_matrix covariance;
        for (unsigned t = 0; t < 40; t++)
            decay.counts[t] = random_poisson(&random, 8 * exp(-0.05 * t));
        assert_int_equal(least_squares_minimise(p, 2, deviance, &decay, covariance, &minimum), 0);
        pulls[0] += pow(p[0] - 8, 2) / covariance[0][0] / N_TRIES;
        pulls[1] += pow(p[1] - 0.05, 2) / covariance[1][1] / N_TRIES;
        bias += (p[0] - 8) / N_TRIES;
        deviances += minimum / N_TRIES;
    }
    assert_near(sqrt(pulls[0]), 1, 0.15);
    assert_near(sqrt(pulls[1]), 1, 0.15);
    assert_near(bias, 0, 0.25);
    assert_near(deviances, 38, 8);
}

static void the_deviance_of_nothing_is_twice_the_mean(void **state)
{
    assert_near(poisson_deviance(0, 3), 6, 0);
    assert_near(poisson_deviance(3, 3), 0, 0);
    assert_near(poisson_deviance(2, 1), 2 * (1 - 2 + 2 * log(2)), 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_straight_line_with_its_covariance),
        cmocka_unit_test(units_of_the_parameters_do_not_matter),
        cmocka_unit_test(parameters_that_nothing_fixes_are_refused),
        cmocka_unit_test(a_decay_is_found_from_far_away),
        cmocka_unit_test(errors_and_deviance_follow_the_poisson_law),
        cmocka_unit_test(the_deviance_of_nothing_is_twice_the_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
