#include "daemon/config/virtual_detector_text.h"
#include "tests/unit/daemon/config_loading.h"

static void bad_entries_of_the_list_of_virtual_detectors(void **unused)
{
    ASSERT_ERRORS("virtual_detectors:\n"
                  "  - {name: bf, shape: disk, centre: [1, b], radius: 20}\n"
                  "  - {name: bf, shape: disk, centre: 5, radius: 20}\n"
                  "  - {name: a b, shape: annulus, inner: 5, outer: 3}\n"
                  "  - {shape: disk, radius: -1}\n"
                  "  - {name: sum, shape: disk}\n"
                  "  - bf\n"
                  "  - {name: x, shape: circle, radius: 3}\n"
                  "  - {name: y, shape: annulus, inner: 1, outr: 3}\n"
                  "  - {name: z, shape: disk, radius: 1, outer: 3}\n"
                  "  - {name: w, shape: annulus, inner: 1, outer: 3, radius: 2}\n"
                  "  - {name: v}\n"
                  "colour: 1\n",
                  "2:41: error: 'centre'", "3:37: error: 'centre' must be [y, x]",
                  "3:5: error: two virtual detectors", "4:12: error: 'name'",
                  "4:50: error: outer (3) is smaller than inner (5)",
                  "5:5: error: this virtual detector needs a name", "5:27: error: 'radius'",
                  "6:12: error: 'sum' is the name of a result",
                  "6:5: error: this virtual detector needs 'radius', being a disk",
                  "7:5: error: 'virtual_detectors'", "8:22: error: unknown shape 'circle'",
                  "9:41: error: unknown key 'outr' of a virtual detector (did you mean 'outer'?)",
                  "9:5: error: this virtual detector needs 'outer', being an annulus",
                  "10:46: error: a disk has no 'outer'", "11:59: error: an annulus has no 'radius'",
                  "12:5: error: this virtual detector needs a shape",
                  "13:1: error: unknown key 'colour'");
    ASSERT_ERRORS("virtual_detectors: {name: bf}\n",
                  "1:20: error: 'virtual_detectors' must be a list");
}

static void bad_entries_of_every_shape_of_virtual_detector(void **unused)
{
    ASSERT_ERRORS(
        "virtual_detectors:\n"
        "  - {name: a, shape: sector, outer: 3}\n"
        "  - {name: b, shape: sector, outer: 3, angles: [20, 10]}\n"
        "  - {name: c, shape: sector, outer: 3, angles: 20}\n"
        "  - {name: d, shape: segmented, outer: 3, sectors: 1}\n"
        "  - {name: e, shape: segmented, outer: 3, sectors: 2.5}\n"
        "  - {name: f, shape: segmented, outer: 3, sectors: 4, angles: [0, 1]}\n"
        "  - {name: g, shape: rectangle, size: [1, -1]}\n"
        "  - {name: h, shape: point}\n"
        "  - {name: i, shape: point, centre: [1, 2], edge: hard}\n"
        "  - {name: j, shape: k_band, k_inner: 3, k_outer: 2}\n"
        "  - {name: k, shape: k_band, k_inner: 1, k_outer: 2, pixel_size_k: 0}\n"
        "  - {name: l, shape: mask}\n"
        "  - {name: m, shape: mask, mask: [1]}\n"
        "  - {name: n, shape: mask, mask: /a.npy, centre: [1, 2]}\n"
        "  - {name: o, shape: disk, radius: 1, edge: soft, mode: meen}\n"
        "  - {name: p, shape: [disk], radius: 1}\n",
        "2:5: error: this virtual detector needs 'angles', being a sector",
        "3:48: error: angles must be [start, stop]", "4:48: error: 'angles' must be [start, stop]",
        "5:52: error: 'sectors' must be a number from 2 to 64",
        "6:52: error: 'sectors' must be a whole number",
        "7:63: error: a segmented detector has no 'angles'",
        "8:43: error: 'size' must be a number from 0",
        "9:5: error: this virtual detector needs 'centre', being a point",
        "10:51: error: a point has no 'edge'",
        "11:51: error: k_outer (2) is smaller than k_inner (3)", "12:68: error: 'pixel_size_k'",
        "13:5: error: this virtual detector needs 'mask', being a mask",
        "14:34: error: 'mask' must be the path", "15:50: error: a mask has no 'centre'",
        "16:45: error: unknown edge 'soft': hard and antialiased exist",
        "16:57: error: unknown mode 'meen' (did you mean 'mean'?)",
        "17:22: error: 'shape' must be a single word");
}

