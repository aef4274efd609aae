#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "detector/parameters.h"
#include "detector/settings.h"

/* ---- the table ---- */

static void every_row_is_sound(void **unused)
{
    for (size_t i = 0; i < detector_n_parameters; i++) {
        const struct detector_parameter *const row = &detector_parameters[i];
        for (const char *c = row->name; *c; c++)
            assert_true(isupper((unsigned char)*c) || isdigit((unsigned char)*c));
        assert_true(*row->text);
        assert_true((row->type == DETECTOR_CHOICE) == (row->choices != NULL));
        assert_true(row->minimum <= row->maximum);
        assert_true(strlen(row->name) < DETECTOR_NAME_SIZE);
        /* Every name is found as itself: none is there twice. */
        assert_ptr_equal(row->access == DETECTOR_COMMAND ? detector_command_find(row->name)
                                                         : detector_parameter_find(row->name),
                         row);
        if (row->access == DETECTOR_READ_WRITE &&
            (row->type == DETECTOR_INTEGER || row->type == DETECTOR_FLOAT))
            assert_true(row->maximum > row->minimum);
    }
}

static void names_are_found_in_any_case(void **unused)
{
    assert_string_equal(detector_parameter_find("TriggerOutTTLInvert")->name,
                        "TRIGGEROUTTTLINVERT");
    assert_string_equal(detector_command_find("softTrigger")->name, "SOFTTRIGGER");
    assert_null(detector_parameter_find("SOFTTRIGGER"));
    assert_null(detector_command_find("GAIN"));
    assert_null(detector_parameter_find("ROIROWS"));
    assert_null(detector_parameter_find(""));
    assert_int_equal(detector_parameter_find("THSCAN")->access, DETECTOR_READ_WRITE);
    assert_int_equal(detector_command_find("THSCAN")->access, DETECTOR_COMMAND);
}

static void what_can_harm_is_dangerous(void **unused)
{
    static const char *const parameters[] = {
        "HVBIAS",      "DACFILE",   "DACS",      "PIXELMATRIXLOADFILE", "PIXELMATRIXSAVEFILE",
        "PIXELCONFIG", "PIXELMASK", "PIXELTEST", "PIXELTRIM",           "SELECTTRIM",
        "ADJUSTTRIM",
    };
    static const char *const commands[] = {"RESET", "STANDBY", "RESTART"};
    static const char *const harmless[] = {"ABORT", "CLEARERROR", "SOFTTRIGGER", "STOPACQUISITION"};
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++)
        assert_true(detector_parameter_find(parameters[i])->dangerous);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        assert_true(detector_command_find(commands[i])->dangerous);
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        assert_false(detector_command_find(harmless[i])->dangerous);
    assert_false(detector_parameter_find("THRESHOLD0")->dangerous);
}

/* ---- values ---- */

static int check(const char *name, const char *value)
{
    struct error error = {0};
    const int r = detector_parameter_check(detector_parameter_find(name), value, &error);
    assert_true(r == 0 || strstr(error.text, name));
    return r;
}

