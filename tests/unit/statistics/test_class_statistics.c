#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "processing/statistics/agreement.h"
#include "processing/statistics/class_counts.h"
#include "processing/statistics/phase_mask.h"
#include "processing/statistics/series.h"
#include "tests/unit/processing/numbers.h"

static void counts_by_class(void **state)
{
    const uint8_t classes[] = {0, 0, 0, 1, 1, 2, 3, 4, 254, 255, 77};
    const struct class_counts c = class_counts_of(classes, sizeof classes);
    assert_int_equal(class_counts_n(&c), 8);
    assert_int_equal(class_counts_bragg(&c), 5);
    assert_int_equal(c.of[SCAN_CLASS_TWO_BEAM], 2);
    assert_int_equal(c.excluded, 1);
    assert_int_equal(c.not_analysed, 2);
    assert_near(class_counts_fraction(&c), 5.0 / 8, 0);
    assert_true(isnan(class_counts_fraction(&(const struct class_counts){0})));
}

/* 3 x 5 in tiles of 2 x 2: two rows of three, the last ones cut. */
static void counts_by_tile(void **state)
{
    const uint8_t classes[15] = {
        1, 1,   0, 0, 3, /**/
        1, 1,   0, 2, 3, /**/
        0, 254, 4, 4, 255,
    };
    uint32_t shape[2];
    struct class_counts tiles[6];
    class_tiles_shape(shape, 3, 5, 2, 2);
    assert_int_equal(shape[0], 2);
    assert_int_equal(shape[1], 3);
    class_counts_tiles(tiles, classes, 3, 5, 2, 2);
    assert_int_equal(tiles[0].of[1], 4);
    assert_int_equal(class_counts_n(&tiles[1]), 4);
    assert_int_equal(class_counts_bragg(&tiles[1]), 1);
    assert_int_equal(tiles[2].of[3], 2);
    assert_int_equal(tiles[3].excluded, 1);
    assert_int_equal(tiles[4].of[4], 2);
    assert_int_equal(tiles[5].not_analysed, 1);
    assert_int_equal(class_counts_n(&tiles[5]), 0);
}

static void counts_by_label_and_contrast(void **state)
{
    const uint8_t classes[] = {1, 0, 2, 0, 254}, areas[] = {0, 7, 7, 255, 255};
    const double contrast[] = {1.9, NAN, 2, NAN, NAN};
    struct class_counts labels[256];
    class_counts_labels(labels, classes, areas, 5);
    assert_int_equal(class_counts_n(&labels[7]), 2);
    assert_int_equal(class_counts_bragg(&labels[7]), 1);
    assert_int_equal(labels[255].excluded, 1);

    uint8_t binary[5];
    class_binary_map(binary, classes, NULL, 0, 5);
    assert_memory_equal(binary, ((const uint8_t[]){1, 0, 1, 0, 255}), 5);
    class_binary_map(binary, classes, contrast, 2, 5);
    assert_memory_equal(binary, ((const uint8_t[]){0, 0, 1, 0, 255}), 5);
}

static void assert_level(enum threshold_rule rule, const double *values, uint64_t n, double level)
{
    struct threshold t = {.rule = rule, .level = level};
    uint8_t phase[16];
    assert_int_equal(phase_from_map(phase, &t, values, n, NULL), 0);
    assert_near(t.level, level, 1e-12);
    for (uint64_t i = 0; i < n; i++)
        assert_int_equal(phase[i], isnan(values[i]) ? 255 : values[i] > level);
}

static void thresholds(void **state)
{
    /* numpy.percentile(x, [0.5, 50, 99.5]) is 1.06, 7, 21.64 */
    const double values[] = {3, 10, 7, 1, NAN, 9, 22, 5.5};
    assert_level(THRESHOLD_HALF, values, 8, (1.06 + 21.64) / 2);
    assert_level(THRESHOLD_MEDIAN, values, 8, 7);
    assert_level(THRESHOLD_VALUE, values, 8, 9.5);
    /* Two heaps, at the ends of the clipped range: the middle between them. */
    const double heaps[] = {0, 0, 0, 10, 10, 10, 10};
    assert_level(THRESHOLD_OTSU, heaps, 7, 10 * 128 / 256.0);

    struct threshold t = {.rule = THRESHOLD_MEDIAN};
    struct error error;
    uint8_t phase[8];
    assert_int_equal(phase_from_map(phase, &t, (double[]){4, 4, 4}, 3, &error), -ENODATA);
    assert_int_equal(phase_from_map(phase, &t, (double[]){NAN}, 1, &error), -ENODATA);
    assert_int_equal(phase_from_map(phase, &t, NULL, 0, &error), -ENODATA);
}

