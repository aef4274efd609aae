#include "detector/sim/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int describe_bind_failure(int code, const char *address, uint16_t port, const char *what,
                                 struct error *error)
{
    if (code == EADDRINUSE)
        return error_set(error, -code,
                         "port %u on %s is in use: another merlin-sim or a Merlin may be running; "
                         "choose another with --%s-port (0 takes a free one)",
                         port, address, what);
    return error_set(error, -code, "cannot listen on %s port %u: %s; see --listen and --%s-port",
                     address, port, strerror(code), what);
}

static int bind_and_listen(const struct addrinfo *info)
{
    const int socket_fd =
        socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, info->ai_protocol);
    if (socket_fd < 0)
        return -errno;
    const int on = 1;
    setsockopt(socket_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(socket_fd, info->ai_addr, info->ai_addrlen) < 0 || listen(socket_fd, 16) < 0) {
        const int code = errno;
        close(socket_fd);
        return -code;
    }
    return socket_fd;
}

static uint16_t bound_port(int socket_fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } name = {0};
    socklen_t size = sizeof name;
    if (getsockname(socket_fd, &name.any, &size) < 0)
        return 0;
    return ntohs(name.any.sa_family == AF_INET6 ? name.v6.sin6_port : name.v4.sin_port);
}

int listener_open(const char *address, uint16_t *port, const char *what, struct error *error)
{
    char service[8];
    snprintf(service, sizeof service, "%u", *port);
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *info;
    const int failure = getaddrinfo(address, service, &hints, &info);
    if (failure)
        return error_set(error, -EADDRNOTAVAIL, "no address %s: %s; see --listen", address,
                         gai_strerror(failure));
    const int socket_fd = bind_and_listen(info);
    freeaddrinfo(info);
    if (socket_fd < 0)
        return describe_bind_failure(-socket_fd, address, *port, what, error);
    *port = bound_port(socket_fd);
    return socket_fd;
}

int listener_accept(int listener)
{
    const int connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0)
        return -errno;
    const int on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return connection;
}

void connection_refuse(int socket_fd)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(socket_fd);
}
