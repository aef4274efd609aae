#include "daemon/publish/publisher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/log.h"
#include "daemon/bind_error.h"
#include "daemon/key_ring.h"
#include "daemon/message_header.h"
#include "daemon/zmq_poll.h"

/* Messages that may wait for one subscriber: as many as the last key frames of all maps of a run
 * with eight layers. A map of 256 x 256 is half a MiB, so a stuck one holds some 70 MiB at most. */
#define SEND_HWM 128
#define MAX_TOPIC 128

struct publisher {
    void *socket;
    struct zmq_poll poll;
    char endpoint[256];
    json_t *sequences;     /* topic: seq of its next message */
    json_t *subscriptions; /* prefix: how many */
    uint64_t generation;
};

/* With ZMQ_XPUB_VERBOSER every subscription and its end arrives: a byte 1 or 0, then the prefix. */
static void on_subscription(void *data)
{
    struct publisher *const publisher = data;
    char message[MAX_TOPIC + 1];
    const int size = zmq_recv(publisher->socket, message, sizeof message - 1, ZMQ_DONTWAIT);
    if (size < 1 || size > MAX_TOPIC)
        return;
    message[size] = '\0';
    const char *const prefix = message + 1;
    json_t *const count = json_object_get(publisher->subscriptions, prefix);
    const json_int_t now = json_integer_value(count) + (message[0] == 1 ? 1 : -1);
    if (now <= 0)
        json_object_del(publisher->subscriptions, prefix);
    else
        json_object_set_new(publisher->subscriptions, prefix, json_integer(now));
    if (message[0] == 1)
        publisher->generation++;
}

static int bind_socket(struct publisher *publisher, const char *endpoint,
                       const struct key_ring *ring, struct error *error)
{
    const int hwm = SEND_HWM, linger = 0, verboser = 1;
    zmq_setsockopt(publisher->socket, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt(publisher->socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(publisher->socket, ZMQ_XPUB_VERBOSER, &verboser, sizeof verboser);
    key_ring_protect(ring, publisher->socket);
    if (zmq_bind(publisher->socket, endpoint) != 0)
        return bind_error_set(error, "results.endpoint", endpoint, errno);
    size_t size = sizeof publisher->endpoint;
    zmq_getsockopt(publisher->socket, ZMQ_LAST_ENDPOINT, publisher->endpoint, &size);
    if (zmq_bind(publisher->socket, PUBLISHER_INPROC) != 0)
        return error_set(error, -errno, PUBLISHER_INPROC ": %s", zmq_strerror(errno));
    return 0;
}

int publisher_create(struct publisher **out, uv_loop_t *loop, void *zmq_context,
                     const char *endpoint, const struct key_ring *ring, struct error *error)
{
    struct publisher *publisher = calloc(1, sizeof *publisher);
    if (!publisher)
        return error_set(error, -ENOMEM, "no memory");
    int r = -ENOMEM;
    publisher->sequences = json_object();
    publisher->subscriptions = json_object();
    publisher->socket = zmq_socket(zmq_context, ZMQ_XPUB);
    if (!publisher->socket || !publisher->sequences || !publisher->subscriptions) {
        error_set(error, r, "cannot make the results socket");
        goto fail;
    }
    r = bind_socket(publisher, endpoint, ring, error);
    if (r < 0)
        goto fail;
    r = zmq_poll_init(&publisher->poll, loop, publisher->socket, on_subscription, publisher);
    if (r < 0) {
        error_set(error, r, "cannot watch the results socket");
        goto fail;
    }
    *out = publisher;
    return 0;

fail:
    if (publisher->socket)
        zmq_close(publisher->socket);
    json_decref(publisher->sequences);
    json_decref(publisher->subscriptions);
    free(publisher);
    return r;
}

static void on_poll_closed(void *data)
{
    struct publisher *const publisher = data;
    zmq_close(publisher->socket);
    json_decref(publisher->sequences);
    json_decref(publisher->subscriptions);
    free(publisher);
}

void publisher_destroy(struct publisher *publisher)
{
    if (publisher)
        zmq_poll_close(&publisher->poll, on_poll_closed);
}

const char *publisher_endpoint(const struct publisher *publisher)
{
    return publisher->endpoint;
}

json_t *publisher_counts(const struct publisher *publisher)
{
    return json_deep_copy(publisher->sequences);
}

bool publisher_wanted(const struct publisher *publisher, const char *topic)
{
    const char *prefix;
    json_t *count;
    json_object_foreach(publisher->subscriptions, prefix, count)
    {
        if (strncmp(topic, prefix, strlen(prefix)) == 0)
            return true;
    }
    return false;
}

uint64_t publisher_generation(const struct publisher *publisher)
{
    return publisher->generation;
}

static json_int_t next_sequence(struct publisher *publisher, const char *topic)
{
    const json_int_t sequence = json_integer_value(json_object_get(publisher->sequences, topic));
    json_object_set_new(publisher->sequences, topic, json_integer(sequence + 1));
    return sequence;
}

static char *header_text(struct publisher *publisher, const char *topic, const char *kind,
                         json_t *header)
{
    message_header_complete(header, kind, next_sequence(publisher, topic));
    return json_dumps(header, JSON_COMPACT | JSON_REAL_PRECISION(9));
}

void publisher_send(struct publisher *publisher, const char *topic, const char *kind,
                    json_t *header, const struct publisher_part *parts, unsigned n_parts)
{
    char *const text = header ? header_text(publisher, topic, kind, header) : NULL;
    json_decref(header);
    if (!text) {
        log_error("publish", "a message on %s could not be made: no memory", topic);
        return;
    }
    zmq_send(publisher->socket, topic, strlen(topic), ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send(publisher->socket, text, strlen(text), (n_parts > 0 ? ZMQ_SNDMORE : 0) | ZMQ_DONTWAIT);
    for (unsigned i = 0; i < n_parts; i++)
        zmq_send(publisher->socket, parts[i].bytes, parts[i].size,
                 (i + 1 < n_parts ? ZMQ_SNDMORE : 0) | ZMQ_DONTWAIT);
    free(text);
}
