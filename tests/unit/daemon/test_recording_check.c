#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/record/recorder.h"

static struct recording_settings in(const char *directory)
{
    struct recording_settings settings = {.enabled = true};
    snprintf(settings.directory, sizeof settings.directory, "%s", directory);
    return settings;
}

static void assert_refused(const char *directory, uint64_t bytes, int code, const char *sentence)
{
    const struct recording_settings settings = in(directory);
    struct error error = {0};
    assert_int_equal(recording_check(&settings, bytes, NULL, &error), code);
    assert_int_equal(error.code, code);
    if (!strstr(error.text, directory) || !strstr(error.text, sentence))
        fail_msg("'%s' does not say '%s' and '%s'", error.text, directory, sentence);
}

static int set_up(void **state)
{
    static char directory[] = "/tmp/merlind-check-XXXXXX";
    strcpy(directory, "/tmp/merlind-check-XXXXXX");
    assert_non_null(mkdtemp(directory));
    *state = directory;
    return 0;
}

static int tear_down(void **state)
{
    return rmdir(*state);
}

static void a_usable_directory_passes_and_stays_empty(void **state)
{
    const struct recording_settings settings = in(*state);
    uint64_t bytes_free = 0;
    struct error error = {0};
    if (recording_check(&settings, 1, &bytes_free, &error) < 0)
        fail_msg("%s", error.text);
    assert_true(bytes_free > 0);
}

static void a_missing_directory_is_refused(void **state)
{
    char path[200];
    snprintf(path, sizeof path, "%s/nowhere", (const char *)*state);
    assert_refused(path, 1, -ENOENT, "create the directory");
    assert_refused("", 1, -ENOENT, "not set");
}

static void a_file_is_no_directory(void **state)
{
    assert_refused("/etc/passwd", 1, -ENOTDIR, "Not a directory");
}

static void too_little_room_is_refused_with_the_numbers(void **state)
{
    assert_refused(*state, UINT64_C(1) << 60, -ENOSPC, "1099511627776 MiB are needed");
}

/* access() says yes to root here; only trying tells. */
static void a_directory_that_takes_no_files_is_refused(void **state)
{
    const struct recording_settings settings = in("/proc/self");
    struct error error = {0};
    assert_true(recording_check(&settings, 1, NULL, &error) < 0);
    assert_non_null(strstr(error.text, "/proc/self"));
}

static void a_directory_of_others_is_refused(void **state)
{
    if (geteuid() == 0) {
        print_message("skipped: root may write everywhere\n");
        skip();
    }
    assert_refused("/", 1, -EACCES, "make recording.directory writable");
}

int main(void)
{
#define CHECK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CHECK_TEST(a_usable_directory_passes_and_stays_empty),
        CHECK_TEST(a_missing_directory_is_refused),
        CHECK_TEST(a_file_is_no_directory),
        CHECK_TEST(too_little_room_is_refused_with_the_numbers),
        CHECK_TEST(a_directory_that_takes_no_files_is_refused),
        CHECK_TEST(a_directory_of_others_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
