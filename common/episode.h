#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

/*
 * Something that may happen many times a second and is told as an episode: the first time at once,
 * then at most every EPISODE_NS with how much there was since, and the rest when it is over. Any
 * thread; zeroed before use. Relaxed throughout: only numbers go from one thread to another.
 */
struct episode {
    _Atomic uint64_t untold, quiet_until_ns;
};

#define EPISODE_NS (10 * NS_PER_S)

/* Adds to it. Returns what is to be told now, 0: nothing. */
static inline uint64_t episode_add(struct episode *episode, uint64_t amount)
{
    const uint64_t now = clock_monotonic_ns();
    uint64_t until = atomic_load_explicit(&episode->quiet_until_ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&episode->untold, amount, memory_order_relaxed);
    if (now < until ||
        !atomic_compare_exchange_strong_explicit(&episode->quiet_until_ns, &until, now + EPISODE_NS,
                                                 memory_order_relaxed, memory_order_relaxed))
        return 0;
    return atomic_exchange_explicit(&episode->untold, 0, memory_order_relaxed);
}

/* It is over: what was not told. */
static inline uint64_t episode_end(struct episode *episode)
{
    return atomic_exchange_explicit(&episode->untold, 0, memory_order_relaxed);
}
