#pragma once

#include <stdatomic.h>

/*
 * How many pullers a socket has, from ZeroMQ's own events of it. Belongs to the thread that uses
 * the socket, but for `count`, which any thread may read (pullers_count).
 */
struct pullers {
    void *socket;
    void *monitor; /* NULL: there are no events, and it passes for having some */
    long let_in, refused, gone;
    _Atomic unsigned count;
};

/* Before the socket is bound. */
void pullers_init(struct pullers *pullers, void *zmq_context, void *socket);
/* Before the socket is closed. Also of zeros. */
void pullers_finish(struct pullers *pullers);

/* Takes in what has happened. */
void pullers_follow(struct pullers *pullers);

static inline unsigned pullers_count(const struct pullers *pullers)
{
    return atomic_load_explicit(&pullers->count, memory_order_relaxed);
}
