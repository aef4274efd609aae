#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "common/error.h"

/*
 * The client of Merlin's data socket: connects, reconnects, and reads into memory that its sink
 * lends it. Lives on one uv loop and is used from its thread only. It knows nothing of messages.
 *
 * Reads are few and large: under load SO_RCVLOWAT makes the kernel wake us at 512 KiB, and after 2
 * ms of quiet it goes back to 1 byte so that a lone frame is never held back.
 */
struct data_client;

/* The callbacks come on the loop's thread and may call any function of the client,
 * data_client_destroy among them. */
struct data_sink {
    void *data;
    /* Lends room for the next bytes. Returns false when there is none now: reading pauses until
     * data_client_resume. */
    bool (*reserve)(void *data, uint8_t **bytes, size_t *size);
    /* `size` bytes were read to where reserve pointed. */
    void (*received)(void *data, size_t size);
    /* No byte has come for a while (2 ms, then about every 50 ms). */
    void (*quiet)(void *data, uint64_t quiet_ns);
    /* The link came up or went down; `error` (NULL when up) says why it is down, also when a try to
     * connect failed, once per reason. */
    void (*link)(void *data, bool connected, const struct error *error);
};

int data_client_create(struct data_client **client, uv_loop_t *loop, const char *host,
                       uint16_t port, const struct data_sink *sink);

/* Handles close on the next turns of the loop. NULL does nothing. */
void data_client_destroy(struct data_client *client);

/* There is room again after reserve returned false. */
void data_client_resume(struct data_client *client);
