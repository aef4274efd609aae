#include "processing/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/futex.h"
#include "processing/ring_memory.h"

#define HUGE_PAGE (UINT64_C(2) << 20)
/* Reads this long keep the number of system calls low and still let workers start before the ring
 * is hot no more. */
#define MAX_READ ((size_t)1 << 20)
/* Frame slots are laid out for frames of this size; smaller ones can run out of slots before bytes,
 * which also counts as full. */
#define SLOT_PER_BYTES 4096
#define MIN_CHUNKS 4096

struct ring {
    uint8_t *base;
    uint64_t size;
    struct frame_slot *slots;
    uint64_t n_slots;
    struct chunk *chunks;
    uint64_t n_chunks;
    ring_space_fn on_space;
    void *data;
    /* Ingest only. consumed <= received; tail: everything before may be overwritten. */
    uint64_t received, consumed, tail;
    uint64_t slots_next, slots_tail;
    uint64_t oldest; /* chunk that was not yet seen released */
    uint64_t full_since_ns;
    /* Shared, each written by one side only. */
    _Alignas(64) _Atomic uint64_t published; /* ingest */
    _Atomic uint32_t work_signal;            /* ingest, and ring_nudge */
    _Alignas(64) _Atomic uint64_t claimed;   /* workers */
    _Atomic uint32_t sleepers;               /* workers */
    _Alignas(64) _Atomic uint32_t
        space_wanted; /* set by ingest, cleared by the worker that answers */
    _Alignas(64) _Atomic uint64_t used, high_water,
        full_count, full_ns; /* ingest; read by anybody */
};

static struct chunk *chunk_at(const struct ring *ring, uint64_t index)
{
    return &ring->chunks[index % ring->n_chunks];
}

int ring_create(struct ring **out, uint64_t size, ring_space_fn on_space, void *data,
                struct error *error)
{
    struct ring *ring = aligned_alloc(64, (sizeof *ring + 63) / 64 * 64);
    if (!ring)
        return error_set(error, -ENOMEM, "no memory for the ring");
    memset(ring, 0, sizeof *ring);
    if (size < RING_MIN_SIZE)
        size = RING_MIN_SIZE;
    ring->size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    ring->on_space = on_space;
    ring->data = data;
    ring->n_slots = ring->size / SLOT_PER_BYTES;
    ring->n_chunks = ring->n_slots / 4 > MIN_CHUNKS ? ring->n_slots / 4 : MIN_CHUNKS;
    ring->slots = calloc(ring->n_slots, sizeof *ring->slots);
    ring->chunks = aligned_alloc(64, ring->n_chunks * sizeof *ring->chunks);
    int r = -ENOMEM;
    if (!ring->slots || !ring->chunks) {
        error_set(error, r, "no memory for the ring's index");
        goto fail;
    }
    memset(ring->chunks, 0, ring->n_chunks * sizeof *ring->chunks);
    r = ring_memory_map(&ring->base, ring->size, error);
    if (r < 0)
        goto fail;
    *out = ring;
    return 0;

fail:
    ring_destroy(ring);
    return r;
}

void ring_destroy(struct ring *ring)
{
    if (!ring)
        return;
    ring_memory_unmap(ring->base, ring->size);
    free(ring->chunks);
    free(ring->slots);
    free(ring);
}

uint64_t ring_size(const struct ring *ring)
{
    return ring->size;
}

size_t ring_max_message(const struct ring *ring)
{
    return ring->size / 4;
}

/* ---- space ---- */

static void load_update(struct ring *ring)
{
    const uint64_t used = ring->received - ring->tail;
    atomic_store_explicit(&ring->used, used, memory_order_relaxed);
    if (used > atomic_load_explicit(&ring->high_water, memory_order_relaxed))
        atomic_store_explicit(&ring->high_water, used, memory_order_relaxed);
}

void ring_reclaim(struct ring *ring)
{
    const uint64_t published = atomic_load_explicit(&ring->published, memory_order_relaxed);
    while (ring->oldest < published) {
        const struct chunk *const chunk = chunk_at(ring, ring->oldest);
        if (!atomic_load_explicit(&chunk->released, memory_order_acquire))
            break;
        ring->slots_tail = chunk->slots_end;
        ring->oldest++;
    }
    ring->tail = ring->oldest < published ? chunk_at(ring, ring->oldest)->start : ring->consumed;
    load_update(ring);
}

