#pragma once

#include <stdint.h>

#include "processing/run/stored_chunks.h"

/* Reads chunks of a run's file back, for frames that are to be looked at again. Belongs to one
 * thread. */
struct chunk_reader {
    struct run *run; /* holds a reference */
    int file;
    uint8_t *compressed, *images; /* images: [chunk_frames][height][width] */
    size_t compressed_size;
};

/* -ENOENT with a sentence: the run is not recorded. */
int chunk_reader_init(struct chunk_reader *reader, struct run *run, struct error *error);
/* Also of a zeroed one. */
void chunk_reader_finish(struct chunk_reader *reader);

/* Reads a chunk into reader->images. -ENOENT: it is not in the file (yet); -EIO with a sentence:
 * what is there cannot be read. */
int chunk_reader_read(struct chunk_reader *reader, unsigned layer, uint64_t number,
                      struct error *error);
