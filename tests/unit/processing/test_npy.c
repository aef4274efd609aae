#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "processing/pixels/mask_values.h"
#include "processing/pixels/npy.h"

/* A .npy file in memory, of exactly its size. */
struct file {
    uint8_t *bytes;
    size_t size;
};

static struct file make_file(int version, const char *dictionary, const void *values, size_t size)
{
    const size_t length = strlen(dictionary), length_size = version == 1 ? 2 : 4;
    struct file file = {NULL, 8 + length_size + length + size};
    file.bytes = calloc(1, file.size);
    assert_non_null(file.bytes);
    memcpy(file.bytes, "\x93NUMPY", 6);
    file.bytes[6] = (uint8_t)version;
    for (size_t i = 0; i < length_size; i++)
        file.bytes[8 + i] = (uint8_t)(length >> 8 * i);
    memcpy(file.bytes + 8 + length_size, dictionary, length);
    memcpy(file.bytes + 8 + length_size + length, values, size);
    return file;
}

static int parse(struct npy_array *array, struct file file, struct error *error)
{
    *error = (struct error){0};
    return npy_parse(array, file.bytes, file.size, error);
}

#define DICTIONARY(descr) "{'descr': '" descr "', 'fortran_order': False, 'shape': (2, 3), }  \n"

static void assert_values(const char *dictionary, const void *values, size_t size,
                          const double expected[6])
{
    for (int version = 1; version <= 3; version++) {
        const struct file file = make_file(version, dictionary, values, size);
        struct npy_array array;
        struct error error;
        assert_int_equal(parse(&array, file, &error), 0);
        assert_int_equal(array.height, 2);
        assert_int_equal(array.width, 3);
        for (size_t i = 0; i < 6; i++)
            assert_true(npy_value(&array, i) == expected[i]);
        free(file.bytes);
    }
}

static void every_type_and_version_is_read(void **state)
{
    static const double expected[] = {0, 1, 2, 127, 200, 255};
    assert_values(DICTIONARY("|u1"), "\0\1\2\177\310\377", 6, expected);
    static const double signs[] = {0, 1, 2, 127, -128, -1};
    assert_values(DICTIONARY("|i1"), "\0\1\2\177\200\377", 6, signs);
    static const double truths[] = {0, 1, 0, 1, 1, 1};
    assert_values(DICTIONARY("|b1"), "\0\1\0\1\1\2", 6, truths);
    static const float floats[] = {0, -1.5f, 3e38f, 1e-40f, 7, 0.1f};
    const double widened[] = {0, -1.5, (double)3e38f, (double)1e-40f, 7, (double)0.1f};
    assert_values(DICTIONARY("<f4"), floats, sizeof floats, widened);
    static const double doubles[] = {0, -1.5, 3e300, 1e-310, 7, 0.1};
    assert_values(DICTIONARY("<f8"), doubles, sizeof doubles, doubles);
}

static void the_dictionary_may_be_written_in_any_way_that_python_reads(void **state)
{
    static const double expected[] = {0, 1, 2, 3, 4, 5};
    assert_values("{\"shape\": (2, 3,), 'fortran_order':False,'descr':\"|u1\"}", "\0\1\2\3\4\5", 6,
                  expected);
    assert_values("  { 'shape' : ( 2,3 ) , 'descr' : '|u1' , 'fortran_order' : False , } \n",
                  "\0\1\2\3\4\5", 6, expected);
}

static void assert_refused(struct file file, int code, const char *word)
{
    struct npy_array array;
    struct error error;
    assert_int_equal(parse(&array, file, &error), code);
    assert_int_equal(error.code, code);
    if (!strstr(error.text, word))
        fail_msg("\"%s\" does not say \"%s\"", error.text, word);
    free(file.bytes);
}

static void refused(const char *dictionary, size_t size, int code, const char *word)
{
    static const uint8_t values[100];
    assert_refused(make_file(1, dictionary, values, size), code, word);
}

static void what_a_mask_cannot_be_is_refused_with_a_remedy(void **state)
{
    refused(DICTIONARY(">f4"), 24, -ENOTSUP, "astype('<f4')");
    refused(DICTIONARY("<i4"), 24, -ENOTSUP, "'<i4'");
    refused(DICTIONARY("|O"), 48, -ENOTSUP, "'|O'");
    refused(DICTIONARY("\x1b[2J"), 48, -ENOTSUP, "'?[2J'");
    refused("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}", 6, -ENOTSUP,
            "ascontiguousarray");
    refused("{'descr': '|u1', 'fortran_order': False, 'shape': ()}", 1, -ENOTSUP, "no axes");
    refused("{'descr': '|u1', 'fortran_order': False, 'shape': (6,)}", 6, -ENOTSUP, "one axis");
    refused("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, 3)}", 6, -ENOTSUP,
            "more than two axes");
    refused("{'descr': '|u1', 'fortran_order': False, 'shape': (0, 3)}", 0, -ENOTSUP, "0 x 3");
    refused("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", 0,
            -ENOTSUP, "4294967296");
    refused("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967295, 4294967295)}", 0,
            -EBADMSG, "complete");
}

