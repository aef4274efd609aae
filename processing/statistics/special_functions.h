#pragma once

/*
 * Regularised incomplete gamma and beta functions, both tails, and the natural logarithm of the
 * lower one.
 *
 * Each is the tail of a law: P(a, x) of a gamma (or chi-square), Q(a, k) of a Poisson, I_x(a, b) of
 * a beta, binomial, negative binomial or Student's t law. The logarithms go on where the tails
 * themselves are below the smallest double. Prefactors are taken as distances from the mode
 * (Loader, "Fast and accurate computation of binomial probabilities", 2000), so that nothing
 * cancels for large arguments: with a and b below 1e6 the smaller of the two tails has 12 figures,
 * with a and b of 1e9 still 9. (The tail that is the complement of a larger one loses what
 * cancels: that of a or b below 0.01.) The time grows with the root of a and b, and only near the
 * mode.
 *
 * Arguments out of their range, or NaN, give NaN. Definitions: DLMF 8.2, 8.17. Reentrant.
 */

/* ln Gamma(x), x > 0. */
double log_gamma(double x);
/* ln B(a, b), a and b > 0. */
double log_beta(double a, double b);

/* P(a, x) = integral from 0 to x of t^(a-1) e^-t dt / Gamma(a), and Q = 1 - P; a > 0, x >= 0. */
double incomplete_gamma_lower(double a, double x);
double incomplete_gamma_upper(double a, double x);
double incomplete_gamma_lower_log(double a, double x);

/*
 * I_x(a, b) = integral from 0 to x of t^(a-1) (1-t)^(b-1) dt / B(a, b), and 1 - I_x; a, b > 0.
 * Where x comes as odds, as x = u / (u + v), give both parts: `x` and `y` may have any common
 * factor, and nothing is lost where one is much smaller than the other.
 */
double incomplete_beta_lower(double a, double b, double x, double y);
double incomplete_beta_upper(double a, double b, double x, double y);
double incomplete_beta_lower_log(double a, double b, double x, double y);

/*
 * ln(x / (1 - x)) for which I_x(a, b) = p; -INFINITY for p = 0, INFINITY for p = 1. As log odds,
 * because x may be too close to 0 or 1 for a double; not beyond +-700.
 */
double incomplete_beta_inverse_logit(double a, double b, double p);
