/*
 * Memory that runs out, for programs that are started with this library preloaded: of the
 * allocations that the program's own code asks for (those of libraries go well: what they do
 * without memory is theirs, and several abort) one fails. The file $FAILING_MALLOC is mapped and
 * shared with the test: three 64-bit numbers, how many there were, which of them, from 1, is to
 * return NULL (0: none), and from which size on all do (0: none).
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#pragma GCC visibility push(default)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

struct plan {
    _Atomic uint64_t calls, fails, fails_from;
};

static struct plan *plan;
static uintptr_t begin, end; /* of the program's code */

/* The first object is the program itself. */
static int find_code(struct dl_phdr_info *info, size_t size, void *data)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *const part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
            continue;
        begin = info->dlpi_addr + part->p_vaddr;
        end = begin + part->p_memsz;
    }
    return 1;
}

__attribute__((constructor)) static void begin_to_fail(void)
{
    const char *const path = getenv("FAILING_MALLOC");
    const int descriptor = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (descriptor < 0)
        return;
    dl_iterate_phdr(find_code, NULL);
    void *const map = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (map != MAP_FAILED)
        plan = map;
}

static bool fails(const void *caller, size_t size)
{
    const uintptr_t at = (uintptr_t)caller;
    if (!plan || at < begin || at >= end)
        return false;
    const uint64_t call = atomic_fetch_add(&plan->calls, 1) + 1, limit = plan->fails_from;
    if (call != atomic_load(&plan->fails) && (limit == 0 || size < limit))
        return false;
    errno = ENOMEM;
    return true;
}

#define CALLER __builtin_return_address(0)

void *malloc(size_t size)
{
    return fails(CALLER, size) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return fails(CALLER, n * size) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    return fails(CALLER, size) ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails(CALLER, size) ? NULL : __libc_memalign(alignment, size);
}

char *strdup(const char *text)
{
    const size_t size = strlen(text) + 1;
    char *const copy = fails(CALLER, size) ? NULL : __libc_malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}
