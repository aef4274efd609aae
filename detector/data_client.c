#include "detector/data_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "detector/connector.h"

/*
 * Reads go straight into the sink's memory with read(2), for which reason this is uv_poll and not a
 * libuv stream.
 *
 * When many bytes flow, waking up for each segment costs more than the copy. SO_RCVLOWAT lets the
 * kernel wait for LOAD_WAKE_BYTES; poll does not fire for fewer, so whoever set it must look for
 * himself when the stream pauses: look_for_bytes reads what lies there and lowers the mark. The
 * rates of going to load and leaving it are far enough apart (LOAD_BYTES_PER_TICK a tick against
 * LOAD_WAKE_BYTES a tick) that a steady stream does not flap, and a lone frame, whatever its size,
 * is read as it arrives.
 */
#define LOAD_WAKE_BYTES 524288     /* 512 KiB */
#define LOAD_BYTES_PER_TICK 786432 /* 768 KiB, which is 393 MB/s */
#define TICK_NS (2 * NS_PER_MS)
#define QUIET_TICK_MS 50

/*
 * One read's copy should stay in the L2 cache for the parser; one wake-up should not keep the
 * loop's timers waiting.
 */
#define MAX_READ_BYTES 1048576 /* 1 MiB */
#define MAX_WAKE_BYTES 4194304 /* 4 MiB */

/* Used by the loop's thread only. */
struct data_client {
    uv_loop_t *loop;
    struct data_sink sink;
    struct connector *connector;
    uv_timer_t timer; /* runs while the link is up and not paused */
    uv_poll_t *poll;  /* NULL: the link is down; frees itself when closed */
    int fd;
    bool paused; /* the sink had no room; neither poll nor timer runs */
    bool loaded; /* SO_RCVLOWAT is LOAD_WAKE_BYTES */
    bool quiet;  /* the sink was told that nothing comes */
    uint64_t last_byte_ns;
    uint64_t window_start_ns; /* of the bytes counted for the choice of `loaded` */
    uint64_t window_bytes;
};

enum read_end {
    READ_DRAINED, /* the socket is empty as far as known */
    READ_BOUNDED, /* there may be more */
    READ_PAUSED,  /* the sink has no room */
    READ_CLOSED,  /* the link broke, or a callback closed it */
};

static void on_tick(uv_timer_t *timer);

/* ---- link ---- */

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle);
}

static void close_socket(struct data_client *client)
{
    if (!client->poll)
        return;
    uv_close((uv_handle_t *)client->poll, on_poll_closed);
    client->poll = NULL;
    close(client->fd);
    client->fd = -1;
    uv_timer_stop(&client->timer);
}

static void tell_link_down(const struct data_client *client, int reason)
{
    const char *const peer = connector_peer(client->connector);
    struct error error;
    if (reason == 0)
        error_set(&error, -ECONNRESET, "%s closed the data link", peer);
    else
        error_set(&error, reason, "the data link to %s broke: %s", peer, strerror(-reason));
    client->sink.link(client->sink.data, false, &error);
}

/* `reason` is 0 when the other side closed. */
static void lose_link(struct data_client *client, int reason)
{
    close_socket(client);
    connector_retry(client->connector);
    tell_link_down(client, reason);
}

static void set_loaded(struct data_client *client, bool loaded)
{
    const int low_water = loaded ? LOAD_WAKE_BYTES : 1;
    if (client->loaded == loaded)
        return;
    if (setsockopt(client->fd, SOL_SOCKET, SO_RCVLOWAT, &low_water, sizeof low_water) == 0)
        client->loaded = loaded;
}

/* ---- reading ---- */

/* One read(2). *got is what came. */
static enum read_end read_once(struct data_client *client, size_t *got)
{
    const uv_poll_t *const poll = client->poll;
    uint8_t *bytes;
    size_t size;
    *got = 0;
    if (!client->sink.reserve(client->sink.data, &bytes, &size) || size == 0)
        return client->poll == poll ? READ_PAUSED : READ_CLOSED;
    if (client->poll != poll)
        return READ_CLOSED;
    if (size > MAX_READ_BYTES)
        size = MAX_READ_BYTES;
    const ssize_t n = read(client->fd, bytes, size);
    if (n < 0 && errno == EINTR)
        return READ_BOUNDED;
    if (n < 0 && errno == EAGAIN)
        return READ_DRAINED;
    if (n <= 0) {
        lose_link(client, n < 0 ? -errno : 0);
        return READ_CLOSED;
    }
    *got = (size_t)n;
    client->sink.received(client->sink.data, *got);
    if (client->poll != poll)
        return READ_CLOSED;
    return *got < size ? READ_DRAINED : READ_BOUNDED;
}

static void pause_reading(struct data_client *client)
{
    client->paused = true;
    uv_poll_stop(client->poll);
    uv_timer_stop(&client->timer);
}

/* Reads until the socket is empty or a bound is met. *got is the sum. */
static enum read_end read_some(struct data_client *client, size_t *got)
{
    enum read_end end;
    size_t n;
    *got = 0;
    do {
        end = read_once(client, &n);
        *got += n;
    } while (end == READ_BOUNDED && *got < MAX_WAKE_BYTES);
    if (end == READ_PAUSED)
        pause_reading(client);
    return end;
}

