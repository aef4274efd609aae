#include "daemon/stream/pullers.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <zmq.h>

#include "common/log.h"

#define MONITOR "inproc://merlind-frames-events"
#define REFUSED                                                                                    \
    (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |                  \
     ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)

void pullers_init(struct pullers *pullers, void *zmq_context, void *socket)
{
    const int linger = 0;
    *pullers = (struct pullers){.socket = socket, .monitor = zmq_socket(zmq_context, ZMQ_PAIR)};
    if (pullers->monitor)
        zmq_setsockopt(pullers->monitor, ZMQ_LINGER, &linger, sizeof linger);
    if (pullers->monitor &&
        zmq_socket_monitor(socket, MONITOR,
                           ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | REFUSED) == 0 &&
        zmq_connect(pullers->monitor, MONITOR) == 0)
        return;
    log_warning("stream", "pullers of the frame stream cannot be counted: %s", zmq_strerror(errno));
    if (pullers->monitor)
        zmq_close(pullers->monitor);
    pullers->monitor = NULL;
    atomic_store_explicit(&pullers->count, 1, memory_order_relaxed);
}

void pullers_finish(struct pullers *pullers)
{
    if (!pullers->monitor)
        return;
    zmq_socket_monitor(pullers->socket, NULL, 0);
    zmq_close(pullers->monitor);
    pullers->monitor = NULL;
}

/* A connection that is refused is said to be gone as well. */
static void take_in(struct pullers *pullers, uint16_t event)
{
    pullers->let_in += event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    pullers->refused += (event & REFUSED) != 0;
    pullers->gone += event == ZMQ_EVENT_DISCONNECTED;
}

/* An event is two frames: its number in the first two bytes, then the endpoint. */
void pullers_follow(struct pullers *pullers)
{
    char frame[256];
    if (!pullers->monitor)
        return;
    while (zmq_recv(pullers->monitor, frame, sizeof frame, ZMQ_DONTWAIT) >= 2) {
        uint16_t event;
        memcpy(&event, frame, sizeof event);
        take_in(pullers, event);
        (void)zmq_recv(pullers->monitor, frame, sizeof frame, ZMQ_DONTWAIT);
    }
    const long left = pullers->gone > pullers->refused ? pullers->gone - pullers->refused : 0;
    atomic_store_explicit(&pullers->count,
                          pullers->let_in > left ? (unsigned)(pullers->let_in - left) : 0,
                          memory_order_relaxed);
}
