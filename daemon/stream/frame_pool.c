#include "daemon/stream/frame_pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/queue.h"

#define ALIGNMENT 64

struct frame_pool {
    struct queue free;
    struct stream_item *items; /* [n] */
    unsigned n;
    _Atomic unsigned references; /* one of the stream, one of each item that is out */
};

static void pool_free(struct frame_pool *pool)
{
    for (unsigned i = 0; pool->items && i < pool->n; i++) {
        free(pool->items[i].frames.bytes);
        free(pool->items[i].frames.frames);
    }
    free(pool->items);
    queue_finish(&pool->free);
    free(pool);
}

static void pool_unref(struct frame_pool *pool)
{
    if (atomic_fetch_sub_explicit(&pool->references, 1, memory_order_acq_rel) == 1)
        pool_free(pool);
}

int frame_pool_create(struct frame_pool **out, unsigned n)
{
    struct frame_pool *const pool = aligned_alloc(ALIGNMENT, sizeof *pool);
    if (!pool)
        return -ENOMEM;
    memset(pool, 0, sizeof *pool);
    pool->n = n;
    pool->items = calloc(n, sizeof *pool->items);
    if (!pool->items || queue_init(&pool->free, n) < 0) {
        pool_free(pool);
        return -ENOMEM;
    }
    atomic_init(&pool->references, 1);
    for (unsigned i = 0; i < n; i++) {
        pool->items[i].kind = STREAM_FRAMES;
        pool->items[i].pool = pool;
        queue_push_always(&pool->free, &pool->items[i]);
    }
    *out = pool;
    return 0;
}

void frame_pool_release(struct frame_pool *pool)
{
    if (pool)
        pool_unref(pool);
}

static bool make_room(struct tapped_frames *frames, size_t n_frames, size_t size)
{
    if (frames->room < size) {
        const size_t room = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        free(frames->bytes);
        frames->bytes = aligned_alloc(ALIGNMENT, room);
        frames->room = frames->bytes ? room : 0;
    }
    if (frames->capacity < n_frames) {
        free(frames->frames);
        frames->frames = malloc(n_frames * sizeof *frames->frames);
        frames->capacity = frames->frames ? n_frames : 0;
    }
    return frames->bytes && frames->frames;
}

struct stream_item *frame_pool_take(struct frame_pool *pool, struct run *run, size_t n_frames,
                                    size_t size)
{
    struct stream_item *const item = queue_pop(&pool->free);
    if (!item)
        return NULL;
    if (!make_room(&item->frames, n_frames, size)) {
        queue_push_always(&pool->free, item);
        return NULL;
    }
    atomic_fetch_add_explicit(&pool->references, 1, memory_order_relaxed);
    item->frames.run = run_ref(run);
    item->frames.n = item->frames.size = item->next = 0;
    return item;
}

struct stream_item *stream_announcement(enum stream_item_kind kind, struct run *run)
{
    struct stream_item *const item = calloc(1, sizeof *item);
    if (!item)
        return NULL;
    item->kind = kind;
    item->frames.run = run_ref(run);
    return item;
}

void stream_item_hand_over(struct stream_item *item)
{
    run_unref(item->frames.run);
    item->frames.run = NULL;
    atomic_fetch_add_explicit(&item->handed, 1, memory_order_release);
}

void stream_item_release(struct stream_item *item)
{
    struct frame_pool *const pool = item->pool;
    (void)atomic_load_explicit(&item->handed, memory_order_acquire);
    run_unref(item->frames.run);
    item->frames.run = NULL;
    if (!pool) {
        free(item);
        return;
    }
    queue_push_always(&pool->free, item);
    pool_unref(pool);
}

unsigned frame_pool_in_use(const struct frame_pool *pool)
{
    const size_t n_free = queue_length(&pool->free);
    return n_free < pool->n ? pool->n - (unsigned)n_free : 0;
}
