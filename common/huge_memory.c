#include "common/huge_memory.h"

#include <stdlib.h>
#include <sys/mman.h>

#define LINE ((size_t)64)
#define HUGE_PAGE ((size_t)2 << 20)

void *huge_memory_allocate(size_t size)
{
    const size_t unit = size < 2 * HUGE_PAGE ? LINE : HUGE_PAGE;
    const size_t rounded = (size + unit - 1) / unit * unit;
    void *const memory = aligned_alloc(unit, rounded);
    /* A wish: without huge pages it is somewhat slower. */
    if (memory && unit == HUGE_PAGE)
        (void)madvise(memory, rounded, MADV_HUGEPAGE);
    return memory;
}

void *huge_memory_map(size_t size)
{
    void *const memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    if (size >= 2 * HUGE_PAGE)
        (void)madvise(memory, size, MADV_HUGEPAGE);
    return memory;
}

void huge_memory_unmap(void *memory, size_t size)
{
    if (memory)
        (void)munmap(memory, size);
}
