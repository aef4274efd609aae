#pragma once

/*
 * Least squares with few parameters: normal equations, and damped steps (Levenberg-Marquardt) where
 * the model is not linear. No allocation, no state: everything lives with the caller.
 */
#define LEAST_SQUARES_MAX 8

typedef double least_squares_matrix[LEAST_SQUARES_MAX][LEAST_SQUARES_MAX];

struct normal_equations {
    unsigned n;                      /* parameters, 1 to LEAST_SQUARES_MAX */
    least_squares_matrix matrix;     /* sum of weight * gradient * gradient^T, lower triangle */
    double right[LEAST_SQUARES_MAX]; /* sum of weight * gradient * residual */
};

void normal_equations_init(struct normal_equations *equations, unsigned n);

/* Adds one observation: gradient[n] is d model / d parameter, residual is data - model. */
void normal_equations_add(struct normal_equations *equations, const double *gradient,
                          double residual, double weight);

/*
 * Solves them for the n parameters (or their step). `damping` >= 0 multiplies the diagonal by 1 +
 * damping. covariance (may be NULL) gets the inverse of the matrix: the covariance of the
 * parameters when the weights are 1 / variance. -EDOM: the observations do not fix the parameters.
 */
int normal_equations_solve(const struct normal_equations *equations, double damping,
                           double *solution, least_squares_matrix covariance);

/*
 * What is minimised: returns the objective (chi^2 or a deviance) and, when equations is not NULL,
 * adds every observation to them. A value that is not finite marks parameters that are not allowed.
 */
typedef double least_squares_objective(const double *parameters, void *context,
                                       struct normal_equations *equations);

/*
 * Minimises from the given parameters[n], in place. minimum (may be NULL) gets the objective there.
 * -EDOM: not fixed by the observations, or the start is not allowed; -ERANGE: no minimum within 200
 * steps.
 */
int least_squares_minimise(double *parameters, unsigned n, least_squares_objective *objective,
                           void *context, least_squares_matrix covariance, double *minimum);

/*
 * Twice the log likelihood ratio of a Poisson count (the deviance), for a mean > 0: 2 * (mean -
 * count + count * ln(count / mean)). With gradients weighted by 1 / mean its steps are Fisher
 * scoring, and unlike chi^2 with weights from the data it has no bias where counts are few.
 */
double poisson_deviance(double count, double mean);
