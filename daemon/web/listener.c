#include "daemon/web/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/bind_error.h"

#define BACKLOG 64
/* So that a flood of connections does not starve the rest of the loop. */
#define BATCH 16

struct target {
    char host[256], port[8];
};

/* The form of the text was checked when it was loaded. */
static void split(struct target *target, const char *host_port)
{
    const char *const colon = strrchr(host_port, ':');
    const bool bracketed = host_port[0] == '[';
    const int length = (int)(colon - host_port) - 2 * bracketed;
    snprintf(target->host, sizeof target->host, "%.*s", length, host_port + bracketed);
    snprintf(target->port, sizeof target->port, "%s", strcmp(colon + 1, "*") ? colon + 1 : "0");
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
    struct sockaddr_in v4;
    memcpy(&v4, address, sizeof v4);
    return v4.sin_family == AF_INET && ntohl(v4.sin_addr.s_addr) >> 24 == 127;
}

static void tell_address(struct listener *listener)
{
    struct sockaddr_storage bound = {0};
    socklen_t size = sizeof bound;
    char host[256] = "", port[16] = "";
    if (getsockname(listener->fd, (struct sockaddr *)&bound, &size) < 0)
        return;
    getnameinfo((const struct sockaddr *)&bound, size, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    const bool is_v6 = bound.ss_family == AF_INET6;
    snprintf(listener->address, sizeof listener->address, "%s%s%s:%s", is_v6 ? "[" : "", host,
             is_v6 ? "]" : "", port);
    listener->is_loopback = is_loopback(&bound);
}

static int bind_to(int fd, const struct addrinfo *address)
{
    const int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    return 0;
}

int listener_open(struct listener *listener, const char *host_port, struct error *error)
{
    struct target target;
    split(&target, host_port);
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    listener->fd = -1;
    const int failure =
        getaddrinfo(strcmp(target.host, "*") ? target.host : NULL, target.port, &wanted, &found);
    if (failure)
        return error_set(error, -EADDRNOTAVAIL, "web.listen %s: %s", host_port,
                         gai_strerror(failure));
    int r = -EADDRNOTAVAIL;
    listener->fd =
        socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, found->ai_protocol);
    if (listener->fd >= 0)
        r = bind_to(listener->fd, found);
    freeaddrinfo(found);
    if (r < 0) {
        listener_finish(listener);
        return bind_error_set(error, "web.listen", host_port, -r);
    }
    tell_address(listener);
    return 0;
}

static void on_connection(uv_poll_t *handle, int status, int events)
{
    struct listener *const listener = handle->data;
    (void)status;
    (void)events;
    for (int i = 0; i < BATCH; i++) {
        const int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        listener->accepted(listener->data, fd);
    }
}

int listener_start(struct listener *listener, uv_loop_t *loop, void (*accepted)(void *data, int fd),
                   void *data)
{
    listener->accepted = accepted;
    listener->data = data;
    const int r = uv_poll_init(loop, &listener->poll, listener->fd);
    if (r < 0)
        return r;
    listener->poll.data = listener;
    return uv_poll_start(&listener->poll, UV_READABLE, on_connection);
}

void listener_stop(struct listener *listener)
{
    if (listener->poll.data)
        uv_close((uv_handle_t *)&listener->poll, NULL);
}

void listener_finish(struct listener *listener)
{
    if (listener->fd >= 0)
        close(listener->fd);
    listener->fd = -1;
}
