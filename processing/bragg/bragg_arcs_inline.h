#pragma once

#include <math.h>

#include "processing/bragg/bragg_background.h"

/*
 * Arcs of the ring that hold large disks, told where a sector has so few counts that it alone tells
 * nothing: neighbours that have more than the others together. The sectors have one of two levels,
 * of counts over the template, and change from one to the other as seldom as their counts allow. Of
 * all such divisions the likeliest is found, from the first sector to the last, and its levels are
 * measured again.
 */

/* What a change of level must gain in ln likelihood, and what two levels must gain beyond that, so
 * that hardly any pattern without reflections has two (docs/bragg.md). */
#define ARC_CHANGE 1.5
#define ARC_GAIN 12.0
#define ARC_ROUNDS 4
/* Where quiet sectors have more counts than this, each of them tells whether it is loud. */
#define ARC_COUNTS 32
/* The levels that are first tried, over that of all sectors. */
#define ARC_QUIET 0.5
#define ARC_LOUD 1.3

struct arc_levels {
    double of_all, quiet, loud; /* counts over those of the template */
};

/* The best division of the sectors so far that ends with a quiet or with a loud one. */
struct arc_path {
    double quiet, loud; /* ln likelihood over that of all quiet */
    uint64_t of_quiet, of_loud;
};

static struct arc_path next_arc_path(const struct arc_path *before, uint32_t sector, double gain)
{
    const bool stays_quiet = before->quiet >= before->loud - ARC_CHANGE;
    const bool stays_loud = before->loud >= before->quiet - ARC_CHANGE;
    return (struct arc_path){
        .quiet = stays_quiet ? before->quiet : before->loud - ARC_CHANGE,
        .of_quiet = stays_quiet ? before->of_quiet : before->of_loud,
        .loud = (stays_loud ? before->loud : before->quiet - ARC_CHANGE) + gain,
        .of_loud = (stays_loud ? before->of_loud : before->of_quiet) | 1ull << sector,
    };
}

/* The loud sectors of the likeliest division; the sectors are a ring. */
static uint64_t likeliest_arcs(const double *gain, uint32_t n, double *likelihood)
{
    /* From a quiet and from a loud one on, side by side: each step waits for the one before. */
    struct arc_path from_quiet = {.loud = -HUGE_VAL}, from_loud = {.quiet = -HUGE_VAL};
    for (uint32_t s = 0; s < n; s++) {
        from_quiet = next_arc_path(&from_quiet, s, gain[s]);
        from_loud = next_arc_path(&from_loud, s, gain[s]);
    }
    const struct arc_path paths[2] = {from_quiet, from_loud};
    uint64_t best = 0;
    *likelihood = -HUGE_VAL;
    for (int i = 0; i < 2; i++) {
        const double quiet = paths[i].quiet - (i == 1 ? ARC_CHANGE : 0);
        const double loud = paths[i].loud - (i == 0 ? ARC_CHANGE : 0);
        const double higher = MAX_OF(quiet, loud);
        if (higher > *likelihood) {
            *likelihood = higher;
            best = quiet >= loud ? paths[i].of_quiet : paths[i].of_loud;
        }
    }
    return best;
}

struct arc_sums {
    double counts, template;
};

static struct arc_sums sum_arcs(const uint32_t *counts, const double *template, uint64_t sectors)
{
    struct arc_sums sums = {0};
    for (uint64_t left = sectors; left; left &= left - 1) {
        const uint32_t s = (uint32_t)__builtin_ctzll(left);
        sums.counts += counts[s];
        sums.template += template[s];
    }
    return sums;
}

/* ln likelihood of a level over that of one in all sectors, before it is divided by F. */
static double level_gain(const struct arc_sums *sums, double level, double of_all)
{
    return sums->counts * log(level / of_all) - sums->template * (level - of_all);
}

/* The likeliest division at these levels; *likelihood gets what it gains over one level. Sectors of
 * a grain of speckle are loud together by chance, so that their V adds up. */
