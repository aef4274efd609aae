#include "processing/ring_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "common/cpu.h"

#define HUGE_PAGE (UINT64_C(2) << 20)
/* A thread for less is not worth its start. */
#define PART_MIN (UINT64_C(64) << 20)
#define MAX_PARTS 16

/* Belongs to the thread that touches it until that is joined. */
struct part {
    pthread_t thread;
    uint8_t *bytes;
    uint64_t size;
    bool has_thread;
    int error_number;
};

static void *touch(void *data)
{
    struct part *const part = data;
    part->error_number = madvise(part->bytes, part->size, MADV_POPULATE_WRITE) == 0 ? 0 : errno;
    if (part->error_number == EINVAL) { /* kernels before 5.14 */
        memset(part->bytes, 0, part->size);
        part->error_number = 0;
    }
    return NULL;
}

static unsigned choose_parts(uint64_t size)
{
    const uint64_t by_size = size / PART_MIN;
    const uint64_t most = cpu_count_available() < MAX_PARTS ? cpu_count_available() : MAX_PARTS;
    const uint64_t n = by_size < most ? by_size : most;
    return n > 0 ? (unsigned)n : 1;
}

/* Returns the errno of the first part that failed, or 0. */
static int touch_all(uint8_t *base, uint64_t size)
{
    struct part parts[MAX_PARTS];
    const unsigned n = choose_parts(size);
    const uint64_t n_pages = size / HUGE_PAGE;
    int error_number = 0;
    for (unsigned i = 0; i < n; i++) {
        const uint64_t first = n_pages * i / n, end = n_pages * (i + 1) / n;
        parts[i] =
            (struct part){.bytes = base + first * HUGE_PAGE, .size = (end - first) * HUGE_PAGE};
        parts[i].has_thread =
            i + 1 < n && pthread_create(&parts[i].thread, NULL, touch, &parts[i]) == 0;
        if (!parts[i].has_thread)
            touch(&parts[i]);
    }
    for (unsigned i = 0; i < n; i++) {
        if (parts[i].has_thread)
            pthread_join(parts[i].thread, NULL);
        if (error_number == 0)
            error_number = parts[i].error_number;
    }
    return error_number;
}

int ring_memory_map(uint8_t **base, uint64_t size, struct error *error)
{
    void *const bytes = mmap(NULL, size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bytes == MAP_FAILED)
        return error_set(error, -ENOMEM,
                         "no address space for a ring of %" PRIu64 " MiB: set a smaller ring.size",
                         size >> 20);
    /* Both are wishes: without huge pages the ring is somewhat slower, frames in a core dump are
     * useless. */
    (void)madvise(bytes, size, MADV_HUGEPAGE);
    (void)madvise(bytes, size, MADV_DONTDUMP);
    if (touch_all(bytes, size) != 0) {
        ring_memory_unmap(bytes, size);
        return error_set(error, -ENOMEM,
                         "the machine does not have %" PRIu64
                         " MiB for the ring: set a smaller ring.size",
                         size >> 20);
    }
    *base = bytes;
    return 0;
}

void ring_memory_unmap(uint8_t *base, uint64_t size)
{
    if (base)
        (void)munmap(base, size);
}
