#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processing/statistics/contingency.h"
#include "processing/statistics/toroidal_shift.h"
#include "tests/unit/processing/numbers.h"

static struct association of(double a, double b, double c, double d)
{
    struct association association;
    const struct two_by_two table = {a, b, c, d};
    assert_int_equal(association_of(&association, &table, 0.95, NULL), 0);
    return association;
}

/* Fisher's lady tasting tea: 2 (1 + 16) / 70. */
static void the_lady_tasting_tea(void **state)
{
    const struct association a = of(3, 1, 1, 3);
    assert_near(a.p_fisher, 34.0 / 70, 1e-12);
    assert_near(a.odds_ratio, 9, 1e-15);
    assert_near(a.chi_square, 2, 1e-14);
    assert_int_equal(a.test, ASSOCIATION_FISHER);
    assert_near(a.p, a.p_fisher, 0);
    assert_near(a.smallest_expected, 2, 1e-15);
}

/* Figures of scipy 1.10. */
static void tables_from_elsewhere(void **state)
{
    struct association a = of(1, 9, 11, 3);
    assert_near(a.p_fisher, 0.00275945618522, 1e-14);
    assert_near(a.odds_ratio_interval.low, 0.002671575637, 1e-12);
    assert_near(a.odds_ratio_interval.high, 0.3437198755, 1e-10);

    a = of(12, 5, 7, 9);
    assert_near(a.p_fisher, 0.166320065774, 1e-12);
    assert_int_equal(a.test, ASSOCIATION_CHI_SQUARE);
    assert_near(a.p, 0.118989205532, 1e-12);

    a = of(60, 40, 30, 70);
    assert_near(a.p_fisher, 3.30459298927e-5, 1e-15);
    assert_near(a.chi_square, 200.0 / 11, 1e-12);
    assert_near(a.p_chi_square, 2.00786561243e-5, 1e-15);
    assert_near(a.odds_ratio, 3.5, 1e-15);
    assert_near(a.odds_ratio_interval.low, 1.948601063, 1e-9);
    assert_near(a.odds_ratio_interval.high, 6.286561283, 1e-9);
}

static void empty_cells_and_margins(void **state)
{
    struct association a = of(0, 5, 6, 4);
    assert_near(a.odds_ratio, 0, 0);
    assert_near(a.odds_ratio_interval.low, 0.002738711564, 1e-12);
    assert_near(a.odds_ratio_interval.high, 1.446327515, 1e-9);
    assert_near(a.p_fisher, 0.043956043956, 1e-12);

    a = of(0, 0, 6, 4);
    assert_true(isnan(a.odds_ratio));
    assert_near(a.p, 1, 0);
    assert_true(isinf(a.odds_ratio_interval.high));

    struct error error;
    assert_int_equal(association_of(&a, &(const struct two_by_two){1.5, 1, 1, 1}, 0.95, &error),
                     -EINVAL);
    assert_int_equal(association_of(&a, &(const struct two_by_two){-1, 1, 1, 1}, 0.95, &error),
                     -EINVAL);
}

/* The sum over all tables is 1: no table is lost on the way out from the mode. */
static void a_table_at_the_mode_has_p_1(void **state)
{
    assert_near(of(500, 500, 500, 500).p_fisher, 1, 1e-11);
    assert_near(of(3, 70, 4, 95).p_fisher, 1, 1e-11);
}

/* Admissions to Berkeley in 1973 by sex in six departments (Bickel et al., Science 187, 398, 1975);
 * R: mantelhaen.test(UCBAdmissions, correct = FALSE). */
static void admissions_to_berkeley(void **state)
{
    const struct two_by_two strata[] = {
        {512, 313, 89, 19}, {353, 207, 17, 8},  {120, 205, 202, 391}, {138, 279, 131, 244},
        {53, 138, 94, 299}, {22, 351, 24, 317}, {0, 0, 5, 7},
    };
    struct common_association c;
    assert_int_equal(cochran_mantel_haenszel(&c, strata, 7, 0.95, NULL), 0);
    assert_int_equal(c.n_strata, 6);
    assert_near(c.odds_ratio, 0.9046968283, 1e-10);
    assert_near(c.chi_square, 1.5246066604, 1e-10);
    assert_near(c.p, 0.2169236971, 1e-10);
    assert_near(c.odds_ratio_interval.low, 0.7719073618, 1e-10);
    assert_near(c.odds_ratio_interval.high, 1.0603297644, 1e-10);
    assert_int_equal(cochran_mantel_haenszel(&c, &strata[6], 1, 0.95, NULL), 0);
    assert_true(isnan(c.odds_ratio));
    assert_near(c.p, 1, 0);
}

/* One stripe of both, and reflections nowhere else: of the 99 shifts along either axis those that
 * leave the columns as they are (9, along y) fit as well. */
static void a_planted_association_is_found(void **state)
{
    uint8_t reflections[100], phase[100];
    for (unsigned i = 0; i < 100; i++)
        reflections[i] = phase[i] = i % 10 < 3;
    struct toroidal_shift t;
    assert_int_equal(toroidal_shift_test(&t, reflections, phase, 10, 10, 0, 0, NULL), 0);
    assert_near(t.difference, 1, 0);
    assert_int_equal(t.n_shifts, 99);
    assert_near(t.p, 10.0 / 100, 1e-15);
    /* A blob has no such shift. */
    for (unsigned i = 0; i < 100; i++)
        reflections[i] = phase[i] = i % 10 < 3 && i < 40;
    assert_int_equal(toroidal_shift_test(&t, reflections, phase, 10, 10, 0, 0, NULL), 0);
    assert_near(t.p, 1.0 / 100, 1e-15);
}

