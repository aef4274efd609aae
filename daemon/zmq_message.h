#pragma once

#include <zmq.h>

/*
 * Takes one message of a socket, if there is one: its first `room` frames into `frames`. Those
 * beyond are dropped, but count, so that no part of a message is ever taken for the next one.
 * Returns how many frames it has, 0: there is none.
 */
unsigned zmq_message_receive(void *socket, zmq_msg_t *frames, unsigned room);

/* Closes what a message of n frames has left in `frames`. */
void zmq_message_close(zmq_msg_t *frames, unsigned n, unsigned room);
