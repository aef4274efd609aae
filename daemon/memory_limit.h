#pragma once

#include <stdint.h>

/* The size of the ring when none is configured: a quarter of the RAM or of the cgroup's limit, at
 * most 8 GiB. Bytes. */
uint64_t memory_limit_ring_size(void);
