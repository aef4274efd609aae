#include "processing/bragg/bragg_background.h"

#include <math.h>
#include <string.h>

/* A sector above its expectation by this many standard deviations is not quiet. */
#define QUIET_LIMIT 2.5
/* What cutting a normal law there takes off its mean, in standard deviations. */
#define QUIET_BIAS 0.0176

/* Mean of the lowest quarter of a normal law, in standard deviations below its mean. */
#define QUARTER_DEPTH 1.2711

static double sector_deviation(const struct bragg_background_plan *plan, double mean)
{
    return sqrt((plan->overdispersion + plan->sector_speckle * mean) * mean);
}

/* Mean of a sector from the mean of the lowest quarter of them. */
static double mean_from_quarter(const struct bragg_background_plan *plan, double lowest)
{
    const double *const table = plan->quarter.lowest;
    const uint32_t last = BRAGG_QUARTER_POINTS - 1;
    if (lowest >= table[last]) {
        double mean = lowest;
        for (int i = 0; i < 6; i++)
            mean = lowest + QUARTER_DEPTH * sector_deviation(plan, mean);
        return mean;
    }
    uint32_t i = 0;
    while (i + 1 < last && table[i + 1] < lowest)
        i++;
    const double step = table[i + 1] - table[i];
    const double part = step > 0 ? fmax(0, lowest - table[i]) / step : 0;
    return exp2((i + part) / 4 - 2);
}

/* Keys in the order of a sector's counts over its template, each only once. */
static void sector_keys(int32_t *keys, const double *counts, const double *template, uint32_t n,
                        uint64_t usable)
{
    for (uint32_t s = 0; s < n; s++) {
        const float ratio = usable >> s & 1 ? (float)(counts[s] / template[s]) : HUGE_VALF;
        memcpy(&keys[s], &ratio, sizeof(ratio));
        keys[s] = (keys[s] & ~(BRAGG_SECTORS_MAX - 1)) | (int32_t)s;
    }
}

/* The ratio that the lowest quarter of the sectors tells. */
static double quarter_scale(const struct bragg_background_plan *plan, const double *counts,
                            const double *template, uint64_t usable)
{
    int32_t keys[BRAGG_SECTORS_MAX];
    sector_keys(keys, counts, template, plan->n_sectors, usable);
    const int32_t n_lowest = (__builtin_popcountll(usable) + 3) / 4;
    double lowest_counts = 0, lowest_template = 0, all_counts = 0, all_template = 0;
    for (uint32_t s = 0; s < plan->n_sectors; s++) {
        if (!(usable >> s & 1))
            continue;
        int32_t rank = 0;
        for (uint32_t t = 0; t < plan->n_sectors; t++)
            rank += keys[t] < keys[s];
        lowest_counts += rank < n_lowest ? counts[s] : 0;
        lowest_template += rank < n_lowest ? template[s] : 0;
        all_counts += counts[s];
        all_template += template[s];
    }
    if (!(lowest_counts > 0))
        return all_counts / all_template;
    const double per_sector = all_template / __builtin_popcountll(usable);
    return mean_from_quarter(plan, lowest_counts / lowest_template * per_sector) / per_sector;
}

/* Sectors that hold no more than these expectations explain. */
static uint64_t quiet_sectors(const struct bragg_background_plan *plan, const double *counts,
                              const double *expected, uint64_t usable)
{
    uint64_t quiet = 0;
    for (uint32_t s = 0; s < plan->n_sectors; s++) {
        const double limit = expected[s] + QUIET_LIMIT * sector_deviation(plan, expected[s]) + 1;
        quiet |= (uint64_t)(counts[s] <= limit) << s;
    }
    return quiet & usable;
}

struct band_sums {
    double counts[BRAGG_BANDS_MAX], template[BRAGG_BANDS_MAX], pixels[BRAGG_BANDS_MAX];
};

static void sum_bands(struct band_sums *sums, const struct bragg_background_plan *plan,
                      const uint32_t *counts, const double *template, uint64_t sectors)
{
    *sums = (struct band_sums){0};
    for (; sectors; sectors &= sectors - 1) {
        const uint32_t first = (uint32_t)__builtin_ctzll(sectors) * plan->n_bands;
        for (uint32_t b = 0; b < plan->n_bands; b++) {
            sums->counts[b] += counts[first + b];
            sums->template[b] += template[first + b];
            sums->pixels[b] += plan->part_start[first + b + 1] - plan->part_start[first + b];
        }
    }
}

/* A = L L^T in place, lower triangle; reciprocals of the diagonal go to `inverse`. */
static void factorise(double *a, double *inverse, uint32_t n)
{
    for (uint32_t j = 0; j < n; j++) {
        double *const row = a + j * n;
        double diagonal = row[j];
        for (uint32_t k = 0; k < j; k++)
            diagonal -= row[k] * row[k];
        inverse[j] = 1 / sqrt(diagonal);
        for (uint32_t i = j + 1; i < n; i++) {
            double sum = a[i * n + j];
            for (uint32_t k = 0; k < j; k++)
                sum -= a[i * n + k] * row[k];
            a[i * n + j] = sum * inverse[j];
        }
    }
}

static void solve(const double *l, const double *inverse, double *x, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < i; k++)
            x[i] -= l[i * n + k] * x[k];
        x[i] *= inverse[i];
    }
    for (uint32_t i = n; i-- > 0;) {
        for (uint32_t k = i + 1; k < n; k++)
            x[i] -= l[k * n + i] * x[k];
        x[i] *= inverse[i];
    }
}