static void a_mask_that_looks_at_the_annulus_is_refused(void **state)
{
    struct error error;
    uint64_t shared;
    const uint8_t annulus[6] = {0, 0, 1, 1, 0, 0};
    const double outside[6] = {1, 1, 0, 0, 0.5, 1}, over_it[6] = {1, 1, -0.1, 0, 0, 0};
    assert_int_equal(phase_check_circular(outside, annulus, 6, &shared, &error), 0);
    assert_int_equal(shared, 0);
    assert_int_equal(phase_check_circular(over_it, annulus, 6, &shared, &error), -EDOM);
    assert_int_equal(shared, 1);
    assert_non_null(strstr(error.text, "annulus"));
}

/* [[20, 5], [10, 15]]: observed 0.7, chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5. */
static void kappa_of_two_classes(void **state)
{
    uint8_t person[52], classifier[52];
    unsigned n = 0;
    const unsigned cells[2][2] = {{20, 5}, {10, 15}};
    for (uint8_t a = 0; a < 2; a++)
        for (uint8_t b = 0; b < 2; b++)
            for (unsigned i = 0; i < cells[a][b]; i++) {
                person[n] = a;
                classifier[n++] = b;
            }
    person[n] = 255; /* not labelled */
    classifier[n++] = 1;
    person[n] = 1;
    classifier[n++] = 254;
    struct agreement a;
    assert_int_equal(agreement_of(&a, person, classifier, n, 0.95, NULL), 0);
    assert_int_equal(a.n, 50);
    assert_int_equal(a.confusion[1][0], 10);
    assert_near(a.observed, 0.7, 1e-15);
    assert_near(a.kappa, 0.4, 1e-14);
    assert_near(a.kappa_error, 0.126996062931, 1e-11);
}

/* Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, table 18.1. */
static void kappa_of_three_classes(void **state)
{
    uint8_t person[100], classifier[100];
    unsigned n = 0;
    const unsigned cells[3][3] = {{75, 1, 4}, {5, 4, 1}, {0, 0, 10}};
    for (uint8_t a = 0; a < 3; a++)
        for (uint8_t b = 0; b < 3; b++)
            for (unsigned i = 0; i < cells[a][b]; i++) {
                person[n] = a;
                classifier[n++] = b;
            }
    struct agreement a;
    assert_int_equal(agreement_of(&a, person, classifier, n, 0.95, NULL), 0);
    assert_near(a.kappa, 0.676470588235, 1e-12);
    assert_near(a.kappa_error, 0.087702953475, 1e-11);
    assert_near(a.kappa_interval.low, 0.676470588235 - 1.959963984540 * 0.087702953475, 1e-10);
    /* None against any: [[75, 5], [5, 15]]. */
    assert_int_equal(agreement_on_bragg(&a, person, classifier, n, 0.95, NULL), 0);
    assert_int_equal(a.confusion[0][1], 5);
    assert_int_equal(a.confusion[1][0], 5);
    assert_near(a.kappa, (0.9 - 0.68) / 0.32, 1e-12);
    /* Both always say none: nothing is known. */
    assert_int_equal(agreement_of(&a, person, person, 10, 0.95, NULL), 0);
    assert_true(isnan(a.kappa));
    assert_int_equal(agreement_of(&a, person, person, 0, 0.95, NULL), -ENODATA);
}

static const struct series_settings settings = {.confidence = 0.95};
static const struct series_settings left_out = {.confidence = 0.95, .leave_out_drifted = true};

static struct series_scan scan_of(const char *value, uint64_t none, uint64_t two_beam, double dose)
{
    return (struct series_scan){
        .name = "scan",
        .value = value,
        .counts = {.of = {none, two_beam}},
        .n_effective = (double)(none + two_beam) / 2,
        .interval = {0.1, 0.2},
        .dose = dose,
        .thickness = NAN,
        .drift = NAN,
    };
}

