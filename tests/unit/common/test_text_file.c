#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/text_file.h"

/* A directory of the test's own, and a file in it. */
static char directory[] = "/tmp/merlind-text-XXXXXX";
static char path[64];

static int begin(void **unused)
{
    (void)unused;
    memcpy(directory + sizeof directory - 7, "XXXXXX", 6);
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/one.yaml", directory);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    unlink(path);
    return rmdir(directory); /* which nothing else may be in */
}

static void assert_holds(const char *text)
{
    char found[64] = "";
    FILE *const file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(found, 1, sizeof found - 1, file), strlen(text));
    assert_string_equal(found, text);
    fclose(file);
}

static void a_new_file_has_text_and_mode(void **unused)
{
    struct stat facts;
    struct error error = {0};
    (void)unused;
    assert_int_equal(text_file_write(path, "a: 1\n", TEXT_FILE_NEW, 0600, &error), 0);
    assert_holds("a: 1\n");
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0600);
}

static void one_that_is_there_stays_unless_it_is_to_be_replaced(void **unused)
{
    struct error error = {0};
    (void)unused;
    assert_int_equal(text_file_write(path, "old", TEXT_FILE_NEW, 0600, &error), 0);
    assert_int_equal(text_file_write(path, "new", TEXT_FILE_NEW, 0600, &error), -EEXIST);
    assert_non_null(strstr(error.text, path));
    assert_holds("old");
    assert_int_equal(text_file_write(path, "new", TEXT_FILE_REPLACE, 0600, &error), 0);
    assert_holds("new");
}

static void a_link_is_not_followed(void **unused)
{
    struct error error = {0};
    (void)unused;
    assert_int_equal(symlink("/nowhere/at/all", path), 0);
    assert_int_equal(text_file_write(path, "new", TEXT_FILE_NEW, 0600, &error), -EEXIST);
    assert_int_equal(text_file_write(path, "new", TEXT_FILE_REPLACE, 0600, &error), 0);
    assert_holds("new");
}

static void a_folder_that_is_not_there_is_named(void **unused)
{
    struct error error = {0};
    (void)unused;
    assert_int_equal(text_file_write("/nowhere/one", "x", TEXT_FILE_NEW, 0600, &error), -ENOENT);
    assert_non_null(strstr(error.text, "/nowhere/one"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_file_has_text_and_mode, begin, end),
        cmocka_unit_test_setup_teardown(one_that_is_there_stays_unless_it_is_to_be_replaced, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_link_is_not_followed, begin, end),
        cmocka_unit_test(a_folder_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
