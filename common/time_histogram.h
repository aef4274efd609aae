#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"

/*
 * How long something took, counted by size. Any thread may add and any may read: only numbers are
 * handed over, so all accesses are relaxed, and a reader may see a time in one of counts and sum
 * that is not in the other yet. An addition is two atomic ones; meant for chunks, not for frames.
 */
enum { TIME_HISTOGRAM_BOUNDS = 16 };

struct time_histogram {
    _Atomic uint64_t
        counts[TIME_HISTOGRAM_BOUNDS + 1]; /* up to each bound; the last: more than all */
    _Atomic uint64_t sum_ns;
};

/* Upper bounds, ns: 1, 2, 5 in every decade from 100 us to 10 s. */
static const uint64_t time_histogram_bounds_ns[TIME_HISTOGRAM_BOUNDS] = {
    100 * NS_PER_US, 200 * NS_PER_US, 500 * NS_PER_US, 1 * NS_PER_MS,
    2 * NS_PER_MS,   5 * NS_PER_MS,   10 * NS_PER_MS,  20 * NS_PER_MS,
    50 * NS_PER_MS,  100 * NS_PER_MS, 200 * NS_PER_MS, 500 * NS_PER_MS,
    1 * NS_PER_S,    2 * NS_PER_S,    5 * NS_PER_S,    10 * NS_PER_S,
};

static inline void time_histogram_add(struct time_histogram *histogram, uint64_t ns)
{
    size_t i = 0;
    while (i < TIME_HISTOGRAM_BOUNDS && ns > time_histogram_bounds_ns[i])
        i++;
    atomic_fetch_add_explicit(&histogram->counts[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_ns, ns, memory_order_relaxed);
}