/* Diagonal of (L L^T)^-1. */
static void inverse_diagonal(const double *l, const double *inverse, double *diagonal, uint32_t n)
{
    for (uint32_t c = 0; c < n; c++) {
        double x[BRAGG_BANDS_MAX] = {0}, sum = 0;
        x[c] = 1;
        for (uint32_t i = c; i < n; i++) {
            for (uint32_t k = c; k < i; k++)
                x[i] -= l[i * n + k] * x[k];
            x[i] *= inverse[i];
            sum += x[i] * x[i];
        }
        diagonal[c] = sum;
    }
}

/* One step of a fit in ln ratio is not trusted beyond this. */
#define STEP_MAX 1.5

/* Quasi-likelihood of the bands' counts with variance F E + V E^2, and the prior of ln ratio round
 * its level: `n_steps` steps of Newton's method (iteratively reweighted least squares). */
static void fit_bands(const struct bragg_background_plan *plan, const struct band_sums *sums,
                      double *ln_ratio, double level, double *variance, int n_steps)
{
    const uint32_t n = plan->n_bands;
    double a[BRAGG_BANDS_MAX * BRAGG_BANDS_MAX], inverse[BRAGG_BANDS_MAX];
    for (int step = 0; step < n_steps; step++) {
        double next[BRAGG_BANDS_MAX];
        memcpy(a, plan->prior, n * n * sizeof(*a));
        for (uint32_t b = 0; b < n; b++) {
            const double expected = fmax(sums->template[b] * exp(ln_ratio[b]), 1e-9);
            const double speckle = plan->band_grains[b] / fmax(sums->pixels[b], 1);
            const double weight = 1 / (plan->overdispersion / expected + speckle);
            a[b * n + b] += weight;
            next[b] = weight * (ln_ratio[b] + (sums->counts[b] - expected) / expected) +
                      plan->prior_of_one[b] * level;
        }
        factorise(a, inverse, n);
        solve(a, inverse, next, n);
        for (uint32_t b = 0; b < n; b++)
            ln_ratio[b] += fmax(-STEP_MAX, fmin(STEP_MAX, next[b] - ln_ratio[b]));
    }
    if (variance)
        inverse_diagonal(a, inverse, variance, n);
}

static void expect_sectors(double *expected, const struct bragg_background_plan *plan,
                           const double *template, const double *ratio)
{
    for (uint32_t s = 0; s < plan->n_sectors; s++) {
        expected[s] = 0;
        for (uint32_t b = 0; b < plan->n_bands; b++)
            expected[s] += template[s * plan->n_bands + b] * ratio[b];
    }
}

/* What leaving out the highest of many quiet sectors took off. */
static double clip_correction(const struct bragg_background_plan *plan, const double *expected,
                              uint64_t quiet)
{
    double sum = 0;
    for (uint64_t left = quiet; left; left &= left - 1)
        sum += expected[__builtin_ctzll(left)];
    const double mean = sum / __builtin_popcountll(quiet);
    return mean > 0 ? 1 + QUIET_BIAS * sector_deviation(plan, mean) / mean : 1;
}

static void sum_sectors(double *sums, double *templates, const struct bragg_background_plan *plan,
                        const uint32_t *counts, const double *template)
{
    for (uint32_t s = 0; s < plan->n_sectors; s++) {
        uint64_t sum = 0;
        double of_template = 0;
        for (uint32_t b = 0; b < plan->n_bands; b++) {
            sum += counts[s * plan->n_bands + b];
            of_template += template[s * plan->n_bands + b];
        }
        sums[s] = (double)sum;
        templates[s] = of_template;
    }
}

static double whole_scale(const struct bragg_background_plan *plan, const double *template,
                          const double *ratio)
{
    double sum = 0, expected = 0;
    for (uint32_t i = 0; i < plan->n_sectors * plan->n_bands; i++) {
        sum += template[i];
        expected += template[i] * ratio[i % plan->n_bands];
    }
    return expected / sum;
}

void bragg_background_fit(struct bragg_background *background,
                          const struct bragg_background_plan *plan, const uint32_t *counts,
                          const double *template, uint64_t busy)
{
    const uint64_t usable = plan->usable & ~busy ? plan->usable & ~busy : plan->usable;
    double sector_counts[BRAGG_SECTORS_MAX], expected[BRAGG_SECTORS_MAX];
    double ln_ratio[BRAGG_BANDS_MAX];
    struct band_sums sums;
    sum_sectors(sector_counts, expected, plan, counts, template);
    const double first = quarter_scale(plan, sector_counts, expected, usable);
    const double level = log(first);
    for (uint32_t s = 0; s < plan->n_sectors; s++)
        expected[s] *= first;
    for (uint32_t b = 0; b < plan->n_bands; b++)
        ln_ratio[b] = level;
    for (int round = 0; round < 2; round++) {
        const uint64_t quiet = quiet_sectors(plan, sector_counts, expected, usable);
        if (quiet)
            background->quiet = quiet;
        else if (round == 0)
            background->quiet = usable;
        sum_bands(&sums, plan, counts, template, background->quiet);
        fit_bands(plan, &sums, ln_ratio, level, round ? background->variance : NULL, round ? 2 : 3);
        for (uint32_t b = 0; b < plan->n_bands; b++)
            background->ratio[b] = exp(ln_ratio[b]);
        expect_sectors(expected, plan, template, background->ratio);
    }
    const double correction = clip_correction(plan, expected, background->quiet);
    for (uint32_t b = 0; b < plan->n_bands; b++)
        background->ratio[b] *= correction;
    background->n_quiet = (uint32_t)__builtin_popcountll(background->quiet);
    background->scale = whole_scale(plan, template, background->ratio);
}
