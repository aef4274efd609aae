#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "processing/statistics/block_bootstrap.h"
#include "processing/statistics/clustered.h"
#include "processing/statistics/effective_size.h"
#include "tests/unit/statistics/correlated_maps.h"

/*
 * How often the intervals cover the truth that maps were made with. COVERAGE_SCANS=2000 in the
 * environment makes so many scans of each kind instead of a few, and all kinds; its table is in
 * docs/bragg-statistics.md.
 */

static unsigned n_scans_of(unsigned usual)
{
    const char *const text = getenv("COVERAGE_SCANS");
    return text ? (unsigned)atoi(text) : usual;
}

static const char *const names[] = {"none", "3 x 3", "Gaussian", "exponential"};

static unsigned covers(struct interval interval, double truth)
{
    return interval.low <= truth && truth <= interval.high;
}

struct coverage {
    double effective, bootstrap, wilson, effective_width, wilson_width;
};

/* One scan: does its interval cover its own chance, which varies between scans? */
static struct coverage of_single_scans(int side, enum correlation correlation, double mean,
                                       unsigned n_scans)
{
    struct random_numbers random = {1 + (uint64_t)side};
    struct coverage c = {0};
    uint8_t map[MAP_SIDE_MAX * MAP_SIDE_MAX];
    for (unsigned i = 0; i < n_scans; i++) {
        const double chance = scan_chance(mean, 20, &random);
        correlated_map(map, side, correlation, chance, &random);
        struct effective_size size;
        struct block_bootstrap bootstrap;
        assert_int_equal(
            effective_size_of_map(&size, map, (uint32_t)side, (uint32_t)side, 3, 0.95, NULL), 0);
        assert_int_equal(
            block_bootstrap(&bootstrap, map, (uint32_t)side, (uint32_t)side, 3, 499, i, 0.95, NULL),
            0);
        const struct interval wilson = wilson_interval((double)size.x, (double)size.n, 0.95);
        c.effective += covers(size.interval, chance) / (double)n_scans;
        c.bootstrap += covers(bootstrap.interval, chance) / (double)n_scans;
        c.wilson += covers(wilson, chance) / (double)n_scans;
        c.effective_width += (size.interval.high - size.interval.low) / n_scans;
        c.wilson_width += (wilson.high - wilson.low) / n_scans;
    }
    print_message("%d x %d, %-11s mean %.2f: effective size %.3f (width %.2f), block bootstrap "
                  "%.3f, Wilson %.3f (width %.2f)\n",
                  side, side, names[correlation], mean, c.effective, c.effective_width, c.bootstrap,
                  c.wilson, c.wilson_width);
    return c;
}

/* Scans in groups: does the interval over them cover the mean of all scans there could be? */
static double of_groups(unsigned n_in_group, enum correlation correlation, double mean,
                        unsigned n_groups)
{
    enum { SIDE = 10, GROUP_MAX = 16 };
    struct random_numbers random = {77};
    uint8_t map[SIDE * SIDE];
    unsigned covered = 0;
    for (unsigned i = 0; i < n_groups; i++) {
        double x[GROUP_MAX], n[GROUP_MAX];
        for (unsigned j = 0; j < n_in_group; j++) {
            correlated_map(map, SIDE, correlation, scan_chance(mean, 20, &random), &random);
            x[j] = 0;
            n[j] = SIDE * SIDE;
            for (unsigned k = 0; k < SIDE * SIDE; k++)
                x[j] += map[k];
        }
        struct clustered c;
        assert_int_equal(clustered_fraction(&c, x, n, n_in_group, n_in_group * 20, 0.95, NULL), 0);
        covered += covers(c.interval, mean);
    }
    print_message("%u scans of 10 x 10, %-11s mean %.2f: clustered %.3f\n", n_in_group,
                  names[correlation], mean, covered / (double)n_groups);
    return covered / (double)n_groups;
}

/* Four standard deviations of 300 or 250 scans around the 92 to 98 % that 2,000 must be in. */
static void one_scan_with_correlation_over_three_steps(void **state)
{
    const unsigned n = n_scans_of(300);
    const struct coverage few = of_single_scans(10, CORRELATION_BOX, 0.1, n);
    const struct coverage many = of_single_scans(10, CORRELATION_BOX, 0.4, n);
    assert_true(few.effective >= 0.92 && many.effective >= 0.92);
    assert_true(few.effective <= 0.995 && many.effective <= 0.995);
    /* The reason for it: what takes patterns as independent misses a third of the time. */
    assert_true(many.wilson < 0.75);
}

static void several_scans(void **state)
{
    const unsigned n = n_scans_of(250);
    const double few = of_groups(8, CORRELATION_BOX, 0.1, n);
    const double many = of_groups(8, CORRELATION_BOX, 0.4, n);
    assert_true(few >= 0.9 && few <= 0.99);
    assert_true(many >= 0.9 && many <= 0.99);
}

static void all_kinds_by_hand(void **state)
{
    if (!getenv("COVERAGE_SCANS"))
        skip();
    const unsigned n = n_scans_of(0);
    for (int side = 10; side <= 32; side += 22)
        for (unsigned correlation = 0; correlation < CORRELATIONS; correlation++)
            for (unsigned i = 0; i < 4; i++)
                of_single_scans(side, correlation, ((const double[]){0.05, 0.1, 0.4, 0.9})[i], n);
    for (unsigned scans = 4; scans <= 16; scans *= 2)
        for (unsigned correlation = 0; correlation < CORRELATIONS; correlation++)
            for (unsigned i = 0; i < 4; i++)
                of_groups(scans, correlation, ((const double[]){0.05, 0.1, 0.4, 0.9})[i], n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_scan_with_correlation_over_three_steps),
        cmocka_unit_test(several_scans),
        cmocka_unit_test(all_kinds_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
