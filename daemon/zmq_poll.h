#pragma once

#include <uv.h>

/*
 * A ZeroMQ socket on a uv loop.
 *
 * The file descriptor that ZeroMQ gives is edge-triggered and its edges are used up by any send or
 * receive on the socket, so a callback on it alone misses messages (2 of 20,000 arrived in a
 * trial). Therefore the descriptor only wakes the loop; before every sleep a prepare handle asks
 * the socket itself and keeps the loop from sleeping while there is something to read, and after it
 * a check handle calls back, at most 16 times in a row so that nobody else on the loop starves.
 */
struct zmq_poll {
    void *socket;
    void (*readable)(void *data); /* receives one message with ZMQ_DONTWAIT */
    void *data;
    uv_poll_t poll;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    void (*closed)(void *data);
    unsigned n_open; /* handles that are not closed yet */
};

int zmq_poll_init(struct zmq_poll *poll, uv_loop_t *loop, void *socket,
                  void (*readable)(void *data), void *data);

/* Closes the handles on the loop's next turns and then calls `closed` (with `data`), which may
 * close the socket and free the struct. */
void zmq_poll_close(struct zmq_poll *poll, void (*closed)(void *data));
