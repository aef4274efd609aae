#include "clients/ctl/client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/interrupt.h"
#include "common/clock.h"
#include "common/key_file.h"

/* How long a daemon that is there may take to say so. */
#define PING_MS 1000

struct client {
    void *context;
    void *socket;
    const char *endpoint;
    double timeout_s;
    const char *lease; /* NULL: none */
    json_int_t last_id;
};

/* As it stands there, or from a file with a line "public KEY". */
static int take_server_key(char key[KEY_TEXT_SIZE], const char *given, struct error *error)
{
    if (key_is_text(given)) {
        memcpy(key, given, KEY_TEXT_SIZE);
        return 0;
    }
    return key_public_read(key, given, error);
}

static int show_keys(void *socket, const struct client_keys *keys, struct error *error)
{
    struct key_pair pair;
    char server[KEY_TEXT_SIZE];
    if (!keys->pair_file && !keys->server)
        return 0;
    if (!keys->pair_file || !keys->server)
        return error_set(error, -EINVAL, "--key and --server-key go together");
    int r = key_pair_read(&pair, keys->pair_file, error);
    if (r == 0)
        r = take_server_key(server, keys->server, error);
    if (r < 0)
        return r;
    zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server, sizeof server);
    zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, pair.public_key, sizeof pair.public_key);
    zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, pair.secret_key, sizeof pair.secret_key);
    return 0;
}

int client_create(struct client **client, const char *endpoint, const struct client_keys *keys,
                  double timeout_s, struct error *error)
{
    struct client *const c = calloc(1, sizeof *c);
    if (!c)
        return error_set(error, -ENOMEM, "no memory for the connection");
    *c = (struct client){.endpoint = endpoint, .timeout_s = timeout_s};

    int result = -ENOMEM;
    c->context = zmq_ctx_new();
    if (c->context)
        c->socket = zmq_socket(c->context, ZMQ_DEALER);
    if (!c->socket) {
        result = error_set(error, -zmq_errno(), "cannot make a ZeroMQ socket: %s",
                           zmq_strerror(zmq_errno()));
        goto fail;
    }
    /* A request that nobody took must not keep the program from ending. */
    zmq_setsockopt(c->socket, ZMQ_LINGER, &(int){0}, sizeof(int));
    zmq_setsockopt(c->socket, ZMQ_IPV6, &(int){1}, sizeof(int));
    result = show_keys(c->socket, keys, error);
    if (result < 0)
        goto fail;
    if (zmq_connect(c->socket, endpoint) != 0) {
        result = error_set(error, -EINVAL,
                           "\"%s\" is not an endpoint (%s); give one like tcp://127.0.0.1:6350",
                           endpoint, zmq_strerror(zmq_errno()));
        goto fail;
    }
    *client = c;
    return 0;

fail:
    client_destroy(c);
    return result;
}

void client_set_timeout(struct client *client, double timeout_s)
{
    client->timeout_s = timeout_s;
}

void client_set_lease(struct client *client, const char *token)
{
    client->lease = token;
}

void client_destroy(struct client *client)
{
    if (!client)
        return;
    if (client->socket)
        zmq_close(client->socket);
    if (client->context)
        zmq_ctx_term(client->context);
    free(client);
}

void reply_finish(struct reply *reply)
{
    json_decref(reply->result);
    json_decref(reply->error);
    for (size_t i = 0; i < reply->n_parts; i++)
        zmq_msg_close(&reply->parts[i]);
    *reply = (struct reply){0};
}

static int nobody_answers(const struct client *client, struct error *error)
{
    return error_set(
        error, -ETIMEDOUT,
        "nobody answers at %s (waited %g s). Is merlind running? Start it with "
        "\"systemctl start merlind\" or \"merlind\"; it answers from when its log says \"ready\", "
        "which memory for a large ring can delay by seconds; if it listens elsewhere, say where "
        "with -e ENDPOINT; if it asks for keys, show one with --key and --server-key",
        client->endpoint, client->timeout_s);
}

static int send_frames(struct client *client, const char *text, const struct request_part *part)
{
    if (zmq_send(client->socket, text, strlen(text), ZMQ_DONTWAIT | (part ? ZMQ_SNDMORE : 0)) < 0)
        return -1;
    return part ? zmq_send(client->socket, part->bytes, part->size, ZMQ_DONTWAIT) : 0;
}

static int send_request(struct client *client, const char *command, json_t *arguments,
                        const struct request_part *part, struct error *error)
{
    json_t *const request = json_pack("{s:I, s:s, s:o}", "id", ++client->last_id, "cmd", command,
                                      "args", arguments ? arguments : json_object());
    if (request && client->lease)
        json_object_set_new(request, "lease", json_string(client->lease));
    char *const text = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    if (!text)
        return error_set(error, -EINVAL,
                         "the request \"%s\" cannot be written as JSON: an argument is not UTF-8",
                         command);
    const int sent = send_frames(client, text, part);
    const int code = zmq_errno();
    free(text);
    if (sent >= 0)
        return 0;
    return code == EAGAIN ? nobody_answers(client, error)
                          : error_set(error, -code, "cannot send to %s: %s", client->endpoint,
                                      zmq_strerror(code));
}

