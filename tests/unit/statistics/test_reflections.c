#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processing/statistics/domains.h"
#include "processing/statistics/reflections.h"
#include "processing/statistics/texture.h"
#include "processing/statistics/thinning.h"
#include "tests/unit/processing/numbers.h"

static void lengths_and_azimuths(void **state)
{
    const struct scan_reflection list[] = {{0, 3, 4}, {0, -3, -4}, {1, 0, 9.99}, {2, 12, 0}};
    struct histogram h;
    assert_int_equal(reflection_lengths(&h, list, 4, 1, 5, 10, NULL), 0);
    assert_int_equal(h.n_bins, 2);
    assert_int_equal(h.counts[0], 0);
    assert_int_equal(h.counts[1], 3);
    assert_int_equal(h.above, 1);
    histogram_finish(&h);
    assert_int_equal(reflection_azimuths(&h, list, 4, 90, NULL), 0);
    assert_int_equal(h.n_bins, 4);
    assert_int_equal(h.counts[0], 2); /* 36.9 (y down), 0 */
    assert_int_equal(h.counts[1], 1); /* 90 */
    assert_int_equal(h.counts[2], 1); /* 216.9 */
    assert_int_equal(h.counts[3] + h.below + h.above, 0);
    histogram_finish(&h);
    assert_int_equal(reflection_lengths(&h, list, 4, 1, 0, 10, NULL), -EINVAL);
}

/* Al 111 and 200: 0.2338 and 0.2025 nm; a made-up phase with 0.235. */
static void reflections_of_phases(void **state)
{
    const double aluminium[] = {0.2338, 0.2025}, other[] = {0.2600, 0.2350};
    const struct crystal_phase known[] = {{"Al", aluminium, 2}, {"other", other, 2}};
    const double pixel = 0.1; /* nm^-1 */
    const struct scan_reflection list[] = {
        {0, 0, 1 / 0.2025 / pixel},         /* aluminium */
        {0, 1 / 0.2338 / pixel, 0},         /* both, within 1 % */
        {1, 0, -1 / 0.2600 / pixel},        /* the other */
        {1, 0, 1 / 0.1 / pixel},            /* none */
        {2, 0, 1 / 0.2025 / pixel * 1.011}, /* beyond the tolerance */
    };
    int32_t phases[5];
    uint64_t counts[4];
    reflection_phases(phases, counts, list, 5, pixel, known, 2, 0.01);
    assert_int_equal(phases[0], 0);
    assert_int_equal(phases[1], PHASE_AMBIGUOUS);
    assert_int_equal(phases[2], 1);
    assert_int_equal(phases[3], PHASE_NONE);
    assert_int_equal(phases[4], PHASE_NONE);
    assert_int_equal(counts[0], 1);
    assert_int_equal(counts[1], 1);
    assert_int_equal(counts[2], 2);
    assert_int_equal(counts[3], 1);
}

/*
 * 4 x 5 positions:      A A . B B      A at g = (20, 10), B at (-20.5, -10): the same but for the
 *                       A . . . .      sign, but not linked; C elsewhere, touching A's corner
 *                       . C C . .      diagonally without sharing its g; D at two g's at once.
 *                       . . . . D
 */
static void domains_of_a_small_map(void **state)
{
    const struct scan_reflection list[] = {
        {0, 20, 10}, {1, 20.5, 10},   {3, -20.5, -10}, {4, 20, 10.5}, {5, -20, -10},
        {11, 5, 30}, {12, 5.5, 30.5}, {19, 1, 25},     {19, 25, -1},
    };
    struct domains d;
    assert_int_equal(domains_init(&d, list, 9, 4, 5, 1, NULL), 0);
    assert_int_equal(d.n, 5);
    assert_int_equal(d.domains[0].n_positions, 3); /* A */
    assert_near(d.domains[0].gy, 60.5 / 3, 1e-12);
    assert_near(d.domains[0].gx, 10, 1e-12);
    assert_near(d.domains[0].centre_y, 1.0 / 3, 1e-12);
    assert_near(d.domains[0].centre_x, 1.0 / 3, 1e-12);
    assert_int_equal(d.domains[1].n_positions, 2); /* B, found before C */
    assert_near(d.domains[1].gy, 20.25, 1e-12);
    assert_int_equal(d.domains[2].n_positions, 2);
    assert_int_equal(d.domains[3].n_positions, 1);
    assert_int_equal(d.of[0], 0);
    assert_int_equal(d.of[4], 0);
    assert_int_equal(d.of[2], 1);
    assert_int_equal(d.of[6], 2);
    assert_int_not_equal(d.of[7], d.of[8]);
    domains_finish(&d);
}

