#include "daemon/web/bridge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/log.h"
#include "daemon/zmq_message.h"

/* Of messages that wait while the web thread is busy; as many again wait at the publisher. */
#define RECEIVE_HWM 256

/* ---- subscriptions ---- */

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Whether another one makes number i superfluous; of equal ones the first stays. */
static bool is_covered(const char *const *prefixes, size_t n, size_t i)
{
    for (size_t j = 0; j < n; j++) {
        if (j != i && begins_with(prefixes[i], prefixes[j]) &&
            (strcmp(prefixes[i], prefixes[j]) != 0 || j < i))
            return true;
    }
    return false;
}

static bool is_among(char (*prefixes)[BRIDGE_TOPIC_SIZE], size_t n, const char *prefix)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(prefixes[i], prefix) == 0)
            return true;
    }
    return false;
}

void bridge_subscribe(struct bridge *bridge, const char *const *prefixes, size_t n)
{
    char(*const next)[BRIDGE_TOPIC_SIZE] = calloc(n + 1, sizeof *next);
    char(*const before)[BRIDGE_TOPIC_SIZE] = bridge->prefixes;
    const size_t n_before = bridge->n_prefixes;
    size_t n_next = 0;
    if (!next) {
        log_error("web", "no memory for subscriptions: those before stay");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (strlen(prefixes[i]) >= BRIDGE_TOPIC_SIZE || is_covered(prefixes, n, i))
            continue;
        strcpy(next[n_next++], prefixes[i]);
        if (!is_among(before, n_before, prefixes[i]))
            zmq_setsockopt(bridge->socket, ZMQ_SUBSCRIBE, prefixes[i], strlen(prefixes[i]));
    }
    for (size_t i = 0; i < n_before; i++) {
        if (!is_among(next, n_next, before[i]))
            zmq_setsockopt(bridge->socket, ZMQ_UNSUBSCRIBE, before[i], strlen(before[i]));
    }
    free(before);
    bridge->prefixes = next;
    bridge->n_prefixes = n_next;
}

/* ---- messages ---- */

static void hand_over(struct bridge *bridge, zmq_msg_t *frames, unsigned n)
{
    struct message_part parts[2 + BRIDGE_MAX_PARTS];
    char topic[BRIDGE_TOPIC_SIZE];
    for (unsigned i = 0; i < n; i++)
        parts[i] = (struct message_part){zmq_msg_data(&frames[i]), zmq_msg_size(&frames[i])};
    if (n < 2 || parts[0].size >= sizeof topic) {
        log_error("web", "a published message of %u parts has no form that is known", n);
        return;
    }
    memcpy(topic, parts[0].bytes, parts[0].size);
    topic[parts[0].size] = '\0';
    bridge->published(bridge->data, topic, &parts[1], parts + 2, n - 2);
}

static void on_readable(void *data)
{
    struct bridge *const bridge = data;
    zmq_msg_t frames[2 + BRIDGE_MAX_PARTS];
    const unsigned room = sizeof frames / sizeof frames[0];
    const unsigned n = zmq_message_receive(bridge->socket, frames, room);
    if (n > room)
        log_error("web", "a published message of %u parts is too long to pass on", n);
    else if (n > 0)
        hand_over(bridge, frames, n);
    zmq_message_close(frames, n, room);
}

/* ---- life ---- */

static void bridge_finish(struct bridge *bridge)
{
    if (bridge->socket)
        zmq_close(bridge->socket);
    bridge->socket = NULL;
    free(bridge->prefixes);
    bridge->prefixes = NULL;
    bridge->n_prefixes = 0;
}

int bridge_open(struct bridge *bridge, void *zmq_context, const char *endpoint, struct error *error)
{
    const int hwm = RECEIVE_HWM, linger = 0;
    bridge->context = zmq_context;
    bridge->socket = zmq_socket(zmq_context, ZMQ_SUB);
    if (!bridge->socket)
        return error_set(error, -ENOMEM, "cannot make the page's subscriber");
    zmq_setsockopt(bridge->socket, ZMQ_RCVHWM, &hwm, sizeof hwm);
    zmq_setsockopt(bridge->socket, ZMQ_LINGER, &linger, sizeof linger);
    if (zmq_connect(bridge->socket, endpoint) != 0) {
        const int r =
            error_set(error, -errno, "cannot reach %s: %s", endpoint, zmq_strerror(errno));
        bridge_finish(bridge);
        return r;
    }
    return 0;
}

int bridge_start(struct bridge *bridge, uv_loop_t *loop)
{
    const int r = zmq_poll_init(&bridge->poll, loop, bridge->socket, on_readable, bridge);
    if (r < 0)
        bridge->poll.data = NULL;
    return r;
}

static void on_closed(void *data)
{
    struct bridge *const bridge = data;
    bridge_finish(bridge);
    if (bridge->stopped)
        bridge->stopped(bridge->data);
}

void bridge_stop(struct bridge *bridge, void (*stopped)(void *data))
{
    bridge->stopped = stopped;
    if (bridge->poll.data)
        zmq_poll_close(&bridge->poll, on_closed);
    else
        on_closed(bridge);
}
