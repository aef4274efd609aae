#include "processing/statistics/special_functions.h"

#include <math.h>
#include <stdbool.h>

/* Both logarithms of a pair of tails that add up to 1. */
struct tails {
    double lower, upper;
};

static const struct tails no_tails = {NAN, NAN};

double log_gamma(double x)
{
    int sign; /* lgamma would write a global */
    return x > 0 ? lgamma_r(x, &sign) : NAN;
}

/* ln Gamma(x) - ((x - 1/2) ln x - x + ln(2 pi) / 2), without the cancellation. DLMF 5.11.1. */
static double stirling_error(double x)
{
    if (x < 10)
        return log_gamma(x) - ((x - 0.5) * log(x) - x + 0.5 * log(2 * M_PI));
    const double s = 1 / (x * x);
    return (1.0 / 12 -
            s * (1.0 / 360 -
                 s * (1.0 / 1260 - s * (1.0 / 1680 - s * (1.0 / 1188 - s * (691.0 / 360360)))))) /
           x;
}

/* x ln(x / mean) + mean - x: how far, in nats, x lies from the mode of its law. */
static double deviation(double x, double mean)
{
    const double difference = x - mean;
    if (fabs(difference) > 0.1 * (x + mean))
        return x * log(x / mean) - difference;
    /* ln(x / mean) = 2 artanh(v), v = (x - mean) / (x + mean); the first terms cancel exactly. */
    const double v = difference / (x + mean), v2 = v * v;
    double sum = difference * v, power = 2 * x * v;
    for (unsigned k = 3; k < 100; k += 2) {
        const double before = sum;
        power *= v2;
        sum += power / k;
        if (sum == before)
            break;
    }
    return sum;
}

double log_beta(double a, double b)
{
    if (!(a > 0) || !(b > 0))
        return NAN;
    const double n = a + b;
    return a * log(a / n) + b * log(b / n) + 0.5 * log(2 * M_PI * n / (a * b)) + stirling_error(a) +
           stirling_error(b) - stirling_error(n);
}

static struct tails tails_of_lower(double log_lower)
{
    const double capped = fmin(log_lower, 0);
    return (struct tails){capped, capped > -M_LN2 ? log(-expm1(capped)) : log1p(-exp(capped))};
}

static struct tails tails_of_upper(double log_upper)
{
    const struct tails mirrored = tails_of_lower(log_upper);
    return (struct tails){mirrored.upper, mirrored.lower};
}

/* The continued fraction 1 / (1 + c1 / (1 + c2 / (1 + ...))) by the method of Lentz; or, with the
 * gamma function's terms, 1 / (d0 + c1 / (d1 + ...)). */
struct fraction {
    double value, c, d;
};

static const double tiny = 1e-300;
static const unsigned max_terms = 10000000;

static double not_zero(double value)
{
    return fabs(value) < tiny ? tiny : value;
}

static struct fraction fraction_start(double denominator)
{
    const double d = 1 / not_zero(denominator);
    return (struct fraction){d, 1 / tiny, d};
}

/* False when another term changes nothing. */
static bool fraction_term(struct fraction *fraction, double numerator, double denominator)
{
    fraction->d = 1 / not_zero(denominator + numerator * fraction->d);
    fraction->c = not_zero(denominator + numerator / fraction->c);
    const double factor = fraction->c * fraction->d;
    fraction->value *= factor;
    return fabs(factor - 1) > 2e-16;
}

/* P = x^a e^-x / Gamma(a + 1) * sum of x^k / ((a + 1) ... (a + k)): DLMF 8.7.1. */
static double gamma_series(double a, double x)
{
    double sum = 1, term = 1;
    for (unsigned k = 1; k < max_terms && term > sum * 1e-17; k++) {
        term *= x / (a + k);
        sum += term;
    }
    return sum / a;
}

/* Q = x^a e^-x / Gamma(a) * 1 / (x + 1 - a - (1 - a) / (x + 3 - a - 2 (2 - a) / ...)): DLMF 8.9.2,
 * contracted. */
static double gamma_fraction(double a, double x)
{
    struct fraction fraction = fraction_start(x + 1 - a);
    for (unsigned k = 1; k < max_terms; k++)
        if (!fraction_term(&fraction, -(k * (k - a)), x + 2 * k + 1 - a))
            break;
    return fraction.value;
}

