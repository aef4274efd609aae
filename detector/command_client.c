#include "detector/command_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "detector/command_queue.h"
#include "detector/command_reply.h"
#include "detector/connector.h"
#include "detector/mpx.h"

#define REPLY_TIMEOUT_MS 2000
#define MAX_WAITING 1000

/* Room for one reply of the greatest size with its prefix, and for as much again behind it. */
#define RECEIVE_BUFFER_SIZE (2 * COMMAND_REPLY_MAX_SIZE)

/* A message on its way; libuv owns it until on_written. */
struct write {
    uv_write_t request;
    char bytes[];
};

/* Used by the loop's thread only. */
struct command_client {
    uv_loop_t *loop;
    command_link_fn on_link;
    void *data;
    struct connector *connector;
    uv_tcp_t *socket; /* NULL: the link is down; frees itself when closed */
    /*
     * While the link is up: the time-out of the command that was sent. While it is down: fires at
     * once to fail the commands that were queued. A write that failed is dealt with there too: no
     * callback may come from within command_client_send.
     */
    uv_timer_t timer;
    int write_result;             /* of the newest write on this link */
    struct command_queue waiting; /* its first one is on the wire when `sent` */
    bool sent;
    bool overdue; /* its time is over, and what lies in the socket is looked at a last time */
    bool destroyed;
    uint64_t dropped_replies;
    size_t received;
    uint8_t buffer[RECEIVE_BUFFER_SIZE];
};

static void pump(struct command_client *client);

/* ---- link ---- */

/*
 * Only those that wait now: callbacks may queue more, and may destroy the client, which settles the
 * rest.
 */
static void settle_all(struct command_client *client, int status)
{
    client->sent = false;
    for (unsigned n = client->waiting.length; n > 0; n--) {
        struct command *const command = command_queue_take(&client->waiting);
        if (!command)
            return;
        command_settle(command, status, 0, "");
    }
}

static void on_socket_closed(uv_handle_t *handle)
{
    free(handle);
}

static void close_socket(struct command_client *client)
{
    if (!client->socket)
        return;
    uv_close((uv_handle_t *)client->socket, on_socket_closed);
    client->socket = NULL;
    client->received = 0;
    uv_timer_stop(&client->timer);
}

static void lose_link(struct command_client *client, int reason)
{
    const char *const peer = connector_peer(client->connector);
    struct error error;
    close_socket(client);
    connector_retry(client->connector);
    if (reason == UV_EOF)
        error_set(&error, -ECONNRESET, "%s closed the command link", peer);
    else
        error_set(&error, reason, "the command link to %s broke: %s", peer, uv_strerror(reason));
    client->sent = false;
    client->on_link(client->data, false, &error);
    settle_all(client, -ENOTCONN);
}

/* ---- sending ---- */

static void on_written(uv_write_t *request, int status)
{
    free(request->data); /* a failed write is followed by a failed read, which ends the link */
}

static int write_command(struct command_client *client, const struct command *command)
{
    const size_t size = MPX_PREFIX_SIZE + command->body_size;
    struct write *const write = malloc(sizeof *write + size);
    if (!write)
        return -ENOMEM;
    mpx_write_prefix(write->bytes, command->body_size);
    memcpy(write->bytes + MPX_PREFIX_SIZE, command->body, command->body_size);
    write->request.data = write;
    const uv_buf_t buffer = uv_buf_init(write->bytes, (unsigned)size);
    const int result =
        uv_write(&write->request, (uv_stream_t *)client->socket, &buffer, 1, on_written);
    if (result < 0)
        free(write);
    return result;
}

static void on_timer(uv_timer_t *timer)
{
    struct command_client *const client = timer->data;
    if (!client->socket) {
        settle_all(client, -ENOTCONN);
        return;
    }
    if (client->write_result < 0) {
        lose_link(client, client->write_result);
        return;
    }
    if (!client->sent)
        return;
    if (!client->overdue) {
        /* After a loop that was busy for long timers come before what has arrived meanwhile. */
        client->overdue = true;
        uv_timer_start(&client->timer, on_timer, 1, 0);
        return;
    }
    client->sent = false;
    client->received = 0; /* half a reply that never went on would swallow the next one */
    command_settle(command_queue_take(&client->waiting), -ETIMEDOUT, 0, "");
    pump(client);
}

/* Sends the next command if none is on the wire. */
static void pump(struct command_client *client)
{
    if (client->destroyed || client->sent || !client->waiting.first)
        return;
    if (!client->socket) {
        uv_timer_start(&client->timer, on_timer, 0, 0);
        return;
    }
    client->write_result = write_command(client, client->waiting.first);
    client->sent = true;
    client->overdue = false;
    uv_update_time(client->loop); /* the loop may have been busy since it looked */
    uv_timer_start(&client->timer, on_timer, client->write_result < 0 ? 0 : REPLY_TIMEOUT_MS, 0);
}

/* ---- receiving ---- */

/* Upper and lower case do not matter: the manual prints Trigger names in both. */
static bool answers(const struct command_reply_text *reply, const struct command *command)
{
    return reply->type == command->type && reply->name.size == strlen(command->name) &&
           strncasecmp((const char *)reply->name.at, command->name, reply->name.size) == 0;
}

