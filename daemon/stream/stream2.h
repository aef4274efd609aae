#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "daemon/stream/frame_pool.h"

/*
 * The messages of the frame stream in the form of DECTRIS' stream V2, so that what reads that
 * stream reads this one: one part each, a CBOR map (RFC 8949) whose first key is "type", with
 * arrays as RFC 8746 has them (tag 40 around a typed array) and packed ones under tag 56500. Source
 * of the definition: DECTRIS' published documentation of stream V2. What there is no value for is
 * left out; schemas/protocol.md lists what is there.
 */

/* Room to pack images in, grown as needed. */
struct stream2_room {
    uint8_t *packed;
    size_t size; /* of an image */
};
void stream2_room_finish(struct stream2_room *room);

/* The start or end of a run. The message is the caller's. -ENOMEM. */
int stream2_announcement(const struct stream_item *item, zmq_msg_t *message);

/*
 * The exposure of the item's next frame, with all its layers that are there. *n: how many frames
 * that is. -ENOMEM.
 */
int stream2_image(struct stream2_room *room, const struct stream_item *item, bool pack, size_t *n,
                  zmq_msg_t *message);
