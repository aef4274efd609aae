#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "processing/run/run.h"

/*
 * The ring between the ingest thread and the workers: bytes as they came from the socket, and over
 * them the chunks of frames that workers claim.
 *
 * Bytes lie in one anonymous mapping (huge pages where the kernel gives them, pre-faulted).
 * Positions are free-running 64-bit counts; the byte at position p is base[p % size]. A message
 * never wraps: when the room before the end of the mapping is too short for the message that is
 * being received, what is there of it is moved to the start of the mapping, once per lap. So every
 * frame is contiguous with plain addresses (docs/decisions.md tells why this beats a mapping that
 * is mirrored).
 *
 * Chunks are the unit of work: consecutive frames that make one HDF5 chunk, or one frame without a
 * place. The ingest thread opens a chunk at its first frame and closes it when no more can come; a
 * worker claims it when it is opened, works on its frames as they arrive, and releases it when it
 * no longer reads from the ring. Space is freed in order, by the ingest thread, up to the first
 * byte of the oldest chunk that is not released.
 *
 * Who owns what:
 *   - the ingest thread: byte positions, the frame slots, everything in a chunk until it is
 *     published; `progress` as producer;
 *   - a worker: a chunk from ring_claim to ring_release;
 *   - `published` (store-release by ingest, load-acquire by workers) hands a chunk over; `progress`
 *     does the same for each frame in it; `released` (store-release by the worker, load-acquire by
 *     ingest) hands it back; a chunk is claimed by one compare-and-swap on `claimed`.
 *
 * The ingest thread never waits here: a full ring makes ring_reserve or ring_open_chunk say no, and
 * the space callback (called by a worker, from its thread, at most once per refusal) says when to
 * try again. Workers sleep on futexes in ring_claim and chunk_wait. Sleep and wake-up are ordered
 * by a sequentially consistent fence on both sides between "publish" and "look for a sleeper".
 */
struct ring;

struct frame_slot {
    const uint8_t *body; /* "MQ1,..." in the ring */
    uint32_t body_size;
    uint8_t flags; /* enum frame_flag, known at arrival */
    uint8_t layer;
    uint64_t arrival;     /* message of the run, from 0 */
    uint64_t arrived_ns;  /* monotonic; 0: not known */
    uint64_t frame_index; /* of the exposure: unwrapped number - 1 */
    uint64_t number;      /* as sent */
    int64_t position;     /* scan_geometry.h, or a code */
    int64_t place;        /* placed frames: scan_geometry.h */
};

#define CHUNK_CLOSED (UINT32_C(1) << 31)

struct chunk {
    struct run *run;               /* the run's `pending` keeps it alive */
    const struct product_set *set; /* what is computed of its frames */
    struct frame_slot *frames;
    uint32_t capacity;   /* frames there can be */
    bool extra;          /* its frames have no place in the scan: stored one by one */
    int64_t first_place; /* placed chunks; of an extra one the frame's position */
    uint32_t n_appended; /* ingest only; what `progress` will be at the next ring_publish */
    uint64_t start;      /* byte position of its first message */
    uint64_t slots_end;  /* position in the slots after its last */
    _Alignas(64) _Atomic uint32_t progress; /* frames that may be read, and CHUNK_CLOSED */
    _Atomic uint32_t sleeping;              /* its worker waits for progress */
    _Atomic uint32_t released;
};

typedef void (*ring_space_fn)(void *data);

#define RING_MIN_SIZE (UINT64_C(2) << 20)

/* `size` bytes (at least RING_MIN_SIZE, rounded up to 2 MiB). -ENOMEM: the memory is not to be had;
 * the sentence has the remedy. */
int ring_create(struct ring **ring, uint64_t size, ring_space_fn on_space, void *data,
                struct error *error);
void ring_destroy(struct ring *ring);

uint64_t ring_size(const struct ring *ring);

/* A longer message is refused: a frame must leave room for the ones before and after it. */
size_t ring_max_message(const struct ring *ring);

/* ---- ingest thread ---- */

/*
 * Room for the next bytes of the stream, contiguous behind those received before. `wanted` is how
 * many bytes complete the current message as far as known. false: full; the space callback will
 * come.
 */
bool ring_reserve(struct ring *ring, size_t wanted, uint8_t **bytes, size_t *size);
void ring_commit(struct ring *ring, size_t size);

/* The bytes received and not yet consumed. They may move in ring_reserve and stay from ring_consume
 * to the release of their chunk. */
const uint8_t *ring_unconsumed(const struct ring *ring, size_t *size);
void ring_consume(struct ring *ring, size_t size);

/* Opens a chunk for up to `capacity` frames whose first message is the one about to be consumed.
 * NULL: full; the space callback will come. */
struct chunk *ring_open_chunk(struct ring *ring, struct run *run, const struct product_set *set,
                              uint32_t capacity, bool extra, int64_t first_place);
/* The next free slot of an open chunk; the caller fills it and then calls ring_publish. */
struct frame_slot *ring_append(struct chunk *chunk);
/* Shows workers what was appended. Cheap enough for every read, not meant for every frame. */
void ring_publish(struct ring *ring, struct chunk *chunk, bool closed);
/* Frees what workers have released and refreshes the figures of ring_load. */
void ring_reclaim(struct ring *ring);

/* ---- workers ---- */

/*
 * The next chunk, sleeping up to timeout_ns for it, but not when ring_nudge was called since
 * `signal` was read by ring_signal. NULL: none came. So a worker reads the signal, looks whether
 * anything else is to be done, and then sleeps without missing a nudge.
 */
uint32_t ring_signal(const struct ring *ring);
struct chunk *ring_claim(struct ring *ring, uint32_t signal, uint64_t timeout_ns);
/*
 * Waits until there are more than `seen` frames in the chunk, or it is closed, or timeout_ns
 * passed. Returns the number of frames that may be read and sets *closed.
 */
uint32_t chunk_wait(struct chunk *chunk, uint32_t seen, uint64_t timeout_ns, bool *closed);
/* The worker will not look at the chunk or its bytes again. */
void ring_release(struct ring *ring, struct chunk *chunk);

/* ---- any thread ---- */

/* Ends every worker's sleep in ring_claim: there is something else to look at. */
void ring_nudge(struct ring *ring);

struct ring_load {
    uint64_t size, used, high_water; /* bytes; high_water since the start */
    uint64_t full_count;             /* times that the ingest thread found no room */
    uint64_t full_ns;                /* how long it waited in all */
};
void ring_load(const struct ring *ring, struct ring_load *load);
