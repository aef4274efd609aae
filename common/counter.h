#pragma once

#include <stdatomic.h>
#include <stdint.h>

/* A counter that one thread writes and any may read: a plain load and store, without the bus lock
 * of a fetch-and-add. */
static inline void counter_add(_Atomic uint64_t *counter, uint64_t amount)
{
    const uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + amount, memory_order_relaxed);
}

static inline uint64_t counter_read(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}
