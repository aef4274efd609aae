#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A bounded queue of pointers, any number of producers, any number of consumers.
 *
 * Vyukov's scheme: every cell carries a sequence number that says whose turn it is, so a push or a
 * pop is one compare-and-swap on a shared index and one store into the cell. Nothing spins on
 * another thread's progress except a consumer whose producer was pre-empted between taking a cell
 * and filling it; that consumer sees the queue as empty.
 *
 * Who owns what: `push_index` is moved by producers, `pop_index` by consumers, a cell by whoever
 * holds its turn. The store-release of a cell's sequence publishes its item; the load-acquire of it
 * receives the item. `signal` is only for sleeping: a producer bumps it after its push when
 * `sleepers` says that somebody waits; the fence between the two sides (publish, fence, look for
 * sleepers / announce sleep, fence, look again) makes a missed wake-up impossible.
 *
 * queue_push and queue_pop never block. queue_wait blocks its caller only.
 */
struct queue_cell {
    _Atomic uint64_t sequence;
    void *item;
};

struct queue {
    struct queue_cell *cells;
    uint64_t mask;
    _Alignas(64) _Atomic uint64_t push_index;
    _Alignas(64) _Atomic uint64_t pop_index;
    _Alignas(64) _Atomic uint32_t signal;
    _Atomic uint32_t sleepers;
};

/* `capacity` is rounded up to a power of two. Returns 0 or -ENOMEM. */
int queue_init(struct queue *queue, size_t capacity);
void queue_finish(struct queue *queue);

/* false: full, or the cell's last consumer was pre-empted before it gave the cell back. */
bool queue_push(struct queue *queue, void *item);

/* For queues with room for all items there are: waits out such a consumer, which nobody else can
 * hold up. */
void queue_push_always(struct queue *queue, void *item);

/* NULL: empty. */
void *queue_pop(struct queue *queue);

/* Pops an item, sleeping up to `timeout_ns` for one (UINT64_MAX: for ever). NULL: none came, or
 * somebody called queue_wake. */
void *queue_wait(struct queue *queue, uint64_t timeout_ns);

/* Makes every sleeper in queue_wait look again. */
void queue_wake(struct queue *queue);

/* How many items wait; exact only when nobody moves. */
size_t queue_length(const struct queue *queue);
