#pragma once

/*
 * Tails and quantiles of the laws that counts and fractions follow. Every tail includes the value
 * itself; logarithms are natural and go on below 1e-300. Arguments out of their range give NaN.
 * Accuracy as in special_functions.h.
 */

/* P(Z >= z) of the standard normal law, and z for which P(Z <= z) = p (0 < p < 1). */
double normal_upper(double z);
double normal_quantile(double p);

/* P(T >= t) of Student's law, and t for which P(T <= t) = p; degrees of freedom > 0. */
double student_t_upper(double t, double degrees);
double student_t_quantile(double p, double degrees);

/* P(X >= x) of the chi-square law; x >= 0. */
double chi_square_upper(double x, double degrees);

/*
 * The negative binomial law of this mean and variance >= mean: r = mean^2 / (variance - mean),
 * P(X >= k), k any number, = I_x(k, r) with x = mean / (r + mean); Poisson where the variance is
 * the mean. (Counts of a gamma-distributed intensity: Goodman, Statistical Optics, 9.2.)
 */
double negative_binomial_upper_log(double k, double mean, double variance);

/* The quantile (0 < p < 1) of the beta law with parameters a and b. */
double beta_quantile(double p, double a, double b);
