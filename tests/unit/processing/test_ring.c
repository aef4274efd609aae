#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/futex.h"
#include "processing/ring.h"

/*
 * Ingest and workers on a small ring. Messages are [size u32][serial u32][serial & 0xff ...]; the
 * ring does not look into them.
 */
#define N_MESSAGES 60000
#define MAX_MESSAGE 30000
#define N_WORKERS 3

struct stress {
    struct ring *ring;
    _Atomic uint32_t space; /* futex: raised by the space callback */
    _Atomic uint64_t frames_seen, bad_bytes, serial_sum;
    _Atomic uint32_t stop;
};

static uint32_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static void on_space(void *data)
{
    struct stress *const stress = data;
    atomic_fetch_add(&stress->space, 1);
    futex_wake_all(&stress->space);
}

static void check_frame(struct stress *stress, const struct frame_slot *slot)
{
    uint32_t head[2];
    memcpy(head, slot->body, sizeof head);
    uint64_t bad = head[0] != slot->body_size || head[1] != slot->frame_index;
    for (uint32_t i = sizeof head; i < slot->body_size; i += 61)
        bad += slot->body[i] != (uint8_t)slot->frame_index;
    atomic_fetch_add(&stress->bad_bytes, bad);
    atomic_fetch_add(&stress->serial_sum, slot->frame_index);
    atomic_fetch_add(&stress->frames_seen, 1);
}

static void *worker(void *data)
{
    struct stress *const stress = data;
    uint64_t random = (uint64_t)(uintptr_t)&random;
    for (;;) {
        const bool stop = atomic_load(&stress->stop);
        const uint32_t signal = ring_signal(stress->ring);
        struct chunk *const chunk = ring_claim(stress->ring, signal, stop ? 0 : 50 * NS_PER_MS);
        if (!chunk) {
            if (stop)
                return NULL;
            continue;
        }
        bool closed = false;
        uint32_t seen = 0;
        while (!closed) {
            const uint32_t n = chunk_wait(chunk, seen, NS_PER_S, &closed);
            for (; seen < n; seen++)
                check_frame(stress, &chunk->frames[seen]);
        }
        /* Now and then a slow worker, so that the ring fills and later chunks overtake. */
        if (random_next(&random) % 64 == 0)
            futex_wait(&stress->stop, 0, NS_PER_MS);
        ring_release(stress->ring, chunk);
    }
}

/* Waits for the space callback that was promised after `seen` was read. */
static void wait_for_space(struct stress *stress, uint32_t seen)
{
    while (atomic_load(&stress->space) == seen)
        futex_wait(&stress->space, seen, NS_PER_S);
}

static void receive(struct stress *stress, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        const uint32_t seen = atomic_load(&stress->space);
        uint8_t *room;
        size_t n;
        if (!ring_reserve(stress->ring, size, &room, &n)) {
            wait_for_space(stress, seen);
            continue;
        }
        assert_true(n > 0);
        n = n < size ? n : size;
        memcpy(room, bytes, n);
        ring_commit(stress->ring, n);
        bytes += n;
        size -= n;
    }
}

static struct chunk *open_chunk(struct stress *stress, uint32_t capacity)
{
    for (;;) {
        const uint32_t seen = atomic_load(&stress->space);
        struct chunk *const chunk = ring_open_chunk(stress->ring, NULL, NULL, capacity, false, 0);
        if (chunk)
            return chunk;
        wait_for_space(stress, seen);
    }
}

static void produce(struct stress *stress)
{
    static uint8_t message[MAX_MESSAGE];
    uint64_t random = 1;
    struct chunk *chunk = NULL;
    for (uint32_t serial = 0; serial < N_MESSAGES; serial++) {
        const uint32_t size = 8 + random_next(&random) % (MAX_MESSAGE - 8);
        memset(message, (int)(serial & 0xff), size);
        memcpy(message, (uint32_t[]){size, serial}, 8);
        receive(stress, message, size);
        if (!chunk)
            chunk = open_chunk(stress, 1 + random_next(&random) % 9);
        size_t unconsumed;
        const uint8_t *const body = ring_unconsumed(stress->ring, &unconsumed);
        assert_int_equal(unconsumed, size);
        *ring_append(chunk) =
            (struct frame_slot){.body = body, .body_size = size, .frame_index = serial};
        ring_consume(stress->ring, size);
        const bool closed = chunk->n_appended == chunk->capacity || serial + 1 == N_MESSAGES ||
                            random_next(&random) % 16 == 0;
        ring_publish(stress->ring, chunk, closed);
        if (closed)
            chunk = NULL;
    }
}

