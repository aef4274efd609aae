#include "daemon/stream/stream_sender.h"

#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/counter.h"
#include "common/log.h"
#include "daemon/message_header.h"
#include "daemon/stream/stream_header.h"

/* Chunks; and images, of which a chunk has some. */
#define CHUNKS_PER_PULLER 2
#define IMAGES_PER_PULLER 32

static bool is_stream2(const struct stream_sender *sender)
{
    return sender->format == FRAMES_STREAM2 || sender->format == FRAMES_STREAM2_BSLZ4;
}

void stream_sender_init(struct stream_sender *sender, void *socket, enum frames_format format)
{
    *sender = (struct stream_sender){.socket = socket, .format = format};
}

void stream_sender_finish(struct stream_sender *sender)
{
    stream2_room_finish(&sender->room);
}

int stream_sender_hwm(enum frames_format format)
{
    return format == FRAMES_DECODED || format == FRAMES_COMPRESSED ? CHUNKS_PER_PULLER
                                                                   : IMAGES_PER_PULLER;
}

static void count(struct stream_sender *sender, struct run *run, size_t frames, size_t bytes)
{
    counter_add(&sender->messages, 1);
    counter_add(&sender->bytes, bytes);
    counter_add(&sender->frames, frames);
    counter_add(&run->counts.streamed, frames);
}

/* ---- JSON and raw pixels ---- */

static char *header_text(const struct stream_sender *sender, const struct stream_item *item)
{
    json_t *const header = stream_header_json(item, sender->format == FRAMES_COMPRESSED);
    if (!header)
        return NULL;
    message_header_complete(header, "frames", sender->seq);
    char *const text = json_dumps(header, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(header);
    return text;
}

/* false: no room now. */
static bool send_header(struct stream_sender *sender, const struct stream_item *item)
{
    char *const text = header_text(sender, item);
    if (!text) {
        log_error("stream", "a message could not be made: no memory");
        return false;
    }
    const size_t length = strlen(text);
    const int more = item->kind == STREAM_FRAMES ? ZMQ_SNDMORE : 0;
    const bool sent = zmq_send(sender->socket, text, length, more | ZMQ_DONTWAIT) >= 0;
    free(text);
    sender->seq += sent;
    return sent;
}

/* ZeroMQ's, from a thread of its own: nobody needs the bytes any more. */
static void on_bytes_sent(void *bytes, void *item)
{
    (void)bytes;
    stream_item_release(item);
}

/* The bytes go as they are, without a copy, and the item comes back by itself. */
static bool send_chunk(struct stream_sender *sender, struct stream_item *item)
{
    struct run *const run = run_ref(item->frames.run);
    const size_t n = item->frames.n, size = item->frames.size;
    zmq_msg_t message;
    const bool sent = send_header(sender, item);
    if (sent) {
        count(sender, run, n, size);
        stream_item_hand_over(item);
        zmq_msg_init_data(&message, item->frames.bytes, size, on_bytes_sent, item);
        /* A message that has begun finds room. */
        if (zmq_msg_send(&message, sender->socket, ZMQ_DONTWAIT) < 0)
            zmq_msg_close(&message);
    }
    run_unref(run);
    return sent;
}

static bool send_announcement(struct stream_sender *sender, struct stream_item *item,
                              unsigned pullers)
{
    if (!send_header(sender, item))
        return false;
    count(sender, item->frames.run, 0, 0);
    if (++item->next < pullers)
        return false;
    stream_item_release(item);
    return true;
}

/* ---- stream2 ---- */

static bool send_message(struct stream_sender *sender, zmq_msg_t *message)
{
    if (zmq_msg_send(message, sender->socket, ZMQ_DONTWAIT) >= 0)
        return true;
    zmq_msg_close(message);
    return false;
}

static bool send_stream2(struct stream_sender *sender, struct stream_item *item)
{
    const bool announces = item->kind != STREAM_FRAMES;
    size_t n = 0;
    zmq_msg_t message;
    const int r = announces ? stream2_announcement(item, &message)
                            : stream2_image(&sender->room, item,
                                            sender->format == FRAMES_STREAM2_BSLZ4, &n, &message);
    if (r < 0) {
        log_error("stream", "a message could not be made: no memory");
        return false;
    }
    const size_t size = zmq_msg_size(&message);
    if (!send_message(sender, &message))
        return false;
    count(sender, item->frames.run, n, size);
    item->next += n;
    if (!announces && item->next < item->frames.n)
        return false;
    stream_item_release(item);
    return true;
}

bool stream_sender_send(struct stream_sender *sender, struct stream_item *item, unsigned pullers)
{
    if (is_stream2(sender))
        return send_stream2(sender, item);
    return item->kind == STREAM_FRAMES ? send_chunk(sender, item)
                                       : send_announcement(sender, item, pullers);
}
