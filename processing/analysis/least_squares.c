#include "processing/analysis/least_squares.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Of a matrix whose diagonal is 1: below it the parameters cannot be told apart in double. */
static const double smallest_pivot = 1e-13;

void normal_equations_init(struct normal_equations *equations, unsigned n)
{
    memset(equations, 0, sizeof *equations);
    equations->n = n;
}

void normal_equations_add(struct normal_equations *equations, const double *gradient,
                          double residual, double weight)
{
    for (unsigned i = 0; i < equations->n; i++) {
        for (unsigned j = 0; j <= i; j++)
            equations->matrix[i][j] += weight * gradient[i] * gradient[j];
        equations->right[i] += weight * gradient[i] * residual;
    }
}

/* Cholesky factor of the matrix scaled to a diagonal of 1 (+ damping): units of the parameters do
 * not matter. */
static int factorise(const struct normal_equations *equations, double damping, const double *scale,
                     least_squares_matrix factor)
{
    for (unsigned i = 0; i < equations->n; i++) {
        for (unsigned j = 0; j <= i; j++) {
            double sum = equations->matrix[i][j] * scale[i] * scale[j];
            if (i == j)
                sum += damping;
            for (unsigned k = 0; k < j; k++)
                sum -= factor[i][k] * factor[j][k];
            if (i != j)
                factor[i][j] = sum / factor[j][j];
            else if (sum > smallest_pivot)
                factor[i][i] = sqrt(sum);
            else
                return -EDOM;
        }
    }
    return 0;
}

static void solve_factor(unsigned n, least_squares_matrix factor, double *values)
{
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < i; k++)
            values[i] -= factor[i][k] * values[k];
        values[i] /= factor[i][i];
    }
    for (unsigned i = n; i-- > 0;) {
        for (unsigned k = i + 1; k < n; k++)
            values[i] -= factor[k][i] * values[k];
        values[i] /= factor[i][i];
    }
}

int normal_equations_solve(const struct normal_equations *equations, double damping,
                           double *solution, least_squares_matrix covariance)
{
    const unsigned n = equations->n;
    double scale[LEAST_SQUARES_MAX];
    least_squares_matrix factor;
    for (unsigned i = 0; i < n; i++) {
        if (!(equations->matrix[i][i] > 0) || !isfinite(equations->matrix[i][i]))
            return -EDOM;
        scale[i] = 1 / sqrt(equations->matrix[i][i]);
    }
    if (factorise(equations, damping, scale, factor) < 0)
        return -EDOM;
    for (unsigned i = 0; i < n; i++)
        solution[i] = equations->right[i] * scale[i];
    solve_factor(n, factor, solution);
    for (unsigned i = 0; i < n; i++)
        solution[i] *= scale[i];
    for (unsigned i = 0; covariance && i < n; i++) {
        double column[LEAST_SQUARES_MAX] = {0};
        column[i] = 1;
        solve_factor(n, factor, column);
        for (unsigned j = 0; j < n; j++)
            covariance[j][i] = column[j] * scale[i] * scale[j];
    }
    return 0;
}

/* How much a step would lower the objective if the model were linear; in units of the objective, so
 * that 1e-9 is a step of 3e-5 standard errors. */
static double promised(const struct normal_equations *equations, const double *step)
{
    double sum = 0;
    for (unsigned i = 0; i < equations->n; i++)
        sum += equations->right[i] * step[i];
    return sum;
}

/* Takes one step downwards, damping it until it goes down. Says whether there was none worth
 * taking. */
static int step_down(double *parameters, const struct normal_equations *equations,
                     least_squares_objective *objective, void *context, double *value,
                     double *damping, bool *done)
{
    *done = false;
    while (*damping < 1e12) {
        double step[LEAST_SQUARES_MAX], tried[LEAST_SQUARES_MAX];
        const int result = normal_equations_solve(equations, *damping, step, NULL);
        if (result < 0)
            return result;
        for (unsigned i = 0; i < equations->n; i++)
            tried[i] = parameters[i] + step[i];
        const double now = objective(tried, context, NULL);
        const bool small = promised(equations, step) <= 1e-9 + 1e-14 * fabs(*value);
        if (isfinite(now) && now <= *value) {
            memcpy(parameters, tried, equations->n * sizeof *parameters);
            *value = now;
            *damping = *damping > 1e-9 ? *damping / 10 : *damping;
            *done = small;
            return 0;
        }
        if (small)
            break;
        *damping *= 10;
    }
    *done = true;
    return 0;
}

int least_squares_minimise(double *parameters, unsigned n, least_squares_objective *objective,
                           void *context, least_squares_matrix covariance, double *minimum)
{
    enum { MAX_STEPS = 200 };
    double damping = 1e-3, value = objective(parameters, context, NULL);
    if (!isfinite(value))
        return -EDOM;
    for (unsigned i = 0; i < MAX_STEPS; i++) {
        struct normal_equations equations;
        double unused[LEAST_SQUARES_MAX];
        bool done;
        normal_equations_init(&equations, n);
        objective(parameters, context, &equations);
        const int result =
            step_down(parameters, &equations, objective, context, &value, &damping, &done);
        if (result < 0)
            return result;
        if (!done)
            continue;
        if (minimum)
            *minimum = value;
        normal_equations_init(&equations, n);
        objective(parameters, context, &equations);
        return normal_equations_solve(&equations, 0, unused, covariance);
    }
    return -ERANGE;
}

double poisson_deviance(double count, double mean)
{
    return 2 * (mean - count + (count > 0 ? count * log(count / mean) : 0));
}
