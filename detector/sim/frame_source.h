#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "detector/sim/mq1_header.h"

/*
 * Where frames come from: a file, or patterns that are made. A source changes only in `reformat`,
 * which the command thread calls while the sender has nothing of it in hand
 * (acquisition_quiescent); so the sender thread reads it without a lock.
 */

/* What a client's settings make of the frames. */
struct source_mode {
    uint32_t counter_depth;
    bool raw, both_counters, colour;
};

/* A frame as it would be sent: a header, and pixels somewhere in memory that stay as they are. */
struct source_frame {
    const uint8_t *header;
    size_t header_size; /* data offset */
    const struct mq1_layout *layout;
    const uint8_t *pixels;
    size_t pixels_size;
};

struct frame_source {
    uint64_t count;       /* distinct exposures; exposure i of an acquisition is i % count */
    unsigned layers;      /* messages of each exposure, up to 8 */
    uint64_t scan_frames; /* of a pass over the scan, those without position included; 0: none */
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

    /* Message `index`, from 0: layer index % layers of exposure index / layers. */
    void (*frame)(const struct frame_source *source, uint64_t index, struct source_frame *frame);

    /* How much longer than usual exposure `index` is, and how much later it begins because of those
     * before it; NULL: never. */
    void (*stretch)(const struct frame_source *source, uint64_t index, uint64_t exposure_ns,
                    uint64_t *longer_ns, uint64_t *later_ns);

    /* Makes the frames anew for another mode; NULL where they are what they are (a file). -EBUSY:
     * would take too long, -ENOTSUP: nobody knows what a Merlin sends then; with both nothing has
     * changed. */
    int (*reformat)(struct frame_source *source, const struct source_mode *mode,
                    struct error *error);
    void (*destroy)(struct frame_source *source);
};

static inline void frame_source_destroy(struct frame_source *source)
{
    if (source)
        source->destroy(source);
}