static uint64_t divide_sectors(const struct bragg_background_plan *plan, const uint32_t *counts,
                               const double *template, uint64_t usable, const struct arc_sums *all,
                               const struct arc_levels *levels, double *likelihood)
{
    const double expected = levels->quiet * all->template / __builtin_popcountll(usable);
    const double overdispersion = plan->overdispersion + plan->arc_speckle * expected;
    const double logarithm = log(levels->loud / levels->quiet);
    const double apart = levels->loud - levels->quiet;
    double gain[BRAGG_SECTORS_MAX];
    for (uint32_t s = 0; s < plan->n_sectors; s++) {
        const double of_sector = (counts[s] * logarithm - template[s] * apart) / overdispersion;
        gain[s] = usable >> s & 1 ? of_sector : 0;
    }
    const uint64_t loud = likeliest_arcs(gain, plan->n_sectors, likelihood);
    *likelihood += level_gain(all, levels->quiet, levels->of_all) / overdispersion;
    return loud;
}

/* Whether a sector has so few counts, were its template that of the mean, that arcs tell more. */
static bool has_few_counts(const uint32_t *counts, const double *template, uint32_t n,
                           uint64_t usable, double per_sector)
{
    uint64_t few = 0;
    for (uint32_t s = 0; s < n; s++)
        few += counts[s] / template[s] * per_sector > ARC_COUNTS ? 0 : usable >> s & 1;
    return few > 0;
}

/* Sectors of arcs that are loud, 0 where one level explains all of them as well. */
static uint64_t loud_arcs(const struct bragg_background_plan *plan, const uint32_t *counts,
                          const double *template, uint64_t usable)
{
    const struct arc_sums all = sum_arcs(counts, template, usable);
    const double level = MAX_OF(all.counts, NO_COUNTS) / all.template;
    const double per_sector = all.template / __builtin_popcountll(usable);
    struct arc_levels levels = {level, ARC_QUIET * level, ARC_LOUD * level};
    uint64_t loud = 0, before = ~loud;
    double likelihood = 0;
    if (!has_few_counts(counts, template, plan->n_sectors, usable, per_sector))
        return 0;
    for (int round = 0; round < ARC_ROUNDS && loud != before; round++) {
        before = loud;
        loud = usable & divide_sectors(plan, counts, template, usable, &all, &levels, &likelihood);
        if (loud == before && round > 0)
            break; /* with the same levels */
        const struct arc_sums l = sum_arcs(counts, template, loud);
        const struct arc_sums q = sum_arcs(counts, template, usable & ~loud);
        if (!(l.template > 0) || !(q.template > 0))
            return 0;
        levels.quiet = MAX_OF(q.counts, NO_COUNTS) / q.template;
        levels.loud = MAX_OF(l.counts, NO_COUNTS) / l.template;
    }
    const bool counts_are_few = levels.quiet * per_sector <= ARC_COUNTS;
    return levels.loud > levels.quiet && counts_are_few && likelihood > ARC_GAIN ? loud : 0;
}

/* Squares that are above their expectation by this many times what chance of many counts lets them
 * (over the root of the number of sectors). */
#define UNEVEN_LIMIT 1.0

/* Whether the quiet sectors differ more from each other than chance lets them. */
static bool are_uneven(const struct bragg_background_plan *plan, const uint32_t *counts,
                       const double *expected, uint64_t quiet)
{
    double squares = 0, variance = 0;
    const uint32_t n = (uint32_t)__builtin_popcountll(quiet);
    for (uint32_t s = 0; s < plan->n_sectors; s++) {
        const double weight = quiet >> s & 1;
        const double off = counts[s] - expected[s];
        squares += weight * off * off;
        variance +=
            weight * (plan->overdispersion + plan->sector_speckle * expected[s]) * expected[s];
    }
    return squares > variance * (1 + UNEVEN_LIMIT / sqrt(n));
}