static void broken_files_are_refused(void **state)
{
    static const char *const dictionaries[] = {
        "",
        "{",
        "{}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2 3)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, -3)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3L)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 99999999999999999999)}",
        "{'descr': '|u1', 'fortran_order': 0, 'shape': (2, 3)}",
        "{'descr': '|u1, 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '|u1' 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '|u1', 'shape': (2, 3)}",
        "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), 'more': 1}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)} x",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3)}",
    };
    for (size_t i = 0; i < sizeof dictionaries / sizeof dictionaries[0]; i++)
        refused(dictionaries[i], 6, -EBADMSG, "numpy.save");
    refused(DICTIONARY("|u1"), 5, -EBADMSG, "5 bytes follow");
    refused(DICTIONARY("|u1"), 7, -EBADMSG, "7 bytes follow");
    assert_refused(make_file(4, DICTIONARY("|u1"), "", 0), -ENOTSUP, "version 4.0");
    assert_refused(make_file(0, DICTIONARY("|u1"), "", 0), -ENOTSUP, "version 0.0");
}

static void a_file_that_ends_early_is_refused_wherever_it_ends(void **state)
{
    for (int version = 1; version <= 2; version++) {
        const struct file whole = make_file(version, DICTIONARY("|u1"), "\1\2\3\4\5\6", 6);
        for (size_t size = 0; size < whole.size; size++) {
            const struct file part = {malloc(size ? size : 1), size};
            memcpy(part.bytes, whole.bytes, size);
            assert_refused(part, -EBADMSG, "");
        }
        free(whole.bytes);
    }
}

static char path[64];

static void write_file(struct file file)
{
    strcpy(path, "/tmp/test_npy.XXXXXX");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, file.bytes, file.size), (ssize_t)file.size);
    close(fd);
    free(file.bytes);
}

static void a_mask_is_read_from_a_file(void **state)
{
    static const double doubles[] = {0, -1.5, 3e30, 1e-30, 7, 0.1};
    struct mask_values *mask;
    write_file(make_file(1, DICTIONARY("<f8"), doubles, sizeof doubles));
    assert_int_equal(mask_values_read(&mask, path, NULL), 0);
    assert_int_equal(mask->height, 2);
    assert_int_equal(mask->width, 3);
    for (size_t i = 0; i < 6; i++)
        assert_true(mask->values[i] == (float)doubles[i]);
    assert_ptr_equal(mask_values_ref(mask), mask);
    mask_values_unref(mask);
    assert_true(mask->values[1] == -1.5f);
    mask_values_unref(mask);
    unlink(path);
}

static void unreadable(int code, const char *word)
{
    struct mask_values *mask;
    struct error error = {0};
    assert_int_equal(mask_values_read(&mask, path, &error), code);
    assert_non_null(strstr(error.text, path));
    if (!strstr(error.text, word))
        fail_msg("\"%s\" does not say \"%s\"", error.text, word);
    unlink(path);
}

static void files_that_are_no_mask_are_refused_by_name(void **state)
{
    static const double huge[] = {0, 0, 0, 0, 0, 1e300};
    static const float nan_at_1_1[] = {0, 0, 0, 0, NAN, 0};
    write_file(make_file(1, DICTIONARY("<f8"), huge, sizeof huge));
    unreadable(-EINVAL, "(1, 2)");
    write_file(make_file(1, DICTIONARY("<f4"), nan_at_1_1, sizeof nan_at_1_1));
    unreadable(-EINVAL, "(1, 1)");
    write_file(make_file(1, DICTIONARY("<f4"), nan_at_1_1, 3));
    unreadable(-EBADMSG, "3 bytes");
    unreadable(-ENOENT, "No such file");
    assert_int_equal(mkfifo(path, 0600), 0);
    unreadable(-EINVAL, "no ordinary file");
    strcpy(path, "/tmp");
    unreadable(-EINVAL, "no ordinary file");
}

static void values_from_memory_are_checked_too(void **state)
{
    static const float values[] = {1, 2, INFINITY, 4};
    struct mask_values *mask;
    struct error error = {0};
    assert_int_equal(mask_values_create(&mask, values, 1, 2, NULL), 0);
    assert_true(mask->values[1] == 2);
    mask_values_unref(mask);
    assert_int_equal(mask_values_create(&mask, values, 2, 2, &error), -EINVAL);
    assert_non_null(strstr(error.text, "(1, 0)"));
    assert_int_equal(mask_values_create(&mask, values, 0, 2, NULL), -EINVAL);
    assert_int_equal(mask_values_create(&mask, values, 65536, 65536, &error), -EINVAL);
    assert_non_null(strstr(error.text, "65536 x 65536"));
    mask_values_unref(NULL);
    assert_null(mask_values_ref(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_and_version_is_read),
        cmocka_unit_test(the_dictionary_may_be_written_in_any_way_that_python_reads),
        cmocka_unit_test(what_a_mask_cannot_be_is_refused_with_a_remedy),
        cmocka_unit_test(broken_files_are_refused),
        cmocka_unit_test(a_file_that_ends_early_is_refused_wherever_it_ends),
        cmocka_unit_test(a_mask_is_read_from_a_file),
        cmocka_unit_test(files_that_are_no_mask_are_refused_by_name),
        cmocka_unit_test(values_from_memory_are_checked_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
