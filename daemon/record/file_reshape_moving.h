#pragma once

#include "daemon/record/file_reshape.h"

/* Frames on their way: between file_reshape_pixels.c and file_reshape_extra.c. */

/* Chunks that are kept decoded: a new line takes from at most two at a time, and a serpentine one
 * goes back over them. */
#define DECODED_CHUNKS 4

struct decoded_chunk {
    const struct image_store *store; /* NULL: nothing */
    uint64_t first, used;            /* its first place; when it was last asked for */
    bool there;                      /* it was written */
    uint8_t *pixels;
};

struct moving {
    struct reshape *reshape;
    unsigned layer;
    struct image_source *sources; /* of the chunk that is made, one for each place in it */
    uint8_t *pixels, *scratch;    /* it decoded, and compressed */
    struct file_buffer raw;       /* a chunk as it is in the original */
    struct decoded_chunk decoded[DECODED_CHUNKS];
    uint64_t clock;
    uint64_t done; /* images */
};

/* Makes the chunk of `made` that begins at `first` out of the gathered sources, `found` of which
 * are there; returns how many frames it has, -1: HDF5 failed. */
int moving_make_chunk(struct moving *moving, const struct image_store *made, uint64_t first,
                      uint32_t found);

/* Shows progress; -EINTR: somebody pressed Ctrl-C. */
int moving_go_on(struct moving *moving, uint64_t images, struct error *error);

/* Tells why HDF5 failed. */
int moving_failed(const struct moving *moving, struct error *error);

/* In file_reshape_extra.c: /entry/extra of the new file. */
int moving_extra(struct moving *moving, struct error *error);
