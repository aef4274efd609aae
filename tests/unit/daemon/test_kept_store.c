#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/calibration/kept_store.h"

/* A store in a directory of its own that does not exist yet. */
struct place {
    char top[64], directory[80];
    struct kept_store *store;
};

static void begin(struct place *place)
{
    struct error error;
    snprintf(place->top, sizeof place->top, "/tmp/merlind-kept-XXXXXX");
    assert_non_null(mkdtemp(place->top));
    snprintf(place->directory, sizeof place->directory, "%s/calibration", place->top);
    assert_int_equal(kept_store_open(&place->store, place->directory, &error), 0);
}

static void reopen(struct place *place)
{
    struct error error;
    kept_store_close(place->store);
    assert_int_equal(kept_store_open(&place->store, place->directory, &error), 0);
}

static void end(struct place *place)
{
    char command[128];
    kept_store_close(place->store);
    snprintf(command, sizeof command, "rm -rf %s", place->top);
    assert_int_equal(system(command), 0);
}

static const double image[2][3] = {{1, 2, 3}, {4, 5, 1e15 + 1}};

static void put(struct place *place, const char *kind, const char *name, int value)
{
    struct error error = {0};
    const struct kept_array probe = {"probe", {NPY_F8, 2, 3, (const uint8_t *)image}};
    json_t *const document = json_pack("{s:i}", "value", value);
    assert_int_equal(kept_store_put(place->store, kind, name, document, &probe, 1, &error), 0);
    json_decref(document);
}

static json_int_t value_of(const struct place *place, const char *kind, const char *name)
{
    const struct kept *const kept = kept_store_find(place->store, kind, name);
    assert_non_null(kept);
    return json_integer_value(json_object_get(kept->document, "value"));
}

static unsigned count_files(const struct place *place, const char *kind)
{
    char path[160];
    unsigned n = 0;
    snprintf(path, sizeof path, "%s/%s", place->directory, kind);
    DIR *const directory = opendir(path);
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory));)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(directory);
    return n;
}

static void what_was_put_is_there_after_a_restart(void **state)
{
    struct place place;
    struct npy_array values;
    struct error error;
    void *bytes;
    begin(&place);
    put(&place, "vacuum", "monday", 1);
    put(&place, "bragg.reference", "monday", 2);
    reopen(&place);
    assert_int_equal(value_of(&place, "vacuum", "monday"), 1);
    assert_int_equal(value_of(&place, "bragg.reference", "monday"), 2);
    const struct kept *const kept = kept_store_find(place.store, "vacuum", "monday");
    assert_int_equal(kept_store_read(place.store, kept, "probe", &values, &bytes, &error), 0);
    assert_int_equal(values.height, 2);
    assert_int_equal(values.width, 3);
    for (size_t i = 0; i < 6; i++)
        assert_true(npy_value(&values, i) == image[i / 3][i % 3]);
    free(bytes);
    assert_int_equal(kept_store_read(place.store, kept, "mask", &values, &bytes, &error), -ENOENT);
    end(&place);
}

static void a_second_one_takes_the_place_of_the_first_and_its_arrays(void **state)
{
    struct place place;
    begin(&place);
    put(&place, "halo", "glass", 1);
    put(&place, "halo", "glass", 2);
    assert_int_equal(count_files(&place, "halo"), 2);
    reopen(&place);
    assert_int_equal(value_of(&place, "halo", "glass"), 2);
    end(&place);
}

static void things_are_listed_by_name_and_removed(void **state)
{
    struct place place;
    struct error error;
    begin(&place);
    put(&place, "vacuum", "c", 1);
    put(&place, "halo", "b", 2);
    put(&place, "halo", "a", 3);
    const struct kept *kept = kept_store_next(place.store, "halo", NULL);
    assert_string_equal(kept->name, "a");
    kept = kept_store_next(place.store, "halo", kept);
    assert_string_equal(kept->name, "b");
    assert_null(kept_store_next(place.store, "halo", kept));
    assert_string_equal(kept_store_next(place.store, NULL, kept)->name, "c");
    assert_int_equal(kept_store_remove(place.store, "halo", "a", &error), 0);
    assert_int_equal(kept_store_remove(place.store, "halo", "a", &error), -ENOENT);
    assert_int_equal(count_files(&place, "halo"), 2);
    reopen(&place);
    assert_null(kept_store_find(place.store, "halo", "a"));
    assert_non_null(kept_store_find(place.store, "halo", "b"));
    end(&place);
}

static void a_name_that_leads_elsewhere_is_refused(void **state)
{
    static const char *const names[] = {"", "..", "a/b", "a.b", "\xc3\xa4"};
    struct place place;
    struct error error;
    json_t *const document = json_object();
    begin(&place);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(kept_store_put(place.store, "halo", names[i], document, NULL, 0, &error),
                         -EINVAL);
        assert_null(kept_store_find(place.store, "halo", names[i]));
    }
    assert_int_equal(kept_store_put(place.store, "..", "a", document, NULL, 0, &error), -EINVAL);
    assert_int_equal(kept_store_put(place.store, "a/b", "a", document, NULL, 0, &error), -EINVAL);
    json_decref(document);
    end(&place);
}

static void a_file_that_cannot_be_understood_is_passed_over(void **state)
{
    static const char other_name[] = "{\"kind\": \"halo\", \"name\": \"other\", \"saved\": [1, 2], "
                                     "\"document\": {}, \"arrays\": {}}";
    static const char *const texts[] = {"", "{", "[]", "{\"kind\": \"halo\"}", other_name};
    struct place place;
    char path[160];
    begin(&place);
    put(&place, "halo", "good", 1);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        snprintf(path, sizeof path, "%s/halo/bad%zu.json", place.directory, i);
        FILE *const file = fopen(path, "w");
        assert_non_null(file);
        fputs(texts[i], file);
        fclose(file);
    }
    reopen(&place);
    assert_string_equal(kept_store_next(place.store, NULL, NULL)->name, "good");
    assert_null(kept_store_next(place.store, NULL, kept_store_next(place.store, NULL, NULL)));
    end(&place);
}

/* Also root's. */
static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The directory cannot be written: what was there is still there, in memory and on disk. */
static void a_failed_put_changes_nothing(void **state)
{
    struct place place;
    struct error error;
    char words[8000];
    memset(words, 'x', sizeof words);
    json_t *const document = json_pack("{s:s#}", "words", words, (int)sizeof words);
    begin(&place);
    put(&place, "halo", "glass", 1);
    /* The array fits, the document does not. */
    limit_file_size(4096);
    const struct kept_array probe = {"probe", {NPY_F8, 2, 3, (const uint8_t *)image}};
    assert_true(kept_store_put(place.store, "halo", "glass", document, &probe, 1, &error) < 0);
    assert_non_null(strstr(error.text, "glass.json"));
    assert_int_equal(value_of(&place, "halo", "glass"), 1);
    limit_file_size(RLIM_INFINITY);
    assert_int_equal(count_files(&place, "halo"), 2);
    reopen(&place);
    assert_int_equal(value_of(&place, "halo", "glass"), 1);
    json_decref(document);
    end(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_there_after_a_restart),
        cmocka_unit_test(a_second_one_takes_the_place_of_the_first_and_its_arrays),
        cmocka_unit_test(things_are_listed_by_name_and_removed),
        cmocka_unit_test(a_name_that_leads_elsewhere_is_refused),
        cmocka_unit_test(a_file_that_cannot_be_understood_is_passed_over),
        cmocka_unit_test(a_failed_put_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
