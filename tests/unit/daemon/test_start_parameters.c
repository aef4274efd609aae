#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/acquisition/start_parameters.h"

static const struct detector_settings nothing_known;

/* A scan of 3 lines of 5 positions, 2 frames of flyback after each line, one frame before them: 22
 * frames. */
static struct start_settings scan_with(const struct preset *preset, json_t *parameters)
{
    struct start_settings settings = {.preset = preset, .parameters = parameters};
    settings.scan.ny = 3;
    settings.scan.nx = 5;
    settings.scan.skip_start = 1;
    settings.scan.skip_line = 2;
    return settings;
}

static const char *value_of(const struct start_parameters *parameters, const char *name)
{
    for (unsigned i = 0; i < parameters->n; i++) {
        if (strcmp(parameters->list[i].name, name) == 0)
            return parameters->list[i].value;
    }
    return "absent";
}

/* What is to be set for a preset and parameters given as JSON. */
static void make(struct start_parameters *made, const char *preset, const char *text)
{
    json_t *const json = json_loads(text, 0, NULL);
    assert_non_null(json);
    const struct start_settings settings = scan_with(preset ? preset_find(preset) : NULL, json);
    struct start_refusal refusal;
    assert_true(start_parameters_init(made, &settings, &nothing_known, &refusal));
    json_decref(json);
}

static void expect_refusal(const char *text, const char *code, const char *field)
{
    json_t *const json = json_loads(text, 0, NULL);
    assert_non_null(json);
    const struct start_settings settings = scan_with(NULL, json);
    struct start_parameters made;
    struct start_refusal refusal;
    assert_false(start_parameters_init(&made, &settings, &nothing_known, &refusal));
    assert_string_equal(refusal.code, code);
    assert_string_equal(refusal.field, field);
    assert_true(strlen(refusal.error.text) > 10);
    json_decref(json);
}

static void presets_set_trigger_burst_and_read_write(void **unused)
{
    static const char *const wanted[][4] = {
        {"line-trigger", "1", "7", "1"},   {"pixel-trigger", "1", "1", "0"},
        {"single-start", "1", "22", "1"},  {"soft", "5", "1", "absent"},
        {"internal", "0", "22", "absent"},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        struct start_parameters made;
        make(&made, wanted[i][0], "{}");
        assert_string_equal(value_of(&made, "TRIGGERSTART"), wanted[i][1]);
        assert_string_equal(value_of(&made, "NUMFRAMESPERTRIGGER"), wanted[i][2]);
        assert_string_equal(value_of(&made, "CONTINUOUSRW"), wanted[i][3]);
        assert_string_equal(value_of(&made, "NUMFRAMESTOACQUIRE"), "22");
    }
    assert_null(preset_find("lines"));
}

static void the_request_has_the_last_word(void **unused)
{
    struct start_parameters made;
    make(&made, "line-trigger",
         "{\"triggerstart\": 3, \"CONTINUOUSRW\": \"0\", \"NUMFRAMESTOACQUIRE\": 23}");
    assert_string_equal(value_of(&made, "triggerstart"), "3");
    assert_string_equal(value_of(&made, "TRIGGERSTART"), "absent");
    assert_string_equal(value_of(&made, "CONTINUOUSRW"), "0");
    assert_string_equal(value_of(&made, "NUMFRAMESTOACQUIRE"), "23");
    assert_string_equal(value_of(&made, "NUMFRAMESPERTRIGGER"), "7");
    make(&made, NULL, "{\"TRIGGERSTART\": 2}");
    assert_string_equal(value_of(&made, "NUMFRAMESPERTRIGGER"), "7");
}

static void groups_come_in_the_order_that_works(void **unused)
{
    struct start_parameters made;
    make(&made, "line-trigger",
         "{\"UNHEARDOF\": 1, \"GAIN\": 1, \"SCANX\": 5, \"ACQUISITIONTIME\": 1, \"COUNTERDEPTH\": "
         "6}");
    unsigned last = 0;
    for (unsigned i = 0; i < made.n; i++) {
        const struct detector_parameter *const parameter = made.list[i].parameter;
        const unsigned group = parameter ? parameter->group : DETECTOR_GROUP_OTHER;
        assert_true(group >= last);
        last = group;
    }
    assert_string_equal(made.list[0].name, "GAIN");
    assert_string_equal(made.list[1].name, "COUNTERDEPTH");
}

static void wrong_parameters_are_refused_with_their_field(void **unused)
{
    expect_refusal("{\"COUNTERDEPTH\": 5}", "bad_value", "args.parameters.COUNTERDEPTH");
    expect_refusal("{\"GAIN\": 1, \"gain\": 2}", "bad_value", "args.parameters.gain");
    expect_refusal("{\"GAIN\": true}", "bad_value", "args.parameters.GAIN");
    expect_refusal("{\"HVBIAS\": 100}", "forbidden", "args.parameters.HVBIAS");
    expect_refusal("{\"NO NAME\": 1}", "bad_value", "args.parameters");
    expect_refusal("{\"\": 1}", "bad_value", "args.parameters");
    expect_refusal("{\"CONTINUOUSRW\": 1, \"COUNTERDEPTH\": 24}", "bad_value",
                   "args.parameters.CONTINUOUSRW");
}

static void too_many_parameters_are_refused(void **unused)
{
    json_t *const json = json_object();
    for (int i = 0; i < 200; i++) {
        const char name[] = {'P', (char)('A' + i / 26), (char)('A' + i % 26), '\0'};
        json_object_set_new(json, name, json_integer(i));
    }
    const struct start_settings settings = scan_with(preset_find("line-trigger"), json);
    struct start_parameters made;
    struct start_refusal refusal;
    assert_false(start_parameters_init(&made, &settings, &nothing_known, &refusal));
    assert_string_equal(refusal.code, "bad_value");
    json_decref(json);
}

static void numbers_become_plain_decimals(void **unused)
{
    static const struct {
        double number;
        const char *text;
    } cases[] = {{1, "1"},
                 {0.001, "0.001"},
                 {0.00001, "0.00001"},
                 {42949672950.0, "42949672950"},
                 {-2.5, "-2.5"}};
    char text[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *const json = json_real(cases[i].number);
        assert_true(start_parameter_text(json, text, sizeof text));
        assert_string_equal(text, cases[i].text);
        json_decref(json);
    }
    json_t *const big = json_real(1e300);
    assert_false(start_parameter_text(big, text, sizeof text));
    json_decref(big);
    assert_false(start_parameter_text(json_true(), text, sizeof text));
    assert_false(start_parameter_text(NULL, text, sizeof text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_set_trigger_burst_and_read_write),
        cmocka_unit_test(the_request_has_the_last_word),
        cmocka_unit_test(groups_come_in_the_order_that_works),
        cmocka_unit_test(wrong_parameters_are_refused_with_their_field),
        cmocka_unit_test(too_many_parameters_are_refused),
        cmocka_unit_test(numbers_become_plain_decimals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
