#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detector/sim/mq1_header.h"

/*
 * Where frames come from: a file, or patterns that are made. A source is complete when it is
 * created and does not change afterwards, so the sender thread reads it without a lock.
 */

/* A frame as it would be sent: a header, and pixels somewhere in memory that stay as they are. */
struct source_frame {
    const uint8_t *header;
    size_t header_size; /* data offset */
    const struct mq1_layout *layout;
    const uint8_t *pixels;
    size_t pixels_size;
};

struct frame_source {
    uint64_t count;       /* distinct frames; frame i of an acquisition is frame i % count */
    uint64_t available;   /* frames before the source runs dry; UINT64_MAX: never */
    uint64_t period_ns;   /* nominal, start to start */
    uint64_t exposure_ns; /* nominal */
    uint32_t counter_depth;
    uint32_t image_width, image_height; /* of the assembled image: IMAGEX, IMAGEY */
    bool raw;                           /* R64 and not processed pixels */
    bool own_numbers; /* headers carry numbers and times of their own that are worth keeping on a
                         first pass */
    size_t header_size_max;
    size_t message_size_max; /* prefix, header and pixels */
    char *hdr; /* text of the acquisition header up to and with "End", NUL terminated */

    void (*frame)(const struct frame_source *source, uint64_t index, struct source_frame *frame);
    void (*destroy)(struct frame_source *source);
};

static inline void frame_source_destroy(struct frame_source *source)
{
    if (source)
        source->destroy(source);
}