static void every_frame_reaches_one_worker_unharmed(void **state)
{
    struct stress stress = {0};
    pthread_t threads[N_WORKERS];
    assert_int_equal(ring_create(&stress.ring, RING_MIN_SIZE, on_space, &stress, NULL), 0);
    for (int i = 0; i < N_WORKERS; i++)
        pthread_create(&threads[i], NULL, worker, &stress);
    produce(&stress);
    atomic_store(&stress.stop, 1);
    ring_nudge(stress.ring);
    for (int i = 0; i < N_WORKERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(stress.bad_bytes, 0);
    assert_int_equal(stress.frames_seen, N_MESSAGES);
    assert_int_equal(stress.serial_sum, (uint64_t)N_MESSAGES * (N_MESSAGES - 1) / 2);
    ring_reclaim(stress.ring);
    struct ring_load load;
    ring_load(stress.ring, &load);
    assert_int_equal(load.used, 0);
    assert_true(load.high_water > RING_MIN_SIZE / 4);
    ring_destroy(stress.ring);
}

static void count_space(void *data)
{
    ++*(unsigned *)data;
}

static void a_full_ring_says_no_and_calls_when_there_is_room(void **state)
{
    unsigned calls = 0;
    struct ring *ring;
    assert_int_equal(ring_create(&ring, RING_MIN_SIZE, count_space, &calls, NULL), 0);
    struct chunk *const chunk = ring_open_chunk(ring, NULL, NULL, 4, false, 0);
    uint8_t *room;
    size_t size;
    while (ring_reserve(ring, 1, &room, &size)) {
        ring_commit(ring, size);
        ring_consume(ring, size);
    }
    struct ring_load load;
    ring_load(ring, &load);
    assert_int_equal(load.used, ring_size(ring));
    assert_int_equal(load.full_count, 1);
    ring_publish(ring, chunk, true);
    bool closed;
    struct chunk *const claimed = ring_claim(ring, ring_signal(ring), 0);
    assert_ptr_equal(claimed, chunk);
    assert_int_equal(chunk_wait(claimed, 0, 0, &closed), 0);
    assert_true(closed);
    assert_int_equal(calls, 0);
    ring_release(ring, claimed);
    assert_int_equal(calls, 1);
    assert_true(ring_reserve(ring, 1, &room, &size));
    ring_destroy(ring);
}

static void a_message_at_the_end_of_the_memory_stays_in_one_piece(void **state)
{
    struct ring *ring;
    uint8_t *room;
    size_t size;
    unsigned calls = 0;
    assert_int_equal(ring_create(&ring, RING_MIN_SIZE, count_space, &calls, NULL), 0);
    const size_t total = ring_size(ring);
    /* Consume up to 100 bytes before the end, then receive a message of 300. */
    for (size_t left = total - 100; left > 0; left -= size) {
        assert_true(ring_reserve(ring, 1, &room, &size));
        size = size < left ? size : left;
        ring_commit(ring, size);
        ring_consume(ring, size);
        ring_reclaim(ring);
    }
    assert_true(ring_reserve(ring, 40, &room, &size));
    memset(room, 1, 40);
    ring_commit(ring, 40);
    assert_true(ring_reserve(ring, 260, &room, &size));
    assert_true(size >= 260);
    memset(room, 2, 260);
    ring_commit(ring, 260);
    const uint8_t *const message = ring_unconsumed(ring, &size);
    assert_int_equal(size, 300);
    assert_int_equal(message[39], 1);
    assert_int_equal(message[40], 2);
    assert_int_equal(message[299], 2);
    ring_destroy(ring);
}

/* Page by page, with a size that does not divide among the threads which touch it. */
static void all_of_its_memory_is_there_before_the_first_byte_comes(void **state)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), wanted = 67 * RING_MIN_SIZE;
    struct ring *ring;
    uint8_t *room;
    size_t size;
    unsigned calls = 0;
    assert_int_equal(ring_create(&ring, wanted, count_space, &calls, NULL), 0);
    assert_true(ring_reserve(ring, 1, &room, &size));
    unsigned char *const there = calloc(wanted / page, 1);
    assert_int_equal(mincore(room, wanted, there), 0);
    for (size_t i = 0; i < wanted / page; i++)
        assert_true(there[i] & 1);
    free(there);
    ring_destroy(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_its_memory_is_there_before_the_first_byte_comes),
        cmocka_unit_test(a_full_ring_says_no_and_calls_when_there_is_room),
        cmocka_unit_test(a_message_at_the_end_of_the_memory_stays_in_one_piece),
        cmocka_unit_test(every_frame_reaches_one_worker_unharmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
