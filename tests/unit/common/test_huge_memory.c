#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/huge_memory.h"

#define SMALL 1000
#define LARGE (((size_t)9 << 20) + 100)

static void memory_begins_at_a_line_and_large_memory_at_a_huge_page(void **unused)
{
    uint8_t *const small = huge_memory_allocate(SMALL), *const large = huge_memory_allocate(LARGE);
    assert_non_null(small);
    assert_non_null(large);
    assert_int_equal((uintptr_t)small % 64, 0);
    assert_int_equal((uintptr_t)large % (2 << 20), 0);
    memset(small, 1, SMALL);
    memset(large, 1, LARGE);
    free(small);
    free(large);
}

static size_t pages_in_memory(void *memory, size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), n = (size + page - 1) / page;
    unsigned char *const there = calloc(n, 1);
    size_t found = 0;
    assert_non_null(there);
    assert_int_equal(mincore(memory, size, there), 0);
    for (size_t i = 0; i < n; i++)
        found += there[i] & 1;
    free(there);
    return found;
}

static void a_mapping_is_zeroed_and_takes_no_memory_before_it_is_touched(void **unused)
{
    for (size_t size = SMALL; size <= LARGE; size += LARGE - SMALL) {
        uint8_t *const memory = huge_memory_map(size);
        assert_non_null(memory);
        assert_int_equal(pages_in_memory(memory, size), 0);
        uint8_t any = 0;
        for (size_t i = 0; i < size; i++)
            any |= memory[i];
        assert_int_equal(any, 0);
        memset(memory, 1, size);
        assert_true(pages_in_memory(memory, size) > 0);
        huge_memory_unmap(memory, size);
    }
    huge_memory_unmap(NULL, LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_begins_at_a_line_and_large_memory_at_a_huge_page),
        cmocka_unit_test(a_mapping_is_zeroed_and_takes_no_memory_before_it_is_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
