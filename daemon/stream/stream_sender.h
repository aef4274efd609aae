#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/config/config.h"
#include "daemon/stream/frame_pool.h"
#include "daemon/stream/stream2.h"

/*
 * Makes the messages of the frame stream and gives them to the socket, in the format that is
 * configured. Belongs to the thread that uses the socket, but for the figures, which any thread may
 * read.
 */
struct stream_sender {
    void *socket;
    enum frames_format format;
    int64_t seq;
    struct stream2_room room;
    _Atomic uint64_t frames, messages, bytes; /* given to pullers */
};

void stream_sender_init(struct stream_sender *sender, void *socket, enum frames_format format);
/* Also of zeros. */
void stream_sender_finish(struct stream_sender *sender);

/* How many messages may wait for a puller that is slower than the others: the rest waits for
 * whoever comes first. */
int stream_sender_hwm(enum frames_format format);

/*
 * Sends the next message of an item, when the socket has room: never waits. Returns whether that
 * was all of it; then the item is not the caller's any more. Of announcements every puller gets one
 * message, in stream2 formats one of them does.
 */
bool stream_sender_send(struct stream_sender *sender, struct stream_item *item, unsigned pullers);
