#include "processing/statistics/contingency.h"

#include <errno.h>
#include <math.h>

#include "processing/statistics/distributions.h"
#include "processing/statistics/special_functions.h"

#define LARGEST_TABLE 1e9

static bool is_count(double value)
{
    return value >= 0 && value <= LARGEST_TABLE && floor(value) == value;
}

static double total_of(const struct two_by_two *t)
{
    return t->a + t->b + t->c + t->d;
}

static int check_table(const struct two_by_two *t, struct error *error)
{
    if (is_count(t->a) && is_count(t->b) && is_count(t->c) && is_count(t->d) &&
        total_of(t) <= LARGEST_TABLE)
        return 0;
    return error_set(error, -EINVAL,
                     "a table of %g, %g, %g and %g is none of counts (whole numbers, 1e9 in all)",
                     t->a, t->b, t->c, t->d);
}

static bool has_margins(const struct two_by_two *t)
{
    return t->a + t->b > 0 && t->c + t->d > 0 && t->a + t->c > 0 && t->b + t->d > 0;
}

static double log_choose(double n, double k)
{
    return log_gamma(n + 1) - log_gamma(k + 1) - log_gamma(n - k + 1);
}

/* ln P(a) with the margins given. */
static double log_hypergeometric(const struct two_by_two *t, double a)
{
    const double row = t->a + t->b, column = t->a + t->c, n = total_of(t);
    return log_choose(row, a) + log_choose(n - row, column - a) - log_choose(n, column);
}

/*
 * Sum of P from `a` outwards in one direction, of those tables that are at most as likely as the
 * observed one. From the mode outwards they fall, so that it ends when nothing is added any more.
 */
static double tail_sum(const struct two_by_two *t, double a, double step, double limit)
{
    const double row = t->a + t->b, column = t->a + t->c, n = total_of(t);
    const double lowest = fmax(0, row + column - n), highest = fmin(row, column);
    double p = exp(log_hypergeometric(t, a)), sum = 0;
    while (a >= lowest && a <= highest) {
        if (p <= limit)
            sum += p;
        if (p < sum * 1e-17)
            break;
        const double next = a + step;
        /* P(a + 1) / P(a) */
        p *= step > 0 ? (row - a) / next * ((column - a) / (n - row - column + next))
                      : a / (row - next) * ((n - row - column + a) / (column - next));
        a = next;
    }
    return sum;
}

static double fisher_exact(const struct two_by_two *t)
{
    const double row = t->a + t->b, column = t->a + t->c, n = total_of(t);
    const double mode = floor((row + 1) * (column + 1) / (n + 2));
    /* Tables that are as likely but for rounding count, as everywhere. */
    const double limit = exp(log_hypergeometric(t, t->a)) * (1 + 1e-7);
    return fmin(1, tail_sum(t, mode, -1, limit) + tail_sum(t, mode + 1, 1, limit));
}

static double pearson_chi_square(const struct two_by_two *t)
{
    const double n = total_of(t), difference = t->a * t->d - t->b * t->c;
    return n * difference / (t->a + t->b) * difference / (t->c + t->d) / (t->a + t->c) /
           (t->b + t->d);
}

static void odds_ratio_of(struct association *association, const struct two_by_two *t,
                          double confidence)
{
    const double add = t->a > 0 && t->b > 0 && t->c > 0 && t->d > 0 ? 0 : 0.5;
    const double a = t->a + add, b = t->b + add, c = t->c + add, d = t->d + add;
    const double centre = log(a) + log(d) - log(b) - log(c);
    const double half = normal_quantile((1 + confidence) / 2) * sqrt(1 / a + 1 / b + 1 / c + 1 / d);
    association->odds_ratio = t->a * t->d / (t->b * t->c);
    association->odds_ratio_interval = (struct interval){exp(centre - half), exp(centre + half)};
}

struct two_by_two two_by_two_of(const uint8_t *reflections, const uint8_t *phase, size_t n)
{
    double cells[2][2] = {0};
    for (size_t i = 0; i < n; i++)
        if (reflections[i] <= 1 && phase[i] <= 1)
            cells[phase[i]][reflections[i]]++;
    return (struct two_by_two){cells[1][1], cells[1][0], cells[0][1], cells[0][0]};
}

int association_of(struct association *association, const struct two_by_two *table,
                   double confidence, struct error *error)
{
    const int result = check_table(table, error);
    if (result)
        return result;
    *association = (struct association){
        .odds_ratio = NAN,
        .odds_ratio_interval = {0, INFINITY},
        .chi_square = NAN,
        .p_chi_square = NAN,
        .p = 1,
        .p_fisher = 1,
    };
    if (!has_margins(table))
        return 0;
    const double n = total_of(table);
    association->smallest_expected = fmin(table->a + table->b, table->c + table->d) / n *
                                     fmin(table->a + table->c, table->b + table->d);
    odds_ratio_of(association, table, confidence);
    association->p_fisher = fisher_exact(table);
    association->chi_square = pearson_chi_square(table);
    association->p_chi_square = chi_square_upper(association->chi_square, 1);
    association->test =
        association->smallest_expected < 5 ? ASSOCIATION_FISHER : ASSOCIATION_CHI_SQUARE;
    association->p =
        association->test == ASSOCIATION_FISHER ? association->p_fisher : association->p_chi_square;
    return 0;
}

/* The sums over strata, with R = a d / n, S = b c / n, P = (a + d) / n, Q = (b + c) / n. */
struct strata_sums {
    double excess, variance; /* of a */
    double r, s, pr, qs, ps_qr;
};

static void add_stratum(struct strata_sums *sums, const struct two_by_two *t)
{
    const double n = total_of(t), row = t->a + t->b, column = t->a + t->c;
    const double r = t->a * t->d / n, s = t->b * t->c / n;
    const double p = (t->a + t->d) / n, q = (t->b + t->c) / n;
    sums->excess += t->a - row * column / n;
    sums->variance += row / n * ((n - row) / n) * column * (n - column) / (n - 1);
    sums->r += r;
    sums->s += s;
    sums->pr += p * r;
    sums->qs += q * s;
    sums->ps_qr += p * s + q * r;
}

int cochran_mantel_haenszel(struct common_association *common, const struct two_by_two *strata,
                            size_t n_strata, double confidence, struct error *error)
{
    struct strata_sums sums = {0};
    *common = (struct common_association){
        .odds_ratio = NAN,
        .odds_ratio_interval = {0, INFINITY},
        .chi_square = NAN,
        .p = 1,
    };
    for (size_t i = 0; i < n_strata; i++) {
        const int result = check_table(&strata[i], error);
        if (result)
            return result;
        if (!has_margins(&strata[i]))
            continue;
        common->n_strata++;
        add_stratum(&sums, &strata[i]);
    }
    if (common->n_strata == 0)
        return 0;
    common->odds_ratio = sums.r / sums.s;
    common->chi_square = sums.excess * sums.excess / sums.variance;
    common->p = chi_square_upper(common->chi_square, 1);
    if (sums.r > 0 && sums.s > 0) {
        const double variance = sums.pr / (2 * sums.r * sums.r) +
                                sums.ps_qr / (2 * sums.r * sums.s) +
                                sums.qs / (2 * sums.s * sums.s);
        const double half = normal_quantile((1 + confidence) / 2) * sqrt(variance);
        common->odds_ratio_interval =
            (struct interval){common->odds_ratio * exp(-half), common->odds_ratio * exp(half)};
    }
    return 0;
}
