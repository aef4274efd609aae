#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/calibration/calibration_table.h"
#include "tests/unit/processing/numbers.h"

struct story {
    char directory[64];
    struct kept_store *store;
    struct calibration calibration;
};

static void begin(struct story *story)
{
    struct error error;
    *story = (struct story){.calibration = {.reference_age = 1}};
    snprintf(story->directory, sizeof story->directory, "/tmp/merlind-table-XXXXXX");
    assert_non_null(mkdtemp(story->directory));
    assert_int_equal(kept_store_open(&story->store, story->directory, &error), 0);
}

static void end(struct story *story)
{
    char command[96];
    kept_store_close(story->store);
    snprintf(command, sizeof command, "rm -rf %s", story->directory);
    assert_int_equal(system(command), 0);
}

static void set(struct story *story, enum calibration_item item, double value, const char *source)
{
    const double values[2] = {value}, errors[2] = {value / 100};
    calibration_set(&story->calibration, item, values, errors, source);
    calibration_derive(&story->calibration);
}

static void go_to(struct story *story, double kv, double camera_length)
{
    set(story, CALIBRATION_KV, kv, "set");
    set(story, CALIBRATION_CAMERA_LENGTH, camera_length, "set");
    calibration_table_apply(story->store, &story->calibration);
    calibration_derive(&story->calibration);
}

static double pixel_size(const struct story *story)
{
    return calibration_number(&story->calibration, CALIBRATION_PIXEL_SIZE_K, NAN);
}

static const char *source_of(const struct story *story, enum calibration_item item)
{
    return story->calibration.values[item].origin.source;
}

static void save(struct story *story, const char *name)
{
    char made[KEPT_NAME_SIZE];
    struct error error = {0};
    assert_int_equal(calibration_table_save(story->store, &story->calibration, name, made, &error),
                     0);
    assert_string_equal(made, name);
}

static void forget_own(struct story *story)
{
    calibration_forget(&story->calibration, CALIBRATION_PIXEL_SIZE_K);
    calibration_forget(&story->calibration, CALIBRATION_ELLIPSE);
    calibration_forget(&story->calibration, CALIBRATION_DISK_RADIUS);
}

static void values_come_back_with_the_camera_length_and_say_from_where(void **state)
{
    struct story story;
    begin(&story);
    go_to(&story, 200, 185);
    set(&story, CALIBRATION_PIXEL_SIZE_K, 0.12, "rings");
    set(&story, CALIBRATION_DISK_RADIUS, 4.5, "vacuum");
    const uint64_t measured_ns = story.calibration.values[CALIBRATION_PIXEL_SIZE_K].origin.time_ns;
    save(&story, "gold");
    forget_own(&story);
    go_to(&story, 200, 600); /* nothing is known there but what follows from the length */
    assert_string_equal(source_of(&story, CALIBRATION_PIXEL_SIZE_K), CALIBRATION_FROM_CAMERA);
    assert_false(story.calibration.values[CALIBRATION_DISK_RADIUS].known);
    go_to(&story, 200, 185.5); /* within 0.5 % */
    assert_near(pixel_size(&story), 0.12, 0);
    assert_string_equal(source_of(&story, CALIBRATION_PIXEL_SIZE_K), "table gold");
    assert_int_equal(story.calibration.values[CALIBRATION_PIXEL_SIZE_K].origin.time_ns,
                     measured_ns);
    assert_near(story.calibration.values[CALIBRATION_PIXEL_SIZE_K].error[0], 0.0012, 1e-15);
    assert_near(calibration_number(&story.calibration, CALIBRATION_DISK_RADIUS, NAN), 4.5, 0);
    assert_false(story.calibration.values[CALIBRATION_ELLIPSE].known);
    end(&story);
}