static void a_series_is_a_row_for_each_value(void **state)
{
    struct series_scan scans[] = {scan_of("10", 60, 40, 1), scan_of("2", 90, 10, 1.05),
                                  scan_of("10", 80, 20, 1.2), scan_of("2", 70, 30, 1.05),
                                  scan_of("4", 50, 50, NAN)};
    scans[2].drift = 0.6;
    scans[0].has_table = scans[1].has_table = true;
    scans[0].table = (struct two_by_two){30, 20, 10, 40};
    scans[1].table = (struct two_by_two){5, 45, 5, 45};
    for (unsigned i = 0; i < 4; i++)
        scans[i].contrast = (struct series_contrast){i < 3 ? 2 : 3, 5, 50, {0.01, 0.12}};
    struct series series;
    assert_int_equal(series_init(&series, scans, 5, &settings, NULL), 0);
    assert_int_equal(series.n_rows, 3);
    assert_string_equal(series.rows[0].value, "2");
    assert_string_equal(series.rows[1].value, "4");
    assert_string_equal(series.rows[2].value, "10"); /* a number, not a text */
    assert_int_equal(series.rows[0].n_scans, 2);
    assert_near(series.rows[0].all.fraction, 0.2, 1e-15);
    assert_int_equal(series.rows[0].all.method, SERIES_CLUSTERED);
    assert_near(series.rows[0].dose, 1.05, 1e-15);
    assert_int_equal(series.rows[0].flags, 0);
    assert_int_equal(series.rows[1].all.method, SERIES_EFFECTIVE_SIZE);
    assert_near(series.rows[1].all.interval.high, 0.2, 0);
    assert_near(series.rows[1].all.design_effect, 2, 1e-15);
    assert_true(isnan(series.rows[1].dose));
    /* 1.2 is more than a tenth above the median of 1, 1.05, 1.05, 1.2; 1 is not below it. */
    assert_int_equal(scans[2].flags, SERIES_DOSE | SERIES_DRIFT);
    assert_int_equal(scans[0].flags, 0);
    assert_int_equal(series.rows[2].flags, SERIES_DOSE | SERIES_DRIFT);
    assert_int_equal(series.rows[2].n_scans, 2);
    assert_int_equal(series.phase.n_strata, 2);
    /* Scans of another contrast, or of none, make no fraction together. */
    assert_near(series.rows[2].min_contrast, 2, 0);
    assert_int_equal(series.rows[2].contrast_count, 10);
    assert_near(series.rows[2].contrast.fraction, 0.05, 1e-15);
    assert_int_equal(series.rows[2].contrast.method, SERIES_CLUSTERED);
    assert_near(series.rows[0].min_contrast, 0, 0);
    assert_near(series.rows[1].min_contrast, 0, 0);
    series_finish(&series);

    /* Without the one that drifted. */
    assert_int_equal(series_init(&series, scans, 5, &left_out, NULL), 0);
    assert_true(scans[2].left_out);
    assert_int_equal(series.rows[2].n_scans, 1);
    assert_near(series.rows[2].all.fraction, 0.4, 1e-15);
    assert_int_equal(series.rows[2].flags, 0);
    series_finish(&series);
}

/* Rows have the false alarms of the glass in their own scans, and where there is none those of the
 * whole series; nothing has to be given with the request. */
static void rows_are_corrected_for_the_false_alarms_of_named_glass(void **state)
{
    struct series_scan scans[] = {scan_of("0", 60, 40, 1), scan_of("0", 80, 20, 1),
                                  scan_of("8", 90, 10, 1)};
    for (unsigned i = 0; i < 3; i++)
        scans[i].contrast =
            (struct series_contrast){2, 9, 50, {0.04, 0.16}, {2, 100, 80}, {2, 0, 0}};
    for (unsigned i = 0; i < 2; i++) {
        scans[i].alarms = (struct found_rate){0, 50, 2};
        scans[i].contrast.alarms = (struct found_rate){2, 50, i};
    }
    const struct series_settings measured = {
        .confidence = 0.95,
        .rates = {.known = true, .any = {.true_positive = 0.9}, .false_measured = true}};
    const enum rate_source sources[] = {RATE_TESTED, RATE_TESTED_IN_SERIES};
    struct series series;
    assert_int_equal(series_init(&series, scans, 3, &measured, NULL), 0);
    for (unsigned i = 0; i < 2; i++) {
        const struct series_row *const row = &series.rows[i];
        assert_int_equal(row->contrast_alarms.n, 100);
        assert_near(row->contrast.rates.false_positive, 0.01, 1e-15);
        assert_near(row->contrast.rates.false_positive_error, sqrt(3. / 104 * 101 / 104 / 104),
                    1e-15);
        assert_int_equal(row->contrast.rates.false_positive_from, sources[i]);
        assert_int_equal(row->contrast.rates.true_positive_from, RATE_TESTED);
        assert_near(row->contrast.corrected.fraction, (0.09 - 0.01) / (0.8 - 0.01), 1e-15);
        assert_near(row->all.rates.false_positive, 0.04, 1e-15);
        assert_int_equal(row->all.rates.true_positive_from, RATE_GIVEN);
    }
    series_finish(&series);
    for (unsigned i = 0; i < 2; i++)
        scans[i].alarms.n = scans[i].contrast.alarms.n = 0;
    assert_int_equal(series_init(&series, scans, 3, &measured, NULL), 0);
    assert_false(series.rows[0].all.corrected_known);
    assert_false(series.rows[0].contrast.corrected_known);
    series_finish(&series);
}