/* 3 x 3: the middle and two corners, one on either diagonal. */
static void corners_that_touch_are_neighbours(void **state)
{
    const struct scan_reflection list[] = {{0, 20, 0}, {2, 20, 0}, {4, 20, 0}};
    struct domains d;
    assert_int_equal(domains_init(&d, list, 3, 3, 3, 1, NULL), 0);
    assert_int_equal(d.n, 1);
    assert_int_equal(d.domains[0].n_positions, 3);
    domains_finish(&d);
}

/* Two reflections of one pattern at the same place are one position. */
static void a_position_counts_once_for_texture(void **state)
{
    const struct scan_reflection list[] = {{0, 20.1, 5.1}, {0, 20.2, 5.2}, {1, 20.1, 5.1}};
    struct static_reflection found[2];
    size_t n_found;
    assert_int_equal(static_reflections(found, 2, &n_found, list, 3, 2, 1, 0.5, NULL), 0);
    assert_int_equal(n_found, 1);
    assert_int_equal(found[0].n_positions, 2);
}

/* A domain whose reflection lies along x: noise must not turn half of it around. */
static void the_sign_of_g_does_not_cancel(void **state)
{
    const struct scan_reflection list[] = {{0, 0.1, 30}, {1, -0.1, 30}, {2, 0.1, -30}};
    struct domains d;
    assert_int_equal(domains_init(&d, list, 3, 1, 3, 1, NULL), 0);
    assert_int_equal(d.n, 1);
    assert_int_equal(d.domains[0].n_positions, 3);
    assert_near(fabs(d.domains[0].gx), 30, 1e-12);
    domains_finish(&d);
    assert_int_equal(domains_init(&d, NULL, 0, 1, 3, 1, NULL), 0);
    assert_int_equal(d.n, 0);
    domains_finish(&d);
}

static void lists_out_of_order_are_refused(void **state)
{
    struct domains d;
    struct error error;
    const struct scan_reflection wrong[] = {{1, 1, 1}, {0, 1, 1}}, outside[] = {{3, 1, 1}};
    assert_int_equal(domains_init(&d, wrong, 2, 1, 3, 1, &error), -EINVAL);
    assert_int_equal(domains_init(&d, outside, 1, 1, 3, 1, &error), -EINVAL);
    assert_int_equal(domains_init(&d, outside, 1, 1, 3, 0, &error), -EINVAL);
}

/* 100 positions, of which 80 have a reflection near (30, 0.02) (on both sides of a cell's edge), 60
 * one near (-15, 22), and all have one somewhere else. */
static void reflections_that_stay_put(void **state)
{
    struct random_numbers random = {5};
    struct scan_reflection list[300];
    size_t n = 0;
    for (uint32_t i = 0; i < 100; i++) {
        const double angle = 2 * M_PI * random_uniform(&random);
        if (i < 80)
            list[n++] = (struct scan_reflection){i, 30 + 0.2 * random_gaussian(&random),
                                                 0.02 + 0.2 * random_gaussian(&random)};
        if (i >= 40)
            list[n++] = (struct scan_reflection){i, -15, 22};
        list[n++] = (struct scan_reflection){i, 40 * sin(angle), 40 * cos(angle)};
    }
    struct static_reflection found[4];
    size_t n_found;
    assert_int_equal(static_reflections(found, 4, &n_found, list, n, 100, 1.5, 0.5, NULL), 0);
    assert_int_equal(n_found, 2);
    assert_true(found[0].n_positions >= 78 && found[0].n_positions <= 82);
    assert_near(found[0].gy, 30, 0.3);
    assert_near(found[0].gx, 0.02, 0.3);
    assert_int_equal(found[1].n_positions, 60);
    assert_near(found[1].gy, -15, 1e-4);
    assert_int_equal(static_reflections(found, 4, &n_found, list, n, 100, 1.5, 0.9, NULL), 0);
    assert_int_equal(n_found, 0);
    assert_int_equal(static_reflections(found, 4, &n_found, list, n, 100, 0, 0.9, NULL), -EINVAL);
    assert_int_equal(static_reflections(found, 4, &n_found, list, n, 100, 1e-4, 0.9, NULL),
                     -EINVAL);
}