static void begin_window(struct data_client *client, uint64_t now)
{
    client->window_start_ns = now;
    client->window_bytes = 0;
}

/* Bytes came: keeps the rate, and goes to load when it is high. Only on_tick leaves load. */
static void note_bytes(struct data_client *client, size_t n)
{
    const uint64_t now = clock_monotonic_ns();
    client->last_byte_ns = now;
    client->window_bytes += n;
    const uint64_t elapsed = now - client->window_start_ns;
    if (elapsed < TICK_NS)
        return;
    if (client->window_bytes * TICK_NS >= LOAD_BYTES_PER_TICK * elapsed)
        set_loaded(client, true);
    begin_window(client, now);
}

static void tick_after(struct data_client *client, uint64_t ms)
{
    uv_timer_start(&client->timer, on_tick, ms, 0);
}

/*
 * The first bytes after a quiet time: the rate is counted from here, and the end of these bytes is
 * looked for soon.
 */
static void leave_quiet(struct data_client *client)
{
    client->quiet = false;
    begin_window(client, clock_monotonic_ns());
    tick_after(client, TICK_NS / NS_PER_MS);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct data_client *const client = poll->data;
    size_t got;
    if (client->quiet)
        leave_quiet(client);
    const enum read_end end = read_some(client, &got);
    if (end == READ_CLOSED)
        return;
    if (got > 0)
        note_bytes(client, got);
    /*
     * After an error on the socket libuv stops polling. read(2) gives what came before the error
     * and then the error itself.
     */
    if (status < 0 && end != READ_PAUSED)
        uv_poll_start(poll, UV_READABLE, on_readable);
}

/* ---- pauses ---- */

static void tell_quiet(struct data_client *client)
{
    client->quiet = true;
    tick_after(client, QUIET_TICK_MS);
    client->sink.quiet(client->sink.data, clock_monotonic_ns() - client->last_byte_ns);
}

/*
 * A tick passed without a wake-up. That means little: the bytes may lie below the mark, or this
 * thread did not get the processor, and libuv runs timers before it polls. So look, and believe in
 * quiet only when nothing is there.
 */
static void look_for_bytes(struct data_client *client)
{
    size_t got;
    const enum read_end end = read_some(client, &got);
    if (end == READ_CLOSED)
        return;
    if (got < LOAD_WAKE_BYTES)
        set_loaded(client, false);
    if (got > 0) {
        client->quiet = false;
        note_bytes(client, got);
    }
    if (end == READ_PAUSED)
        return;
    if (got > 0)
        tick_after(client, TICK_NS / NS_PER_MS);
    else
        tell_quiet(client);
}

static void on_tick(uv_timer_t *timer)
{
    struct data_client *const client = timer->data;
    const uint64_t since = clock_monotonic_ns() - client->last_byte_ns;
    if (since < TICK_NS)
        tick_after(client, 1 + (TICK_NS - since) / NS_PER_MS);
    else
        look_for_bytes(client);
}

static int start_reading(struct data_client *client)
{
    client->paused = false;
    client->quiet = false;
    begin_window(client, clock_monotonic_ns());
    tick_after(client, TICK_NS / NS_PER_MS);
    return uv_poll_start(client->poll, UV_READABLE, on_readable);
}

/* ---- connector's side ---- */

static int open_poll(struct data_client *client, int fd)
{
    uv_poll_t *const poll = malloc(sizeof *poll);
    if (!poll)
        return -ENOMEM;
    const int result = uv_poll_init(client->loop, poll, fd);
    if (result < 0) {
        free(poll);
        return result;
    }
    poll->data = client;
    client->poll = poll;
    client->fd = fd;
    client->loaded = false;
    client->last_byte_ns = clock_monotonic_ns();
    return 0;
}

static void on_connected(void *data, int fd)
{
    struct data_client *const client = data;
    int result = open_poll(client, fd);
    if (result < 0) {
        close(fd);
        connector_retry(client->connector);
        tell_link_down(client, result);
        return;
    }
    result = start_reading(client);
    if (result < 0)
        lose_link(client, result);
    else
        client->sink.link(client->sink.data, true, NULL);
}

static void on_failed(void *data, const struct error *error)
{
    const struct data_client *const client = data;
    client->sink.link(client->sink.data, false, error);
}

/* ---- owner's side ---- */

int data_client_create(struct data_client **out, uv_loop_t *loop, const char *host, uint16_t port,
                       const struct data_sink *sink)
{
    struct data_client *const client = calloc(1, sizeof *client);
    if (!client)
        return -ENOMEM;
    client->loop = loop;
    client->sink = *sink;
    client->fd = -1;
    const struct connector_events events = {client, on_connected, on_failed};
    const int result = connector_create(&client->connector, loop, host, port, &events);
    if (result < 0) {
        free(client);
        return result;
    }
    uv_timer_init(loop, &client->timer);
    client->timer.data = client;
    *out = client;
    return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void data_client_destroy(struct data_client *client)
{
    if (!client)
        return;
    close_socket(client);
    connector_destroy(client->connector);
    uv_close((uv_handle_t *)&client->timer, on_timer_closed);
}

void data_client_resume(struct data_client *client)
{
    if (!client->poll || !client->paused)
        return;
    const int result = start_reading(client);
    if (result < 0)
        lose_link(client, result);
}