/* Those of a segmented detector are numbered. */
static void maps_of_virtual_detectors_need_different_names(void **unused)
{
    ASSERT_ERRORS("virtual_detectors:\n"
                  "  - {name: a_2, shape: disk, radius: 1}\n"
                  "  - {name: a, shape: segmented, outer: 3, sectors: 2}\n",
                  "3:5: error: the virtual detectors 'a_2' and 'a' have maps of the same name");
}

static const char every_shape[] =
    "virtual_detectors:\n"
    "  - {name: a, shape: disk, centre: [1, -2.5], radius: 3, edge: antialiased, mode: mean}\n"
    "  - {name: b, shape: annulus, inner: 3, outer: 4.25}\n"
    "  - {name: c, shape: sector, inner: 1, outer: 9, angles: [350, 370.5]}\n"
    "  - {name: d, shape: segmented, outer: 30, sectors: 4, start_angle: -45}\n"
    "  - {name: e, shape: rectangle, centre: [10, 20], size: [3.5, 6]}\n"
    "  - {name: f, shape: point, centre: [7, 8]}\n"
    "  - {name: g, shape: k_band, k_inner: 3.6, k_outer: 4.4, pixel_size_k: 0.05}\n"
    "  - {name: h, shape: k_band, k_inner: 3.6, k_outer: 4.4}\n"
    "  - {name: i, shape: mask, mask: '/data/a \"b\" \\c.npy', mode: mean}\n";

static void assert_every_shape(const struct config *config)
{
    const struct virtual_detector_settings *const all = config->virtual_detectors;
    assert_int_equal(config->n_virtual_detectors, 9);
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(all[i].shape, i);
    assert_true(all[0].centre_given && all[0].centre_y == 1 && all[0].centre_x == -2.5);
    assert_true(all[0].outer == 3 && all[0].inner == 0);
    assert_int_equal(all[0].edge, VIRTUAL_DETECTOR_ANTIALIASED);
    assert_int_equal(all[0].mode, VIRTUAL_DETECTOR_MEAN);
    assert_true(!all[1].centre_given && all[1].inner == 3 && all[1].outer == 4.25);
    assert_int_equal(all[1].edge, VIRTUAL_DETECTOR_HARD);
    assert_int_equal(all[1].mode, VIRTUAL_DETECTOR_SUM);
    assert_true(all[2].start_angle == 350 && all[2].stop_angle == 370.5 && all[2].inner == 1);
    assert_true(all[3].start_angle == -45 && all[3].n_sectors == 4 && all[3].outer == 30);
    assert_true(all[4].height == 3.5 && all[4].width == 6 && all[4].centre_x == 20);
    assert_true(all[5].centre_y == 7 && all[5].centre_x == 8);
    assert_true(all[6].k_inner == 3.6 && all[6].k_outer == 4.4 && all[6].pixel_size_k == 0.05);
    assert_true(all[7].shape == VIRTUAL_DETECTOR_K_BAND && all[7].pixel_size_k == 0);
    assert_int_equal(all[8].shape, VIRTUAL_DETECTOR_MASK);
    assert_string_equal(all[8].mask_path, "/data/a \"b\" \\c.npy");
    assert_null(all[8].mask);
}

static void every_shape_of_virtual_detector_loads_and_survives_printing(void **unused)
{
    struct loaded loaded, again;
    char *printed;
    size_t size;
    load_text(&loaded, every_shape);
    assert_loads(&loaded);
    assert_every_shape(&loaded.config);
    FILE *const out = open_memstream(&printed, &size);
    config_print(&loaded.config, out);
    fclose(out);
    load_text(&again, printed);
    assert_loads(&again);
    assert_every_shape(&again.config);
    free(printed);
    finish(&again);
    finish(&loaded);
}

static void a_relative_mask_begins_where_merlind_was_started(void **unused)
{
    struct loaded loaded;
    char here[1000], expected[1100];
    assert_non_null(getcwd(here, sizeof here));
    snprintf(expected, sizeof expected, "%s/masks/a.npy", here);
    load_option(&loaded, "virtual_detectors=[{name: a, shape: mask, mask: masks/a.npy}]");
    assert_loads(&loaded);
    assert_string_equal(loaded.config.virtual_detectors[0].mask_path, expected);
    finish(&loaded);
}