static void types_and_ranges_hold(void **unused)
{
    static const char *const good[][2] = {
        {"COUNTERDEPTH", "24"},
        {"COUNTERDEPTH", "6.0"},
        {"ACQUISITIONTIME", "0.001"},
        {"ACQUISITIONTIME", "1e3"},
        {"NUMFRAMESTOACQUIRE", "0"},
        {"NUMFRAMESTOACQUIRE", "42949672950"},
        {"DACSCANSTEP", "-255"},
        {"TRIGGERINTTLDELAY", "30"},
        {"TRIGGERSTART", "10"},
        {"FILENAME", ""},
        {"FILEDIRECTORY", "c:\\a, b\\c"},
        {"HVBIAS", "120"},
        {"FILEFORMAT", "2"},
    };
    static const char *const bad[][2] = {
        {"COUNTERDEPTH", "7"},      {"COUNTERDEPTH", "0"},        {"COUNTERDEPTH", ""},
        {"ACQUISITIONTIME", "0"},   {"ACQUISITIONTIME", "-1"},    {"ACQUISITIONTIME", "nan"},
        {"ACQUISITIONTIME", "inf"}, {"ACQUISITIONTIME", "0x10"},  {"ACQUISITIONTIME", " 1"},
        {"ACQUISITIONTIME", "1 "},  {"ACQUISITIONTIME", "1,0"},   {"ACQUISITIONTIME", "1e999"},
        {"HVBIAS", "120.1"},        {"NUMFRAMESPERTRIGGER", "0"}, {"NUMFRAMESPERTRIGGER", "1.5"},
        {"DACSCANSTEP", "-256"},    {"TRIGGERINTTLDELAY", "15"},  {"TRIGGERSTOP", "5"},
        {"FILEFORMAT", "1"},        {"TEMPERATURE", "1"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(check(good[i][0], good[i][1]), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(check(bad[i][0], bad[i][1]), -EINVAL);
}

static void sentences_name_range_and_unit(void **unused)
{
    struct error error = {0};
    detector_parameter_check(detector_parameter_find("HVBIAS"), "200", &error);
    assert_string_equal(error.text, "HVBIAS must be a number, 0 to 120 V, not \"200\"");
    detector_parameter_check(detector_parameter_find("COUNTERDEPTH"), "7", &error);
    assert_string_equal(error.text, "COUNTERDEPTH must be 1, 6, 12 or 24 bits, not \"7\"");
    detector_parameter_check(detector_parameter_find("GAIN"), "4", &error);
    assert_non_null(strstr(error.text, "0 (super low), 1 (low), 2 (high) or 3 (super high)"));
    char name[300];
    memset(name, 'x', 257);
    name[257] = '\0';
    assert_int_equal(detector_parameter_check(detector_parameter_find("FILENAME"), name, &error),
                     -EINVAL);
    assert_non_null(strstr(error.text, "at most 256 characters"));
}

static void every_range_fits_its_room(void **unused)
{
    for (size_t i = 0; i < detector_n_parameters; i++) {
        char text[320];
        detector_parameter_range(&detector_parameters[i], text, sizeof text);
        assert_true(strlen(text) < sizeof text - 1);
        char small[8];
        detector_parameter_range(&detector_parameters[i], small, sizeof small);
        assert_true(strlen(small) < sizeof small);
    }
}

static void values_are_compared_as_numbers(void **unused)
{
    assert_true(detector_values_equal("1", "1.000000"));
    assert_true(detector_values_equal("1e-3", "0.001000"));
    assert_true(detector_values_equal("0.123456", "0.123460")); /* times are kept to 10 ns */
    assert_false(detector_values_equal("0.1234", "0.1235"));
    assert_false(detector_values_equal("0", "1"));
    assert_false(detector_values_equal("42949672949", "42949672950"));
    assert_true(detector_values_equal("a.txt", "a.txt"));
    assert_false(detector_values_equal("a.txt", "b.txt"));
    assert_false(detector_values_equal("1", ""));
}

/* ---- settings ---- */

static void settings_are_put_found_and_dropped(void **unused)
{
    struct detector_settings settings = {0};
    detector_settings_put(&settings, "GAIN", "1");
    detector_settings_put(&settings, "gain", "2");
    assert_int_equal(settings.n, 1);
    assert_string_equal(detector_settings_get(&settings, "Gain"), "2");
    detector_settings_put(&settings, "COUNTERDEPTH", "6");
    detector_settings_put(&settings, "TRIGGERSTART", "1");
    detector_settings_put(&settings, "ACQUISITIONTIME", "1");
    detector_settings_put(&settings, "THRESHOLD0", "25");
    detector_settings_drop_after_mode(&settings);
    assert_null(detector_settings_get(&settings, "TRIGGERSTART"));
    assert_null(detector_settings_get(&settings, "ACQUISITIONTIME"));
    assert_non_null(detector_settings_get(&settings, "THRESHOLD0"));
    assert_non_null(detector_settings_get(&settings, "COUNTERDEPTH"));
    detector_settings_drop(&settings, "GAIN");
    assert_null(detector_settings_get(&settings, "GAIN"));
    detector_settings_clear(&settings);
    assert_null(detector_settings_get(&settings, "THRESHOLD0"));
}

static void what_does_not_fit_is_not_remembered(void **unused)
{
    struct detector_settings settings = {0};
    char longer[DETECTOR_VALUE_SIZE + 1];
    memset(longer, '1', DETECTOR_VALUE_SIZE);
    longer[DETECTOR_VALUE_SIZE] = '\0';
    detector_settings_put(&settings, "GAIN", "1");
    detector_settings_put(&settings, "GAIN", longer);
    assert_null(detector_settings_get(&settings, "GAIN"));
    detector_settings_put(&settings, longer, "1");
    assert_int_equal(settings.n, 0);
    for (int i = 0; i < DETECTOR_SETTINGS_MAX + 5; i++) {
        char name[] = {'A', (char)('A' + i / 26), (char)('A' + i % 26), '\0'};
        detector_settings_put(&settings, name, "1");
    }
    assert_int_equal(settings.n, DETECTOR_SETTINGS_MAX);
}

/* Pairs NAME, value; NULL ends them. */
static struct detector_settings settings_of(const char *const *pairs)
{
    struct detector_settings settings = {0};
    for (; *pairs; pairs += 2)
        detector_settings_put(&settings, pairs[0], pairs[1]);
    return settings;
}

#define SETTINGS(...) settings_of((const char *const[]){__VA_ARGS__, NULL})

static const char *blamed(struct detector_settings asked, struct detector_settings known)
{
    struct error error = {0};
    const char *culprit = NULL;
    const int r = detector_settings_check(&asked, &known, &culprit, &error);
    assert_true(r == 0 || (r == -EINVAL && culprit && strstr(error.text, culprit)));
    return r == 0 ? "" : culprit;
}

static void what_excludes_each_other_is_refused(void **unused)
{
    const struct detector_settings none = {0};
    assert_string_equal(blamed(SETTINGS("CONTINUOUSRW", "1", "ENABLECOUNTER1", "2"), none),
                        "CONTINUOUSRW");
    assert_string_equal(blamed(SETTINGS("CONTINUOUSRW", "1", "COUNTERDEPTH", "24"), none),
                        "CONTINUOUSRW");
    assert_string_equal(blamed(SETTINGS("ENABLECOUNTER1", "2", "COUNTERDEPTH", "24"), none),
                        "COUNTERDEPTH");
    assert_string_equal(blamed(SETTINGS("CHARGESUMMING", "1.0", "ENABLECOUNTER1", "2"), none),
                        "CHARGESUMMING");
    assert_string_equal(blamed(SETTINGS("TRIGGERSTART", "8", "CONTINUOUSRW", "1"), none),
                        "TRIGGERSTART");
    assert_string_equal(blamed(SETTINGS("CONTINUOUSRW", "1", "ENABLECOUNTER1", "1"), none), "");
    assert_string_equal(blamed(SETTINGS("CONTINUOUSRW", "0", "ENABLECOUNTER1", "2"), none), "");
    assert_string_equal(blamed(SETTINGS("COUNTERDEPTH", "24", "COLOURMODE", "1"), none), "");
    assert_string_equal(
        blamed(SETTINGS("CHARGESUMMING", "1", "CONTINUOUSRW", "1", "COUNTERDEPTH", "12"), none),
        "");
}

static void what_the_detector_has_counts_unless_it_is_changed(void **unused)
{
    const struct detector_settings known = SETTINGS("CONTINUOUSRW", "1", "COUNTERDEPTH", "12");
    assert_string_equal(blamed(SETTINGS("ENABLECOUNTER1", "2"), known), "ENABLECOUNTER1");
    assert_string_equal(blamed(SETTINGS("ENABLECOUNTER1", "2", "CONTINUOUSRW", "0"), known), "");
    assert_string_equal(blamed(SETTINGS("COUNTERDEPTH", "24"), known), "COUNTERDEPTH");
    /* What the detector itself has together is its own affair. */
    assert_string_equal(
        blamed(SETTINGS("THRESHOLD0", "2"), SETTINGS("CONTINUOUSRW", "1", "ENABLECOUNTER1", "2")),
        "");
}

static void a_frame_is_not_shorter_than_its_readout(void **unused)
{
    const struct detector_settings known = SETTINGS("CONTINUOUSRW", "1", "COUNTERDEPTH", "12");
    assert_string_equal(blamed(SETTINGS("ACQUISITIONTIME", "0.05"), known), "ACQUISITIONTIME");
    assert_string_equal(blamed(SETTINGS("ACQUISITIONTIME", "0.07"), known), "");
    assert_string_equal(blamed(SETTINGS("ACQUISITIONTIME", "0.05", "COUNTERDEPTH", "6"), known),
                        "");
    assert_string_equal(blamed(SETTINGS("ACQUISITIONTIME", "0.05", "CONTINUOUSRW", "0"), known),
                        "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_sound),
        cmocka_unit_test(names_are_found_in_any_case),
        cmocka_unit_test(what_can_harm_is_dangerous),
        cmocka_unit_test(types_and_ranges_hold),
        cmocka_unit_test(sentences_name_range_and_unit),
        cmocka_unit_test(every_range_fits_its_room),
        cmocka_unit_test(values_are_compared_as_numbers),
        cmocka_unit_test(settings_are_put_found_and_dropped),
        cmocka_unit_test(what_does_not_fit_is_not_remembered),
        cmocka_unit_test(what_excludes_each_other_is_refused),
        cmocka_unit_test(what_the_detector_has_counts_unless_it_is_changed),
        cmocka_unit_test(a_frame_is_not_shorter_than_its_readout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
