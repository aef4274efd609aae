#include "daemon/zmq_message.h"

#include <stdbool.h>

unsigned zmq_message_receive(void *socket, zmq_msg_t *frames, unsigned room)
{
    unsigned n = 0;
    bool more = true;
    while (more) {
        zmq_msg_t spare;
        zmq_msg_t *const frame = n < room ? &frames[n] : &spare;
        zmq_msg_init(frame);
        if (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(frame);
            break;
        }
        more = zmq_msg_more(frame);
        if (frame == &spare)
            zmq_msg_close(frame);
        n++;
    }
    return n;
}

void zmq_message_close(zmq_msg_t *frames, unsigned n, unsigned room)
{
    for (unsigned i = 0; i < n && i < room; i++)
        zmq_msg_close(&frames[i]);
}
