#include "common/queue.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "common/futex.h"

int queue_init(struct queue *queue, size_t capacity)
{
    size_t size = 2;
    while (size < capacity)
        size *= 2;
    *queue = (struct queue){.mask = size - 1};
    queue->cells = calloc(size, sizeof *queue->cells);
    if (!queue->cells)
        return -ENOMEM;
    for (size_t i = 0; i < size; i++)
        atomic_init(&queue->cells[i].sequence, i);
    return 0;
}

void queue_finish(struct queue *queue)
{
    if (!queue)
        return;
    free(queue->cells);
    queue->cells = NULL;
}

bool queue_push(struct queue *queue, void *item)
{
    uint64_t index = atomic_load_explicit(&queue->push_index, memory_order_relaxed);
    for (;;) {
        struct queue_cell *cell = &queue->cells[index & queue->mask];
        const uint64_t sequence = atomic_load_explicit(&cell->sequence, memory_order_acquire);
        if (sequence < index)
            return false;
        if (sequence > index) {
            index = atomic_load_explicit(&queue->push_index, memory_order_relaxed);
            continue;
        }
        if (!atomic_compare_exchange_weak_explicit(&queue->push_index, &index, index + 1,
                                                   memory_order_relaxed, memory_order_relaxed))
            continue;
        cell->item = item;
        atomic_store_explicit(&cell->sequence, index + 1, memory_order_release);
        break;
    }
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&queue->sleepers, memory_order_relaxed)) {
        atomic_fetch_add_explicit(&queue->signal, 1, memory_order_release);
        futex_wake_one(&queue->signal);
    }
    return true;
}

void queue_push_always(struct queue *queue, void *item)
{
    while (!queue_push(queue, item))
        sched_yield();
}

void *queue_pop(struct queue *queue)
{
    uint64_t index = atomic_load_explicit(&queue->pop_index, memory_order_relaxed);
    for (;;) {
        struct queue_cell *cell = &queue->cells[index & queue->mask];
        const uint64_t sequence = atomic_load_explicit(&cell->sequence, memory_order_acquire);
        if (sequence < index + 1)
            return NULL;
        if (sequence > index + 1) {
            index = atomic_load_explicit(&queue->pop_index, memory_order_relaxed);
            continue;
        }
        if (!atomic_compare_exchange_weak_explicit(&queue->pop_index, &index, index + 1,
                                                   memory_order_relaxed, memory_order_relaxed))
            continue;
        void *const item = cell->item;
        atomic_store_explicit(&cell->sequence, index + queue->mask + 1, memory_order_release);
        return item;
    }
}

void *queue_wait(struct queue *queue, uint64_t timeout_ns)
{
    void *item = queue_pop(queue);
    if (item || timeout_ns == 0)
        return item;
    const uint32_t seen = atomic_load_explicit(&queue->signal, memory_order_acquire);
    atomic_fetch_add_explicit(&queue->sleepers, 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    item = queue_pop(queue);
    if (!item) {
        futex_wait(&queue->signal, seen, timeout_ns);
        item = queue_pop(queue);
    }
    atomic_fetch_sub_explicit(&queue->sleepers, 1, memory_order_relaxed);
    return item;
}

void queue_wake(struct queue *queue)
{
    atomic_fetch_add_explicit(&queue->signal, 1, memory_order_release);
    futex_wake_all(&queue->signal);
}

size_t queue_length(const struct queue *queue)
{
    const uint64_t pushed = atomic_load_explicit(&queue->push_index, memory_order_relaxed);
    const uint64_t popped = atomic_load_explicit(&queue->pop_index, memory_order_relaxed);
    return pushed > popped ? (size_t)(pushed - popped) : 0;
}
