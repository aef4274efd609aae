#include "processing/frame_table.h"

#include <errno.h>
#include <stdlib.h>

#define BLOCK_FRAMES 4096
#define N_BLOCKS (FRAME_TABLE_MAX_FRAMES / BLOCK_FRAMES)

struct frame_block {
    struct frame_facts facts[BLOCK_FRAMES];
};

struct frame_table {
    _Atomic uint64_t end;
    _Atomic uint64_t n_blocks; /* one more than the highest that was made */
    _Atomic(struct frame_block *) *blocks;
};

int frame_table_create(struct frame_table **out)
{
    struct frame_table *table = calloc(1, sizeof *table);
    if (!table)
        return -ENOMEM;
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
    const uint64_t n_blocks = atomic_load_explicit(&table->n_blocks, memory_order_acquire);
    for (uint64_t i = 0; i < n_blocks; i++)
        free(atomic_load_explicit(&table->blocks[i], memory_order_relaxed));
    free(table->blocks);
    free(table);
}

static void raise_n_blocks(struct frame_table *table, uint64_t n_blocks)
{
    uint64_t known = atomic_load_explicit(&table->n_blocks, memory_order_relaxed);
    while (known < n_blocks &&
           !atomic_compare_exchange_weak_explicit(&table->n_blocks, &known, n_blocks,
                                                  memory_order_release, memory_order_relaxed))
        continue;
}

static struct frame_block *block_make(struct frame_table *table, uint64_t which)
{
    struct frame_block *const block = calloc(1, sizeof *block);
    if (!block)
        return NULL;
    struct frame_block *present = NULL;
    if (!atomic_compare_exchange_strong_explicit(&table->blocks[which], &present, block,
                                                 memory_order_acq_rel, memory_order_acquire)) {
        free(block);
        return present;
    }
    raise_n_blocks(table, which + 1);
    return block;
}

struct frame_facts *frame_table_make(struct frame_table *table, uint64_t row)
{
    if (row >= FRAME_TABLE_MAX_FRAMES)
        return NULL;
    const uint64_t which = row / BLOCK_FRAMES;
    struct frame_block *block = atomic_load_explicit(&table->blocks[which], memory_order_acquire);
    if (!block)
        block = block_make(table, which);
    if (!block)
        return NULL;
    return &block->facts[row % BLOCK_FRAMES];
}

const struct frame_facts *frame_table_look(const struct frame_table *table, uint64_t row)
{
    if (row >= FRAME_TABLE_MAX_FRAMES)
        return NULL;
    const struct frame_block *block =
        atomic_load_explicit(&table->blocks[row / BLOCK_FRAMES], memory_order_acquire);
    if (!block)
        return NULL;
    return &block->facts[row % BLOCK_FRAMES];
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
