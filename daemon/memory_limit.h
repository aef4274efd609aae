#pragma once

#include <stdint.h>

/* What merlind may use: the RAM, or the tightest limit of a cgroup it is in. Bytes. */
uint64_t memory_limit(void);

/* The size of the ring when none is configured: a quarter of the RAM or of the cgroup's limit, at
 * most 8 GiB. Bytes. */
uint64_t memory_limit_ring_size(void);
