#pragma once

#include <stdatomic.h>
#include <stddef.h>

#include "processing/run/frame_tap.h"

/*
 * What the frame stream carries from the workers to its socket: so many buffers for frames, no more
 * (that is the stream's high-water mark), and announcements of runs, which are made as they come.
 *
 * Who owns what: an item belongs to whoever took it, then to the stream's queue, then to the
 * stream's thread; the bytes of a sent one to ZeroMQ, which gives the item back from a thread of
 * its own, at any time, perhaps when the stream is gone. So the pool lives as long as the last item
 * that is out: `references`. The free queue orders one owner's accesses before the next one's.
 */
struct frame_pool;

enum stream_item_kind { STREAM_START, STREAM_FRAMES, STREAM_END };

struct stream_item {
    enum stream_item_kind kind;
    struct tapped_frames frames; /* its run only, of an announcement */
    size_t next;                 /* what of it is to be sent next: the sender's */
    struct frame_pool *pool;     /* NULL: an announcement */
    _Atomic unsigned handed;     /* raised (release) before it is ZeroMQ's, read (acquire) when it
                                    comes back: the order that ZeroMQ keeps between its threads,
                                    said where tools and readers see it */
};

/* -ENOMEM. */
int frame_pool_create(struct frame_pool **pool, unsigned n);
/* The stream does not use it any more. NULL does nothing. */
void frame_pool_release(struct frame_pool *pool);

/* With room for n frames and so many bytes, and a reference on the run. NULL: none is free, or
 * there is no memory. Any thread; never waits. */
struct stream_item *frame_pool_take(struct frame_pool *pool, struct run *run, size_t n_frames,
                                    size_t size);

/* An announcement with a reference on the run. NULL: no memory. */
struct stream_item *stream_announcement(enum stream_item_kind kind, struct run *run);

/* Its bytes are ZeroMQ's from now on, which will release it: nobody needs the run for it any more.
 */
void stream_item_hand_over(struct stream_item *item);

/* Gives it back, or frees it. Any thread. */
void stream_item_release(struct stream_item *item);

/* How many are out; exact only when nobody moves. */
unsigned frame_pool_in_use(const struct frame_pool *pool);
