#include "daemon/heap_limits.h"

#include <malloc.h>

void heap_limits_set(void)
{
    /* Wishes: the sanitizers' malloc has no such limits. */
    (void)mallopt(M_MMAP_THRESHOLD, (int)HEAP_MAPPED_FROM);
    (void)mallopt(M_TRIM_THRESHOLD, (int)HEAP_KEPT);
    (void)mallopt(M_MMAP_MAX, HEAP_MAPPINGS);
}
