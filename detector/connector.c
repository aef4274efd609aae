#include "detector/connector.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"

#define FIRST_PAUSE_MS 250
#define LONGEST_PAUSE_MS 2000
#define TRY_TIMEOUT_MS 5000
#define LASTING_LINK_NS NS_PER_S

/*
 * Used by the loop's thread only; the lookup runs elsewhere but touches nothing of this before it
 * calls back.
 */
struct connector {
    uv_loop_t *loop;
    struct connector_events events;
    char *host;
    char service[6];
    char *peer;
    uv_timer_t timer; /* the pause before a try, or the time-out of the present one */
    uv_getaddrinfo_t lookup;
    bool lookup_pending;
    bool destroyed, timer_closed;
    struct addrinfo *addresses;
    const struct addrinfo *next_address;
    uv_poll_t *poll; /* of the try that is under way, else NULL; frees itself when closed */
    int fd;
    uint64_t pause_ms;
    uint64_t connected_ns; /* when the present link was made, 0: there is none */
    char last_reason[sizeof((struct error *)0)->text];
};

static void begin_try(uv_timer_t *timer);
static void try_next_address(struct connector *connector, int reason);

/* ---- ends ---- */

static void free_when_idle(struct connector *connector)
{
    if (!connector->timer_closed || connector->lookup_pending)
        return;
    free(connector->host);
    free(connector->peer);
    free(connector);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct connector *const connector = handle->data;
    connector->timer_closed = true;
    free_when_idle(connector);
}

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle);
}

/* Ends the watching of the try that is under way and gives its socket to the caller. */
static int take_fd(struct connector *connector)
{
    const int fd = connector->fd;
    if (connector->poll)
        uv_close((uv_handle_t *)connector->poll, on_poll_closed);
    connector->poll = NULL;
    connector->fd = -1;
    return fd;
}

static void abandon_try(struct connector *connector)
{
    const int fd = take_fd(connector);
    if (fd >= 0)
        close(fd);
    if (connector->addresses)
        uv_freeaddrinfo(connector->addresses);
    connector->addresses = NULL;
    connector->next_address = NULL;
    uv_timer_stop(&connector->timer);
}

static void schedule(struct connector *connector, uint64_t pause_ms)
{
    uv_timer_start(&connector->timer, begin_try, pause_ms, 0);
}

static void schedule_after_pause(struct connector *connector)
{
    schedule(connector, connector->pause_ms);
    connector->pause_ms *= 2;
    if (connector->pause_ms > LONGEST_PAUSE_MS)
        connector->pause_ms = LONGEST_PAUSE_MS;
}

static const char *remedy(int reason)
{
    switch (reason) {
    case -ECONNREFUSED:
        return "; is the Merlin software running, and is no other client connected?";
    case -ETIMEDOUT:
    case -EHOSTUNREACH:
    case -ENETUNREACH:
        return "; check the cable, the address and the firewall";
    default:
        return "";
    }
}

static void fail_try(struct connector *connector, int reason, const char *what)
{
    struct error error;
    const bool is_lookup_reason = reason <= UV_EAI_ADDRFAMILY; /* these are no errno */
    error_set(&error, is_lookup_reason ? -EADDRNOTAVAIL : reason, "%s %s: %s%s", what,
              connector->peer, uv_strerror(reason), remedy(reason));
    abandon_try(connector);
    schedule_after_pause(connector);
    if (strcmp(error.text, connector->last_reason) == 0)
        return;
    memcpy(connector->last_reason, error.text, sizeof error.text);
    connector->events.failed(connector->events.data, &error);
}

/* ---- one try ---- */

static void succeed(struct connector *connector)
{
    const int fd = take_fd(connector);
    abandon_try(connector);
    connector->connected_ns = clock_monotonic_ns();
    connector->last_reason[0] = '\0';
    connector->events.connected(connector->events.data, fd);
}

static void on_writable(uv_poll_t *poll, int status, int events)
{
    struct connector *const connector = poll->data;
    int reason = 0;
    socklen_t size = sizeof reason;
    /* libuv says -EBADF for every failed connection; the socket knows better. */
    if (getsockopt(connector->fd, SOL_SOCKET, SO_ERROR, &reason, &size) < 0)
        reason = errno;
    if (reason == 0 && status < 0)
        reason = -status;
    if (reason == 0)
        succeed(connector);
    else
        try_next_address(connector, -reason);
}

static void on_try_timeout(uv_timer_t *timer)
{
    try_next_address(timer->data, -ETIMEDOUT);
}

/*
 * Both links are quiet for minutes while the detector waits for a trigger: only probes notice a
 * peer that lost its power. One a second: a peer that comes up again says at the next one that it
 * knows nothing of this link, and until then a scan would be started whose frames go nowhere. A
 * network may be cut for 25 seconds. What was sent and is not acknowledged stops the probes, and is
 * given up after the same time; by itself the kernel would try for a quarter of an hour.
 */
