#include "processing/frame_table.h"

#include <errno.h>
#include <stdlib.h>

#define BLOCK_FRAMES 4096
#define N_BLOCKS (FRAME_TABLE_MAX_FRAMES / BLOCK_FRAMES)

struct frame_block {
    struct frame_facts facts[BLOCK_FRAMES];
    uint64_t columns[]; /* [BLOCK_FRAMES][n_columns] */
};

struct frame_table {
    unsigned n_columns;
    _Atomic uint64_t end;
    _Atomic(struct frame_block *) *blocks;
};

int frame_table_create(struct frame_table **out, unsigned n_columns)
{
    struct frame_table *table = calloc(1, sizeof *table);
    if (!table)
        return -ENOMEM;
    table->n_columns = n_columns;
    /* 8 MiB of address space; the kernel gives memory only to the parts that are used. */
    table->blocks = calloc(N_BLOCKS, sizeof *table->blocks);
    if (!table->blocks) {
        free(table);
        return -ENOMEM;
    }
    *out = table;
    return 0;
}

void frame_table_destroy(struct frame_table *table)
{
    if (!table)
        return;
    const uint64_t used = frame_table_end(table) / BLOCK_FRAMES + 1;
    for (uint64_t i = 0; i < used && i < N_BLOCKS; i++)
        free(atomic_load_explicit(&table->blocks[i], memory_order_relaxed));
    free(table->blocks);
    free(table);
}

static struct frame_block *block_make(struct frame_table *table, uint64_t which)
{
    struct frame_block *block =
        calloc(1, sizeof *block + sizeof(uint64_t) * table->n_columns * BLOCK_FRAMES);
    if (!block)
        return NULL;
    struct frame_block *present = NULL;
    if (atomic_compare_exchange_strong_explicit(&table->blocks[which], &present, block,
                                                memory_order_acq_rel, memory_order_acquire))
        return block;
    free(block);
    return present;
}

struct frame_facts *frame_table_make(struct frame_table *table, uint64_t index, uint64_t **columns)
{
    if (index >= FRAME_TABLE_MAX_FRAMES)
        return NULL;
    const uint64_t which = index / BLOCK_FRAMES;
    struct frame_block *block = atomic_load_explicit(&table->blocks[which], memory_order_acquire);
    if (!block)
        block = block_make(table, which);
    if (!block)
        return NULL;
    const uint64_t row = index % BLOCK_FRAMES;
    if (columns)
        *columns = &block->columns[row * table->n_columns];
    return &block->facts[row];
}

const struct frame_facts *frame_table_look(const struct frame_table *table, uint64_t index,
                                           const uint64_t **columns)
{
    if (index >= FRAME_TABLE_MAX_FRAMES)
        return NULL;
    const struct frame_block *block =
        atomic_load_explicit(&table->blocks[index / BLOCK_FRAMES], memory_order_acquire);
    if (!block)
        return NULL;
    const uint64_t row = index % BLOCK_FRAMES;
    if (columns)
        *columns = &block->columns[row * table->n_columns];
    return &block->facts[row];
}

uint64_t frame_table_end(const struct frame_table *table)
{
    return atomic_load_explicit(&table->end, memory_order_acquire);
}

void frame_table_raise_end(struct frame_table *table, uint64_t end)
{
    if (end > atomic_load_explicit(&table->end, memory_order_relaxed))
        atomic_store_explicit(&table->end, end, memory_order_release);
}
