#pragma once

#include <stdint.h>

#include "processing/bragg/bragg_classifier.h"

/*
 * The reflections of all frames of a run. Grows in blocks that never move, so that readers need no
 * lock.
 *
 * Who owns what: every thread that puts has an arena of its own, which only it touches. What it put
 * is read by whoever learned the place through a column table (column_table.h), whose store-release
 * publishes it. Blocks are freed with the store.
 */
struct reflection_store;

/* What a store keeps at most; more is counted and left out. */
#define REFLECTION_STORE_BYTES (UINT64_C(1) << 30)

#define REFLECTIONS_NOWHERE UINT64_MAX

/* NULL: no memory. */
struct reflection_store *reflection_store_create(unsigned n_threads);
/* NULL does nothing. */
void reflection_store_destroy(struct reflection_store *store);

/* Keeps n reflections side by side (1 to BRAGG_REFLECTIONS_MAX). Returns their place, or
 * REFLECTIONS_NOWHERE: there is no room any more. */
uint64_t reflection_store_put(struct reflection_store *store, unsigned thread,
                              const struct bragg_reflection *reflections, uint32_t n);

/* What was put at a place. NULL: REFLECTIONS_NOWHERE. */
const struct bragg_reflection *reflection_store_get(const struct reflection_store *store,
                                                    uint64_t place);

/* Reflections that were left out. Any thread. */
uint64_t reflection_store_lost(const struct reflection_store *store);