static void keep_alive(int fd)
{
    const int on = 1;
    const int idle_s = 1;
    const int interval_s = 1;
    const int probes = 25;
    const unsigned unanswered_ms = 1000 * (unsigned)(idle_s + interval_s * probes);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_ms, sizeof unanswered_ms);
}

static int watch(struct connector *connector)
{
    uv_poll_t *const poll = malloc(sizeof *poll);
    if (!poll)
        return -ENOMEM;
    const int result = uv_poll_init(connector->loop, poll, connector->fd);
    if (result < 0) {
        free(poll);
        return result;
    }
    poll->data = connector;
    connector->poll = poll;
    return uv_poll_start(poll, UV_WRITABLE, on_writable);
}

static int connect_to(struct connector *connector, const struct addrinfo *address)
{
    connector->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connector->fd < 0)
        return -errno;
    keep_alive(connector->fd);
    if (connect(connector->fd, address->ai_addr, address->ai_addrlen) < 0 && errno != EINPROGRESS)
        return -errno;
    return watch(connector);
}

/*
 * `reason` is why the address before failed. A name often has several addresses of which one is
 * served.
 */
static void try_next_address(struct connector *connector, int reason)
{
    while (connector->next_address) {
        const struct addrinfo *const address = connector->next_address;
        connector->next_address = address->ai_next;
        const int failed = take_fd(connector);
        if (failed >= 0)
            close(failed);
        reason = connect_to(connector, address);
        if (reason == 0) {
            uv_timer_start(&connector->timer, on_try_timeout, TRY_TIMEOUT_MS, 0);
            return;
        }
    }
    fail_try(connector, reason, "cannot connect to");
}

static void on_looked_up(uv_getaddrinfo_t *lookup, int status, struct addrinfo *addresses)
{
    struct connector *const connector = lookup->data;
    connector->lookup_pending = false;
    if (connector->destroyed) {
        uv_freeaddrinfo(addresses);
        free_when_idle(connector);
        return;
    }
    if (status < 0) {
        fail_try(connector, status, "cannot find the address of");
        return;
    }
    connector->addresses = addresses;
    connector->next_address = addresses;
    try_next_address(connector, -EADDRNOTAVAIL);
}

static void begin_try(uv_timer_t *timer)
{
    struct connector *const connector = timer->data;
    if (connector->lookup_pending)
        return;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const int result = uv_getaddrinfo(connector->loop, &connector->lookup, on_looked_up,
                                      connector->host, connector->service, &hints);
    if (result < 0)
        fail_try(connector, result, "cannot find the address of");
    else
        connector->lookup_pending = true;
}

/* ---- owner's side ---- */

static int copy_names(struct connector *connector, const char *host, uint16_t port)
{
    snprintf(connector->service, sizeof connector->service, "%u", (unsigned)port);
    connector->host = strdup(host);
    if (!connector->host)
        return -ENOMEM;
    if (asprintf(&connector->peer, "%s:%u", host, (unsigned)port) < 0) {
        connector->peer = NULL;
        free(connector->host);
        return -ENOMEM;
    }
    return 0;
}

int connector_create(struct connector **out, uv_loop_t *loop, const char *host, uint16_t port,
                     const struct connector_events *events)
{
    struct connector *const connector = calloc(1, sizeof *connector);
    if (!connector || copy_names(connector, host, port) < 0) {
        free(connector);
        return -ENOMEM;
    }
    connector->loop = loop;
    connector->events = *events;
    connector->fd = -1;
    connector->pause_ms = FIRST_PAUSE_MS;
    uv_timer_init(loop, &connector->timer);
    connector->timer.data = connector;
    connector->lookup.data = connector;
    schedule(connector, 0);
    *out = connector;
    return 0;
}

void connector_destroy(struct connector *connector)
{
    if (!connector)
        return;
    connector->destroyed = true;
    abandon_try(connector);
    if (connector->lookup_pending)
        uv_cancel((uv_req_t *)&connector->lookup);
    uv_close((uv_handle_t *)&connector->timer, on_timer_closed);
}

static void forget_link(struct connector *connector)
{
    const bool lasted = connector->connected_ns > 0 &&
                        clock_monotonic_ns() - connector->connected_ns >= LASTING_LINK_NS;
    if (lasted)
        connector->pause_ms = FIRST_PAUSE_MS;
    connector->connected_ns = 0;
}

void connector_retry(struct connector *connector)
{
    forget_link(connector);
    schedule_after_pause(connector);
}

const char *connector_peer(const struct connector *connector)
{
    return connector->peer;
}
