#include "processing/wakeup.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct wakeup *const wakeup = poll->data;
    eventfd_t ignored;
    (void)eventfd_read(wakeup->fd, &ignored);
    wakeup->on_wake(wakeup->data);
}

int wakeup_init(struct wakeup *wakeup, uv_loop_t *loop, void (*on_wake)(void *data), void *data)
{
    *wakeup = (struct wakeup){.on_wake = on_wake, .data = data};
    const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    const int r = uv_poll_init(loop, &wakeup->poll, fd);
    if (r < 0) {
        close(fd);
        return r;
    }
    wakeup->fd = fd;
    wakeup->poll.data = wakeup;
    return uv_poll_start(&wakeup->poll, UV_READABLE, on_readable);
}

void wakeup_send(struct wakeup *wakeup)
{
    (void)eventfd_write(wakeup->fd, 1);
}

void wakeup_unref(struct wakeup *wakeup)
{
    uv_unref((uv_handle_t *)&wakeup->poll);
}

static void on_closed(uv_handle_t *handle)
{
    struct wakeup *const wakeup = handle->data;
    close(wakeup->fd);
}

void wakeup_close(struct wakeup *wakeup)
{
    if (wakeup->poll.data)
        uv_close((uv_handle_t *)&wakeup->poll, on_closed);
}
