#pragma once

#include <stddef.h>

/*
 * Memory for free(), aligned to 64 bytes, not initialised. Of two huge pages or more it begins at a
 * huge page, and the kernel is asked for huge pages: what is read here and there then needs few
 * entries of the TLB, and the first touch of it few page faults. NULL: no memory.
 */
void *huge_memory_allocate(size_t size);

/* Zeroed memory in a mapping of its own, likewise, that takes none before it is touched. NULL: no
 * memory. */
void *huge_memory_map(size_t size);
/* NULL does nothing. */
void huge_memory_unmap(void *memory, size_t size);
