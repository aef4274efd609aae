#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * Messages on their way into the data socket: written together, with one system call, and finished
 * byte by byte when the socket takes only a part. The bytes belong to the caller and must stay as
 * they are until the outbox is empty. Owned by the sender thread.
 */
#define OUTBOX_MESSAGES 32

struct outbox {
    struct iovec pieces[2 * OUTBOX_MESSAGES];
    size_t ends[OUTBOX_MESSAGES];       /* of each message, bytes from the start of the outbox */
    uint8_t exposures[OUTBOX_MESSAGES]; /* that are over with each message: 0 or 1 */
    size_t count;                       /* messages */
    size_t piece;                       /* the first one that is not fully written */
    size_t written;                     /* bytes */
    size_t completed;                   /* messages fully written */
};

void outbox_clear(struct outbox *outbox);

/* Adds a message of two pieces (the second may be empty). The caller adds at most OUTBOX_MESSAGES.
 */
void outbox_add(struct outbox *outbox, void *head, size_t head_size, const void *body,
                size_t body_size, bool ends_exposure);

/* Exposures that are over with messages first to last - 1. */
static inline uint64_t outbox_exposures(const struct outbox *outbox, size_t first, size_t last)
{
    uint64_t sum = 0;
    for (size_t i = first; i < last; i++)
        sum += outbox->exposures[i];
    return sum;
}

static inline bool outbox_empty(const struct outbox *outbox)
{
    return outbox->completed == outbox->count;
}

/*
 * Writes as much as the socket takes now. Returns 0 when everything is written, -EAGAIN when the
 * socket is full, else the negative errno of the broken link.
 */
int outbox_send(struct outbox *outbox, int socket);

/* Forgets the messages of which no byte has been written; the one that is half written stays, so
 * the stream stays whole. */
void outbox_cut(struct outbox *outbox);
