#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/queue.h"

static void items_come_out_in_the_order_they_went_in(void **unused)
{
    int items[3];
    struct queue queue;
    assert_int_equal(queue_init(&queue, 4), 0);
    assert_null(queue_pop(&queue));
    for (int i = 0; i < 3; i++)
        assert_true(queue_push(&queue, &items[i]));
    assert_int_equal(queue_length(&queue), 3);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(queue_pop(&queue), &items[i]);
    assert_null(queue_pop(&queue));
    assert_int_equal(queue_length(&queue), 0);
    queue_finish(&queue);
}

static void a_full_queue_refuses_and_takes_again_after_a_pop(void **unused)
{
    int item;
    struct queue queue;
    assert_int_equal(queue_init(&queue, 3), 0); /* rounded up to 4 */
    for (int i = 0; i < 4; i++)
        assert_true(queue_push(&queue, &item));
    assert_false(queue_push(&queue, &item));
    assert_non_null(queue_pop(&queue));
    assert_true(queue_push(&queue, &item));
    assert_false(queue_push(&queue, &item));
    queue_finish(&queue);
}

static void the_indices_go_round_many_times(void **unused)
{
    int items[2];
    struct queue queue;
    assert_int_equal(queue_init(&queue, 2), 0);
    for (int i = 0; i < 1000; i++) {
        assert_true(queue_push(&queue, &items[i % 2]));
        assert_ptr_equal(queue_pop(&queue), &items[i % 2]);
    }
    queue_finish(&queue);
}

static void waiting_ends_without_an_item_when_the_time_is_up(void **unused)
{
    struct queue queue;
    assert_int_equal(queue_init(&queue, 2), 0);
    assert_null(queue_wait(&queue, 0));
    assert_null(queue_wait(&queue, NS_PER_MS));
    queue_finish(&queue);
}

static void a_finished_queue_may_be_finished_again(void **unused)
{
    struct queue queue;
    assert_int_equal(queue_init(&queue, 2), 0);
    queue_finish(&queue);
    queue_finish(&queue);
    queue_finish(NULL);
}

struct sleeper {
    struct queue queue;
    _Atomic bool awake;
};

static void *sleep_on_queue(void *data)
{
    struct sleeper *const sleeper = data;
    assert_null(queue_wait(&sleeper->queue, UINT64_MAX));
    atomic_store(&sleeper->awake, true);
    return NULL;
}

static void a_sleeper_can_be_woken_without_an_item(void **unused)
{
    struct sleeper sleeper = {.awake = false};
    pthread_t thread;
    assert_int_equal(queue_init(&sleeper.queue, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, sleep_on_queue, &sleeper), 0);
    while (!atomic_load(&sleeper.awake)) { /* it may not sleep yet */
        queue_wake(&sleeper.queue);
        sched_yield();
    }
    pthread_join(thread, NULL);
    queue_finish(&sleeper.queue);
}

enum { PRODUCERS = 3, CONSUMERS = 3, ITEMS_EACH = 20000, ITEMS = PRODUCERS * ITEMS_EACH };

struct stress {
    struct queue queue;
    uint32_t taken[ITEMS]; /* not atomic on purpose: the queue must order producer and consumer of
                              an item */
    uint32_t stop_mark;
    _Atomic uint32_t producer;
    _Atomic int out_of_order;
};

static void push(struct stress *stress, uint32_t *item)
{
    while (!queue_push(&stress->queue, item))
        sched_yield();
}

static void *produce(void *data)
{
    struct stress *const stress = data;
    const uint32_t first = atomic_fetch_add(&stress->producer, 1) * ITEMS_EACH;
    for (uint32_t i = first; i < first + ITEMS_EACH; i++) {
        stress->taken[i] = 1;
        push(stress, &stress->taken[i]);
    }
    return NULL;
}

/* Of each producer's items every consumer must see a growing sequence. */
static void *consume(void *data)
{
    struct stress *const stress = data;
    uint32_t *last[PRODUCERS] = {0};
    for (;;) {
        uint32_t *const item = queue_wait(&stress->queue, UINT64_MAX);
        if (item == &stress->stop_mark)
            return NULL;
        if (!item)
            continue;
        const ptrdiff_t from = (item - stress->taken) / ITEMS_EACH;
        if (last[from] && item <= last[from])
            atomic_store(&stress->out_of_order, 1);
        last[from] = item;
        (*item)++;
    }
}

static void stress_queue(size_t capacity)
{
    struct stress *const stress = calloc(1, sizeof *stress);
    assert_non_null(stress);
    assert_int_equal(queue_init(&stress->queue, capacity), 0);
    pthread_t producers[PRODUCERS], consumers[CONSUMERS];
    for (int i = 0; i < CONSUMERS; i++)
        assert_int_equal(pthread_create(&consumers[i], NULL, consume, stress), 0);
    for (int i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_create(&producers[i], NULL, produce, stress), 0);
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(producers[i], NULL);
    for (int i = 0; i < CONSUMERS; i++)
        push(stress, &stress->stop_mark);
    for (int i = 0; i < CONSUMERS; i++)
        pthread_join(consumers[i], NULL);
    for (int i = 0; i < ITEMS; i++)
        assert_int_equal(stress->taken[i], 2);
    assert_false(atomic_load(&stress->out_of_order));
    assert_int_equal(queue_length(&stress->queue), 0);
    queue_finish(&stress->queue);
    free(stress);
}

static void many_threads_lose_double_and_reorder_nothing(void **unused)
{
    stress_queue(64);
}

/* Nearly every push finds it full and nearly every pop empty, so that sleeping and waking are
 * exercised. */
static void many_threads_on_the_smallest_queue_miss_no_wake_up(void **unused)
{
    stress_queue(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_in_the_order_they_went_in),
        cmocka_unit_test(a_full_queue_refuses_and_takes_again_after_a_pop),
        cmocka_unit_test(the_indices_go_round_many_times),
        cmocka_unit_test(waiting_ends_without_an_item_when_the_time_is_up),
        cmocka_unit_test(a_finished_queue_may_be_finished_again),
        cmocka_unit_test(a_sleeper_can_be_woken_without_an_item),
        cmocka_unit_test(many_threads_lose_double_and_reorder_nothing),
        cmocka_unit_test(many_threads_on_the_smallest_queue_miss_no_wake_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
