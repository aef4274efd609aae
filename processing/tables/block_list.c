#include "processing/tables/block_list.h"

#include <errno.h>
#include <sys/mman.h>

#include "common/huge_memory.h"

static size_t size_of_blocks(const struct block_list *list)
{
    return list->capacity * sizeof *list->blocks;
}

int block_list_init(struct block_list *list, uint64_t capacity, size_t block_size)
{
    *list = (struct block_list){.block_size = block_size, .capacity = capacity};
    /* Not calloc: once a large piece was freed, malloc takes the next one from its heap and fills
     * it with zeros, all megabytes of it. */
    void *const blocks = mmap(NULL, size_of_blocks(list), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (blocks == MAP_FAILED)
        return -ENOMEM;
    list->blocks = blocks;
    return 0;
}

void block_list_finish(struct block_list *list)
{
    const uint64_t n = atomic_load_explicit(&list->n_known, memory_order_acquire);
    for (uint64_t i = 0; i < n; i++)
        huge_memory_unmap(atomic_load_explicit(&list->blocks[i], memory_order_relaxed),
                          list->block_size);
    if (list->blocks)
        munmap(list->blocks, size_of_blocks(list));
}

uint64_t block_list_bytes(const struct block_list *list)
{
    const uint64_t n = atomic_load_explicit(&list->n_known, memory_order_acquire);
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < n; i++)
        bytes += block_list_look(list, i) ? list->block_size : 0;
    return bytes;
}

static void raise_n_known(struct block_list *list, uint64_t n)
{
    uint64_t known = atomic_load_explicit(&list->n_known, memory_order_relaxed);
    while (known < n && !atomic_compare_exchange_weak_explicit(
                            &list->n_known, &known, n, memory_order_release, memory_order_relaxed))
        continue;
}

static void *make(struct block_list *list, uint64_t which)
{
    void *const block = huge_memory_map(list->block_size);
    void *present = NULL;
    if (!block)
        return NULL;
    if (!atomic_compare_exchange_strong_explicit(&list->blocks[which], &present, block,
                                                 memory_order_acq_rel, memory_order_acquire)) {
        huge_memory_unmap(block, list->block_size);
        return present;
    }
    raise_n_known(list, which + 1);
    return block;
}

void *block_list_make(struct block_list *list, uint64_t which)
{
    if (which >= list->capacity)
        return NULL;
    void *const block = block_list_look(list, which);
    return block ? block : make(list, which);
}
