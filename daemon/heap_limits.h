#pragma once

#include <stddef.h>

/*
 * What malloc may keep of memory that was freed, for a process that makes a run's tables, fills
 * them and lets them go for weeks. By itself glibc raises its thresholds with the largest block
 * that was ever freed, up to 32 MiB: from then on tables lie among small blocks, and each thread's
 * arena keeps up to 64 MiB at its end. With fixed ones a block from HEAP_MAPPED_FROM bytes on is a
 * mapping of its own, which the kernel has back as soon as it is freed, and an arena keeps
 * HEAP_KEPT bytes at its end at most. Of mappings there are HEAP_MAPPINGS at most (a process has
 * 65,530), further blocks lie in the arenas.
 */
#define HEAP_MAPPED_FROM ((size_t)256 << 10)
#define HEAP_KEPT ((size_t)1 << 20)
#define HEAP_MAPPINGS 8192

/* For the whole process, before it has threads. */
void heap_limits_set(void);
