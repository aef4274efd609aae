#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Zeroed blocks of memory that are made when first needed and never move, so that readers need no
 * lock: what tables that grow are made of.
 *
 * Any thread may call block_list_make and block_list_look. A block is made by whoever needs it
 * first (compare-and-swap) and freed with the list.
 */
struct block_list {
    size_t block_size;        /* bytes */
    uint64_t capacity;        /* blocks */
    _Atomic uint64_t n_known; /* one more than the highest that was made */
    _Atomic(void *) *blocks;
};

/* 0 or -ENOMEM. The list takes capacity pointers of address space; the kernel gives memory only to
 * the parts that are used. */
int block_list_init(struct block_list *list, uint64_t capacity, size_t block_size);

/* Also of a zeroed list. */
void block_list_finish(struct block_list *list);

/* NULL: nobody made it, or beyond the capacity. */
static inline void *block_list_look(const struct block_list *list, uint64_t which)
{
    return which < list->capacity ? atomic_load_explicit(&list->blocks[which], memory_order_acquire)
                                  : NULL;
}

/* Bytes of all blocks that were made. Any thread. */
uint64_t block_list_bytes(const struct block_list *list);

/* Made when it is not there yet. NULL: no memory, or beyond the capacity. */
void *block_list_make(struct block_list *list, uint64_t which);