/* Three scans of which each alone is as likely as one shift in a hundred; together, one in the
 * draws. Against the phase of another scan nothing is left of it. */
static void scans_that_agree_tell_more_together_than_each(void **state)
{
    uint8_t maps[3][100];
    for (unsigned k = 0; k < 3; k++)
        for (unsigned i = 0; i < 100; i++)
            maps[k][i] = (i / 10 + 3 * k) % 10 < 3 && (i % 10 + 4 * k) % 10 < 4;
    struct shifted_scan scans[3];
    for (unsigned k = 0; k < 3; k++)
        scans[k] = (struct shifted_scan){maps[k], maps[k], 10, 10};
    struct toroidal_shift t, one;
    assert_int_equal(toroidal_shift_common(&t, scans, 3, 0, 1, NULL), 0);
    assert_near(t.difference, 1, 1e-15);
    assert_int_equal(t.n_shifts, 1999);
    assert_near(t.p, 1.0 / 2000, 1e-15);
    assert_int_equal(toroidal_shift_common(&one, scans, 1, 0, 1, NULL), 0);
    assert_near(one.p, 0.01, 0.008);
    for (unsigned k = 0; k < 3; k++)
        scans[k].phase = maps[(k + 1) % 3];
    assert_int_equal(toroidal_shift_common(&t, scans, 3, 0, 1, NULL), 0);
    assert_true(t.p > 0.1);
    assert_int_equal(toroidal_shift_common(&t, scans, 0, 0, 1, NULL), 0);
    assert_true(isnan(t.difference));
    assert_int_equal(t.n_shifts, 0);
}

/* Blobs of 3 x 3 on both maps, put independently: p below 0.1 in 10 % of cases, not more; the
 * chi-square test, for which patterns are independent, far more often. */
static void where_none_is_planted_none_is_found(void **state)
{
    struct random_numbers random = {11};
    unsigned small = 0, small_chi = 0;
    const unsigned n = 300;
    for (unsigned k = 0; k < n; k++) {
        uint8_t maps[2][144];
        for (unsigned m = 0; m < 2; m++) {
            for (unsigned i = 0; i < 144; i++)
                maps[m][i] = 0;
            for (unsigned blob = 0; blob < 5; blob++) {
                const unsigned at = (unsigned)(144 * random_uniform(&random));
                for (unsigned j = 0; j < 16; j++)
                    maps[m][(at / 12 + j / 4) % 12 * 12 + (at % 12 + j % 4) % 12] = 1;
            }
        }
        struct toroidal_shift t;
        assert_int_equal(toroidal_shift_test(&t, maps[0], maps[1], 12, 12, 0, 0, NULL), 0);
        small += t.p <= 0.1;
        double cells[2][2] = {{0}};
        for (unsigned i = 0; i < 144; i++)
            cells[maps[1][i]][maps[0][i]]++;
        small_chi += of(cells[1][1], cells[1][0], cells[0][1], cells[0][0]).p <= 0.1;
    }
    print_message("p <= 0.1 of %u: toroidal %u, independent %u\n", n, small, small_chi);
    assert_true(small < 48); /* 30 expected; 48 in one of 1000 */
    assert_true(small > 14);
    assert_true(small_chi > 90);
}

static void positions_that_are_left_out_do_not_count(void **state)
{
    /* Column 0 of the reflections is left out, where else the phase would be. */
    uint8_t reflections[16], phase[16];
    for (unsigned i = 0; i < 16; i++) {
        reflections[i] = i % 4 == 0 ? 255 : i % 4 == 1;
        phase[i] = i % 4 <= 1;
    }
    struct toroidal_shift t;
    assert_int_equal(toroidal_shift_test(&t, reflections, phase, 4, 4, 0, 0, NULL), 0);
    assert_near(t.difference, 1, 0);
    /* Never in the phase: nothing to compare. */
    for (unsigned i = 0; i < 16; i++)
        phase[i] = 0;
    assert_int_equal(toroidal_shift_test(&t, reflections, phase, 4, 4, 0, 0, NULL), 0);
    assert_true(isnan(t.difference));
    assert_near(t.p, 1, 0);
    assert_int_equal(toroidal_shift_test(&t, reflections, phase, 0, 4, 0, 0, NULL), -EINVAL);
}

static void of_large_maps_some_shifts_are_drawn(void **state)
{
    uint8_t map[400];
    for (unsigned i = 0; i < 400; i++)
        map[i] = i < 100;
    struct toroidal_shift a, b;
    assert_int_equal(toroidal_shift_test(&a, map, map, 20, 20, 50, 7, NULL), 0);
    assert_int_equal(toroidal_shift_test(&b, map, map, 20, 20, 50, 7, NULL), 0);
    assert_int_equal(a.n_shifts, 50);
    assert_near(a.p, b.p, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lady_tasting_tea),
        cmocka_unit_test(tables_from_elsewhere),
        cmocka_unit_test(empty_cells_and_margins),
        cmocka_unit_test(a_table_at_the_mode_has_p_1),
        cmocka_unit_test(admissions_to_berkeley),
        cmocka_unit_test(a_planted_association_is_found),
        cmocka_unit_test(scans_that_agree_tell_more_together_than_each),
        cmocka_unit_test(where_none_is_planted_none_is_found),
        cmocka_unit_test(positions_that_are_left_out_do_not_count),
        cmocka_unit_test(of_large_maps_some_shifts_are_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