static void a_virtual_detector_of_a_request_is_read_by_the_same_rules(void **unused)
{
    struct virtual_detector_settings settings;
    struct error error = {0};
    const char *key;
    assert_int_equal(
        virtual_detector_from_text(
            &settings, "{\"name\": \"a\", \"shape\": \"disk\", \"radius\": 4.5}", &key, &error),
        0);
    assert_string_equal(settings.name, "a");
    assert_true(settings.outer == 4.5);
    assert_int_equal(
        virtual_detector_from_text(&settings, "{name: m, shape: mask, mode: mean}", &key, &error),
        0);
    assert_int_equal(settings.mode, VIRTUAL_DETECTOR_MEAN);
    assert_int_equal(virtual_detector_from_text(&settings, "{\"shape\": \"disk\", \"radius\": -1}",
                                                &key, &error),
                     -EINVAL);
    assert_string_equal(error.text, "this virtual detector needs a name; 'radius' must be a number "
                                    "from 0 to 100000, not '-1'");
    static const char *const bad[] = {"", "[]", "{", "1", "{}", "{name: a, name: b}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        error.text[0] = '\0';
        assert_int_equal(virtual_detector_from_text(&settings, bad[i], &key, &error), -EINVAL);
        assert_true(error.text[0] != '\0');
    }
}

static void an_error_in_a_virtual_detector_of_a_request_names_the_key_at_fault(void **unused)
{
    static const struct {
        const char *text, *key;
    } cases[] = {
        {"{\"name\": \"a\", \"shape\": \"disk\", \"radius\": -1}", "radius"},
        {"{\"name\": \"a\", \"shape\": \"disk\", \"radius\": 1, \"centre\": [1, \"x\"]}", "centre"},
        {"{\"name\": \"a b\", \"shape\": \"disk\", \"radius\": 1}", "name"},
        {"{\"radius\": 1, \"name\": \"a\", \"shape\": \"disc\"}", "shape"},
        {"{\"name\": \"a\", \"shape\": \"annulus\", \"inner\": 5, \"outer\": 4}", "outer"},
        {"{\"name\": \"a\", \"shape\": \"disk\", \"radius\": 1, \"angles\": [0, 1]}", "angles"},
        {"{\"name\": \"a\", \"shape\": \"annulus\", \"inner\": 5}", "outer"},
        {"{\"name\": \"a\", \"radius\": 5}", "shape"},
        {"{\"shape\": \"disk\", \"radius\": 5}", "name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct virtual_detector_settings settings;
        struct error error = {0};
        const char *key = NULL;
        assert_int_equal(virtual_detector_from_text(&settings, cases[i].text, &key, &error),
                         -EINVAL);
        assert_non_null(key);
        assert_string_equal(key, cases[i].key);
    }
    struct virtual_detector_settings settings;
    struct error error = {0};
    const char *key = "";
    assert_int_equal(virtual_detector_from_text(&settings, "[1]", &key, &error), -EINVAL);
    assert_null(key);
}

static void names_of_other_results_are_taken(void **unused)
{
    static const char *const names[] = {"com_y", "com_x", "sum", "latest", "measured", "bragg"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct loaded loaded;
        char option[100];
        snprintf(option, sizeof option, "virtual_detectors=[{name: %s, shape: disk, radius: 1}]",
                 names[i]);
        load_option(&loaded, option);
        assert_int_equal(loaded.result, -EINVAL);
        finish(&loaded);
    }
}

static void too_many_virtual_detectors_are_refused(void **unused)
{
    for (int n = CONFIG_VIRTUAL_DETECTORS_MAX; n <= CONFIG_VIRTUAL_DETECTORS_MAX + 1; n++) {
        struct loaded loaded;
        char option[8000] = "virtual_detectors=[";
        for (int i = 0; i < n; i++)
            sprintf(option + strlen(option), "%s{name: n%d, shape: disk, radius: 1}", i ? ", " : "",
                    i);
        strcat(option, "]");
        load_option(&loaded, option);
        assert_int_equal(loaded.result, n > CONFIG_VIRTUAL_DETECTORS_MAX ? -EINVAL : 0);
        finish(&loaded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_entries_of_the_list_of_virtual_detectors),
        cmocka_unit_test(bad_entries_of_every_shape_of_virtual_detector),
        cmocka_unit_test(maps_of_virtual_detectors_need_different_names),
        cmocka_unit_test(every_shape_of_virtual_detector_loads_and_survives_printing),
        cmocka_unit_test(a_relative_mask_begins_where_merlind_was_started),
        cmocka_unit_test(a_virtual_detector_of_a_request_is_read_by_the_same_rules),
        cmocka_unit_test(an_error_in_a_virtual_detector_of_a_request_names_the_key_at_fault),
        cmocka_unit_test(names_of_other_results_are_taken),
        cmocka_unit_test(too_many_virtual_detectors_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
