#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "processing/statistics/bragg_statistics.h"
#include "tests/unit/processing/numbers.h"
#include "tests/unit/statistics/correlated_maps.h"

static struct effective_size size_of(const uint8_t *map, uint32_t ny, uint32_t nx, double block)
{
    struct effective_size size;
    assert_int_equal(effective_size_of_map(&size, map, ny, nx, block, 0.95, NULL), 0);
    return size;
}

/* The mean over many maps of white noise: no position is like its neighbours. */
static void independent_patterns_count_in_full(void **state)
{
    struct random_numbers random = {3};
    uint8_t map[32 * 32];
    double sum = 0;
    for (unsigned i = 0; i < 20; i++) {
        correlated_map(map, 32, CORRELATION_NONE, 0.4, &random);
        sum += size_of(map, 32, 32, 1).design_effect / 20;
    }
    assert_near(sum, 1, 0.3);
}

/* Each pattern four times, in 2 x 2: the design effect is 4. The estimate is above on average, for
 * only positive correlations count, and never far below. */
static void copies_do_not_count(void **state)
{
    struct random_numbers random = {4};
    uint8_t map[40 * 40];
    double sum = 0;
    for (unsigned i = 0; i < 20; i++) {
        uint8_t chance[20 * 20];
        correlated_map(chance, 20, CORRELATION_NONE, 0.4, &random);
        for (unsigned k = 0; k < 1600; k++)
            map[k] = chance[k / 80 * 20 + k % 40 / 2];
        const struct effective_size size = size_of(map, 40, 40, 1);
        assert_near(size.n_effective * size.design_effect, 1600, 1e-9);
        assert_true(size.design_effect > 2.5);
        sum += size.design_effect / 20;
    }
    assert_near(sum, 5, 1.5);
}

/* Without a single reflection the block alone tells how many patterns there are: one that reaches
 * no neighbour leaves all of them, with Wilson's interval. */
static void no_reflection_at_all(void **state)
{
    const uint8_t map[100] = {0};
    struct effective_size size = size_of(map, 10, 10, 1);
    assert_near(size.design_effect, 1, 1e-12);
    const double t = student_t_quantile(0.975, 99);
    assert_near(size.interval.low, 0, 0);
    assert_near(size.interval.high, t * t / (100 + t * t), 1e-12);
    /* A block of 2: the neighbours right and below at 1/2 (180 pairs), those across at 1/2 too
     * (162, 1.41 is rounded), both ways: (100 + 342) / 100. */
    size = size_of(map, 10, 10, 2);
    assert_near(size.design_effect, 4.42, 1e-12);
}

static void left_out_positions_do_not_count(void **state)
{
    struct random_numbers random = {8};
    uint8_t map[32 * 32], beside[32 * 40];
    correlated_map(map, 32, CORRELATION_BOX, 0.3, &random);
    for (unsigned i = 0; i < 32 * 40; i++)
        beside[i] = i % 40 < 32 ? map[i / 40 * 32 + i % 40] : 255;
    const struct effective_size a = size_of(map, 32, 32, 3), b = size_of(beside, 32, 40, 3);
    assert_int_equal(b.n, 1024);
    assert_near(b.design_effect, a.design_effect, 1e-12);
    assert_near(b.interval.high, a.interval.high, 1e-12);
    struct effective_size none;
    memset(beside, 254, sizeof beside);
    assert_int_equal(effective_size_of_map(&none, beside, 32, 40, 3, 0.95, NULL), 0);
    assert_int_equal(none.n, 0);
    assert_near(none.interval.high, 1, 0);
    struct error error;
    assert_int_equal(effective_size_of_map(&none, beside, 0, 40, 3, 0.95, &error), -EINVAL);
    assert_int_equal(effective_size_of_map(&none, beside, 32, 40, 0.5, 0.95, &error), -EINVAL);
}

static void odd_maps(void **state)
{
    const uint8_t line[] = {0, 1, 1, 0, 1, 0, 0, 0}, one[] = {1};
    assert_true(size_of(line, 1, 8, 2).n_effective > 1);
    assert_true(size_of(line, 8, 1, 2).n_effective > 1);
    const struct effective_size size = size_of(one, 1, 1, 2);
    assert_near(size.n_effective, 1, 0);
    assert_near(size.interval.high, 1, 0);
    /* One half against the other: one piece, of which little can be told. */
    uint8_t halves[400];
    for (unsigned i = 0; i < 400; i++)
        halves[i] = i < 200;
    assert_true(size_of(halves, 20, 20, 2).n_effective < 8);
}

