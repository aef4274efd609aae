#pragma once

#include <math.h>
#include <string.h>

#include "processing/bragg/bragg_background.h"

/*
 * The fit of a pattern's background, compiled for each instruction set. Sums of doubles go in four
 * lanes, whatever the set has, and products are rounded before they are added (meson.build), so
 * that the result is the same everywhere.
 */
typedef double four_doubles __attribute__((vector_size(32), aligned(8), may_alias));

#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))

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

/* Keys in the order of a sector's counts over its template, each only once, those of sectors that
 * are not used last. */
static void sector_keys(int32_t *keys, const uint32_t *counts, const double *template, uint32_t n,
                        uint64_t usable)
{
    for (uint32_t s = 0; s < n; s++) {
        const float ratio = usable >> s & 1 ? (float)(counts[s] / template[s]) : HUGE_VALF;
        memcpy(&keys[s], &ratio, sizeof(ratio));
        keys[s] = (keys[s] & ~(BRAGG_SECTORS_MAX - 1)) | (int32_t)s;
    }
}

/* A bound below which there are n_lowest of the keys. */
static int32_t bound_of_lowest(const int32_t *keys, uint32_t n, int32_t n_lowest)
{
    int32_t low = INT32_MAX, high = INT32_MAX;
    for (uint32_t s = 0; s < n; s++)
        low = keys[s] < low ? keys[s] : low;
    while (high - low > 1) {
        const int32_t middle = low + (high - low) / 2;
        int32_t below = 0;
        for (uint32_t s = 0; s < n; s++)
            below += keys[s] < middle;
        if (below == n_lowest)
            return middle;
        if (below < n_lowest)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* Sectors without any count may have had a few: of none at all there is no logarithm. */
#define NO_COUNTS 0.5

/* The ratio that the lowest quarter of the sectors tells. */
static double quarter_scale(const struct bragg_background_plan *plan, const uint32_t *counts,
                            const double *template, uint64_t usable)
{
    int32_t keys[BRAGG_SECTORS_MAX];
    sector_keys(keys, counts, template, plan->n_sectors, usable);
    const int n_usable = __builtin_popcountll(usable);
    const int32_t bound = bound_of_lowest(keys, plan->n_sectors, (n_usable + 3) / 4);
    double lowest_counts = 0, lowest_template = 0, all_counts = 0, all_template = 0;
    for (uint64_t left = usable; left; left &= left - 1) {
        const uint32_t s = (uint32_t)__builtin_ctzll(left);
        lowest_counts += keys[s] < bound ? counts[s] : 0;
        lowest_template += keys[s] < bound ? template[s] : 0;
        all_counts += counts[s];
        all_template += template[s];
    }
    if (!(lowest_counts > 0))
        return MAX_OF(all_counts, NO_COUNTS) / all_template;
    const double per_sector = all_template / n_usable;
    return mean_from_quarter(plan, lowest_counts / lowest_template * per_sector) / per_sector;
}

#include "processing/bragg/bragg_arcs_inline.h"

/* Sectors that are partly in a disk have a level of their own. */
#define ARC_LEVELS 3

/* Sectors that hold no more than these expectations explain. Few counts have a longer tail than a
 * normal law: the limit is farther out by what their third cumulant, (3 F - 1) / 2 times the
 * variance, puts it (Cornish and Fisher). */
static uint64_t quiet_sectors(const struct bragg_background_plan *plan, const uint32_t *counts,
                              const double *expected, uint64_t usable)
{
    const double limit2 = QUIET_LIMIT * QUIET_LIMIT;
    const double skew = (limit2 - 1) / 6 * (3 * plan->overdispersion - 1) / 2;
    uint8_t is_quiet[BRAGG_SECTORS_MAX];
    uint64_t quiet = 0;
    for (uint32_t s = 0; s < plan->n_sectors; s++) {
        const double variance =
            (plan->overdispersion + plan->sector_speckle * expected[s]) * expected[s];
        const double above = MAX_OF(counts[s] - expected[s] - 1 - skew, 0);
        is_quiet[s] = above * above <= limit2 * variance;
    }
    for (uint32_t s = 0; s < plan->n_sectors; s++)
        quiet |= (uint64_t)is_quiet[s] << s;
    return quiet & usable;
}

struct band_sums {
    double counts[BRAGG_BANDS_MAX], template[BRAGG_BANDS_MAX], pixels[BRAGG_BANDS_MAX];
};

static double sum_of(const four_doubles *four)
{
    return ((*four)[0] + (*four)[1]) + ((*four)[2] + (*four)[3]);
}

static void sum_bands(struct band_sums *sums, const struct bragg_background_plan *plan,
                      const uint32_t *counts, const double *template, uint64_t sectors)
{
    double weight[BRAGG_SECTORS_MAX];
    uint32_t chosen[BRAGG_SECTORS_MAX];
    for (uint32_t s = 0; s < plan->n_sectors; s++) {
        chosen[s] = sectors >> s & 1 ? UINT32_MAX : 0;
        weight[s] = sectors >> s & 1;
    }
    for (uint32_t b = 0; b < plan->n_bands; b++) {
        const size_t first = (size_t)b * plan->n_sectors;
        uint32_t sum = 0;
        for (uint32_t s = 0; s < plan->n_sectors; s++)
            sum += counts[first + s] & chosen[s];
        four_doubles of_template = {0}, of_pixels = {0};
        for (uint32_t s = 0; s < plan->n_sectors; s += 4) {
            const four_doubles w = *(const four_doubles *)(weight + s);
            of_template += w * *(const four_doubles *)(template + first + s);
            of_pixels += w * *(const four_doubles *)(plan->part_pixels + first + s);
        }
        sums->counts[b] = sum;
        sums->template[b] = sum_of(&of_template);
        sums->pixels[b] = sum_of(&of_pixels);
    }
}

/* Rows of a matrix are BRAGG_BANDS_MAX apart, so that whole lanes of them can be worked on. */
#define ROW BRAGG_BANDS_MAX

static void subtract_row(double *row, const double *other, double factor, uint32_t first,
                         uint32_t n)
{
    for (uint32_t k = first & ~3u; k < n; k += 4)
        *(four_doubles *)(row + k) -= factor * *(const four_doubles *)(other + k);
}

/* A = U^T D U in place (the upper triangle is used), U of ones on the diagonal, 1 / D in `inverse`.
 * Below the diagonal nothing of use is left. */
static void factorise(double *a, double *inverse, uint32_t n)
{
    for (uint32_t j = 0; j < n; j++) {
        double *const row = a + (size_t)j * ROW;
        inverse[j] = 1 / row[j];
        for (uint32_t i = j + 1; i < n; i++)
            subtract_row(a + (size_t)i * ROW, row, row[i] * inverse[j], i, n);
        for (uint32_t i = j + 1; i < n; i++)
            row[i] *= inverse[j];
    }
}

static void solve(const double *u, const double *inverse, double *x, uint32_t n)
{
    for (uint32_t j = 0; j < n; j++) {
        for (uint32_t i = j + 1; i < n; i++)
            x[i] -= u[j * ROW + i] * x[j];
    }
    for (uint32_t i = n; i-- > 0;) {
        x[i] *= inverse[i];
        for (uint32_t k = i + 1; k < n; k++)
            x[i] -= u[i * ROW + k] * x[k];
    }
}

/* Diagonal of (U^T D U)^-1. */
static void inverse_diagonal(const double *u, const double *inverse, double *diagonal, uint32_t n)
{
    for (uint32_t c = 0; c < n; c++) {
        double x[BRAGG_BANDS_MAX] = {0}, sum = 0;
        x[c] = 1;
        for (uint32_t j = c; j < n; j++) {
            sum += x[j] * x[j] * inverse[j];
            for (uint32_t i = j + 1; i < n; i++)
                x[i] -= u[j * ROW + i] * x[j];
        }
        diagonal[c] = sum;
    }
}

/* One step of a fit in ln ratio is not trusted beyond this. */
#define STEP_MAX 1.5

/* e^x for |x| <= STEP_MAX to 1e-10: e^(x/16), four times squared. */
static double exp_of_step(double x)
{
    const double t = x / 16;
    double e = 1 + t * (1 + t / 2 * (1 + t / 3 * (1 + t / 4 * (1 + t / 5 * (1 + t / 6)))));
    e *= e;
    e *= e;
    e *= e;
    return e * e;
}

/* What is fitted: the ratio of each band and its logarithm. */
struct band_ratios {
    double ratio[BRAGG_BANDS_MAX], logarithm[BRAGG_BANDS_MAX];
};

/* Quasi-likelihood of the bands' counts with variance F E + V E^2, and the prior of ln ratio round
 * its level: steps of Newton's method (iteratively reweighted least squares). */
static void fit_bands(struct band_ratios *fit, const struct bragg_background_plan *plan,
                      const struct band_sums *sums, double level, int n_steps, double *variance)
{
    const uint32_t n = plan->n_bands;
    double a[ROW * ROW], inverse[BRAGG_BANDS_MAX];
    for (int step = 0; step < n_steps; step++) {
        double next[BRAGG_BANDS_MAX];
        memcpy(a, plan->prior, (size_t)n * ROW * sizeof(*a));
        for (uint32_t b = 0; b < n; b++) {
            const double expected = MAX_OF(sums->template[b] * fit -> ratio[b], 1e-9);
            const double speckle = plan->band_grains[b] / MAX_OF(sums->pixels[b], 1);
            const double weight = expected / (plan->overdispersion + speckle * expected);
            a[b * ROW + b] += weight;
            next[b] = weight * (fit->logarithm[b] + (sums->counts[b] - expected) / expected) +
                      plan->prior_of_one[b] * level;
        }
        factorise(a, inverse, n);
        solve(a, inverse, next, n);
        for (uint32_t b = 0; b < n; b++) {
            double change = next[b] - fit->logarithm[b];
            change = change > STEP_MAX ? STEP_MAX : change < -STEP_MAX ? -STEP_MAX : change;
            fit->logarithm[b] += change;
            fit->ratio[b] *= exp_of_step(change);
        }
    }
    if (variance)
        inverse_diagonal(a, inverse, variance, n);
}

static void expect_sectors(double *expected, const struct bragg_background_plan *plan,
                           const double *template, const double *ratio)
{
    memset(expected, 0, plan->n_sectors * sizeof(*expected));
    for (uint32_t b = 0; b < plan->n_bands; b++) {
        for (uint32_t s = 0; s < plan->n_sectors; s++)
            expected[s] += template[(size_t)b * plan->n_sectors + s] * ratio[b];
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

static void sum_sectors(uint32_t *sums, double *templates, const struct bragg_background_plan *plan,
                        const uint32_t *counts, const double *template)
{
    memset(sums, 0, plan->n_sectors * sizeof(*sums));
    for (uint32_t b = 0; b < plan->n_bands; b++) {
        for (uint32_t s = 0; s < plan->n_sectors; s++)
            sums[s] += counts[(size_t)b * plan->n_sectors + s];
    }
    memcpy(templates, plan->sector_template, plan->n_sectors * sizeof(*templates));
    if (template == plan->part_template)
        return;
    memset(templates, 0, plan->n_sectors * sizeof(*templates));
    for (uint32_t b = 0; b < plan->n_bands; b++) {
        for (uint32_t s = 0; s < plan->n_sectors; s++)
            templates[s] += template[(size_t)b * plan->n_sectors + s];
    }
}

/* Where a disk's sectors are quiet its own counts are in the ratio too, and most of what is wrong
 * with both cancels. So much of the variance is left where all sectors are quiet. Disks that cover
 * much of the ring have hardly any left: were it counted in full, they would be found in half of
 * the patterns where they could be in nine of ten (docs/bragg.md). What they keep is for the tail
 * of the speckle. */
#define OWN_SHARE 0.6
#define OWN_SHARE_LARGE 0.2
#define LARGE_DISK_SHARE 0.1

/* How much of the ratio's variance counts in a disk. */
static double variance_share(const struct bragg_background_plan *plan, double busy_share)
{
    const double large = plan->sector_speckle > 0 ? OWN_SHARE_LARGE : 0;
    const double own = plan->disk_share < LARGE_DISK_SHARE ? OWN_SHARE : large;
    return MAX_OF(busy_share, own);
}

struct sector_sums {
    uint32_t counts[BRAGG_SECTORS_MAX];
    double template[BRAGG_SECTORS_MAX], expected[BRAGG_SECTORS_MAX];
};

/* The ratio from the quiet ones of these sectors. */
static void fit_quiet(struct bragg_background *background, struct sector_sums *sectors,
                      const struct bragg_background_plan *plan, const uint32_t *counts,
                      const double *template, uint64_t usable)
{
    struct band_ratios fit;
    struct band_sums sums;
    const double first = quarter_scale(plan, sectors->counts, sectors->template, usable);
    const double level = log(first);
    for (uint32_t s = 0; s < plan->n_sectors; s++)
        sectors->expected[s] = sectors->template[s] * first;
    for (uint32_t b = 0; b < plan->n_bands; b++) {
        fit.ratio[b] = first;
        fit.logarithm[b] = level;
    }
    background->quiet = usable;
    uint64_t summed = 0;
    for (int round = 0; round < 2; round++) {
        const uint64_t quiet = quiet_sectors(plan, sectors->counts, sectors->expected, usable);
        background->quiet = quiet ? quiet : background->quiet;
        if (round == 0 || background->quiet != summed)
            sum_bands(&sums, plan, counts, template, background->quiet);
        summed = background->quiet;
        fit_bands(&fit, plan, &sums, level, round + 1, round > 0 ? background->variance : NULL);
        expect_sectors(sectors->expected, plan, template, fit.ratio);
    }
    memcpy(background->ratio, fit.ratio, plan->n_bands * sizeof(*fit.ratio));
}

static void fit_background(struct bragg_background *background,
                           const struct bragg_background_plan *plan, const uint32_t *counts,
                           const double *template, uint64_t busy)
{
    const uint64_t usable = plan->usable & ~busy ? plan->usable & ~busy : plan->usable;
    struct sector_sums sectors;
    sum_sectors(sectors.counts, sectors.template, plan, counts, template);
    uint64_t even = usable, loud = 0;
    int levels = 0;
    do {
        even &= ~loud;
        fit_quiet(background, &sectors, plan, counts, template, even);
        loud = levels++ < ARC_LEVELS &&
                       are_uneven(plan, sectors.counts, sectors.expected, background->quiet)
                   ? loud_arcs(plan, sectors.counts, sectors.template, even)
                   : 0;
    } while (loud);
    const double correction = clip_correction(plan, sectors.expected, background->quiet);
    double sum_expected = 0, sum_template = 0;
    for (uint32_t s = 0; s < plan->n_sectors; s++) {
        sum_expected += sectors.expected[s];
        sum_template += sectors.template[s];
    }
    background->n_quiet = (uint32_t)__builtin_popcountll(background->quiet);
    const double busy_share = 1 - background->n_quiet / (double)__builtin_popcountll(plan->usable);
    background->variance_share = variance_share(plan, busy_share);
    for (uint32_t b = 0; b < plan->n_bands; b++)
        background->ratio[b] *= correction;
    background->scale = correction * sum_expected / sum_template;
}
