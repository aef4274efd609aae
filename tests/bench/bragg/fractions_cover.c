#include "tests/bench/bragg/fractions_cover.h"

#include <stdbool.h>

#include "processing/statistics/clustered.h"
#include "processing/statistics/effective_size.h"
#include "tests/unit/statistics/correlated_maps.h"

static const double means[FRACTIONS_MEANS] = {0.1, 0.4, 0.9};

enum { SIDE = 10, POSITIONS = SIDE * SIDE, GROUP = 8, STRENGTH = 20 };

static bool covers(struct interval interval, double truth)
{
    return interval.low <= truth && truth <= interval.high;
}

/* A scan as it is found: positions of the truth that are missed, and others that are not right. */
static void found_map(uint8_t *map, const struct fractions *fractions, double chance,
                      struct random_numbers *random)
{
    correlated_map(map, SIDE, CORRELATION_BOX, chance, random);
    for (unsigned i = 0; i < POSITIONS; i++)
        map[i] = random_uniform(random) < (map[i] ? fractions->true_rate : fractions->false_rate);
}

static int cover_group(struct covering *covering, const struct fractions *fractions,
                       struct random_numbers *random, struct error *error)
{
    double x[GROUP], n[GROUP];
    for (unsigned j = 0; j < GROUP; j++) {
        uint8_t map[POSITIONS];
        struct effective_size size;
        const double chance = scan_chance(covering->mean, STRENGTH, random);
        found_map(map, fractions, chance, random);
        const int result = effective_size_of_map(&size, map, SIDE, SIDE, 3, 0.95, error);
        if (result)
            return result;
        covering->n_single++;
        covering->single += covers(size.interval, chance);
        x[j] = (double)size.x;
        n[j] = (double)size.n;
    }
    struct clustered together;
    const int result = clustered_fraction(&together, x, n, GROUP, GROUP * STRENGTH, 0.95, error);
    covering->n_grouped++;
    covering->grouped += covers(together.interval, covering->mean);
    return result;
}

int fractions_cover(struct fractions *fractions, unsigned n_scans, struct error *error)
{
    struct random_numbers random = {2026};
    int result = 0;
    for (unsigned m = 0; m < FRACTIONS_MEANS; m++) {
        fractions->covering[m].mean = means[m];
        while (!result && fractions->covering[m].n_single < n_scans)
            result = cover_group(&fractions->covering[m], fractions, &random, error);
    }
    return result;
}
