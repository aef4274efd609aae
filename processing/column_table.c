#include "processing/column_table.h"

#include <stdatomic.h>
#include <stdlib.h>

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
    _Atomic uint64_t n_blocks; /* one more than the highest that was made */
    _Atomic(struct column_block *) *blocks;
};

struct column_table *column_table_create(unsigned n_columns, uint64_t recycle)
{
    struct column_table *const table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->n_columns = n_columns;
    table->recycle = recycle;
    /* 8 MiB of address space; the kernel gives memory only to the parts that are used. */
    table->blocks = calloc(N_BLOCKS, sizeof *table->blocks);
    if (!table->blocks) {
        free(table);
        return NULL;
    }
    return table;
}

void column_table_destroy(struct column_table *table)
{
    if (!table)
        return;
    const uint64_t n_blocks = atomic_load_explicit(&table->n_blocks, memory_order_acquire);
    for (uint64_t i = 0; i < n_blocks; i++)
        free(atomic_load_explicit(&table->blocks[i], memory_order_relaxed));
    free(table->blocks);
    free(table);
}

static void raise_n_blocks(struct column_table *table, uint64_t n_blocks)
{
    uint64_t known = atomic_load_explicit(&table->n_blocks, memory_order_relaxed);
    while (known < n_blocks &&
           !atomic_compare_exchange_weak_explicit(&table->n_blocks, &known, n_blocks,
                                                  memory_order_release, memory_order_relaxed))
        continue;
}

static struct column_block *block_make(struct column_table *table, uint64_t which)
{
    struct column_block *const block =
        calloc(1, sizeof *block + sizeof(uint64_t) * table->n_columns * BLOCK_ROWS);
    if (!block)
        return NULL;
    struct column_block *present = NULL;
    if (!atomic_compare_exchange_strong_explicit(&table->blocks[which], &present, block,
                                                 memory_order_acq_rel, memory_order_acquire)) {
        free(block);
        return present;
    }
    raise_n_blocks(table, which + 1);
    return block;
}

static uint64_t row_of(const struct column_table *table, uint64_t exposure)
{
    return table->recycle ? exposure % table->recycle : exposure;
}

bool column_table_put(struct column_table *table, uint64_t exposure, const uint64_t *columns)
{
    const uint64_t row = row_of(table, exposure);
    const uint64_t which = row / BLOCK_ROWS;
    if (which >= N_BLOCKS)
        return false;
    struct column_block *block = atomic_load_explicit(&table->blocks[which], memory_order_acquire);
    if (!block)
        block = block_make(table, which);
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

static struct column_block *look(const struct column_table *table, uint64_t row)
{
    const uint64_t which = row / BLOCK_ROWS;
    return which < N_BLOCKS ? atomic_load_explicit(&table->blocks[which], memory_order_acquire)
                            : NULL;
}

static bool is_there(uint32_t state)
{
    return state != 0 && state % 2 == 0;
}

bool column_table_get(const struct column_table *table, uint64_t exposure, uint64_t *columns)
{
    const uint64_t row = row_of(table, exposure);
    struct column_block *const block = look(table, row);
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
