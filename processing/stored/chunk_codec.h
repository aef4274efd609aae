#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "processing/run/run.h"

/* Of RECORDING_CODEC_AUTO, the closest first: zstd 1, lz4 1, none. */
#define CHUNK_CODEC_STEPS 3
const char *chunk_codec_step_name(unsigned step);

/* Codec and level that a run is packed with now. */
struct chunk_packing {
    enum recording_codec codec;
    int level;
};
struct chunk_packing chunk_codec_packing(const struct run *run);

/* Blosc buffers of the images of a chunk, as they stand in the file. Any thread. */

/*
 * What is packed of each frame: its image, or, of 1-bit frames under LZ4 and bitshuffle, its bit
 * plane, which is an eighth of it (bit_chunk.h). The same for a whole run; what is unpacked are
 * images, always.
 */
bool chunk_codec_takes_planes(const struct run *run);
size_t chunk_codec_frame_size(const struct run *run);

/* Bytes that a buffer of n frames may take. */
size_t chunk_codec_bound(const struct run *run, size_t n);

/* Packs frames[n][chunk_codec_frame_size] as the run's settings say. The bytes used; -EIO: they
 * were refused. */
ptrdiff_t chunk_codec_pack(const struct run *run, const uint8_t *frames, size_t n, uint8_t *bytes,
                           size_t capacity);

/* Unpacks a buffer that has to hold `size` bytes of images. Its bytes are not trusted. 0 or -EIO.
 */
int chunk_codec_unpack(uint8_t *images, size_t size, const uint8_t *bytes, size_t n_bytes);
