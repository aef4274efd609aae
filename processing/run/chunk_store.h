#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/*
 * Where the chunks of a run come from that this process did not record: somebody else's file. A run
 * of its own has them by their places (stored_chunks.h) and needs none of this.
 */
struct chunk_buffer {
    uint8_t *bytes; /* for free() */
    size_t capacity;
};

struct chunk_store {
    void *data;
    /* Reads the chunk of a layer that begins at a place as it is in the file, *size bytes of a
     * Blosc buffer, into a buffer that grows with need. -ENOENT: it is not in the file; -EIO,
     * -ENOMEM with a sentence. Any thread. NULL: there is no store. */
    int (*read)(void *data, unsigned layer, int64_t first_place, struct chunk_buffer *buffer,
                size_t *size, struct error *error);
    /* When the run is freed. */
    void (*destroy)(void *data);
};
