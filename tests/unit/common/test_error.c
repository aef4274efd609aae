#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/error.h"

static void setting_an_error_returns_its_code_and_keeps_the_sentence(void **unused)
{
    struct error error = {0};
    assert_int_equal(error_set(&error, -ENOENT, "no file '%s'", "a.mib"), -ENOENT);
    assert_int_equal(error.code, -ENOENT);
    assert_string_equal(error.text, "no file 'a.mib'");
}

static void a_caller_who_wants_no_sentence_passes_null(void **unused)
{
    assert_int_equal(error_set(NULL, -EINVAL, "%d", 1), -EINVAL);
    error_prefix(NULL, "%s", "where");
}

static void a_prefix_says_where_it_belongs(void **unused)
{
    struct error error = {0};
    error_set(&error, -EINVAL, "bad depth");
    error_prefix(&error, "frame %d", 7);
    error_prefix(&error, "run");
    assert_string_equal(error.text, "run: frame 7: bad depth");
    assert_int_equal(error.code, -EINVAL);
}

static void a_long_sentence_is_cut_and_terminated(void **unused)
{
    struct error error;
    memset(&error, 'x', sizeof error);
    char text[2 * sizeof error.text];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    error_set(&error, -EINVAL, "%s", text);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    error_prefix(&error, "%s", "here");
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    assert_memory_equal(error.text, "here: aaa", 9);
    error_prefix(&error, "%s", text);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_an_error_returns_its_code_and_keeps_the_sentence),
        cmocka_unit_test(a_caller_who_wants_no_sentence_passes_null),
        cmocka_unit_test(a_prefix_says_where_it_belongs),
        cmocka_unit_test(a_long_sentence_is_cut_and_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
