#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "processing/run/stored_chunks.h"

/* Reads chunks of a run's file back, for frames that are to be looked at again. Belongs to one
 * thread. */
struct chunk_reader {
    struct run *run; /* holds a reference */
    int file;        /* -1: it was not made yet when last looked for, or a store has the chunks */
    struct chunk_buffer compressed;
    uint8_t *images; /* [chunk_frames][height][width] */
    uint8_t *there;  /* [chunk_frames]: not 0 where `images` has what was received */
};

/* -ENOENT with a sentence: the run is not recorded. One whose file is only being made is. */
int chunk_reader_init(struct chunk_reader *reader, struct run *run, struct error *error);
/* Also of a zeroed one. */
void chunk_reader_finish(struct chunk_reader *reader);

/*
 * Reads a chunk into reader->images, and says in reader->there which frames that are: those that
 * had come by then. -ENOENT: it is not in the file (yet), or only without some of them, since a
 * chunk that fills slowly is written as it is, and again when there is more; -EIO with a sentence:
 * what is there cannot be read.
 */
int chunk_reader_read(struct chunk_reader *reader, unsigned layer, uint64_t number,
                      struct error *error);

/* Reads the image of a late frame into the first of reader->images. -ENOENT: it is not in the file
 * (yet); -EIO with a sentence. */
int chunk_reader_read_late(struct chunk_reader *reader, unsigned layer, uint64_t exposure,
                           struct error *error);

/* What is known of an exposure's frame in a layer when its image is in a chunk, or on its way
 * there; NULL: it did not come (so far), or late, and is in /entry/extra. */
const struct frame_facts *chunk_frame(const struct run *run, unsigned layer, uint64_t exposure);

/* The same of a frame that was analysed. */
const struct frame_facts *chunk_frame_analysed(const struct run *run, unsigned layer,
                                               uint64_t exposure);

/* Whether it was, and came late. */
bool late_frame_analysed(const struct run *run, unsigned layer, uint64_t exposure);
