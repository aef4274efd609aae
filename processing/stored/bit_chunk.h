#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Blosc buffers of 1-bit images, made of their bit planes (detector/bit_plane.h) without the
 * images: of a bitshuffled image of bytes plane 0 is what the detector sent, and planes 1 to 7 are
 * zeros. Every Blosc reader unpacks plain images of one byte a pixel. Each image is a Blosc block
 * of its own, so that a reader needs no more memory for a large chunk than for a small one.
 */

/* Whether planes of this size can be packed: those of an image of 256 pixels or more. */
bool bit_chunk_takes(size_t plane_size);

/*
 * planes[n][plane_size] as a buffer of n * 8 * plane_size bytes of images. `acceleration`: of LZ4,
 * from 1. Returns the bytes used, 0 when `capacity` is too small; n * 8 * plane_size + 16 are
 * always enough.
 */
size_t bit_chunk_pack(const uint8_t *planes, size_t n, size_t plane_size, int acceleration,
                      uint8_t *bytes, size_t capacity);
