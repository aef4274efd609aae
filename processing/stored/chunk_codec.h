#pragma once

#include <stddef.h>
#include <stdint.h>

#include "processing/run/run.h"

/* Blosc buffers of the images of a chunk, as they stand in the file. Any thread. */

/* Bytes that a buffer of `size` bytes of images may take. */
size_t chunk_codec_bound(size_t size);

/* Packs images as the run's settings say. The bytes used; -EIO: Blosc refused them. */
ptrdiff_t chunk_codec_pack(const struct run *run, const uint8_t *images, size_t size,
                           uint8_t *bytes, size_t capacity);

/* Unpacks a buffer that has to hold `size` bytes of images. Its bytes are not trusted. 0 or -EIO.
 */
int chunk_codec_unpack(uint8_t *images, size_t size, const uint8_t *bytes, size_t n_bytes);
