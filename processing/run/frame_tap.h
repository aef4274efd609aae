#pragma once

#include <stddef.h>
#include <stdint.h>

#include "processing/run/run.h"

/*
 * Where workers put the frames of a chunk for somebody who wants every one of them: the seam
 * between processing and the daemon's frame stream, beside the chunk sink. Each frame is given
 * once, those of a chunk together, when the chunk is complete or has waited long; frames whose
 * number came before (duplicates) are left out.
 *
 * Who owns what: tapped_frames belong to the worker from acquire to submit and to the stream
 * afterwards. acquire and submit are called by workers and never block: without a free one the
 * frames are counted as not streamed, and are gone.
 */
enum frame_tap_form {
    FRAME_TAP_IMAGES, /* decoded */
    FRAME_TAP_PACKED, /* as the file has them, a chunk of a layer each (chunk_codec.h) */
};

struct tapped_frame {
    uint64_t frame_index; /* of the exposure: unwrapped number - 1 */
    uint64_t number;      /* as sent */
    int64_t position;     /* of storage: scan_geometry.h, or a code */
    uint32_t image;       /* which of `bytes` */
    uint8_t layer;
    uint8_t flags; /* enum frame_flag, known at arrival */
};

struct tapped_frames {
    struct run *run; /* with a reference from acquire on */
    size_t n, capacity;
    struct tapped_frame *frames; /* along the line, layers of an exposure beside each other */
    uint32_t n_images;           /* [n_images][height][width]; packed ones without a frame are 0 */
    size_t size, room;           /* bytes used, and there are */
    uint8_t *bytes;
};

struct frame_tap {
    void *data;
    enum frame_tap_form form;
    /* Room for n frames and so many bytes; NULL: there is none. */
    struct tapped_frames *(*acquire)(void *data, struct run *run, size_t n_frames, size_t size);
    void (*submit)(void *data, struct tapped_frames *frames);
};
