#pragma once

#include <stdint.h>

#include "detector/pixel_format.h"

/*
 * A frame as products see it: its pixels in whatever form is cheapest, each form made when the
 * first product asks for it and then shared by all. Every form tells the same counts: a product may
 * use any of them and must come to the same result to the last bit.
 *
 * A frame belongs to one thread, for as long as its products are computed. One of an image alone,
 * for tests and for images from a file: (struct frame){.image = image}.
 */
struct frame {
    const void *image; /* decoded [height][width]; NULL until somebody asked: use frame_image */

    /* Where the image comes from; all of these may be missing when it is there. */
    const struct pixel_format *format;
    const uint8_t *payload; /* as the detector sent it */
    frame_decode_fn decode;
    void *room; /* for the image */
};

/* The decoded image. */
static inline const void *frame_image(struct frame *frame)
{
    if (!frame->image) {
        frame->decode(frame->room, frame->payload, frame->format);
        frame->image = frame->room;
    }
    return frame->image;
}