static struct tails gamma_tails(double a, double x)
{
    if (!(a > 0) || !(x >= 0) || isinf(a))
        return no_tails;
    if (x == 0)
        return (struct tails){-INFINITY, 0};
    if (isinf(x))
        return (struct tails){0, -INFINITY};
    /* ln(x^a e^-x / Gamma(a)) */
    const double prefactor = 0.5 * log(a / (2 * M_PI)) - deviation(a, x) - stirling_error(a);
    if (x < a + 1)
        return tails_of_lower(prefactor + log(gamma_series(a, x)));
    return tails_of_upper(prefactor + log(gamma_fraction(a, x)));
}

double incomplete_gamma_lower(double a, double x)
{
    return exp(gamma_tails(a, x).lower);
}

double incomplete_gamma_upper(double a, double x)
{
    return exp(gamma_tails(a, x).upper);
}

double incomplete_gamma_lower_log(double a, double x)
{
    return gamma_tails(a, x).lower;
}

/* I_x(a, b) = x^a y^b / (a B(a, b)) / (1 + d1 / (1 + d2 / ...)): DLMF 8.17.22. */
static double beta_fraction(double a, double b, double x)
{
    struct fraction fraction = fraction_start(1);
    for (unsigned k = 0; k < max_terms; k++) {
        const double m = k, at = a + 2 * m;
        const double odd = -(a + m) * (a + b + m) * x / (at * (at + 1));
        const double even = (m + 1) * (b - m - 1) * x / ((at + 1) * (at + 2));
        fraction_term(&fraction, odd, 1);
        if (!fraction_term(&fraction, even, 1))
            break;
    }
    return fraction.value / a;
}

/* ln(x^a y^b / B(a, b)), x + y = 1. */
static double beta_prefactor(double a, double b, double x, double y)
{
    const double n = a + b;
    return 0.5 * log(a * (b / n) / (2 * M_PI)) + stirling_error(n) - stirling_error(a) -
           stirling_error(b) - deviation(a, n * x) - deviation(b, n * y);
}

static struct tails beta_tails(double a, double b, double x, double y)
{
    const double sum = x + y;
    if (!(a > 0) || !(b > 0) || isinf(a) || isinf(b) || !(x >= 0) || !(y >= 0) || !(sum > 0) ||
        isinf(sum))
        return no_tails;
    x /= sum;
    y /= sum;
    if (x <= 0)
        return (struct tails){-INFINITY, 0};
    if (y <= 0)
        return (struct tails){0, -INFINITY};
    const double prefactor = beta_prefactor(a, b, x, y);
    if (x < (a + 1) / (a + b + 2))
        return tails_of_lower(prefactor + log(beta_fraction(a, b, x)));
    return tails_of_upper(prefactor + log(beta_fraction(b, a, y)));
}

double incomplete_beta_lower(double a, double b, double x, double y)
{
    return exp(beta_tails(a, b, x, y).lower);
}

double incomplete_beta_upper(double a, double b, double x, double y)
{
    return exp(beta_tails(a, b, x, y).upper);
}

double incomplete_beta_lower_log(double a, double b, double x, double y)
{
    return beta_tails(a, b, x, y).lower;
}

/* Newton's method on ln I against the log odds u (dI/du = x^a y^b / B), within a bracket. */
double incomplete_beta_inverse_logit(double a, double b, double p)
{
    if (!(a > 0) || !(b > 0) || isinf(a) || isinf(b) || !(p >= 0) || !(p <= 1))
        return NAN;
    if (p <= 0 || p >= 1)
        return p <= 0 ? -INFINITY : INFINITY;
    const bool low = p < 0.5; /* compare the smaller tail */
    const double target = low ? log(p) : log1p(-p);
    double from = -700, to = 700, u = log(a / b);
    for (unsigned i = 0; i < 200; i++) {
        const double y = 1 / (1 + exp(u)), x = 1 / (1 + exp(-u));
        const struct tails tails = beta_tails(a, b, x, y);
        const double tail = low ? tails.lower : tails.upper;
        const double difference = low ? tail - target : target - tail;
        if (difference > 0)
            to = u;
        else
            from = u;
        const double next = u - difference / exp(beta_prefactor(a, b, x, y) - tail);
        const double step = (next > from && next < to ? next : (from + to) / 2) - u;
        u += step;
        if (fabs(step) <= 1e-15 * fmax(1, fabs(u)))
            break;
    }
    return u;
}