/* Blocks of 1 are the plain bootstrap: variance p (1 - p) / n. */
static void bootstrap_of_single_positions(void **state)
{
    uint8_t map[400];
    for (unsigned i = 0; i < 400; i++)
        map[i] = i % 4 == 0;
    struct block_bootstrap b, again, other;
    assert_int_equal(block_bootstrap(&b, map, 20, 20, 1, 4000, 1, 0.95, NULL), 0);
    assert_int_equal(b.n_blocks, 400);
    assert_near(b.design_effect, 1, 0.1); /* 4.5 standard deviations */
    assert_near(b.interval.low, 0.25 - 1.96 * sqrt(0.25 * 0.75 / 400), 0.006);
    assert_near(b.interval.high, 0.25 + 1.96 * sqrt(0.25 * 0.75 / 400), 0.006);
    assert_int_equal(block_bootstrap(&again, map, 20, 20, 1, 4000, 1, 0.95, NULL), 0);
    assert_memory_equal(&b, &again, sizeof b);
    assert_int_equal(block_bootstrap(&other, map, 20, 20, 1, 4000, 2, 0.95, NULL), 0);
    assert_true(other.design_effect != b.design_effect);
}

/* 5 x 5 pieces that are all 0 or all 1: a block of 5 holds one of them, or parts of four. */
static void bootstrap_of_blocks_keeps_what_is_alike(void **state)
{
    uint8_t map[400];
    for (unsigned i = 0; i < 400; i++)
        map[i] = (0x9c53 >> (i / 100 * 4 + i % 20 / 5) & 1) != 0;
    struct block_bootstrap b;
    assert_int_equal(block_bootstrap(&b, map, 20, 20, 5, 1999, 1, 0.95, NULL), 0);
    assert_int_equal(b.n_blocks, 16);
    assert_true(b.design_effect > 6 && b.design_effect < 25);
    for (unsigned i = 0; i < 400; i++)
        if (i % 20 >= 10)
            map[i] = 255;
    assert_int_equal(block_bootstrap(&b, map, 20, 20, 50, 99, 1, 0.95, NULL), 0);
    assert_int_equal(b.block, 20);
    struct error error;
    assert_int_equal(block_bootstrap(&b, map, 20, 20, 0, 99, 1, 0.95, &error), -EINVAL);
    memset(map, 255, sizeof map);
    assert_int_equal(block_bootstrap(&b, map, 20, 20, 3, 99, 1, 0.95, &error), -ENODATA);
}

/* Stripes: every block of 2 x 2 is half and half, those around the edge too. */
static void blocks_wrap_around_the_edges(void **state)
{
    uint8_t map[64];
    for (unsigned i = 0; i < 64; i++)
        map[i] = i % 2;
    struct block_bootstrap b;
    assert_int_equal(block_bootstrap(&b, map, 8, 8, 2, 200, 1, 0.95, NULL), 0);
    assert_near(b.interval.low, 0.5, 0);
    assert_near(b.interval.high, 0.5, 0);
    assert_near(b.design_effect, 0, 1e-20);
}

/* 10 x 10 positions: 40 with reflections (10 of each kind), 50 none, 6 excluded, 4 not analysed. */
static void fill_classes(uint8_t classes[100], double contrast[100], uint8_t phase[100])
{
    for (unsigned i = 0; i < 100; i++) {
        classes[i] = i < 40 ? (uint8_t)(1 + i % 4) : i < 90 ? 0 : i < 96 ? 254 : 255;
        contrast[i] = i < 40 ? 1 + i % 3 : NAN;
        phase[i] = i % 10 < 5;
    }
}

static void a_scan_at_once(void **state)
{
    uint8_t classes[100], phase[100], areas[100] = {0};
    double contrast[100];
    fill_classes(classes, contrast, phase);
    areas[0] = areas[50] = 3;
    const struct scan_reflection reflections[] = {{0, 10, 0}, {1, 10, 0}, {2, 0, 20}};
    const struct bragg_scan_results scan = {10,    10,          classes, contrast, phase,
                                            areas, reflections, 3,       0.1};
    const struct bragg_statistics_settings settings = {
        .tile_y = 5,
        .tile_x = 10,
        .min_contrast = 2,
        .rates_known = true,
        .rates = {.false_positive = 0.01, .true_positive = 0.95},
        .crystals = &(const struct crystal_phase){"one", (const double[]){1.01}, 1},
        .n_crystals = 1,
    };
    struct bragg_statistics s;
    assert_int_equal(bragg_statistics_init(&s, &scan, &settings, NULL), 0);
    assert_int_equal(s.n, 90);
    assert_int_equal(s.crystal_counts[0], 2); /* |g| = 1 nm^-1 */
    assert_int_equal(s.crystal_counts[1], 1);
    assert_int_equal(s.bragg, 40);
    assert_near(s.fraction, 40.0 / 90, 1e-15);
    assert_near(s.wilson.low, wilson_interval(40, 90, 0.95).low, 0);
    assert_near(s.clopper_pearson.high, clopper_pearson_interval(40, 90, 0.95).high, 0);
    assert_int_equal(s.effective.x, 40);
    assert_true(s.bootstrap_known);
    assert_near(s.corrected.fraction, (40.0 / 90 - 0.01) / 0.94, 1e-15);
    assert_int_equal(s.contrast.count, 26); /* of 0 to 39 those with i % 3 > 0 */
    assert_near(s.contrast.fraction, 26.0 / 90, 1e-15);
    assert_false(s.contrast.corrected_known);
    assert_near(s.phase.table.a, 20, 0);
    assert_near(s.phase.table.b, 25, 0);
    assert_near(s.phase.table.c, 20, 0);
    assert_near(s.phase.table.d, 25, 0);
    assert_int_equal(s.phase.shift.n_shifts, 99);
    assert_int_equal(s.tiles_shape[0] * s.tiles_shape[1], 2);
    assert_int_equal(class_counts_bragg(&s.tiles[0]), 40);
    assert_int_equal(class_counts_bragg(&s.tiles[1]), 0);
    assert_int_equal(s.n_areas, 1);
    assert_int_equal(s.areas[0].label, 3);
    assert_int_equal(class_counts_n(&s.areas[0].counts), 2);
    assert_int_equal(s.domains.n, 2);
    assert_int_equal(s.lengths.n_bins, 21);
    assert_int_equal(s.lengths.counts[10], 2);
    assert_int_equal(s.lengths.counts[20], 1);
    bragg_statistics_finish(&s);
}