/* What was found of the reflections that were put into the row's own scans corrects its fraction;
 * where one scan has no such rate there is none for the row. */
static void rows_are_corrected_with_rates_that_are_known(void **state)
{
    struct series_scan scans[] = {scan_of("0", 60, 40, 1), scan_of("0", 80, 20, 1),
                                  scan_of("8", 90, 10, 1), scan_of("8", 90, 10, 1)};
    for (unsigned i = 0; i < 4; i++)
        scans[i].contrast =
            (struct series_contrast){2, 9, 50, {0.04, 0.16}, {2, 100, 70 + 20 * (i % 2)}};
    scans[3].contrast.found.n = 0;
    const struct series_settings rates = {
        .confidence = 0.95,
        .rates = {.known = true,
                  .any = {.false_positive = 0.1, .true_positive = 0.9},
                  .contrast_known = true,
                  .contrast_measured = true,
                  .contrast = {.false_positive = 0.01}}};
    struct series series;
    assert_int_equal(series_init(&series, scans, 4, &rates, NULL), 0);
    const struct series_row *const row = &series.rows[0];
    assert_true(row->all.corrected_known);
    assert_near(row->all.corrected.fraction, (0.3 - 0.1) / 0.8, 1e-15);
    assert_int_equal(row->found.n, 200);
    assert_int_equal(row->found.found, 160);
    assert_true(row->contrast.corrected_known);
    assert_near(row->contrast.corrected.fraction, (0.09 - 0.01) / (0.8 - 0.01), 1e-15);
    assert_near(row->contrast.rates.true_positive_error, sqrt(162. / 204 * 42 / 204 / 204), 1e-15);
    assert_int_equal(row->all.rates.false_positive_from, RATE_GIVEN);
    assert_int_equal(series.rows[1].found.n, 0);
    assert_false(series.rows[1].contrast.corrected_known);
    assert_true(series.rows[1].all.corrected_known);
    series_finish(&series);
    assert_int_equal(series_init(&series, scans, 4, &settings, NULL), 0);
    assert_false(series.rows[0].all.corrected_known || series.rows[0].contrast.corrected_known);
    assert_int_equal(series.rows[0].found.n, 200);
    series_finish(&series);
}

static void values_that_are_no_numbers_keep_their_order(void **state)
{
    struct series_scan scans[] = {scan_of("as made", 9, 1, 1), scan_of("annealed", 5, 5, 1)};
    struct series series;
    assert_int_equal(series_init(&series, scans, 2, &left_out, NULL), 0);
    assert_string_equal(series.rows[0].value, "as made");
    assert_string_equal(series.rows[1].value, "annealed");
    series_finish(&series);
    assert_int_equal(series_init(&series, NULL, 0, &left_out, NULL), 0);
    assert_int_equal(series.n_rows, 0);
    series_finish(&series);
}

static void half_a_step_is_no_drift(void **state)
{
    struct series_scan scans[] = {scan_of("0", 9, 1, 1), scan_of("0", 9, 1, 1)};
    scans[0].drift = series_drift(0.5, -0.5);
    scans[1].drift = series_drift(0, -0.51);
    struct series series;
    assert_int_equal(series_init(&series, scans, 2, &left_out, NULL), 0);
    assert_false(scans[0].left_out);
    assert_true(scans[1].left_out);
    series_finish(&series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_class),
        cmocka_unit_test(counts_by_tile),
        cmocka_unit_test(counts_by_label_and_contrast),
        cmocka_unit_test(thresholds),
        cmocka_unit_test(a_mask_that_looks_at_the_annulus_is_refused),
        cmocka_unit_test(kappa_of_two_classes),
        cmocka_unit_test(kappa_of_three_classes),
        cmocka_unit_test(a_series_is_a_row_for_each_value),
        cmocka_unit_test(rows_are_corrected_for_the_false_alarms_of_named_glass),
        cmocka_unit_test(rows_are_corrected_with_rates_that_are_known),
        cmocka_unit_test(values_that_are_no_numbers_keep_their_order),
        cmocka_unit_test(half_a_step_is_no_drift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