/* Both ways of drawing (few kept, many kept) against the law, by chi-square with bins of at least
 * 10. */
static void deviates_follow_the_binomial_law(void **state)
{
    const struct {
        unsigned n;
        double p;
    } laws[] = {{1, 0.3}, {10, 0.5}, {20, 0.9}, {60, 0.5}, {200, 0.25}, {400, 0.8}};
    for (unsigned law = 0; law < 6; law++) {
        const unsigned n = laws[law].n, draws = 20000;
        unsigned counts[401] = {0};
        for (unsigned i = 0; i < draws; i++)
            counts[binomial_deviate(n, laws[law].p, 3, i)]++;
        double chi = 0, expected = 0, observed = 0, log_p = n * log1p(-laws[law].p);
        unsigned bins = 0;
        for (unsigned x = 0; x <= n; x++) {
            expected += draws * exp(log_p);
            observed += counts[x];
            log_p += log((double)(n - x) / (x + 1) * laws[law].p / (1 - laws[law].p));
            if (expected >= 10 || x == n) {
                chi += expected > 0 ? (observed - expected) * (observed - expected) / expected : 0;
                bins++;
                expected = observed = 0;
            }
        }
        print_message("n %u p %g: chi^2 %.1f of %u bins\n", n, laws[law].p, chi, bins);
        assert_true(chi < bins + 4.5 * sqrt(2.0 * bins) + 4);
    }
    assert_int_equal(binomial_deviate(1000, 0, 1, 1), 0);
    assert_int_equal(binomial_deviate(1000, 1, 1, 1), 1000);
}

static void frames_are_thinned_the_same_every_time(void **state)
{
    enum { PIXELS = 4000 };
    uint16_t a[PIXELS], b[PIXELS], c[PIXELS];
    uint32_t wide[PIXELS];
    uint64_t kept = 0;
    for (unsigned i = 0; i < PIXELS; i++)
        a[i] = b[i] = c[i] = (uint16_t)(wide[i] = i % 50);
    assert_int_equal(thin_frame(a, 2, PIXELS, 0.25, 9, 17, NULL), 0);
    assert_int_equal(thin_frame(b, 2, PIXELS, 0.25, 9, 17, NULL), 0);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(thin_frame(c, 2, PIXELS, 0.25, 9, 18, NULL), 0);
    assert_memory_not_equal(a, c, sizeof a);
    assert_int_equal(thin_frame(wide, 4, PIXELS, 0.25, 9, 17, NULL), 0);
    for (unsigned i = 0; i < PIXELS; i++) {
        assert_int_equal(wide[i], a[i]);
        assert_true(a[i] <= i % 50);
        kept += a[i];
    }
    /* 98,000 counts: 24,500 +- 136 */
    assert_near((double)kept, 24500, 5 * 136);
    assert_int_equal(thin_frame(a, 3, 1, 0.25, 9, 17, NULL), -EINVAL);
    assert_int_equal(thin_frame(a, 2, 1, 1.25, 9, 17, NULL), -EINVAL);
}

static void a_series_is_thinned_to_its_lowest_dose(void **state)
{
    double keep[3];
    assert_int_equal(thinning_to_lowest(keep, (double[]){2, 1, 4}, 3, NULL), 0);
    assert_near(keep[0], 0.5, 0);
    assert_near(keep[1], 1, 0);
    assert_near(keep[2], 0.25, 0);
    assert_int_equal(thinning_to_lowest(keep, (double[]){2, 0}, 2, NULL), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_and_azimuths),
        cmocka_unit_test(reflections_of_phases),
        cmocka_unit_test(domains_of_a_small_map),
        cmocka_unit_test(corners_that_touch_are_neighbours),
        cmocka_unit_test(a_position_counts_once_for_texture),
        cmocka_unit_test(the_sign_of_g_does_not_cancel),
        cmocka_unit_test(lists_out_of_order_are_refused),
        cmocka_unit_test(reflections_that_stay_put),
        cmocka_unit_test(deviates_follow_the_binomial_law),
        cmocka_unit_test(frames_are_thinned_the_same_every_time),
        cmocka_unit_test(a_series_is_thinned_to_its_lowest_dose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
