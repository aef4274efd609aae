#include "processing/tables/column_table.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "processing/tables/block_list.h"

#define BLOCK_ROWS 4096
#define N_BLOCKS (UINT64_C(1) << 20)

/* A row's state: 0 nobody wrote it, odd while it is written, else how often (times two). */
struct column_block {
    _Atomic uint32_t state[BLOCK_ROWS];
    _Atomic uint64_t columns[]; /* [BLOCK_ROWS][n_columns] */
};

struct column_table {
    unsigned n_columns;
    uint64_t recycle;
    struct block_list blocks; /* of struct column_block */
};

struct column_table *column_table_create(unsigned n_columns, uint64_t recycle)
{
    struct column_table *const table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->n_columns = n_columns;
    table->recycle = recycle;
    const size_t size = sizeof(struct column_block) + sizeof(uint64_t) * n_columns * BLOCK_ROWS;
    if (block_list_init(&table->blocks, N_BLOCKS, size) < 0) {
        free(table);
        return NULL;
    }
    return table;
}

void column_table_destroy(struct column_table *table)
{
    if (!table)
        return;
    block_list_finish(&table->blocks);
    free(table);
}

uint64_t column_table_bytes(const struct column_table *table)
{
    return table ? block_list_bytes(&table->blocks) : 0;
}

static uint64_t row_of(const struct column_table *table, uint64_t exposure)
{
    return table->recycle ? exposure % table->recycle : exposure;
}

bool column_table_put(struct column_table *table, uint64_t exposure, const uint64_t *columns)
{
    const uint64_t row = row_of(table, exposure);
    struct column_block *const block = block_list_make(&table->blocks, row / BLOCK_ROWS);
    if (!block)
        return false;
    _Atomic uint32_t *const state = &block->state[row % BLOCK_ROWS];
    _Atomic uint64_t *const values = &block->columns[row % BLOCK_ROWS * table->n_columns];
    const uint32_t before = atomic_load_explicit(state, memory_order_relaxed);
    if (table->recycle) {
        atomic_store_explicit(state, before | 1, memory_order_relaxed);
        atomic_thread_fence(memory_order_release);
    }
    for (unsigned i = 0; i < table->n_columns; i++)
        atomic_store_explicit(&values[i], columns[i], memory_order_relaxed);
    atomic_store_explicit(state, (before | 1) + 1, memory_order_release);
    return true;
}

static bool is_there(uint32_t state)
{
    return state != 0 && state % 2 == 0;
}

bool column_table_get(const struct column_table *table, uint64_t exposure, uint64_t *columns)
{
    const uint64_t row = row_of(table, exposure);
    struct column_block *const block = block_list_look(&table->blocks, row / BLOCK_ROWS);
    if (!block)
        return false;
    _Atomic uint32_t *const state = &block->state[row % BLOCK_ROWS];
    _Atomic uint64_t *const values = &block->columns[row % BLOCK_ROWS * table->n_columns];
    const uint32_t before = atomic_load_explicit(state, memory_order_acquire);
    if (!is_there(before))
        return false;
    for (unsigned i = 0; i < table->n_columns; i++)
        columns[i] = atomic_load_explicit(&values[i], memory_order_relaxed);
    /* Written once: what was there stays. */
    if (!table->recycle)
        return true;
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(state, memory_order_relaxed) == before;
}