/* Both rates are known from tests of the same contrast: nobody has to give them. */
static void a_fraction_is_corrected_for_what_was_tested(void **state)
{
    uint8_t classes[100], phase[100];
    double contrast[100];
    fill_classes(classes, contrast, phase);
    const struct bragg_scan_results scan = {
        .ny = 10, .nx = 10, .classes = classes, .contrast = contrast};
    struct bragg_statistics_settings settings = {
        .min_contrast = 2, .found = {2, 100, 80}, .contrast_alarms = {2, 50, 1}};
    struct bragg_statistics s;
    assert_int_equal(bragg_statistics_init(&s, &scan, &settings, NULL), 0);
    assert_true(s.contrast.corrected_known);
    assert_near(s.contrast.corrected.fraction, (26.0 / 90 - 0.02) / (0.8 - 0.02), 1e-15);
    assert_int_equal(s.contrast.rates.false_positive_from, RATE_TESTED);
    bragg_statistics_finish(&s);

    const struct found_rate not_enough[] = {{0, 50, 1}, {2, 0, 0}, {2, 50, 40}};
    for (unsigned i = 0; i < 3; i++) {
        settings.contrast_alarms = not_enough[i];
        assert_int_equal(bragg_statistics_init(&s, &scan, &settings, NULL), 0);
        assert_false(s.contrast.corrected_known);
        bragg_statistics_finish(&s);
    }
}

static void a_scan_of_which_nothing_is_known(void **state)
{
    uint8_t classes[12];
    memset(classes, 255, sizeof classes);
    const struct bragg_scan_results scan = {.ny = 3, .nx = 4, .classes = classes};
    struct bragg_statistics s;
    assert_int_equal(
        bragg_statistics_init(&s, &scan, &(const struct bragg_statistics_settings){0}, NULL), 0);
    assert_int_equal(s.n, 0);
    assert_true(isnan(s.fraction));
    assert_near(s.effective.interval.high, 1, 0);
    assert_near(s.wilson.low, 0, 0);
    assert_false(s.bootstrap_known);
    bragg_statistics_finish(&s);
}

static void settings_that_make_no_sense_are_refused(void **state)
{
    uint8_t classes[12] = {0};
    const struct scan_reflection none = {0};
    const struct bragg_scan_results scan = {
        .ny = 3, .nx = 4, .classes = classes, .reflections = &none};
    const struct bragg_scan_results nothing = {.ny = 0, .nx = 4, .classes = classes};
    const struct bragg_statistics_settings wrong[] = {
        {.confidence = 1},
        {.confidence = -0.5},
        {.min_contrast = 2}, /* without contrasts */
        {.rates_known = true, .rates = {.false_positive = 0.5, .true_positive = 0.4}},
        {.n_crystals = 1}, /* without the size of a pixel */
    };
    struct bragg_statistics s;
    struct error error;
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(bragg_statistics_init(&s, &scan, &wrong[i], &error), -EINVAL);
    assert_int_equal(
        bragg_statistics_init(&s, &nothing, &(const struct bragg_statistics_settings){0}, &error),
        -EINVAL);
    bragg_statistics_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(independent_patterns_count_in_full),
        cmocka_unit_test(copies_do_not_count),
        cmocka_unit_test(no_reflection_at_all),
        cmocka_unit_test(left_out_positions_do_not_count),
        cmocka_unit_test(odd_maps),
        cmocka_unit_test(bootstrap_of_single_positions),
        cmocka_unit_test(bootstrap_of_blocks_keeps_what_is_alike),
        cmocka_unit_test(blocks_wrap_around_the_edges),
        cmocka_unit_test(a_scan_at_once),
        cmocka_unit_test(a_fraction_is_corrected_for_what_was_tested),
        cmocka_unit_test(a_scan_of_which_nothing_is_known),
        cmocka_unit_test(settings_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
