#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Images packed as the HDF5 filter of bitshuffle does it with LZ4, which other detectors stream:
 * the size of the image in 8 bytes and that of a block in 4, then every block as its packed size in
 * 4 bytes and an LZ4 stream of its bits, shuffled: first the lowest bits of all its pixels, then
 * the next ones. Numbers are big-endian.
 */

/* Bytes that the buffer for an image of `size` bytes may take. */
size_t bslz4_bound(size_t size);

/*
 * Packs `size` bytes of pixels of pixel_size bytes each into `bytes`, which has bslz4_bound(size).
 * Returns the bytes used; 0: they cannot be packed like that, for the number of pixels is not a
 * multiple of 8.
 */
size_t bslz4_pack(const uint8_t *image, size_t size, uint32_t pixel_size, uint8_t *bytes);
