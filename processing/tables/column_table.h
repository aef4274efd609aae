#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The columns of one product, a row per exposure. Grows in blocks that never move, so that readers
 * need no lock.
 *
 * Who owns what: a row is written by the worker that holds the frame (relaxed stores), which then
 * publishes it (store-release of the row's state). Readers load the state with acquire, copy the
 * row with relaxed loads and look at the state again. Blocks are made by whoever needs one first
 * (compare-and-swap) and freed with the table. Rows are written once, except in a table that
 * recycles them (an unending scan), where a reader that meets a writer sees an unmeasured row.
 */
struct column_table;

/* `recycle`: rows are counted modulo this; 0: every exposure has a row. NULL: no memory. */
struct column_table *column_table_create(unsigned n_columns, uint64_t recycle);
/* NULL does nothing. */
void column_table_destroy(struct column_table *table);

/* Bytes of its rows. NULL has none. Any thread. */
uint64_t column_table_bytes(const struct column_table *table);

/* Publishes the columns of an exposure. false: no memory. */
bool column_table_put(struct column_table *table, uint64_t exposure, const uint64_t *columns);

/* Copies the columns of an exposure. false: nobody put them (yet). */
bool column_table_get(const struct column_table *table, uint64_t exposure, uint64_t *columns);
