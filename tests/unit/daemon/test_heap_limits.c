#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/heap_limits.h"

#define LARGE ((size_t)24 << 20) /* glibc would raise its thresholds to this when it is freed */
#define TABLE ((size_t)1 << 20)
#define N_TABLES 50
#define SMALL 1000
#define N_SMALL 50000
#define N_FEW 600
#define BORDERS ((size_t)256 << 10) /* the heap's own, and what it had before */

static void free_a_large_block(void)
{
    void *volatile const large = malloc(LARGE);
    assert_non_null(large);
    free(large);
}

static void allocate(void **blocks, size_t n, size_t size)
{
    for (size_t i = 0; i < n; i++) {
        blocks[i] = malloc(size);
        assert_non_null(blocks[i]);
    }
}

static void free_all(void **blocks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(blocks[i]);
}

static void tables_are_mappings_of_their_own_whatever_was_freed_before(void **unused)
{
    void *tables[N_TABLES];
    heap_limits_set();
    free_a_large_block();
    const size_t before = mallinfo2().hblks;
    allocate(tables, N_TABLES, TABLE);
    assert_int_equal(mallinfo2().hblks, before + N_TABLES);
    free_all(tables, N_TABLES);
    assert_int_equal(mallinfo2().hblks, before);
}

static void smaller_blocks_are_no_mappings(void **unused)
{
    void *blocks[N_TABLES];
    heap_limits_set();
    const size_t before = mallinfo2().hblks;
    allocate(blocks, N_TABLES, HEAP_MAPPED_FROM - SMALL);
    assert_int_equal(mallinfo2().hblks, before);
    free_all(blocks, N_TABLES);
}

static void small_blocks_that_were_freed_go_back_but_for_what_an_arena_keeps(void **unused)
{
    static void *blocks[N_SMALL];
    heap_limits_set();
    free_a_large_block();
    const size_t before = mallinfo2().arena;
    allocate(blocks, N_SMALL, SMALL);
    assert_true(mallinfo2().arena >= before + (size_t)N_SMALL * SMALL - BORDERS);
    free_all(blocks, N_SMALL);
    assert_in_range(mallinfo2().arena, 0, before + HEAP_KEPT + BORDERS);
}

/* Else every few messages would ask the kernel for memory, and give it back. */
static void what_an_arena_may_keep_stays(void **unused)
{
    void *blocks[N_FEW];
    heap_limits_set();
    malloc_trim(0);
    allocate(blocks, N_FEW, SMALL);
    const size_t most = mallinfo2().arena;
    free_all(blocks, N_FEW);
    assert_int_equal(mallinfo2().arena, most);
}

static void more_blocks_than_mappings_lie_in_the_heap(void **unused)
{
    static void *tables[HEAP_MAPPINGS + 10];
    const size_t n = sizeof tables / sizeof tables[0];
    heap_limits_set();
    allocate(tables, n, HEAP_MAPPED_FROM);
    assert_int_equal(mallinfo2().hblks, HEAP_MAPPINGS);
    free_all(tables, n);
    assert_int_equal(mallinfo2().hblks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_mappings_of_their_own_whatever_was_freed_before),
        cmocka_unit_test(smaller_blocks_are_no_mappings),
        cmocka_unit_test(small_blocks_that_were_freed_go_back_but_for_what_an_arena_keeps),
        cmocka_unit_test(what_an_arena_may_keep_stays),
        cmocka_unit_test(more_blocks_than_mappings_lie_in_the_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
