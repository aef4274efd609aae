#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "daemon/record/file_read.h"
#include "processing/scan/scan_geometry.h"

/*
 * A dataset of frames, [frame, y, x], [scan_y, scan_x, y, x] or [repeat, scan_y, scan_x, y, x],
 * read or written by place. Pixels stay in the byte order of the file.
 *
 * chunk_frames is the k of chunks (1, k, y, x); 0: the dataset (which somebody else wrote) is not
 * chunked like that, and frames are read one by one.
 */
struct image_store {
    hid_t id, type;
    unsigned rank;
    hsize_t extent[5];
    uint64_t passes, ny, nx; /* a stack is one line */
    uint32_t chunk_frames;
    size_t frame_size, pixel_size;
    bool blosc;    /* Blosc is the one filter: chunks are compressed here and not by HDF5 */
    bool filtered; /* there is any filter */
    int level, shuffle, type_size;
    const char *codec;
    const struct image_store *like; /* of one that was made: whose compression it has */
};

/* Takes over the handle, also when it fails. -EBADMSG with a sentence: not a dataset of frames. */
int image_store_open(struct image_store *store, hid_t dataset, const char *name,
                     struct error *error);

/*
 * Makes `group`/data with the pixels and the compression of `like`, for the places of a geometry
 * (`length` of them when it has no shape). -1: HDF5 failed.
 */
int image_store_create(struct image_store *store, hid_t group, const struct image_store *like,
                       const struct scan_geometry *geometry, uint64_t length,
                       uint32_t chunk_frames);

/* Closes; a store that was never opened does no harm when its id is -1. */
void image_store_finish(struct image_store *store);

/* A stack grows. */
int image_store_extend(struct image_store *store, uint64_t length);

uint64_t image_store_places(const struct image_store *store);

/* The chunk that a place belongs to: its first place, and how many places it has that can be seen.
 * Of a store without chunks: the frame. */
uint64_t image_store_chunk(const struct image_store *store, uint64_t place, uint32_t *n);

/* Whether chunks of one may be put into the other as they are in the file. */
bool image_store_same_chunks(const struct image_store *made, const struct image_store *from);

/* Bytes that the chunk which begins at a place takes in the file; 0: never written. */
int image_store_chunk_bytes(const struct image_store *store, uint64_t first, hsize_t *bytes);

/* A chunk as it is in the file, *bytes of it; 0: it was never written. */
int image_store_read_raw(const struct image_store *store, uint64_t first,
                         struct file_buffer *buffer, hsize_t *bytes, uint32_t *mask);
int image_store_write_raw(const struct image_store *store, uint64_t first, const void *buffer,
                          size_t bytes, uint32_t mask);

/* n frames of one chunk, from its first place on. */
int image_store_read(const struct image_store *store, uint64_t first, uint32_t n, void *pixels);

/*
 * Compresses and writes a whole chunk (chunk_frames frames, those beyond the edge included).
 * `scratch` has room for image_store_scratch bytes. -1: HDF5 or Blosc failed.
 */
int image_store_write(const struct image_store *store, uint64_t first, const void *pixels,
                      void *scratch);
size_t image_store_scratch(const struct image_store *store);