static void full_begin(struct ring *ring)
{
    if (ring->full_since_ns)
        return;
    ring->full_since_ns = clock_monotonic_ns();
    atomic_fetch_add_explicit(&ring->full_count, 1, memory_order_relaxed);
}

static void full_end(struct ring *ring)
{
    if (!ring->full_since_ns)
        return;
    atomic_fetch_add_explicit(&ring->full_ns, clock_monotonic_ns() - ring->full_since_ns,
                              memory_order_relaxed);
    ring->full_since_ns = 0;
}

/*
 * Nothing to be had: asks the workers for a call, then looks once more, so that a release between
 * the first look and the request is not missed.
 */
static bool want_space(struct ring *ring, bool (*look)(struct ring *, uint64_t), uint64_t needed)
{
    full_begin(ring);
    atomic_store_explicit(&ring->space_wanted, 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    ring_reclaim(ring);
    return look(ring, needed);
}

/* At the end of the mapping: moves the part of the current message that is there to the start of
 * the next lap. */
static bool lap_begin(struct ring *ring, uint64_t wanted)
{
    const uint64_t lap = (ring->received + ring->size - 1) / ring->size * ring->size;
    const uint64_t part = ring->received - ring->consumed;
    const bool all_released = ring->tail == ring->consumed;
    const uint64_t tail = all_released ? lap : ring->tail;
    if (lap + part + wanted > tail + ring->size)
        return false;
    memmove(ring->base, ring->base + ring->consumed % ring->size, part);
    ring->tail = tail;
    ring->consumed = lap;
    ring->received = lap + part;
    return true;
}

static bool has_room(struct ring *ring, uint64_t wanted)
{
    const uint64_t contiguous = ring->size - ring->received % ring->size;
    if (contiguous < wanted || (contiguous == ring->size && ring->received != ring->consumed))
        return lap_begin(ring, wanted);
    return ring->received + wanted <= ring->tail + ring->size;
}

bool ring_reserve(struct ring *ring, size_t wanted, uint8_t **bytes, size_t *size)
{
    if (!has_room(ring, wanted)) {
        ring_reclaim(ring);
        if (!has_room(ring, wanted) && !want_space(ring, has_room, wanted))
            return false;
    }
    full_end(ring);
    const uint64_t at = ring->received % ring->size;
    uint64_t room = ring->tail + ring->size - ring->received;
    if (room > ring->size - at)
        room = ring->size - at;
    *bytes = ring->base + at;
    *size = room < MAX_READ ? (size_t)room : MAX_READ;
    return true;
}

void ring_commit(struct ring *ring, size_t size)
{
    ring->received += size;
}

const uint8_t *ring_unconsumed(const struct ring *ring, size_t *size)
{
    *size = ring->received - ring->consumed;
    return ring->base + ring->consumed % ring->size;
}

void ring_consume(struct ring *ring, size_t size)
{
    ring->consumed += size;
}

/* ---- chunks: ingest side ---- */

/* Where `count` slots in a row would begin, which is the next lap of the slots when this one ends
 * too soon. */
static uint64_t slots_begin(const struct ring *ring, uint64_t count)
{
    const uint64_t left = ring->n_slots - ring->slots_next % ring->n_slots;
    return left < count ? ring->slots_next + left : ring->slots_next;
}

static bool has_chunk(struct ring *ring, uint64_t capacity)
{
    const uint64_t published = atomic_load_explicit(&ring->published, memory_order_relaxed);
    return published - ring->oldest < ring->n_chunks &&
           slots_begin(ring, capacity) + capacity <= ring->slots_tail + ring->n_slots;
}

struct chunk *ring_open_chunk(struct ring *ring, struct run *run, const struct product_set *set,
                              uint32_t capacity, bool extra, int64_t first_place)
{
    if (!has_chunk(ring, capacity)) {
        ring_reclaim(ring);
        if (!has_chunk(ring, capacity) && !want_space(ring, has_chunk, capacity))
            return NULL;
    }
    full_end(ring);
    const uint64_t index = atomic_load_explicit(&ring->published, memory_order_relaxed);
    const uint64_t slots = slots_begin(ring, capacity);
    struct chunk *const chunk = chunk_at(ring, index);
    chunk->run = run;
    chunk->set = set;
    chunk->frames = &ring->slots[slots % ring->n_slots];
    chunk->capacity = capacity;
    chunk->extra = extra;
    chunk->first_place = first_place;
    chunk->n_appended = 0;
    chunk->start = ring->consumed;
    chunk->slots_end = slots + capacity;
    ring->slots_next = chunk->slots_end;
    atomic_store_explicit(&chunk->progress, 0, memory_order_relaxed);
    atomic_store_explicit(&chunk->sleeping, 0, memory_order_relaxed);
    atomic_store_explicit(&chunk->released, 0, memory_order_relaxed);
    atomic_store_explicit(&ring->published, index + 1, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&ring->sleepers, memory_order_relaxed)) {
        atomic_fetch_add_explicit(&ring->work_signal, 1, memory_order_release);
        futex_wake_one(&ring->work_signal);
    }
    return chunk;
}

