#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "processing/tables/column_table.h"

static void columns_are_kept_by_exposure(void **state)
{
    struct column_table *const table = column_table_create(2, 0);
    uint64_t columns[2] = {7, 8};
    assert_true(column_table_put(table, 3, columns));
    columns[0] = 9;
    assert_true(column_table_put(table, 2000000, columns));
    assert_false(column_table_get(table, 4, columns));
    assert_false(column_table_get(table, 1000000, columns));
    assert_true(column_table_get(table, 3, columns));
    assert_int_equal(columns[0], 7);
    assert_int_equal(columns[1], 8);
    assert_true(column_table_get(table, 2000000, columns));
    assert_int_equal(columns[0], 9);
    column_table_destroy(table);
}

static void a_table_that_recycles_shows_the_newest(void **state)
{
    struct column_table *const table = column_table_create(1, 10);
    uint64_t value = 1;
    assert_true(column_table_put(table, 4, &value));
    value = 2;
    assert_true(column_table_put(table, 14, &value));
    assert_true(column_table_get(table, 4, &value));
    assert_int_equal(value, 2);
    assert_true(column_table_put(table, UINT64_C(1) << 60, &value));
    column_table_destroy(table);
}

static void absurd_exposures_are_refused(void **state)
{
    struct column_table *const table = column_table_create(1, 0);
    uint64_t value = 0;
    assert_false(column_table_put(table, UINT64_C(1) << 40, &value));
    assert_false(column_table_get(table, UINT64_MAX, &value));
    column_table_destroy(table);
}

#define WRITES 200000

static void *write_rows(void *data)
{
    struct column_table *const table = data;
    for (uint64_t i = 0; i < WRITES; i++) {
        const uint64_t columns[] = {i, i * 3, ~i};
        column_table_put(table, i, columns);
    }
    return NULL;
}

/* One writer and one reader of rows that are used again and again: what is read belongs together.
 */
static void a_reader_never_sees_half_of_a_row(void **state)
{
    struct column_table *const table = column_table_create(3, 4);
    pthread_t writer;
    pthread_create(&writer, NULL, write_rows, table);
    uint64_t columns[3] = {0};
    while (columns[0] < WRITES - 5) {
        for (uint64_t row = 0; row < 4; row++) {
            if (!column_table_get(table, row, columns))
                continue;
            assert_int_equal(columns[1], columns[0] * 3);
            assert_int_equal(columns[2], ~columns[0]);
        }
    }
    pthread_join(writer, NULL);
    column_table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_kept_by_exposure),
        cmocka_unit_test(a_table_that_recycles_shows_the_newest),
        cmocka_unit_test(absurd_exposures_are_refused),
        cmocka_unit_test(a_reader_never_sees_half_of_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
