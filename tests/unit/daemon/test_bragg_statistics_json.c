#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/bragg/bragg_series_json.h"
#include "daemon/bragg/bragg_statistics_json.h"

/* Every JSON that is made here is held against the schema by PYTHON CHECK_SCRIPT. With
 * KEEP_JSON=FILE in the environment, that of the full scan is kept. */

static void assert_valid(const json_t *json)
{
    char path[] = "/tmp/bragg_statistics.XXXXXX", command[1024];
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(json_dumpfd(json, fd, JSON_INDENT(1)), 0);
    close(fd);
    snprintf(command, sizeof command, "%s %s %s", PYTHON, CHECK_SCRIPT, path);
    const int result = system(command);
    unlink(path);
    assert_int_equal(result, 0);
}

static double number_at(const json_t *json, const char *object, const char *member)
{
    return json_number_value(json_object_get(json_object_get(json, object), member));
}

static struct series_scan scan_of(const char *name, const char *value,
                                  const struct bragg_statistics *statistics, double dose)
{
    return (struct series_scan){
        .name = name,
        .value = value,
        .counts = statistics->counts,
        .n_effective = statistics->effective.n_effective,
        .interval = statistics->effective.interval,
        .dose = dose,
        .thickness = NAN,
        .drift = 0.1,
        .has_table = true,
        .table = statistics->phase.table,
        .contrast = {.min = statistics->contrast.min_contrast,
                     .count = statistics->contrast.count,
                     .n_effective = statistics->contrast.effective.n_effective,
                     .interval = statistics->contrast.effective.interval,
                     .found = statistics->contrast.found},
    };
}

static void add_series(json_t *json, const struct bragg_statistics *statistics)
{
    struct series_scan scans[] = {scan_of("first", "0", statistics, 1),
                                  scan_of("second", "8", statistics, 1.02),
                                  scan_of("third", "8", statistics, 1.3)};
    char label[] = "strain";
    const struct labelled_series series = {
        .label = label,
        .n = 3,
        .members = scans,
        .shift = {.difference = 0.1, .p = 0.25, .n_shifts = 1999},
        .n_shifted = 3,
    };
    const struct series_settings settings = {.confidence = 0.95,
                                             .rates = {.known = true,
                                                       .any = statistics->rates,
                                                       .contrast_known = true,
                                                       .contrast_measured = true,
                                                       .contrast = {.false_positive = 0.001}}};
    struct series made;
    assert_int_equal(series_init(&made, scans, 3, &settings, NULL), 0);
    json_object_set_new(json, "series", bragg_series_json(&made, &series, 0.95));
    series_finish(&made);
}

static void a_scan_with_everything(void **state)
{
    uint8_t classes[600], phase[600], areas[600];
    double contrast[600];
    struct scan_reflection reflections[300];
    size_t n_reflections = 0;
    for (unsigned i = 0; i < 600; i++) {
        const unsigned y = i / 30, x = i % 30;
        const bool bragg = (y / 3 + x / 3) % 3 == 0;
        classes[i] = y == 19 ? 254 : x == 29 ? 255 : bragg ? 1 + (y / 3) % 4 : 0;
        contrast[i] = bragg ? 1.5 + x % 3 : NAN;
        phase[i] = x < 14;
        areas[i] = y < 4 ? 2 : 0;
        if (bragg && y < 19 && x < 29)
            reflections[n_reflections++] =
                (struct scan_reflection){i, 30, (double)(x / 3) - (double)(y / 3)};
    }
    const double spacings[] = {1 / (0.1 * 30), 1 / (0.1 * 31)};
    const struct crystal_phase crystal = {"crystal", spacings, 2};
    const struct bragg_scan_results scan = {20,    30,          classes,       contrast, phase,
                                            areas, reflections, n_reflections, 0.1};
    const struct bragg_statistics_settings settings = {
        .min_contrast = 2,
        .rates_known = true,
        .rates = {0.01, 0.002, 0.95, 0.01},
        .contrast_rates_known = true,
        .contrast_rates = {0.001, 0.001, 0.9, 0.02},
        .found = {.contrast = 2, .n = 400, .found = 360},
        .texture_fraction = 0.05,
        .crystals = &crystal,
        .n_crystals = 1,
    };
    struct bragg_statistics s;
    assert_int_equal(bragg_statistics_init(&s, &scan, &settings, NULL), 0);
    json_t *const json = bragg_statistics_json(&s);
    const struct threshold threshold = {.rule = THRESHOLD_HALF, .level = 7, .low = 2, .high = 12};
    bragg_statistics_json_set_phase(json, "adf above 7", &threshold);
    add_series(json, &s);
    assert_valid(json);
    assert_int_equal(json_integer_value(json_object_get(json, "n")), 19 * 29);
    assert_int_equal(json_integer_value(json_object_get(json, "excluded")), 30);
    assert_true(number_at(json, "headline", "fraction") == s.contrast.fraction);
    assert_true(number_at(json, "headline", "min_contrast") == 2);
    const json_t *const headline = json_object_get(json, "headline");
    assert_true(number_at(headline, "true_positive", "tpr") == 0.9);
    assert_true(number_at(headline, "corrected", "fraction") == s.contrast.corrected.fraction);
    const char *const why = json_string_value(json_object_get(headline, "why"));
    assert_non_null(strstr(why, "of 400 of that contrast put into patterns 90.0 % were found"));
    assert_true(number_at(json, "corrected", "fraction") == s.corrected.fraction);
    assert_true(number_at(json, "phase", "p_toroidal") == s.phase.shift.p);
    assert_int_equal(json_array_size(json_object_get(json_object_get(json, "tiles"), "tiles")), 6);
    if (getenv("KEEP_JSON"))
        json_dump_file(json, getenv("KEEP_JSON"), JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    json_decref(json);
    bragg_statistics_finish(&s);
}

/* Nothing classified: nulls instead of numbers that are none. */
static void a_scan_with_nothing(void **state)
{
    uint8_t classes[12], phase[12] = {0};
    memset(classes, 255, sizeof classes);
    const struct scan_reflection none;
    const struct bragg_scan_results scan = {
        .ny = 3, .nx = 4, .classes = classes, .phase = phase, .reflections = &none};
    struct bragg_statistics s;
    assert_int_equal(
        bragg_statistics_init(&s, &scan, &(const struct bragg_statistics_settings){0}, NULL), 0);
    json_t *const json = bragg_statistics_json(&s);
    assert_valid(json);
    assert_true(json_is_null(json_object_get(json, "fraction")));
    assert_true(json_is_null(json_object_get(json, "block_bootstrap")));
    /* No least contrast: any reflection counts, and the headline says so. */
    const json_t *const headline = json_object_get(json, "headline");
    assert_true(json_is_null(json_object_get(headline, "min_contrast")));
    assert_non_null(strstr(json_string_value(json_object_get(headline, "why")), "any reflection"));
    json_decref(json);
    bragg_statistics_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_with_everything),
        cmocka_unit_test(a_scan_with_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
