#pragma once

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/counter.h"

/*
 * Whether a thread gets on. The thread itself beats at every step of its work and says when it
 * waits for somebody else for as long as that takes; another thread looks now and then. All
 * accesses are relaxed: nothing is handed over with a beat. A cache line of its own, since it is
 * written on the path of a frame.
 */
struct heartbeat {
    alignas(64) _Atomic uint64_t beats;
    _Atomic bool waits;
};

/* By the thread only. */
static inline void heartbeat_beat(struct heartbeat *heartbeat)
{
    counter_add(&heartbeat->beats, 1);
}

static inline void heartbeat_wait(struct heartbeat *heartbeat, bool waits)
{
    atomic_store_explicit(&heartbeat->waits, waits, memory_order_relaxed);
}

/* Whether it has beaten since *seen was set, or waits. Sets *seen. */
static inline bool heartbeat_moved(const struct heartbeat *heartbeat, uint64_t *seen)
{
    const uint64_t beats = counter_read(&heartbeat->beats);
    const bool moved = beats != *seen;
    *seen = beats;
    return moved || atomic_load_explicit(&heartbeat->waits, memory_order_relaxed);
}
