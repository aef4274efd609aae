#include "processing/bragg/bragg_null.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "processing/statistics/special_functions.h"

double bragg_null_tail_log(uint64_t counts, double background, double overdispersion,
                           double speckle)
{
    const double lot = (1 + overdispersion) / 2;
    const double k = (double)counts / lot, mean = background / lot;
    /* 1 / r = variance / mean^2 - 1 / mean, in lots. */
    const double inverse = (overdispersion / lot - 1) / mean + speckle;
    if (inverse * mean < 1e-12)
        return incomplete_gamma_lower_log(k, mean);
    const double r = 1 / inverse;
    return incomplete_beta_lower_log(k, r, mean, r);
}

static float grid_value(int32_t number, int bits)
{
    const int32_t word = number << (23 - bits);
    float value;
    memcpy(&value, &word, sizeof(value));
    return value;
}

/* Smallest counts whose tail is below the level; `low` is known to be too few. */
static uint64_t first_below(double log_level, double b, double f, double v, uint64_t low,
                            uint64_t guess)
{
    uint64_t high = guess > low ? guess : low + 1;
    for (uint64_t step = 1; bragg_null_tail_log(high, b, f, v) >= log_level; step *= 2) {
        low = high;
        high += step;
    }
    /* The guess is mostly right or one too many. */
    for (uint64_t step = 1; high - low > 1; step *= 2) {
        const uint64_t middle = high - low > 2 * step ? high - step : low + (high - low) / 2;
        if (bragg_null_tail_log(middle, b, f, v) >= log_level)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* Along a row the threshold grows evenly enough to be guessed from the two before. */
static void fill_row(const struct bragg_thresholds *t, uint32_t row, double log_level, double f)
{
    uint32_t *const counts = t->counts + (size_t)row * t->n_b;
    const double v = grid_value(t->first_v + (int32_t)row, BRAGG_V_BITS);
    for (uint32_t i = 0; i < t->n_b; i++) {
        const double b = grid_value(t->first_b + (int32_t)i, BRAGG_B_BITS);
        const uint64_t last = i > 0 ? counts[i - 1] : 1;
        const uint64_t low = last - 1;
        const uint64_t guess = i > 1 ? last + (last - counts[i - 2]) : last;
        const uint64_t found = first_below(log_level, b, f, v, low, guess);
        counts[i] = found < BRAGG_THRESHOLD_NEVER ? (uint32_t)found : BRAGG_THRESHOLD_NEVER;
        if (counts[i] == BRAGG_THRESHOLD_NEVER) {
            for (; i < t->n_b; i++)
                counts[i] = BRAGG_THRESHOLD_NEVER;
        }
    }
}

int bragg_thresholds_init(struct bragg_thresholds *thresholds, double log_level,
                          double overdispersion, const double background[2],
                          const double speckle[2], struct error *error)
{
    struct bragg_thresholds t = {
        .first_b = bragg_grid_above(background[0], BRAGG_B_BITS) - 1,
        .first_v = bragg_grid_above(speckle[0], BRAGG_V_BITS),
    };
    t.n_b = (uint32_t)(bragg_grid_above(background[1], BRAGG_B_BITS) - t.first_b + 1);
    t.n_v = (uint32_t)(bragg_grid_above(speckle[1], BRAGG_V_BITS) - t.first_v + 1);
    t.counts = malloc((size_t)t.n_b * t.n_v * sizeof(*t.counts));
    if (!t.counts)
        return error_set(error, -ENOMEM, "not enough memory for the thresholds of the reflections");
    for (uint32_t row = 0; row < t.n_v; row++)
        fill_row(&t, row, log_level, overdispersion);
    *thresholds = t;
    return 0;
}

void bragg_thresholds_finish(struct bragg_thresholds *thresholds)
{
    free(thresholds->counts);
    *thresholds = (struct bragg_thresholds){0};
}
