#include "processing/statistics/distributions.h"

#include <math.h>

#include "processing/statistics/special_functions.h"

double normal_upper(double z)
{
    return 0.5 * erfc(z * M_SQRT1_2);
}

/* The asymptotic series of erfc (DLMF 7.12.1) where it is better than the logarithm of a number
 * that is hardly a double any more. */
static double normal_upper_log(double z)
{
    if (!(z > 35))
        return log(normal_upper(z));
    const double s = 1 / (z * z);
    return -0.5 * z * z - log(z) - 0.5 * log(2 * M_PI) +
           log1p(-s * (1 - s * (3 - s * (15 - s * 105))));
}

/* z >= 0 whose upper tail is q <= 1/2: Newton's method on the logarithm of the tail, which is
 * concave, so that it cannot run away from a start on the far side. */
static double normal_upper_inverse(double q)
{
    double z = sqrt(-2 * log(2 * q));
    for (unsigned i = 0; i < 100; i++) {
        const double tail = normal_upper_log(z);
        const double slope = exp(-0.5 * z * z - 0.5 * log(2 * M_PI) - tail);
        const double step = (tail - log(q)) / slope;
        z += step;
        if (fabs(step) <= 1e-15 * fmax(1, z))
            break;
    }
    return z;
}

double normal_quantile(double p)
{
    if (!(p > 0) || !(p < 1))
        return NAN;
    return p < 0.5 ? -normal_upper_inverse(p) : normal_upper_inverse(1 - p);
}

double student_t_upper(double t, double degrees)
{
    if (!(degrees > 0) || isnan(t))
        return NAN;
    if (isinf(degrees))
        return normal_upper(t);
    const double half = 0.5 * incomplete_beta_lower(degrees / 2, 0.5, degrees, t * t);
    return t >= 0 ? half : 1 - half;
}

/* With x = degrees / (degrees + t^2), P(|T| >= t) = I_x(degrees / 2, 1/2). */
double student_t_quantile(double p, double degrees)
{
    if (!(degrees > 0) || !(p > 0) || !(p < 1))
        return NAN;
    if (isinf(degrees))
        return normal_quantile(p);
    const double tail = fmin(p, 1 - p);
    const double logit = incomplete_beta_inverse_logit(degrees / 2, 0.5, 2 * tail);
    const double t = sqrt(degrees * exp(-logit));
    return p < 0.5 ? -t : t;
}

double chi_square_upper(double x, double degrees)
{
    return incomplete_gamma_upper(degrees / 2, x / 2);
}

double negative_binomial_upper_log(double k, double mean, double variance)
{
    if (!(mean >= 0) || !(variance >= mean) || isnan(k))
        return NAN;
    k = ceil(k);
    if (k <= 0)
        return 0;
    const double excess = variance - mean;
    /* With r so large that nothing tells the two laws apart, r itself would be noise. */
    if (excess <= 1e-12 * mean)
        return incomplete_gamma_lower_log(k, mean);
    /* x = mean / (r + mean) = excess / (mean + excess) */
    return incomplete_beta_lower_log(k, mean * (mean / excess), excess, mean);
}

double beta_quantile(double p, double a, double b)
{
    return 1 / (1 + exp(-incomplete_beta_inverse_logit(a, b, p)));
}
