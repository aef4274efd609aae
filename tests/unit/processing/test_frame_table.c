#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>

#include "processing/tables/frame_set.h"
#include "processing/tables/frame_table.h"

static void rows_keep_their_place_while_the_table_grows(void **state)
{
    struct frame_table *table;
    assert_int_equal(frame_table_create(&table), 0);
    struct frame_facts *const first = frame_table_make(table, 5);
    first->number = 6;
    assert_non_null(frame_table_make(table, 3000000));
    frame_table_raise_end(table, 3000001);
    assert_ptr_equal(frame_table_look(table, 5), first);
    assert_null(frame_table_look(table, 1000000));
    assert_int_equal(frame_table_end(table), 3000001);
    frame_table_raise_end(table, 10);
    assert_int_equal(frame_table_end(table), 3000001);
    frame_table_destroy(table);
}

static void absurd_rows_are_refused(void **state)
{
    struct frame_table *table;
    assert_int_equal(frame_table_create(&table), 0);
    assert_null(frame_table_make(table, FRAME_TABLE_MAX_FRAMES));
    assert_null(frame_table_look(table, UINT64_MAX));
    frame_table_destroy(table);
}

static void *fill(void *data)
{
    struct frame_table *const table = data;
    for (uint64_t i = 0; i < 50000; i++) {
        struct frame_facts *const facts = frame_table_make(table, i);
        atomic_fetch_add(&facts->flags, 1);
    }
    return NULL;
}

static void threads_that_meet_at_a_new_block_share_it(void **state)
{
    struct frame_table *table;
    pthread_t threads[3];
    assert_int_equal(frame_table_create(&table), 0);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, fill, table);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    for (uint64_t i = 0; i < 50000; i++)
        assert_int_equal(frame_table_look(table, i)->flags, 3);
    frame_table_destroy(table);
}

static void a_frame_set_remembers_what_came(void **state)
{
    struct frame_set set = {0};
    assert_false(frame_set_has(&set, 12345678));
    assert_int_equal(frame_set_add(&set, 12345678), 0);
    assert_int_equal(frame_set_add(&set, 0), 0);
    assert_true(frame_set_has(&set, 12345678));
    assert_false(frame_set_has(&set, 12345677));
    frame_set_clear(&set);
    assert_false(frame_set_has(&set, 0));
    frame_set_finish(&set);
}

/* Under a sanitizer as without: memory that is not to be had is NULL, and no reason to end. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void a_frame_set_without_memory_says_so_and_still_knows_what_came(void **state)
{
    struct frame_set set = {0};
    assert_int_equal(frame_set_add(&set, 70000), 0);
    assert_int_equal(frame_set_add(&set, UINT64_MAX), -ENOMEM);
    assert_true(frame_set_has(&set, 70000));
    assert_false(frame_set_has(&set, UINT64_MAX));
    assert_int_equal(frame_set_add(&set, 70001), 0);
    assert_true(frame_set_has(&set, 70001));
    frame_set_finish(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_set_without_memory_says_so_and_still_knows_what_came),
        cmocka_unit_test(rows_keep_their_place_while_the_table_grows),
        cmocka_unit_test(absurd_rows_are_refused),
        cmocka_unit_test(threads_that_meet_at_a_new_block_share_it),
        cmocka_unit_test(a_frame_set_remembers_what_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
