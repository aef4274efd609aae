#pragma once

#include <uv.h>

/*
 * Wakes a thread's event loop from other threads. What uv_async does, without its handshake: there
 * the woken thread spins until the waker has come back from its system call, and a waker of lower
 * priority on the same CPU comes back only when that thread sleeps again (profiled: 4 % of the CPU
 * of a recorded run went into that loop).
 *
 * Owned by the loop's thread but for wakeup_send, which any thread may call from wakeup_init to
 * wakeup_close. Several calls may become one wake-up.
 */
struct wakeup {
    uv_poll_t poll;
    int fd;
    void (*on_wake)(void *data);
    void *data;
};

/* 0 or a negative errno. */
int wakeup_init(struct wakeup *wakeup, uv_loop_t *loop, void (*on_wake)(void *data), void *data);

void wakeup_send(struct wakeup *wakeup);

/* The loop no longer stays alive for it alone. */
void wakeup_unref(struct wakeup *wakeup);

/* Run the loop once more afterwards, as after uv_close. Also of a zeroed one. */
void wakeup_close(struct wakeup *wakeup);