static bool more_to_receive(const struct client *client)
{
    int more = 0;
    size_t size = sizeof more;
    return zmq_getsockopt(client->socket, ZMQ_RCVMORE, &more, &size) == 0 && more;
}

static void skip_rest(const struct client *client)
{
    zmq_msg_t part;
    while (more_to_receive(client)) {
        zmq_msg_init(&part);
        zmq_msg_recv(&part, client->socket, 0);
        zmq_msg_close(&part);
    }
}

/* The first part that is not empty (a daemon may put the empty frame of a REQ socket before it),
 * parsed; NULL when it is no JSON object. */
static json_t *receive_envelope(const struct client *client)
{
    zmq_msg_t part;
    zmq_msg_init(&part);
    int size = zmq_msg_recv(&part, client->socket, 0);
    if (size == 0 && more_to_receive(client))
        size = zmq_msg_recv(&part, client->socket, 0);
    json_t *envelope = NULL;
    if (size > 0)
        envelope =
            json_loadb(zmq_msg_data(&part), zmq_msg_size(&part), JSON_REJECT_DUPLICATES, NULL);
    zmq_msg_close(&part);
    if (json_is_object(envelope))
        return envelope;
    json_decref(envelope);
    return NULL;
}

static void receive_parts(const struct client *client, struct reply *reply)
{
    while (more_to_receive(client) && reply->n_parts < REPLY_MAX_PARTS) {
        zmq_msg_t *const part = &reply->parts[reply->n_parts];
        zmq_msg_init(part);
        reply->n_parts++;
        if (zmq_msg_recv(part, client->socket, 0) < 0)
            return;
    }
    skip_rest(client);
}

static int not_merlind(const struct client *client, struct error *error)
{
    return error_set(error, -EPROTO,
                     "what answers at %s does not speak merlind's protocol; is this the control "
                     "endpoint (not the one for results)?",
                     client->endpoint);
}

static int read_envelope(const struct client *client, const json_t *envelope, struct reply *reply,
                         struct error *error)
{
    json_t *const result = json_object_get(envelope, "result");
    if (json_is_true(json_object_get(envelope, "ok")) && json_is_object(result)) {
        reply->result = json_incref(result);
        return 0;
    }
    json_t *const refusal = json_object_get(envelope, "error");
    const char *const message = json_string_value(json_object_get(refusal, "message"));
    if (!json_is_false(json_object_get(envelope, "ok")) || !message)
        return not_merlind(client, error);
    reply->error = json_incref(refusal);
    return error_set(error, -EREMOTEIO, "%s", message);
}

/* A request that could not be read, an integer beyond 2^63 in it for example, has no number. */
static bool is_ours(const struct client *client, const json_t *id)
{
    return json_is_null(id) || json_integer_value(id) == client->last_id;
}

/* Takes one message. -EAGAIN: an answer to an earlier request, which had been given up. */
static int receive_reply(const struct client *client, struct reply *reply, struct error *error)
{
    json_t *const envelope = receive_envelope(client);
    if (!envelope) {
        skip_rest(client);
        return not_merlind(client, error);
    }
    int result = -EAGAIN;
    if (is_ours(client, json_object_get(envelope, "id"))) {
        receive_parts(client, reply);
        result = read_envelope(client, envelope, reply, error);
    } else {
        skip_rest(client);
    }
    json_decref(envelope);
    return result;
}

/* The time is over: is nobody there, or does the work take longer? */
static int explain_silence(struct client *client, const char *command, struct error *error)
{
    struct error ignored;
    zmq_pollitem_t item = {.socket = client->socket, .events = ZMQ_POLLIN};
    if (send_request(client, "ping", NULL, NULL, &ignored) < 0 || zmq_poll(&item, 1, PING_MS) <= 0)
        return nobody_answers(client, error);
    return error_set(error, -ETIME,
                     "merlind is there, and has not answered \"%s\" in %g s: give it more with "
                     "--timeout SECONDS",
                     command, client->timeout_s);
}

int client_request_part(struct client *client, const char *command, json_t *arguments,
                        const struct request_part *part, struct reply *reply, struct error *error)
{
    *reply = (struct reply){0};
    int result = send_request(client, command, arguments, part, error);
    if (result)
        return result;

    const uint64_t deadline =
        clock_monotonic_ns() + (uint64_t)(client->timeout_s * (double)NS_PER_S);
    do {
        const uint64_t now = clock_monotonic_ns();
        if (now >= deadline)
            return explain_silence(client, command, error);
        const uint64_t left_ms = (deadline - now) / NS_PER_MS + 1;
        /* In slices, because a signal may come between this look at the flag and the wait. */
        const long wait_ms = left_ms < 100 ? (long)left_ms : 100;
        zmq_pollitem_t item = {.socket = client->socket, .events = ZMQ_POLLIN};
        const int ready = zmq_poll(&item, 1, wait_ms);
        if (interrupt_caught())
            return error_set(error, -EINTR, "interrupted before the answer to \"%s\" came",
                             command);
        result = ready > 0 ? receive_reply(client, reply, error) : -EAGAIN;
    } while (result == -EAGAIN);
    return result;
}

int client_request(struct client *client, const char *command, json_t *arguments,
                   struct reply *reply, struct error *error)
{
    return client_request_part(client, command, arguments, NULL, reply, error);
}
