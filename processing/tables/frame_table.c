#include "processing/tables/frame_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "processing/tables/block_list.h"

#define BLOCK_FRAMES 4096
#define N_BLOCKS (FRAME_TABLE_MAX_FRAMES / BLOCK_FRAMES)

struct frame_table {
    _Atomic uint64_t end;
    struct block_list blocks; /* of struct frame_facts[BLOCK_FRAMES] */
};

int frame_table_create(struct frame_table **out)
{
    struct frame_table *table = calloc(1, sizeof *table);
    if (!table)
        return -ENOMEM;
    if (block_list_init(&table->blocks, N_BLOCKS, BLOCK_FRAMES * sizeof(struct frame_facts)) < 0) {
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
    block_list_finish(&table->blocks);
    free(table);
}

uint64_t frame_table_bytes(const struct frame_table *table)
{
    return block_list_bytes(&table->blocks);
}

struct frame_facts *frame_table_make(struct frame_table *table, uint64_t row)
{
    struct frame_facts *const block = block_list_make(&table->blocks, row / BLOCK_FRAMES);
    return block ? &block[row % BLOCK_FRAMES] : NULL;
}

const struct frame_facts *frame_table_look(const struct frame_table *table, uint64_t row)
{
    const struct frame_facts *const block = block_list_look(&table->blocks, row / BLOCK_FRAMES);
    return block ? &block[row % BLOCK_FRAMES] : NULL;
}

const struct frame_facts *frame_table_seen(const struct frame_table *table, uint64_t row)
{
    const struct frame_facts *const facts = frame_table_look(table, row);
    const bool seen =
        facts && atomic_load_explicit(&facts->state, memory_order_acquire) != FRAME_UNSEEN;
    return seen ? facts : NULL;
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