struct frame_slot *ring_append(struct chunk *chunk)
{
    return &chunk->frames[chunk->n_appended++];
}

void ring_publish(struct ring *ring, struct chunk *chunk, bool closed)
{
    (void)ring;
    atomic_store_explicit(&chunk->progress, chunk->n_appended | (closed ? CHUNK_CLOSED : 0),
                          memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&chunk->sleeping, memory_order_relaxed))
        futex_wake_one(&chunk->progress);
}

/* ---- chunks: worker side ---- */

static struct chunk *claim_now(struct ring *ring)
{
    uint64_t index = atomic_load_explicit(&ring->claimed, memory_order_relaxed);
    while (index < atomic_load_explicit(&ring->published, memory_order_acquire)) {
        if (atomic_compare_exchange_weak_explicit(&ring->claimed, &index, index + 1,
                                                  memory_order_acquire, memory_order_relaxed))
            return chunk_at(ring, index);
    }
    return NULL;
}

uint32_t ring_signal(const struct ring *ring)
{
    return atomic_load_explicit(&ring->work_signal, memory_order_acquire);
}

struct chunk *ring_claim(struct ring *ring, uint32_t signal, uint64_t timeout_ns)
{
    struct chunk *chunk = claim_now(ring);
    if (chunk || timeout_ns == 0)
        return chunk;
    atomic_fetch_add_explicit(&ring->sleepers, 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    chunk = claim_now(ring);
    if (!chunk) {
        futex_wait(&ring->work_signal, signal, timeout_ns);
        chunk = claim_now(ring);
    }
    atomic_fetch_sub_explicit(&ring->sleepers, 1, memory_order_relaxed);
    return chunk;
}

static bool progressed(uint32_t progress, uint32_t seen)
{
    return (progress & CHUNK_CLOSED) || (progress & ~CHUNK_CLOSED) > seen;
}

uint32_t chunk_wait(struct chunk *chunk, uint32_t seen, uint64_t timeout_ns, bool *closed)
{
    uint32_t progress = atomic_load_explicit(&chunk->progress, memory_order_acquire);
    if (!progressed(progress, seen) && timeout_ns > 0) {
        atomic_store_explicit(&chunk->sleeping, 1, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
        progress = atomic_load_explicit(&chunk->progress, memory_order_acquire);
        if (!progressed(progress, seen))
            futex_wait(&chunk->progress, progress, timeout_ns);
        atomic_store_explicit(&chunk->sleeping, 0, memory_order_relaxed);
        progress = atomic_load_explicit(&chunk->progress, memory_order_acquire);
    }
    *closed = progress & CHUNK_CLOSED;
    return progress & ~CHUNK_CLOSED;
}

void ring_release(struct ring *ring, struct chunk *chunk)
{
    atomic_store_explicit(&chunk->released, 1, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&ring->space_wanted, memory_order_relaxed) &&
        atomic_exchange_explicit(&ring->space_wanted, 0, memory_order_relaxed))
        ring->on_space(ring->data);
}

void ring_nudge(struct ring *ring)
{
    atomic_fetch_add_explicit(&ring->work_signal, 1, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&ring->sleepers, memory_order_relaxed))
        futex_wake_all(&ring->work_signal);
}

/* ---- figures ---- */

void ring_load(const struct ring *ring, struct ring_load *load)
{
    load->size = ring->size;
    load->used = atomic_load_explicit(&ring->used, memory_order_relaxed);
    load->high_water = atomic_load_explicit(&ring->high_water, memory_order_relaxed);
    load->full_count = atomic_load_explicit(&ring->full_count, memory_order_relaxed);
    load->full_ns = atomic_load_explicit(&ring->full_ns, memory_order_relaxed);
}
