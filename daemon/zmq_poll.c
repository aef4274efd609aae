#include "daemon/zmq_poll.h"

#include <errno.h>
#include <stdbool.h>
#include <zmq.h>

#define BATCH 16

static bool can_read(const struct zmq_poll *poll)
{
    int events = 0;
    size_t size = sizeof events;
    return zmq_getsockopt(poll->socket, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    /* Nothing: it has woken the loop, and check does the reading. */
    (void)handle;
    (void)status;
    (void)events;
}

static void on_idle(uv_idle_t *handle)
{
    /* Nothing: an active idle handle keeps the loop from sleeping. */
    (void)handle;
}

static void on_prepare(uv_prepare_t *handle)
{
    struct zmq_poll *const poll = handle->data;
    if (can_read(poll))
        uv_idle_start(&poll->idle, on_idle);
}

static void on_check(uv_check_t *handle)
{
    struct zmq_poll *const poll = handle->data;
    uv_idle_stop(&poll->idle);
    for (int i = 0; i < BATCH && can_read(poll); i++)
        poll->readable(poll->data);
}

int zmq_poll_init(struct zmq_poll *poll, uv_loop_t *loop, void *socket,
                  void (*readable)(void *data), void *data)
{
    int fd = -1;
    size_t size = sizeof fd;
    if (zmq_getsockopt(socket, ZMQ_FD, &fd, &size) != 0)
        return -errno;
    poll->socket = socket;
    poll->readable = readable;
    poll->data = data;
    const int r = uv_poll_init(loop, &poll->poll, fd);
    if (r < 0)
        return r;
    uv_prepare_init(loop, &poll->prepare);
    uv_check_init(loop, &poll->check);
    uv_idle_init(loop, &poll->idle);
    poll->poll.data = poll->prepare.data = poll->check.data = poll->idle.data = poll;
    uv_poll_start(&poll->poll, UV_READABLE, on_poll);
    uv_prepare_start(&poll->prepare, on_prepare);
    uv_check_start(&poll->check, on_check);
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct zmq_poll *const poll = handle->data;
    if (--poll->n_open == 0)
        poll->closed(poll->data);
}

void zmq_poll_close(struct zmq_poll *poll, void (*closed)(void *data))
{
    poll->closed = closed;
    poll->n_open = 4;
    uv_close((uv_handle_t *)&poll->poll, on_closed);
    uv_close((uv_handle_t *)&poll->prepare, on_closed);
    uv_close((uv_handle_t *)&poll->check, on_closed);
    uv_close((uv_handle_t *)&poll->idle, on_closed);
}