static void settle_with_reply(struct command_client *client, const struct command_reply_text *reply)
{
    struct command *const command = command_queue_take(&client->waiting);
    const bool has_value = reply->type == COMMAND_GET && reply->code >= 0;
    char *const value =
        has_value ? strndup((const char *)reply->value.at, reply->value.size) : NULL;
    client->sent = false;
    uv_timer_stop(&client->timer);
    if (reply->code < 0)
        command_settle(command, -EBADMSG, 0, "");
    else if (has_value && !value)
        command_settle(command, -ENOMEM, 0, "");
    else
        command_settle(command, 0, reply->code, has_value ? value : "");
    free(value);
    pump(client);
}

static void drop_received(struct command_client *client, size_t n)
{
    client->received -= n;
    memmove(client->buffer, client->buffer + n, client->received);
}

/*
 * Takes one reply. The texts of `reply` point into the buffer, so the bytes are dropped only after
 * the callback; the callback may break the link, and then the buffer is empty.
 */
static bool take_reply(struct command_client *client)
{
    struct command_reply_text reply;
    size_t consumed, stray;
    const enum command_reply_result result =
        command_reply_next(client->buffer, client->received, &reply, &consumed, &stray);
    const uv_tcp_t *const socket = client->socket;
    if (result == COMMAND_REPLY_TAKEN && client->sent && answers(&reply, client->waiting.first))
        settle_with_reply(client, &reply);
    else if (result != COMMAND_REPLY_MORE)
        client->dropped_replies++;
    if (client->socket != socket)
        return false;
    drop_received(client, consumed);
    return result != COMMAND_REPLY_MORE;
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct command_client *const client = handle->data;
    if (client->received == sizeof client->buffer)
        client->received = 0; /* a message that never ends: garbage */
    *buffer = uv_buf_init((char *)client->buffer + client->received,
                          (unsigned)(sizeof client->buffer - client->received));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct command_client *const client = stream->data;
    if (n < 0) {
        lose_link(client, (int)n);
        return;
    }
    client->received += (size_t)n;
    while (client->socket && take_reply(client)) {
    }
}

/* ---- connector's side ---- */

/* Owns `fd`, also when it fails. */
static int open_socket(struct command_client *client, int fd)
{
    uv_tcp_t *const socket = malloc(sizeof *socket);
    int result = socket ? uv_tcp_init(client->loop, socket) : -ENOMEM;
    if (result < 0) {
        free(socket);
        close(fd);
        return result;
    }
    socket->data = client;
    result = uv_tcp_open(socket, fd);
    if (result < 0)
        close(fd);
    else
        result = uv_read_start((uv_stream_t *)socket, on_allocate, on_read);
    if (result < 0) {
        uv_close((uv_handle_t *)socket, on_socket_closed);
        return result;
    }
    client->socket = socket;
    client->received = 0;
    client->write_result = 0;
    return 0;
}

static void on_connected(void *data, int fd)
{
    struct command_client *const client = data;
    const int result = open_socket(client, fd);
    if (result < 0) {
        lose_link(client, result);
        return;
    }
    client->on_link(client->data, true, NULL);
    pump(client);
}

static void on_failed(void *data, const struct error *error)
{
    const struct command_client *const client = data;
    client->on_link(client->data, false, error);
}

/* ---- owner's side ---- */

int command_client_create(struct command_client **out, uv_loop_t *loop, const char *host,
                          uint16_t port, command_link_fn on_link, void *data)
{
    struct command_client *const client = calloc(1, sizeof *client);
    if (!client)
        return -ENOMEM;
    client->loop = loop;
    client->on_link = on_link;
    client->data = data;
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

void command_client_destroy(struct command_client *client)
{
    if (!client)
        return;
    client->destroyed = true;
    close_socket(client);
    connector_destroy(client->connector);
    settle_all(client, -ECANCELED);
    uv_close((uv_handle_t *)&client->timer, on_timer_closed);
}

bool command_client_connected(const struct command_client *client)
{
    return client->socket != NULL;
}

uint64_t command_client_dropped_replies(const struct command_client *client)
{
    return client->dropped_replies;
}

int command_client_send(struct command_client *client, enum command_type type, const char *name,
                        const char *value, command_reply_fn reply, void *data)
{
    struct command *command;
    if (client->destroyed)
        return -ECANCELED;
    if (client->waiting.length >= MAX_WAITING)
        return -ENOBUFS;
    const int result = command_create(&command, type, name, value);
    if (result < 0)
        return result;
    command->reply = reply;
    command->data = data;
    command_queue_append(&client->waiting, command);
    pump(client);
    return 0;
}

const char *command_code_text(int code)
{
    switch (code) {
    case COMMAND_CODE_OK:
        return "understood";
    case COMMAND_CODE_BUSY:
        return "the detector is busy; wait until it is idle or stop the acquisition";
    case COMMAND_CODE_NOT_RECOGNISED:
        return "the detector does not know this name; its software may be older or newer";
    case COMMAND_CODE_OUT_OF_RANGE:
        return "the value is out of the detector's range";
    default:
        return "the detector answered with a code that is not documented";
    }
}