static void values_of_another_entry_are_forgotten_when_there_is_none(void **state)
{
    struct story story;
    begin(&story);
    go_to(&story, 200, 185);
    set(&story, CALIBRATION_PIXEL_SIZE_K, 0.12, "rings");
    save(&story, "gold");
    forget_own(&story);
    go_to(&story, 200, 185);
    go_to(&story, 300, 185);
    assert_string_equal(source_of(&story, CALIBRATION_PIXEL_SIZE_K), CALIBRATION_FROM_CAMERA);
    go_to(&story, 200, 187);
    assert_string_equal(source_of(&story, CALIBRATION_PIXEL_SIZE_K), CALIBRATION_FROM_CAMERA);
    end(&story);
}

static void what_was_set_or_measured_is_not_replaced(void **state)
{
    struct story story;
    begin(&story);
    go_to(&story, 200, 185);
    set(&story, CALIBRATION_PIXEL_SIZE_K, 0.12, "rings");
    save(&story, "gold");
    set(&story, CALIBRATION_PIXEL_SIZE_K, 0.13, "set");
    go_to(&story, 200, 185);
    assert_near(pixel_size(&story), 0.13, 0);
    assert_string_equal(source_of(&story, CALIBRATION_PIXEL_SIZE_K), "set");
    end(&story);
}

static void the_newest_entry_counts(void **state)
{
    struct story story;
    begin(&story);
    go_to(&story, 200, 185);
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"b", "c", "a"};
        set(&story, CALIBRATION_PIXEL_SIZE_K, 0.1 + 0.01 * i, "rings");
        save(&story, names[i]);
    }
    forget_own(&story);
    go_to(&story, 200, 185);
    assert_near(pixel_size(&story), 0.12, 1e-15);
    json_t *const list = calibration_table_json(story.store, &story.calibration);
    assert_int_equal(json_array_size(list), 3);
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
        assert_int_equal(json_is_true(json_object_get(one, "used")),
                         strcmp(json_string_value(json_object_get(one, "name")), "a") == 0);
    json_decref(list);
    end(&story);
}

static void nothing_is_kept_that_would_not_be_found_or_follows_anyway(void **state)
{
    struct story story;
    char made[KEPT_NAME_SIZE];
    struct error error = {0};
    begin(&story);
    set(&story, CALIBRATION_PIXEL_SIZE_K, 0.12, "rings");
    assert_int_equal(calibration_table_save(story.store, &story.calibration, NULL, made, &error),
                     -ENODATA);
    assert_non_null(strstr(error.text, "camera_length_mm"));
    forget_own(&story);
    go_to(&story, 200, 185);
    assert_string_equal(source_of(&story, CALIBRATION_PIXEL_SIZE_K), CALIBRATION_FROM_CAMERA);
    assert_int_equal(calibration_table_save(story.store, &story.calibration, NULL, made, &error),
                     -ENODATA);
    assert_non_null(strstr(error.text, "nothing to keep"));
    assert_null(kept_store_next(story.store, CALIBRATION_KIND, NULL));
    end(&story);
}

static void a_name_is_made_of_high_tension_length_and_time(void **state)
{
    struct story story;
    char made[KEPT_NAME_SIZE];
    struct error error = {0};
    begin(&story);
    go_to(&story, 200, 185);
    set(&story, CALIBRATION_PIXEL_SIZE_K, 0.12, "rings");
    assert_int_equal(calibration_table_save(story.store, &story.calibration, NULL, made, &error),
                     0);
    assert_int_equal(strncmp(made, "200kV-185mm-", 12), 0);
    assert_non_null(kept_store_find(story.store, CALIBRATION_KIND, made));
    end(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_with_the_camera_length_and_say_from_where),
        cmocka_unit_test(values_of_another_entry_are_forgotten_when_there_is_none),
        cmocka_unit_test(what_was_set_or_measured_is_not_replaced),
        cmocka_unit_test(the_newest_entry_counts),
        cmocka_unit_test(nothing_is_kept_that_would_not_be_found_or_follows_anyway),
        cmocka_unit_test(a_name_is_made_of_high_tension_length_and_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
