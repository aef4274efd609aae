#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "processing/message_batch.h"
#include "processing/run/run.h"

/*
 * Where workers put compressed chunks and where runs announce their life: the seam between
 * processing and the recorder.
 *
 * acquire and submit are called by workers, begin by the ingest thread, finish by whoever took
 * run->pending to 0. acquire may block its worker until a buffer is free (the ring takes up the
 * slack); nothing else may block.
 */
struct compressed_chunk {
    struct run *run;
    bool extra; /* frames without a place in the scan: one frame per chunk, for /entry/extra */
    bool again; /* the same chunk was handed over before, with fewer frames */
    unsigned layer;
    int64_t first_place;  /* placed chunks: scan_geometry.h */
    uint64_t frame_index; /* extra chunks: of the frame */
    uint8_t flags;        /* extra chunks: why, enum frame_flag */
    int64_t position;     /* extra chunks: of the frame, or a code of scan_geometry.h */
    uint32_t n_frames;    /* frames in it that were not in an earlier version of it */
    size_t raw_size;      /* bytes of pixels before compression */
    size_t size;          /* bytes used */
    size_t capacity;
    uint8_t *bytes;                /* a Blosc buffer of the whole HDF5 chunk */
    struct message_batch messages; /* those that its images came in, and maybe of other layers */
};

struct chunk_sink {
    void *data;
    /* The run's first frame is about to be worked on. Takes a reference until `finish`, which keeps
     * the run alive while chunks of it are under way. */
    void (*begin)(void *data, struct run *run);
    /* false: this run is not being recorded (off or failed): do not compress, count as unrecorded.
     */
    bool (*wants)(void *data, const struct run *run);
    /* A buffer of at least `capacity` bytes; NULL: no memory. */
    struct compressed_chunk *(*acquire)(void *data, size_t capacity);
    void (*submit)(void *data, struct compressed_chunk *chunk);
    /* Every chunk of the run was submitted. */
    void (*finish)(void *data, struct run *run);
};
