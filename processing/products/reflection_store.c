#include "processing/products/reflection_store.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_REFLECTIONS 4096
#define N_BLOCKS (REFLECTION_STORE_BYTES / (BLOCK_REFLECTIONS * sizeof(struct bragg_reflection)))
/* A place: the arena's number above, the reflection's in it below. */
#define ARENA_SHIFT 48

struct arena {
    uint64_t end; /* one more than the last reflection; its thread only */
    /* [N_BLOCKS]; written by its thread before a place in them is published */
    struct bragg_reflection **blocks;
};

struct reflection_store {
    unsigned n_threads;
    _Atomic uint64_t n_blocks, lost;
    struct arena arenas[];
};

struct reflection_store *reflection_store_create(unsigned n_threads)
{
    struct reflection_store *const store =
        calloc(1, sizeof *store + n_threads * sizeof(struct arena));
    if (!store)
        return NULL;
    store->n_threads = n_threads;
    for (unsigned i = 0; i < n_threads; i++) {
        store->arenas[i].blocks = calloc(N_BLOCKS, sizeof(struct bragg_reflection *));
        if (!store->arenas[i].blocks) {
            reflection_store_destroy(store);
            return NULL;
        }
    }
    return store;
}

void reflection_store_destroy(struct reflection_store *store)
{
    if (!store)
        return;
    for (unsigned i = 0; i < store->n_threads; i++) {
        struct arena *const arena = &store->arenas[i];
        for (uint64_t block = 0; arena->blocks && block < N_BLOCKS && arena->blocks[block]; block++)
            free(arena->blocks[block]);
        free(arena->blocks);
    }
    free(store);
}

/* All arenas share the limit. */
static bool make_block(struct reflection_store *store, struct bragg_reflection **block)
{
    if (atomic_fetch_add_explicit(&store->n_blocks, 1, memory_order_relaxed) < N_BLOCKS)
        *block = malloc(BLOCK_REFLECTIONS * sizeof **block);
    if (!*block)
        atomic_fetch_sub_explicit(&store->n_blocks, 1, memory_order_relaxed);
    return *block != NULL;
}

uint64_t reflection_store_put(struct reflection_store *store, unsigned thread,
                              const struct bragg_reflection *reflections, uint32_t n)
{
    struct arena *const arena = &store->arenas[thread];
    const uint64_t left = BLOCK_REFLECTIONS - arena->end % BLOCK_REFLECTIONS;
    const uint64_t first = left < n ? arena->end + left : arena->end;
    const uint64_t which = first / BLOCK_REFLECTIONS;
    if (which >= N_BLOCKS || (!arena->blocks[which] && !make_block(store, &arena->blocks[which]))) {
        atomic_fetch_add_explicit(&store->lost, n, memory_order_relaxed);
        return REFLECTIONS_NOWHERE;
    }
    memcpy(arena->blocks[which] + first % BLOCK_REFLECTIONS, reflections, n * sizeof *reflections);
    arena->end = first + n;
    return (uint64_t)thread << ARENA_SHIFT | first;
}

const struct bragg_reflection *reflection_store_get(const struct reflection_store *store,
                                                    uint64_t place)
{
    if (place == REFLECTIONS_NOWHERE)
        return NULL;
    const struct arena *const arena = &store->arenas[place >> ARENA_SHIFT];
    const uint64_t first = place & ((UINT64_C(1) << ARENA_SHIFT) - 1);
    return arena->blocks[first / BLOCK_REFLECTIONS] + first % BLOCK_REFLECTIONS;
}

uint64_t reflection_store_lost(const struct reflection_store *store)
{
    return atomic_load_explicit(&store->lost, memory_order_relaxed);
}
