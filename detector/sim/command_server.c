#include "detector/sim/command_server.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "detector/mpx.h"
#include "detector/sim/command_stream.h"
#include "detector/sim/listener.h"

#define CLIENTS_MAX 2

struct command_client_slot {
    int socket; /* -1: free */
    struct command_stream stream;
};

struct command_server {
    struct command_context *context;
    struct command_client_slot clients[CLIENTS_MAX];
};

static void drop_client(struct command_client_slot *client)
{
    if (client->socket >= 0)
        close(client->socket);
    client->socket = -1;
    client->stream.size = 0;
}

static void accept_clients(struct command_server *server, int listener)
{
    int connection;
    while ((connection = listener_accept(listener)) >= 0) {
        struct command_client_slot *slot = NULL;
        for (int i = 0; i < CLIENTS_MAX; i++)
            if (server->clients[i].socket < 0)
                slot = &server->clients[i];
        if (slot)
            slot->socket = connection;
        else
            connection_refuse(connection);
    }
}

/* A client that does not read its replies loses its connection, for the other one must not wait for
 * it. */
static void execute_command(struct command_server *server, struct command_client_slot *client,
                            const char *body)
{
    char message[MPX_PREFIX_SIZE + COMMAND_REPLY_MAX + 2];
    command_execute(server->context, body, message + MPX_PREFIX_SIZE, COMMAND_REPLY_MAX);
    const size_t size = strlen(message + MPX_PREFIX_SIZE);
    mpx_write_prefix(message, command_fault(server->context, FAULT_SHORT_REPLY) ? size - 1 : size);
    size_t total = MPX_PREFIX_SIZE + size;
    if (command_fault(server->context, FAULT_TRAILING)) {
        message[total++] = '\0';
        message[total++] = '\n';
    }
    if (send(client->socket, message, total, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)total)
        drop_client(client);
}

static void execute_commands(struct command_server *server, struct command_client_slot *client)
{
    char body[COMMAND_BODY_MAX + 1];
    while (client->socket >= 0 && command_stream_next(&client->stream, body)) {
        execute_command(server, client, body);
        if (server->context->reset) {
            server->context->reset = false;
            for (int i = 0; i < CLIENTS_MAX; i++)
                drop_client(&server->clients[i]);
        }
    }
}

static void read_client(struct command_server *server, struct command_client_slot *client)
{
    struct command_stream *stream = &client->stream;
    const ssize_t size = recv(client->socket, stream->bytes + stream->size,
                              command_stream_room(stream), MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
        drop_client(client);
    } else if (size > 0) {
        stream->size += (size_t)size;
        execute_commands(server, client);
    }
}

/* False: it is time to go. */
static bool handle_notification(struct command_context *context)
{
    eventfd_t count;
    eventfd_read(acquisition_notify_fd(context->acquisition), &count);
    if (command_report_end(context) && context->options->once)
        context->over = true;
    if (context->over && !acquisition_drained(context->acquisition))
        acquisition_drain(context->acquisition);
    return !acquisition_drained(context->acquisition);
}

int command_server_run(struct command_context *context, int listener, int signal_fd)
{
    struct command_server server = {.context = context};
    for (int i = 0; i < CLIENTS_MAX; i++)
        server.clients[i].socket = -1;
    int result = 0;
    for (;;) {
        struct pollfd events[3 + CLIENTS_MAX] = {
            {.fd = signal_fd, .events = POLLIN},
            {.fd = acquisition_notify_fd(context->acquisition), .events = POLLIN},
            {.fd = listener, .events = POLLIN},
        };
        for (int i = 0; i < CLIENTS_MAX; i++)
            events[3 + i] = (struct pollfd){.fd = server.clients[i].socket, .events = POLLIN};
        if (poll(events, 3 + CLIENTS_MAX, -1) < 0 && errno != EINTR) {
            result = -errno;
            break;
        }
        if (events[0].revents || (events[1].revents && !handle_notification(context)))
            break;
        for (int i = 0; i < CLIENTS_MAX; i++)
            if (events[3 + i].revents && server.clients[i].socket >= 0)
                read_client(&server, &server.clients[i]);
        if (events[2].revents) /* last: a client that left makes room for the next one */
            accept_clients(&server, listener);
    }
    for (int i = 0; i < CLIENTS_MAX; i++)
        drop_client(&server.clients[i]);
    return result;
}
